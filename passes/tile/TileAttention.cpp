//===- TileAttention.cpp - attn.attention to loops over tiles -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One scf.forall over the parallel dimensions, the query dimension in groups of
// tiles; inside it the key range, walked in blocks that every tile of the group
// visits by attn.online; then, for each tile, the final division, the epilogue
// and the stores.
//
// A block is the unit in which keys and values are brought near: what is made
// of them is made once for all tiles of a group. Each tile visits its own part
// of the block, with the mask only where the block has keys that the mask may
// drop.
//
// Where the keys are in parts there are two such loops: over the parts too,
// which leave their state in memory, and over single rows, which merge
// the states.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/tile/AttentionTiler.h"
#include "passes/tile/TileOperands.h"

#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_TILEATTENTIONPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Groups of queries for each thread, where there are several: the last to end
/// keeps the others waiting for a part of one of its groups.
static constexpr int64_t kGroupsPerThread = 16;

LogicalResult AttentionTiler::check() {
  for (Value operand : op->getOperands())
    if (isa<TensorType>(operand.getType()))
      return op.emitOpError("expects to be on memory before it is tiled");
  auto self = cast<AttentionOpInterface>(op.getOperation());
  for (unsigned k = 0; k < self.getNumValues(); ++k)
    if (size_t count = self.getDimsOfValue(k).size(); count > 1)
      return op.emitOpError()
             << "expects at most one value dimension, but value " << k
             << " has " << count;
  for (unsigned out = 0; out < op.getOuts().size(); ++out) {
    if (op.getResultKind(out) != ResultKind::output)
      continue;
    unsigned number = op.getOutputNumber(out);
    SmallVector<int64_t> dims =
        llvm::to_vector_of<int64_t>(op.getDimsOfOutput(out));
    for (unsigned k : getUsedSums(self, number))
      if (!self.isLogWeight(k) && self.getDimsOfValue(k) != ArrayRef(dims))
        return op.emitOpError()
               << "expects the sums of output " << number
               << " to have its dimensions, but value " << k << " has others";
  }
  return success();
}

LogicalResult AttentionTiler::run() {
  if (failed(check()))
    return failure();
  rewriter.setInsertionPoint(op);
  for (auto [bound, offset] :
       llvm::zip(op.getMixedBounds(), op.getMixedOffsets())) {
    Value begin = getValueOrCreateConstantIndexOp(rewriter, loc, offset);
    Value size = getValueOrCreateConstantIndexOp(rewriter, loc, bound);
    begins.push_back(begin);
    ends.push_back(rewriter.createOrFold<arith::AddIOp>(loc, begin, size));
  }

  for (unsigned k = 0; k < op.getOuts().size(); ++k) {
    FailureOr<Value> destination = buildDestination(k);
    if (failed(destination))
      return failure();
    destinations.push_back(*destination);
  }
  keyBegin = begins[schedule.getKeyDim()];
  keyEnd = ends[schedule.getKeyDim()];

  // Tiles along each parallel dimension, then groups of them.
  SmallVector<OpFoldResult> tiles, groups;
  Value allTiles = index(1);
  for (unsigned dim : domain.getDims(DimKind::parallel)) {
    Value size =
        rewriter.createOrFold<arith::SubIOp>(loc, ends[dim], begins[dim]);
    if (dim == schedule.getQueryDim())
      size = rewriter.createOrFold<arith::CeilDivSIOp>(
          loc, size, index(schedule.getQueryTile()));
    allTiles = rewriter.createOrFold<arith::MulIOp>(loc, allTiles, size);
    tiles.push_back(size);
  }
  measureGroups(allTiles);
  for (auto [count, dim] :
       llvm::zip(tiles, domain.getDims(DimKind::parallel))) {
    Value most = dim == schedule.getQueryDim()  ? groupTiles
                 : dim == schedule.getHeadDim() ? groupHeads
                                                : Value();
    groups.push_back(most ? rewriter.createOrFold<arith::CeilDivSIOp>(
                                loc, cast<Value>(count), most)
                          : cast<Value>(count));
    if (dim == schedule.getQueryDim())
      numGroups = cast<Value>(groups.back());
  }

  auto forEach = [&](ArrayRef<OpFoldResult> counts,
                     function_ref<void(ValueRange)> body) {
    OpBuilder::InsertionGuard guard(rewriter);
    auto forall = scf::ForallOp::create(rewriter, loc, counts, ValueRange(),
                                        std::nullopt);
    rewriter.setInsertionPointToStart(forall.getBody());
    body(forall.getInductionVars());
  };
  if (!isInParts()) {
    forEach(groups, [&](ValueRange ivs) {
      beginGroup(ivs);
      forEachTile(buildKeys(buildState()),
                  [&](ValueRange state) { buildResults(state); });
    });
  } else {
    measureParts(groups);
    createPartials();
    groups.push_back(numParts);
    forEach(groups, [&](ValueRange ivs) {
      beginGroup(ivs.drop_back());
      beginPart(ivs.back());
      forEachTile(buildKeys(buildState()),
                  [&](ValueRange state) { storePartials(ivs.back(), state); });
    });
    forEach(beginRows(), [&](ValueRange ivs) {
      beginTile(ivs);
      buildResults(buildMergedState());
    });
  }
  rewriter.eraseOp(op);
  return success();
}

/// Decides how many tiles are in a group: as many of `allTiles` as the schedule
/// allows, and no more than leave each thread beside the first some groups to
/// choose from, so that all end at about the same time; where keys are in
/// parts there are enough. A tile computes the same in any group.
void AttentionTiler::measureGroups(Value allTiles) {
  groupSize = index(schedule.getQueryTile());
  if (!isGrouped())
    return;
  Value room = index(schedule.getQueryGroup());
  if (!isInParts()) {
    Value workers = WorkersOp::create(rewriter, loc);
    Value others = arith::SubIOp::create(rewriter, loc, workers, index(1));
    Value groups =
        arith::MulIOp::create(rewriter, loc, others, index(kGroupsPerThread));
    groups = arith::MaxSIOp::create(rewriter, loc, groups, index(1));
    Value tiles = arith::CeilDivSIOp::create(rewriter, loc, allTiles, groups);
    tiles = arith::MaxSIOp::create(rewriter, loc, tiles, index(1));
    room = arith::MinSIOp::create(rewriter, loc, tiles, room);
  }
  groupTiles = room;
  if (hasHeads()) {
    int64_t query = schedule.getQueryDim();
    Value queries =
        rewriter.createOrFold<arith::SubIOp>(loc, ends[query], begins[query]);
    Value tiles =
        rewriter.createOrFold<arith::CeilDivSIOp>(loc, queries, groupSize);
    tiles = rewriter.createOrFold<arith::MaxSIOp>(loc, tiles, index(1));
    groupTiles = rewriter.createOrFold<arith::MinSIOp>(loc, tiles, room);
    groupHeads = rewriter.createOrFold<arith::DivSIOp>(loc, room, groupTiles);
  }
  groupSize = rewriter.createOrFold<arith::MulIOp>(loc, groupTiles, groupSize);
}

/// Whether later queries have more keys than earlier ones, as under a causal
/// mask.
static bool growsAlong(SegmentsAttr segments, unsigned dim) {
  unsigned offset = 3 * dim; // see SegmentsAttr
  auto depends = [&](ArrayRef<AffineMap> maps) {
    return llvm::any_of(
        maps, [&](AffineMap map) { return map.isFunctionOfSymbol(offset); });
  };
  return depends(segments.getVisitUpper()) &&
         !depends(segments.getVisitLower());
}

void AttentionTiler::beginGroup(ValueRange ivs) {
  offsets = begins;
  auto left = [&](int64_t dim) {
    return rewriter.createOrFold<arith::SubIOp>(loc, ends[dim], offsets[dim]);
  };
  for (auto [iv, dim] : llvm::zip(ivs, domain.getDims(DimKind::parallel))) {
    Value step = iv;
    if (dim == schedule.getQueryDim()) {
      // The groups with most to do first: the last to end are small ones.
      if (op.getSegments() && growsAlong(*op.getSegments(), dim)) {
        Value last = arith::SubIOp::create(rewriter, loc, numGroups, index(1));
        step = arith::SubIOp::create(rewriter, loc, last, iv);
      }
      step = arith::MulIOp::create(rewriter, loc, step, groupSize);
    } else if (hasHeads() && dim == schedule.getHeadDim())
      step = arith::MulIOp::create(rewriter, loc, iv, groupHeads);
    offsets[dim] = rewriter.createOrFold<arith::AddIOp>(loc, begins[dim], step);
  }
  groupOffsets = offsets;
  if (!isGrouped())
    return;
  Value tiles = rewriter.createOrFold<arith::CeilDivSIOp>(
      loc, left(schedule.getQueryDim()), index(schedule.getQueryTile()));
  numTiles = rewriter.createOrFold<arith::MinSIOp>(loc, tiles, groupTiles);
  if (hasHeads())
    numHeads = rewriter.createOrFold<arith::MinSIOp>(
        loc, left(schedule.getHeadDim()), groupHeads);
}

/// From here on tiles are single rows. Returns how many there are, along each
/// parallel dimension.
SmallVector<OpFoldResult> AttentionTiler::beginRows() {
  schedule = ScheduleAttr::get(
      op.getContext(), schedule.getQueryDim(), /*queryTile=*/1,
      schedule.getKeyDim(), schedule.getKeyBlock(), /*queryGroup=*/1,
      /*headDim=*/-1, /*keyPart=*/0, /*minQueries=*/0, ScheduleAttr());
  SmallVector<OpFoldResult> counts;
  for (unsigned dim : domain.getDims(DimKind::parallel))
    counts.push_back(
        rewriter.createOrFold<arith::SubIOp>(loc, ends[dim], begins[dim]));
  return counts;
}

void AttentionTiler::beginTile(ValueRange ivs) {
  offsets = begins;
  for (auto [iv, dim] : llvm::zip(ivs, domain.getDims(DimKind::parallel)))
    offsets[dim] = rewriter.createOrFold<arith::AddIOp>(loc, begins[dim], iv);
}

/// Splits an attention with two schedules into one for each, and a test of how
/// many queries there are. Returns the attentions to tile, and the condition
/// under which each runs (null for always).
static SmallVector<std::pair<AttentionOp, Value>>
splitSchedules(RewriterBase &rewriter, AttentionOp op) {
  ScheduleAttr schedule = *op.getSchedule();
  ScheduleAttr otherwise = schedule.getOtherwise();
  if (!otherwise)
    return {{op, nullptr}};
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Value queries = getValueOrCreateConstantIndexOp(
      rewriter, loc, op.getMixedBounds()[schedule.getQueryDim()]);
  Value few = arith::CmpIOp::create(
      rewriter, loc, arith::CmpIPredicate::slt, queries,
      arith::ConstantIndexOp::create(rewriter, loc, schedule.getMinQueries()));
  auto branch = scf::IfOp::create(rewriter, loc, few, /*withElseRegion=*/true);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  auto narrow = cast<AttentionOp>(rewriter.clone(*op));
  narrow.setScheduleAttr(otherwise);
  rewriter.moveOpBefore(op, branch.elseBlock()->getTerminator());
  op.setScheduleAttr(ScheduleAttr::get(
      op.getContext(), schedule.getQueryDim(), schedule.getQueryTile(),
      schedule.getKeyDim(), schedule.getKeyBlock(), schedule.getQueryGroup(),
      schedule.getHeadDim(), schedule.getKeyPart(), /*minQueries=*/0,
      ScheduleAttr()));
  SmallVector<std::pair<AttentionOp, Value>> all =
      splitSchedules(rewriter, narrow);
  // Not more than the innermost condition: it implies that there are fewer
  // queries than for the outer ones.
  for (auto &[inner, isRun] : all)
    if (!isRun)
      isRun = few;
  all.emplace_back(op, nullptr);
  return all;
}

namespace {
struct TileAttentionPass
    : fovea::attn::impl::TileAttentionPassBase<TileAttentionPass> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      if (!op.getSchedule()) {
        op.emitOpError("expects a schedule before it is tiled");
        return signalPassFailure();
      }
      for (auto [scheduled, isRun] : splitSchedules(rewriter, op))
        if (failed(AttentionTiler(rewriter, scheduled, isRun).run()))
          return signalPassFailure();
    }
  }
};
} // namespace
