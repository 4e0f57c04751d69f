//===- TileSweepAhead.cpp - memory that is asked for before it is needed --===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A contraction that reads a tile of lanes in place, as a linear layer reads
// a panel of weights, does so once for every register tile, from a near cache
// all but the first time. The far caches are idle meanwhile, and what is next
// in memory is the panel of the next tile: each step of each sum asks for a
// little of it, so that all of it has come when this tile is finished.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

/// The place in memory, counted in elements, of what a load reads: an
/// expression of its coordinates and symbols. Null where memory has strides or
/// sizes that only a run knows.
static AffineExpr getPlace(TileLoadOp load) {
  auto type = cast<MemRefType>(load.getSource().getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() ||
      type.getRank() == 0)
    return {};
  AffineExpr place = getAffineConstantExpr(0, load.getContext());
  for (auto [position, size] :
       llvm::zip(load.getMap().getResults(), type.getShape()))
    place = place * size + position;
  return place;
}

/// Whether a load reads all that there is from `place` on, lanes in vectors
/// and other coordinates in order, and nothing beside it.
static bool readsInOrder(TileLoadOp load, AffineExpr place) {
  auto type = cast<RankedTensorType>(load.getType());
  if (!type.hasStaticShape() || !load.getLookups().empty() ||
      load.readsPairs() || llvm::is_contained(load.getInBounds(), false))
    return false;
  MLIRContext *context = load.getContext();
  AffineExpr order = getAffineConstantExpr(0, context);
  for (unsigned dim = 1; dim < type.getRank(); ++dim)
    order = order * type.getDimSize(dim) + getAffineDimExpr(dim, context);
  order = order * type.getDimSize(0) + getAffineDimExpr(0, context);
  SmallVector<AffineExpr> zeros(type.getRank(),
                                getAffineConstantExpr(0, context));
  unsigned symbols = load.getMap().getNumSymbols();
  AffineExpr rest = place - place.replaceDims(zeros) - order;
  return simplifyAffineExpr(rest, type.getRank(), symbols) ==
         getAffineConstantExpr(0, context);
}

/// `count` rows are visited, `rows` at a time.
void TileSweep::prepareAhead(Value count, unsigned rows) {
  for (Operation *op : ops) {
    auto contract = dyn_cast<TileContractOp>(op);
    if (!contract)
      continue;
    for (Value input : contract.getInputs()) {
      auto load = input.getDefiningOp<TileLoadOp>();
      if (!load || code.getPanel(load) || code.getRegister(load) ||
          code.getLane(load) != 0u)
        continue;
      AffineExpr place = getPlace(load);
      auto type = cast<RankedTensorType>(load.getType());
      if (!place || type.getRank() < 2 || !readsInOrder(load, place))
        continue;
      Location loc = load.getLoc();
      auto source = cast<MemRefType>(load.getSource().getType());
      ReassociationIndices all =
          llvm::to_vector(llvm::seq<int64_t>(source.getRank()));
      Value memory = memref::CollapseShapeOp::create(
          builder, loc, load.getSource(), ArrayRef<ReassociationIndices>(all));
      int64_t size = type.getNumElements();
      // After the last tile of memory there is nothing to read.
      AffineExpr next = place.replaceDims(SmallVector<AffineExpr>(
                            type.getRank(), builder.getAffineConstantExpr(0))) +
                        size;
      Value begin =
          affine::expandAffineExpr(builder, loc, next, {}, load.getSymbols());
      begin = arith::MinSIOp::create(
          builder, loc, begin, code.index(loc, source.getNumElements() - size));
      // As much at each step as brings all in `count` rows, but not more than
      // a line.
      Value step = arith::CeilDivUIOp::create(
          builder, loc, code.index(loc, rows * type.getDimSize(0)), count);
      step = arith::MinUIOp::create(
          builder, loc, step,
          code.index(
              loc, std::min(type.getDimSize(0),
                            TileCode::getLineElements(type.getElementType()))));
      ahead[contract] = {memory, begin, step, size / type.getDimSize(0), size};
    }
  }
}

Value TileSweep::getPlaceAhead(TileContractOp contract, ArrayRef<Value> rows) {
  auto found = ahead.find(contract);
  if (found == ahead.end())
    return {};
  const Ahead &next = found->second;
  Location loc = contract.getLoc();
  Value tile = arith::DivUIOp::create(builder, loc, rows[0],
                                      code.index(loc, rows.size()));
  Value part = arith::MulIOp::create(builder, loc, next.step,
                                     code.index(loc, next.terms));
  // What is left over is asked for again.
  Value last =
      arith::SubIOp::create(builder, loc, code.index(loc, next.size), part);
  Value place = arith::MinUIOp::create(
      builder, loc, arith::MulIOp::create(builder, loc, tile, part), last);
  return arith::AddIOp::create(builder, loc, next.begin, place);
}

Value TileSweep::readAhead(TileContractOp contract, Value place) {
  const Ahead &next = ahead.at(contract);
  Location loc = contract.getLoc();
  code.prefetch(loc, next.memory, place, /*count=*/1);
  return arith::AddIOp::create(builder, loc, place, next.step);
}

/// Asks for the memory that the rows are stored to.
void TileSweep::storeAhead(ArrayRef<Value> rows) {
  if (ahead.empty())
    return;
  for (Operation *op : ops)
    if (auto store = dyn_cast<TileStoreOp>(op))
      for (Value row : rows)
        code.prefetchVector(store, {Value(), row});
}
