//===- LowerOnline.cpp - attn.online to the tile form ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One step of the online softmax on a block of keys (Milakov and Gimelshein
// 2018; Dao et al. 2022), for any normalizer:
//
//   s  = scores                     m' = max(m, rows of s)
//   c  = rescale(m, m')             w  = weight(s, m')
//   l' = c * l + rows of w          a' = c * a + w * values
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_LOWERONLINEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// The state as tiles: the weighted sum [rows x values] (one column without a
/// value dimension), then statistics [rows], all in f32.
static LogicalResult checkState(OnlineOp op, ScheduleAttr schedule) {
  DomainAttr domain = op.getDomain();
  SmallVector<unsigned> values = domain.getDims(DimKind::value);
  if (values.size() > 1)
    return op.emitOpError()
           << "expects at most one value dimension, but got " << values.size();
  auto f32 = Float32Type::get(op.getContext());
  for (auto [k, out] : llvm::enumerate(op.getOuts())) {
    SmallVector<int64_t> shape = {schedule.getQueryTile()};
    if (k == 0 && !op.getValue().empty())
      shape.push_back(values.empty() ? 1 : domain.getBounds()[values.front()]);
    auto expected = RankedTensorType::get(shape, f32);
    if (out.getType() != expected)
      return op.emitOpError() << "expects part " << k << " of its state to be "
                              << expected << ", but got " << out.getType();
  }
  return success();
}

static LogicalResult lowerOnline(RewriterBase &rewriter, OnlineOp op) {
  Location loc = op.getLoc();
  DomainAttr domain = op.getDomain();
  auto self = cast<AttentionOpInterface>(op.getOperation());
  std::optional<ScheduleAttr> schedule = op.getSchedule();
  if (!schedule)
    return op.emitOpError("expects a schedule before it is lowered");
  for (auto [dim, kind] : llvm::enumerate(domain.getKinds())) {
    int64_t bound = domain.getBounds()[dim];
    bool isQuery = static_cast<int64_t>(dim) == schedule->getQueryDim();
    bool isKey = static_cast<int64_t>(dim) == schedule->getKeyDim();
    bool walked = kind == DimKind::parallel || kind == DimKind::key;
    if (isQuery ? bound != schedule->getQueryTile()
                : walked && !isKey && bound != 1)
      return op.emitOpError()
             << "expects a tile of the scheduled sizes, but dimension '"
             << domain.getNames()[dim].getValue() << "' has bound " << bound;
  }
  if (failed(checkState(op, *schedule)))
    return failure();
  for (Value input : op.getInputs())
    if (isa<TensorType>(input.getType()))
      return op.emitOpError("expects its inputs in memory");

  rewriter.setInsertionPoint(op);
  SmallVector<Value> offsets, ends;
  for (auto [bound, offset] :
       llvm::zip(self.getMixedBounds(), self.getMixedOffsets())) {
    Value begin = getValueOrCreateConstantIndexOp(rewriter, loc, offset);
    Value size = getValueOrCreateConstantIndexOp(rewriter, loc, bound);
    offsets.push_back(begin);
    ends.push_back(rewriter.createOrFold<arith::AddIOp>(loc, begin, size));
  }
  // The visited keys, as places in the block.
  int64_t key = schedule->getKeyDim();
  Value begin, end;
  if (op.getVisit().empty()) {
    end = getValueOrCreateConstantIndexOp(rewriter, loc,
                                          self.getMixedBounds()[key]);
  } else {
    begin = rewriter.createOrFold<arith::SubIOp>(loc, op.getVisit()[0],
                                                 offsets[key]);
    end = rewriter.createOrFold<arith::SubIOp>(loc, op.getVisit()[1],
                                               offsets[key]);
  }

  NormalizerAttrInterface normalizer = op.getNormalizer();
  bool hasValue = !op.getValue().empty();
  unsigned next = 0;
  Value acc = hasValue ? op.getOuts()[next++] : Value();
  Value shift = normalizer.hasShift() ? op.getOuts()[next++] : Value();
  Value mass = normalizer.hasMass() ? op.getOuts()[next++] : Value();

  TileOperands operands(rewriter, self, *schedule, offsets, ends);
  Value scores = operands.buildScores();
  SmallVector<Value> state;
  Value newShift = shift;
  Value factor;
  if (shift) {
    newShift =
        TileReduceOp::create(rewriter, loc, shift.getType(), TileReduction::max,
                             scores, shift, begin, end);
    factor =
        buildTileMap(rewriter, loc, cast<RankedTensorType>(shift.getType()),
                     {shift, newShift}, {}, [&](OpBuilder &b, ValueRange args) {
                       return normalizer.buildRescale(b, loc, args[0], args[1]);
                     });
  }
  SmallVector<Value> inputs = {scores};
  if (newShift)
    inputs.push_back(newShift);
  Value weights =
      buildTileMap(rewriter, loc, cast<RankedTensorType>(scores.getType()),
                   inputs, {}, [&](OpBuilder &b, ValueRange args) {
                     return normalizer.buildWeight(
                         b, loc, args[0], newShift ? args[1] : Value());
                   });
  if (mass) {
    if (factor)
      mass = buildTileMap(
          rewriter, loc, cast<RankedTensorType>(mass.getType()), {mass, factor},
          {}, [&](OpBuilder &b, ValueRange args) -> Value {
            return arith::MulFOp::create(b, loc, args[0], args[1]);
          });
    mass = TileReduceOp::create(rewriter, loc, mass.getType(),
                                TileReduction::sum, weights, mass, begin, end);
  }
  if (hasValue) {
    if (factor)
      acc = TileRescaleOp::create(rewriter, loc, acc.getType(), acc, factor);
    state.push_back(operands.buildWeigh(weights, acc, begin, end));
  }
  if (newShift)
    state.push_back(newShift);
  if (mass)
    state.push_back(mass);
  rewriter.replaceOp(op, state);
  return success();
}

namespace {
struct LowerOnlinePass
    : fovea::attn::impl::LowerOnlinePassBase<LowerOnlinePass> {
  void runOnOperation() override {
    SmallVector<OnlineOp> ops;
    getOperation()->walk([&](OnlineOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (OnlineOp op : ops)
      if (failed(lowerOnline(rewriter, op)))
        return signalPassFailure();
  }
};
} // namespace
