//===- TileChecks.cpp - what vector code can be made of -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileChecks.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fovea::attn;

bool fovea::attn::isTileOp(Operation *op) {
  return isa<TileLoadOp, TileStoreOp, TileMapOp, TilePiecesOp, TileContractOp,
             TileMaskOp, TileReduceOp, TileRescaleOp, TileWeighOp>(op);
}

/// Tiles as parts of larger tiles.
static bool isSlice(Operation *op) {
  return isa<tensor::EmptyOp, tensor::ExtractSliceOp, tensor::InsertSliceOp>(
      op);
}

/// A tile comes from a tile op, or is part of one, or is carried by a loop or
/// branch.
static LogicalResult checkOrigin(Operation *op, Value tile) {
  Operation *def = tile.getDefiningOp();
  if (def ? isTileOp(def) || isSlice(def) || isa<scf::ForOp, scf::IfOp>(def)
          : isa<scf::ForOp>(tile.getParentBlock()->getParentOp()))
    return success();
  return op->emitOpError("expects its tiles to come from tile ops, through "
                         "scf.for and scf.if at most");
}

/// `input` at `map` in an iteration space whose dimension `lane` lies along
/// lanes, if any does.
static LogicalResult checkLane(Operation *op, const TileLanes &lanes,
                               Value input, Attribute map,
                               std::optional<unsigned> lane) {
  AffineMap projection = cast<AffineMapAttr>(map).getValue();
  std::optional<unsigned> position;
  if (lane)
    position =
        projection.getResultPosition(getAffineDimExpr(*lane, op->getContext()));
  if (lanes.get(input) == position)
    return success();
  return op->emitOpError(
      "expects its tiles to lie along lanes in one way, but two uses of a "
      "tile have different dimensions there");
}

static LogicalResult checkLanes(Operation *op, const TileLanes &lanes,
                                ValueRange inputs, ArrayAttr maps,
                                std::optional<unsigned> lane) {
  for (auto [input, map] : llvm::zip(inputs, maps))
    if (failed(checkLane(op, lanes, input, map, lane)))
      return failure();
  return success();
}

static LogicalResult checkMaps(Operation *op, const TileLanes &lanes) {
  // Of narrow rows only statistics have lanes, and others pick them one by one.
  if (lanes.isNarrow())
    return success();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<TileContractOp, TileMaskOp, TileWeighOp>([&](auto tileOp) {
        return checkLanes(op, lanes, tileOp.getInputs(), tileOp.getMaps(), 0);
      })
      .Case([&](TileMapOp map) {
        return checkLanes(op, lanes, map.getInputs(), map.getMaps(),
                          lanes.get(map));
      })
      .Case([&](TileLoadOp load) {
        return checkLanes(op, lanes, load.getLookups(), load.getLookupMaps(),
                          lanes.get(load));
      })
      .Default([](Operation *) { return success(); });
}

/// The tiles of scores among the operands and results of an op.
static SmallVector<Value> getScoreTiles(Operation *op) {
  if (auto contract = dyn_cast<TileContractOp>(op))
    return {contract.getResult()};
  if (auto mask = dyn_cast<TileMaskOp>(op))
    return {mask.getScore()};
  if (auto reduce = dyn_cast<TileReduceOp>(op))
    return {reduce.getTile()};
  if (auto weigh = dyn_cast<TileWeighOp>(op))
    return {weigh.getWeights()};
  return {};
}

static LogicalResult checkExtents(Operation *op, const TileLanes &lanes) {
  auto check = [&](Value tile, unsigned dim) -> LogicalResult {
    auto type = cast<RankedTensorType>(tile.getType());
    if (!type.isDynamicDim(dim))
      return success();
    return op->emitOpError() << "expects static extents along rows and keys, "
                                "but got "
                             << type;
  };
  // A contraction has as many keys as what it reads; the others do not tell.
  bool followsInputs = isa<TileContractOp>(op);
  for (Value tile : getScoreTiles(op))
    if (failed(check(tile, 0)) || (!followsInputs && failed(check(tile, 1))))
      return failure();
  for (Value result : op->getResults())
    if (std::optional<unsigned> lane = lanes.get(result))
      if (failed(check(result, *lane)))
        return failure();
  return success();
}

LogicalResult fovea::attn::checkTiles(Operation *root, const TileLanes &lanes) {
  WalkResult result = root->walk([&](Operation *op) {
    bool carries = isa<scf::ForOp, scf::IfOp, scf::YieldOp>(op) || isSlice(op);
    if (!carries && !isTileOp(op))
      return WalkResult::advance();
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()) &&
          failed(checkOrigin(op, operand)))
        return WalkResult::interrupt();
    if (failed(checkMaps(op, lanes)) || failed(checkExtents(op, lanes)))
      return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}
