//===- TileFutureRows.cpp - rows of iterations to come --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileFutureRows.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Values as they will be
//===----------------------------------------------------------------------===//

/// `value` as it is where others are what `known` says: what depends on these
/// is computed once more. Null where that is more than arithmetic.
Value FutureRows::rebuild(Value value, IRMapping &known) {
  if (Value mapped = known.lookupOrNull(value))
    return mapped;
  Operation *op = value.getDefiningOp();
  Operation *home =
      op ? op->getParentOp() : value.getParentBlock()->getParentOp();
  if (!iteration->isAncestor(home))
    return value;
  if (!op) {
    Block *block = builder.getInsertionBlock();
    bool isVisible =
        value.getParentBlock()->findAncestorOpInBlock(*block->getTerminator());
    return isVisible ? value : Value();
  }
  if (op->getNumRegions() || !isPure(op) || op->getNumResults() != 1 ||
      isa<TensorType>(value.getType()))
    return {};
  bool isSame = true;
  for (Value operand : op->getOperands()) {
    Value rebuilt = rebuild(operand, known);
    if (!rebuilt)
      return {};
    isSame &= rebuilt == operand;
  }
  // What is there already.
  Block *block = builder.getInsertionBlock();
  Operation *here = builder.getInsertionPoint() == block->end()
                        ? nullptr
                        : &*builder.getInsertionPoint();
  Operation *ancestor =
      here ? op->getBlock()->findAncestorOpInBlock(*here) : nullptr;
  if (isSame && ancestor && op->isBeforeInBlock(ancestor))
    return value;
  builder.clone(*op, known);
  return known.lookup(value);
}

std::optional<SmallVector<Value>> FutureRows::rebuildAll(ValueRange values,
                                                         IRMapping &known) {
  SmallVector<Value> all;
  for (Value value : values)
    all.push_back(rebuild(value, known));
  if (llvm::is_contained(all, Value()))
    return std::nullopt;
  return all;
}

/// The indices of the parallel iteration that this thread is likely to have
/// next: those that follow.
IRMapping FutureRows::buildNextGroup() {
  Location loc = iteration.getLoc();
  builder.setInsertionPoint(iteration);
  SmallVector<Value> counts;
  for (OpFoldResult bound : iteration.getMixedUpperBound())
    counts.push_back(getValueOrCreateConstantIndexOp(builder, loc, bound));
  Value last = code.index(loc, 1);
  for (Value count : counts)
    last = builder.createOrFold<arith::MulIOp>(loc, last, count);
  last = arith::SubIOp::create(builder, loc, last, code.index(loc, 1));

  builder.setInsertionPointToStart(iteration.getBody());
  Value place = code.index(loc, 0);
  for (auto [index, count] : llvm::zip(iteration.getInductionVars(), counts)) {
    place = builder.createOrFold<arith::MulIOp>(loc, place, count);
    place = builder.createOrFold<arith::AddIOp>(loc, place, index);
  }
  place = arith::AddIOp::create(builder, loc, place, code.index(loc, 1));
  place = arith::MinSIOp::create(builder, loc, place, last);
  IRMapping next;
  for (int64_t dim = counts.size() - 1; dim >= 0; --dim) {
    Value index = place;
    if (dim > 0) {
      index = arith::RemUIOp::create(builder, loc, place, counts[dim]);
      place = arith::DivUIOp::create(builder, loc, place, counts[dim]);
    }
    next.map(iteration.getInductionVars()[dim], index);
  }
  return next;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

namespace {
/// A load or a store of a tile whose first dimension are rows of memory.
struct Access {
  Value memory;
  AffineMap map;
  ValueRange symbols;
  RankedTensorType tile;
  Value rows; ///< where only a run knows how many

  static std::optional<Access> get(Operation *op);
};
} // namespace

std::optional<Access> Access::get(Operation *op) {
  Access access;
  int64_t step = 1;
  if (auto load = dyn_cast<TileLoadOp>(op)) {
    if (!load.getLookups().empty())
      return std::nullopt;
    access = {load.getSource(), load.getMap(), load.getSymbols(),
              cast<RankedTensorType>(load.getType()), Value()};
    step = load.readsPairs() ? 2 : 1;
    if (access.tile.getRank() == 2 && access.tile.isDynamicDim(0))
      access.rows = load.getExtents()[0];
  } else if (auto store = dyn_cast<TileStoreOp>(op)) {
    access = {store.getDest(), store.getMap(), store.getSymbols(),
              cast<RankedTensorType>(store.getTile().getType()), Value()};
  } else {
    return std::nullopt;
  }
  auto type = cast<MemRefType>(access.memory.getType());
  if (access.tile.getRank() != 2 || access.tile.isDynamicDim(1) ||
      (access.tile.isDynamicDim(0) && !access.rows) ||
      !TileCode::isContiguous(access.map, type, 1, step))
    return std::nullopt;
  return access;
}

/// The rows of a load or store where the values around it are known.
std::optional<FutureRows::Rows> FutureRows::locate(Operation *op,
                                                   const IRMapping &known) {
  std::optional<Access> access = Access::get(op);
  if (!access)
    return std::nullopt;
  std::optional<unsigned> dim = TileCode::getMemoryDim(access->map, 0);
  if (!dim)
    return std::nullopt;
  Location loc = op->getLoc();
  IRMapping values = known;
  std::optional<SmallVector<Value>> symbols =
      rebuildAll(access->symbols, values);
  Value count = access->rows ? rebuild(access->rows, values)
                             : code.index(loc, access->tile.getDimSize(0));
  if (!symbols || !count)
    return std::nullopt;
  Rows rows{access->memory, {}, *dim, count, 0, isa<TileStoreOp>(op)};
  SmallVector<Value> origin(access->map.getNumDims(), code.index(loc, 0));
  for (AffineExpr expr : access->map.getResults())
    rows.first.push_back(
        affine::expandAffineExpr(builder, loc, expr, origin, *symbols));
  auto load = dyn_cast<TileLoadOp>(op);
  rows.columns =
      access->tile.getDimSize(1) * (load && load.readsPairs() ? 2 : 1);
  return rows;
}

/// The rows that a load or store has in all iterations of the loop over tiles
/// that it may be in.
std::optional<FutureRows::Rows> FutureRows::locateAll(Operation *op,
                                                      const IRMapping &known) {
  auto loop = dyn_cast<scf::ForOp>(op->getParentOp());
  Location loc = op->getLoc();
  std::optional<Rows> rows;
  if (!loop) {
    rows = locate(op, known);
  } else {
    if (getConstantIntValue(loop.getStep()) != 1)
      return std::nullopt;
    IRMapping first = known, last = known;
    Value begin = rebuild(loop.getLowerBound(), first),
          end = rebuild(loop.getUpperBound(), last);
    if (!begin || !end)
      return std::nullopt;
    first.map(loop.getInductionVar(), begin);
    last.map(loop.getInductionVar(),
             builder.createOrFold<arith::SubIOp>(loc, end, code.index(loc, 1)));
    rows = locate(op, first);
    std::optional<Rows> lastRows = locate(op, last);
    if (!rows || !lastRows)
      return std::nullopt;
    Value before = arith::SubIOp::create(
        builder, loc, lastRows->first[rows->dim], rows->first[rows->dim]);
    rows->count = arith::AddIOp::create(builder, loc, before, lastRows->count);
  }
  if (!rows)
    return std::nullopt;
  Value size = memref::DimOp::create(builder, loc, rows->memory, rows->dim);
  Value left =
      arith::SubIOp::create(builder, loc, size, rows->first[rows->dim]);
  rows->count = arith::MinSIOp::create(builder, loc, rows->count, left);
  return rows;
}

/// The rows of the next block of this group, or of the first of the next group.
std::optional<FutureRows::Rows>
FutureRows::locateNextBlock(TileLoadOp load, scf::ForOp blocks,
                            const IRMapping &nextGroup) {
  Location loc = load.getLoc();
  IRMapping here, there = nextGroup;
  Value next = arith::AddIOp::create(builder, loc, blocks.getInductionVar(),
                                     blocks.getStep());
  here.map(blocks.getInductionVar(), next);
  std::optional<Rows> rows = locate(load, here);
  if (!rows)
    return std::nullopt;
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                       next, blocks.getUpperBound());
  Value begin = rebuild(blocks.getLowerBound(), there);
  std::optional<Rows> other;
  if (begin) {
    there.map(blocks.getInductionVar(), begin);
    other = locate(load, there);
  }
  if (!other) {
    rows->count = arith::SelectOp::create(builder, loc, isLast,
                                          code.index(loc, 0), rows->count);
    return rows;
  }
  auto choose = [&](Value &value, Value otherwise) {
    if (value != otherwise)
      value = arith::SelectOp::create(builder, loc, isLast, otherwise, value);
  };
  for (auto [index, otherwise] : llvm::zip(rows->first, other->first))
    choose(index, otherwise);
  choose(rows->count, other->count);
  return rows;
}
