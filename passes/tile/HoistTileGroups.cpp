//===- HoistTileGroups.cpp - what each tile of a group needs, once --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_HOISTTILEGROUPSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

/// Moves what depends on the tile, but not on the block, out of the loop over
/// blocks: into a loop over the tiles of its own, whose results are parts of
/// one larger tile.
class GroupHoister {
public:
  GroupHoister(RewriterBase &rewriter, scf::ForOp blocks, scf::ForOp tiles)
      : rewriter(rewriter), blocks(blocks), tiles(tiles) {}

  LogicalResult run();

private:
  bool isKnownBefore(Value value) const {
    return !blocks->isAncestor(value.getParentBlock()->getParentOp());
  }
  void collect();
  RankedTensorType getWholeType(Value tile, int64_t room) const;

  RewriterBase &rewriter;
  scf::ForOp blocks, tiles;
  /// What can move, in order; of these, the tiles that something else reads.
  llvm::SetVector<Operation *> moved;
  SmallVector<Value> wanted;
};

} // namespace

/// A number that `value` does not exceed, if one is known.
static std::optional<int64_t> getLimit(Value value) {
  if (std::optional<int64_t> known = getConstantIntValue(value))
    return known;
  auto least = value.getDefiningOp<arith::MinSIOp>();
  if (!least)
    return std::nullopt;
  std::optional<int64_t> lhs = getLimit(least.getLhs()),
                         rhs = getLimit(least.getRhs());
  return lhs && rhs ? std::min(*lhs, *rhs) : lhs ? lhs : rhs;
}

/// The most iterations that a loop from 0 by 1 has, if that is known.
static std::optional<int64_t> getRoom(scf::ForOp loop) {
  if (getConstantIntValue(loop.getLowerBound()) != 0 ||
      getConstantIntValue(loop.getStep()) != 1)
    return std::nullopt;
  return getLimit(loop.getUpperBound());
}

static ValueRange getDynamicExtents(Operation *op) {
  if (auto load = dyn_cast<TileLoadOp>(op))
    return load.getExtents();
  if (auto pieces = dyn_cast<TilePiecesOp>(op))
    return getDynamicExtents(pieces.getTile().getDefiningOp());
  return cast<TileMapOp>(op).getExtents();
}

void GroupHoister::collect() {
  for (Operation &op : tiles.getBody()->without_terminator()) {
    bool isTile = isa<TileLoadOp, TileMapOp, TilePiecesOp>(op);
    bool isScalar = isPure(&op) && op.getNumRegions() == 0 &&
                    llvm::all_of(op.getResultTypes(), [](Type type) {
                      return type.isIntOrIndexOrFloat();
                    });
    if (!isTile && !isScalar)
      continue;
    bool isReady = true;
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Operation *home = operand.getParentBlock()->getParentOp();
        bool isOwn = op.isAncestor(home); // of the op's own region
        Operation *def = operand.getDefiningOp();
        isReady &= isOwn || isKnownBefore(operand) ||
                   operand == tiles.getInductionVar() ||
                   (def && moved.contains(def));
      }
    });
    if (isReady)
      moved.insert(&op);
  }
  // Worth a place in memory: tiles of more than one dimension.
  for (Operation *op : moved) {
    if (!isa<TileLoadOp, TileMapOp, TilePiecesOp>(op))
      continue;
    Value tile = op->getResult(0);
    if (cast<RankedTensorType>(tile.getType()).getRank() < 2)
      continue;
    bool isRead = llvm::any_of(tile.getUsers(), [&](Operation *user) {
      return !moved.contains(user);
    });
    if (isRead)
      wanted.push_back(tile);
  }
}

RankedTensorType GroupHoister::getWholeType(Value tile, int64_t room) const {
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin(), room);
  return RankedTensorType::get(shape, type.getElementType());
}

LogicalResult GroupHoister::run() {
  std::optional<int64_t> room = getRoom(tiles);
  if (!room || *room == 0 || !isKnownBefore(tiles.getUpperBound()))
    return failure();
  bool writes =
      blocks
          ->walk([](Operation *op) {
            return isa<TileStoreOp>(op) || hasEffect<MemoryEffects::Write>(op)
                       ? WalkResult::interrupt()
                       : WalkResult::advance();
          })
          .wasInterrupted();
  if (writes)
    return failure();
  collect();
  // A part of a tile without elements has no place in it.
  llvm::erase_if(wanted, [](Value tile) {
    auto type = cast<RankedTensorType>(tile.getType());
    return llvm::is_contained(type.getShape(), 0) ||
           type.getElementType().isInteger(1);
  });
  if (wanted.empty())
    return failure();

  rewriter.setInsertionPoint(blocks);
  SmallVector<Value> wholes;
  for (Value tile : wanted)
    wholes.push_back(tensor::EmptyOp::create(
        rewriter, tile.getLoc(), getWholeType(tile, *room),
        getDynamicExtents(tile.getDefiningOp())));
  auto loop =
      scf::ForOp::create(rewriter, tiles.getLoc(), tiles.getLowerBound(),
                         tiles.getUpperBound(), tiles.getStep(), wholes);
  auto getPart = [&](Value tile, Value number,
                     SmallVector<OpFoldResult> &offsets,
                     SmallVector<OpFoldResult> &sizes,
                     SmallVector<OpFoldResult> &strides) {
    auto type = cast<RankedTensorType>(tile.getType());
    offsets.assign(type.getRank() + 1, rewriter.getIndexAttr(0));
    strides.assign(type.getRank() + 1, rewriter.getIndexAttr(1));
    offsets.front() = number;
    sizes = {rewriter.getIndexAttr(1)};
    llvm::append_range(sizes,
                       getMixedValues(type.getShape(),
                                      getDynamicExtents(tile.getDefiningOp()),
                                      rewriter));
  };
  {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(loop.getBody());
    IRMapping mapping;
    mapping.map(tiles.getInductionVar(), loop.getInductionVar());
    for (Operation *op : moved)
      rewriter.clone(*op, mapping);
    SmallVector<Value> parts;
    for (auto [tile, whole] : llvm::zip(wanted, loop.getRegionIterArgs())) {
      SmallVector<OpFoldResult> offsets, sizes, strides;
      getPart(tile, loop.getInductionVar(), offsets, sizes, strides);
      parts.push_back(tensor::InsertSliceOp::create(rewriter, tile.getLoc(),
                                                    mapping.lookup(tile), whole,
                                                    offsets, sizes, strides));
    }
    scf::YieldOp::create(rewriter, loop.getLoc(), parts);
  }
  for (auto [tile, whole] : llvm::zip(wanted, loop.getResults())) {
    SmallVector<OpFoldResult> offsets, sizes, strides;
    getPart(tile, tiles.getInductionVar(), offsets, sizes, strides);
    rewriter.setInsertionPoint(tile.getDefiningOp());
    Value part = tensor::ExtractSliceOp::create(
        rewriter, tile.getLoc(), cast<RankedTensorType>(tile.getType()), whole,
        offsets, sizes, strides);
    rewriter.replaceAllUsesWith(tile, part);
  }
  // Users first.
  for (Operation *op : llvm::reverse(moved))
    if (op->use_empty())
      rewriter.eraseOp(op);
  return success();
}

namespace {
struct HoistTileGroupsPass
    : fovea::attn::impl::HoistTileGroupsPassBase<HoistTileGroupsPass> {
  void runOnOperation() override {
    SmallVector<std::pair<scf::ForOp, scf::ForOp>> nests;
    getOperation()->walk([&](scf::ForOp tiles) {
      if (auto blocks = dyn_cast<scf::ForOp>(tiles->getParentOp()))
        nests.emplace_back(blocks, tiles);
    });
    IRRewriter rewriter(&getContext());
    for (auto [blocks, tiles] : nests)
      (void)GroupHoister(rewriter, blocks, tiles).run(); // or it stays inside
  }
};
} // namespace
