//===- TileNarrowAhead.cpp - rows asked for before they are read ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Few queries read each key once, from far away, and heads that take turns at a
// block of keys leave the page of a row after a few lines: the CPU fetches
// little ahead. What is read next is known, though: as each row of keys or
// values is read, the one is asked for that is read in its place when the loops
// have gone one step further. In memory that is most often the neighbour, the
// row of the next head.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileNarrowAhead.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace fovea::attn;

/// The load that a tile is, or is converted from element by element.
static TileLoadOp findLoad(TileCode &code, Value tile) {
  if (code.getPanel(tile) || code.getRegister(tile))
    return {};
  if (auto map = tile.getDefiningOp<TileMapOp>()) {
    if (map.getInputs().size() != 1 ||
        !cast<AffineMapAttr>(map.getMaps()[0]).getValue().isIdentity())
      return {};
    tile = map.getInputs()[0];
  }
  auto load = tile.getDefiningOp<TileLoadOp>();
  if (!load || code.getPanel(load) || code.getRegister(load) ||
      cast<RankedTensorType>(load.getType()).getRank() != 2 ||
      !TileCode::isContiguous(load, 1))
    return {};
  return load;
}

/// The loops that change where a load reads, innermost first, and the ops in
/// them that compute it. Nothing where that is more than arithmetic.
static std::optional<SmallVector<scf::ForOp>>
findLoops(TileLoadOp load, SetVector<Operation *> &slice) {
  SmallVector<scf::ForOp> around;
  for (Operation *op = load->getParentOp(); isa<scf::ForOp, scf::IfOp>(op);
       op = op->getParentOp())
    if (auto loop = dyn_cast<scf::ForOp>(op))
      around.push_back(loop);
  if (around.empty())
    return std::nullopt;
  Operation *outermost = around.back();
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *op) {
    return outermost->isProperAncestor(op);
  };
  SetVector<Value> used(llvm::from_range, load.getSymbols());
  for (Value symbol : load.getSymbols())
    if (Operation *op = symbol.getDefiningOp();
        op && options.filter(op) &&
        failed(getBackwardSlice(op, &slice, options)))
      return std::nullopt;
  for (Operation *op : slice) {
    if (op->getNumRegions() || !isPure(op))
      return std::nullopt;
    used.insert_range(op->getOperands());
  }
  SmallVector<scf::ForOp> loops;
  for (scf::ForOp loop : around) {
    if (used.contains(loop.getInductionVar()))
      loops.push_back(loop);
    if (llvm::any_of(loop.getRegionIterArgs(),
                     [&](Value arg) { return used.contains(arg); }))
      return std::nullopt;
  }
  // An inner loop that has ended begins anew where it did.
  for (scf::ForOp loop : loops)
    if (!loops.back().isDefinedOutsideOfLoop(loop.getLowerBound()))
      return std::nullopt;
  if (loops.empty())
    return std::nullopt;
  return loops;
}

/// The symbols of a load when the loops around it have gone one step further.
/// The outermost may have ended then.
static SmallVector<Value> buildNextSymbols(OpBuilder &builder,
                                           TileLoadOp load) {
  SetVector<Operation *> slice;
  std::optional<SmallVector<scf::ForOp>> loops = findLoops(load, slice);
  if (!loops)
    return {};
  Location loc = load.getLoc();
  IRMapping next;
  Value moves;
  for (scf::ForOp loop : *loops) {
    Value now = loop.getInductionVar();
    Value then = arith::AddIOp::create(builder, loc, now, loop.getStep());
    if (moves)
      then = arith::SelectOp::create(builder, loc, moves, then, now);
    if (loop != loops->back()) {
      moves = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                    then, loop.getUpperBound());
      then = arith::SelectOp::create(builder, loc, moves, loop.getLowerBound(),
                                     then);
    }
    next.map(now, then);
  }
  for (Operation *op : slice)
    builder.clone(*op, next);
  return llvm::map_to_vector(load.getSymbols(), [&](Value symbol) {
    return next.lookupOrDefault(symbol);
  });
}

RowsAhead::RowsAhead(OpBuilder &builder, TileCode &code, Value tile)
    : builder(&builder), code(&code) {
  TileLoadOp found = findLoad(code, tile);
  if (!found || !code.locateRows(found))
    return;
  SmallVector<Value> symbols = buildNextSymbols(builder, found);
  if (symbols.empty())
    return;
  load = found;
  rows = *code.locateRows(load, symbols);
  // As many rows as this step's, none of them beyond the last in memory.
  Location loc = load.getLoc();
  Value size = memref::DimOp::create(builder, loc, load.getSource(), rows.dim);
  Value last =
      arith::SubIOp::create(builder, loc, size, code.getExtents(load)[0]);
  last = arith::MaxSIOp::create(builder, loc, last, code.index(loc, 0));
  Value &first = rows.indices[rows.dim];
  first = arith::MinSIOp::create(builder, loc, first, last);
}

void RowsAhead::fetch(Value row, ValueRange columns, int64_t width) {
  if (!load)
    return;
  Location loc = load.getLoc();
  auto add = [&](Value a, Value b) {
    return builder->createOrFold<arith::AddIOp>(loc, a, b);
  };
  SmallVector<Value> at = rows.indices;
  at[rows.dim] = add(at[rows.dim], row);
  int64_t each = load.readsPairs() ? 2 : 1;
  Value column = builder->createOrFold<arith::MulIOp>(loc, columns.front(),
                                                      code->index(loc, each));
  at.back() = add(at.back(), column);
  int64_t count = columns.size() * width * each;
  code->prefetch(loc, load.getSource(), at, count);
}

void RowsAhead::fetch(Value from, Value to, std::pair<Value, Value> range,
                      ValueRange columns, int64_t width) {
  if (!load)
    return;
  Location loc = load.getLoc();
  auto clamp = [&](Value row) {
    row = builder->createOrFold<arith::MaxSIOp>(loc, row, range.first);
    return builder->createOrFold<arith::MinSIOp>(loc, row, range.second);
  };
  auto loop = scf::ForOp::create(*builder, loc, clamp(from), clamp(to),
                                 code->index(loc, 1));
  OpBuilder::InsertionGuard guard(*builder);
  builder->setInsertionPointToStart(loop.getBody());
  fetch(loop.getInductionVar(), columns, width);
}

SmallVector<RowsAhead>
fovea::attn::findRowsAhead(OpBuilder &builder, TileCode &code,
                           ValueRange inputs, ArrayAttr maps, unsigned along) {
  SmallVector<RowsAhead> all;
  for (auto [input, attr] : llvm::zip(inputs, maps)) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    if (map.getNumResults() == 2 && map.getDimPosition(0) == 1 &&
        map.getDimPosition(1) == along)
      all.emplace_back(builder, code, input);
  }
  return all;
}
