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
// for each of several values a; and where they are wanted
//
//   u' = c * (u + l * log c) + rows of w * log w
//   the first key with the greatest score, where that is greater than before
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

namespace fovea::attn {
#define GEN_PASS_DEF_LOWERONLINEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// The state as tiles: the weighted sums [rows x values] (one column without a
/// value dimension), then statistics [rows], all in f32 but for an index.
static LogicalResult checkState(OnlineOp op, ScheduleAttr schedule) {
  DomainAttr domain = op.getDomain();
  auto self = cast<AttentionOpInterface>(op.getOperation());
  for (unsigned k = 0; k < self.getNumValues(); ++k)
    if (size_t count = self.getDimsOfValue(k).size(); count > 1)
      return op.emitOpError()
             << "expects at most one value dimension, but value " << k
             << " has " << count;
  for (auto [k, out] : llvm::enumerate(op.getOuts())) {
    SmallVector<int64_t> shape = {schedule.getQueryTile()};
    if (k < self.getNumValues() && !self.isLogWeight(k)) {
      ArrayRef<int64_t> dims = self.getDimsOfValue(k);
      shape.push_back(dims.empty() ? 1 : domain.getBounds()[dims.front()]);
    }
    Type element = getElementTypeOrSelf(out.getType());
    if (!element.isInteger(64)) // as the verifier has it
      element = Float32Type::get(op.getContext());
    auto expected = RankedTensorType::get(shape, element);
    if (out.getType() != expected)
      return op.emitOpError() << "expects part " << k << " of its state to be "
                              << expected << ", but got " << out.getType();
  }
  return success();
}

namespace {
/// The new state of the rows of a tile, from that before and a block of keys.
class OnlineStep {
public:
  /// `offsets` and `ends` are those of the tile; [begin, end) are the places of
  /// the visited keys in the block.
  OnlineStep(RewriterBase &rewriter, OnlineOp op, ScheduleAttr schedule,
             ValueRange offsets, ValueRange ends, Value begin, Value end)
      : rewriter(rewriter), op(op), loc(op.getLoc()),
        self(cast<AttentionOpInterface>(op.getOperation())),
        normalizer(op.getNormalizer()),
        operands(rewriter, self, schedule, offsets, ends),
        firstKey(offsets[schedule.getKeyDim()]), begin(begin), end(end) {}

  SmallVector<Value> build();

private:
  Value buildMap(Value like, ValueRange inputs,
                 function_ref<Value(OpBuilder &, ValueRange)> build) {
    return buildTileMap(rewriter, loc, cast<RankedTensorType>(like.getType()),
                        inputs, {}, build);
  }
  Value buildReduce(TileReduction kind, Value tile, Value init) {
    return TileReduceOp::create(rewriter, loc, init.getType(), kind, tile, init,
                                begin, end);
  }
  Value buildFactor(OpBuilder &b, Value older, Value newer);
  Value buildWeights();
  Value buildKeptScores();
  Value addLogWeights(Value sum);
  SmallVector<Value> buildSums();
  Value buildArgMax(Value at);

  RewriterBase &rewriter;
  OnlineOp op;
  Location loc;
  AttentionOpInterface self;
  NormalizerAttrInterface normalizer;
  TileOperands operands;
  Value firstKey, begin, end;

  /// Tiles of the block, and statistics before and after it; null where the
  /// normalizer has none.
  Value scores, weights;
  Value shift, newShift, mass, factor;
  Value greatest, newGreatest;
};
} // namespace

/// What sums are multiplied with as the shift changes. Before a row has any
/// score they are zeros, which 1 leaves as they are: whoever looks for another
/// factor finds none.
Value OnlineStep::buildFactor(OpBuilder &b, Value older, Value newer) {
  auto constant = [&](float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  };
  Value isFirst =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, older,
                            constant(-std::numeric_limits<float>::infinity()));
  return arith::SelectOp::create(b, loc, isFirst, constant(1),
                                 normalizer.buildRescale(b, loc, older, newer));
}

Value OnlineStep::buildWeights() {
  SmallVector<Value> inputs = {scores};
  if (newShift)
    inputs.push_back(newShift);
  return buildMap(scores, inputs, [&](OpBuilder &b, ValueRange args) {
    return normalizer.buildWeight(b, loc, args[0],
                                  newShift ? args[1] : Value());
  });
}

/// The scores as values are computed from them: 0 for a key that is not kept,
/// whose weight is 0.
Value OnlineStep::buildKeptScores() {
  return buildMap(scores, scores, [&](OpBuilder &b, ValueRange args) -> Value {
    Value lowest = arith::ConstantOp::create(
        b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    Value isDropped = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                            args[0], lowest);
    return arith::SelectOp::create(b, loc, isDropped, zero, args[0]);
  });
}

/// The sum of weight * log weight, 0 for a weight of 0.
Value OnlineStep::addLogWeights(Value sum) {
  if (factor)
    sum = buildLogWeightRescale(rewriter, loc, normalizer, sum, mass, shift,
                                newShift);
  SmallVector<Value> inputs = {weights, scores};
  if (newShift)
    inputs.push_back(newShift);
  Value terms =
      buildMap(scores, inputs, [&](OpBuilder &b, ValueRange args) -> Value {
        Value log = normalizer.buildLogWeight(b, loc, args[1],
                                              newShift ? args[2] : Value());
        Value term = arith::MulFOp::create(b, loc, args[0], log);
        Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
        Value isNone = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                             args[0], zero);
        return arith::SelectOp::create(b, loc, isNone, zero, term);
      });
  return buildReduce(TileReduction::sum, terms, sum);
}

SmallVector<Value> OnlineStep::buildSums() {
  SmallVector<Value> sums;
  Value keptScores;
  for (unsigned k = 0; k < self.getNumValues(); ++k)
    if (!keptScores && self.usesScore(k))
      keptScores = buildKeptScores();
  // First what is summed as the weights are made.
  for (unsigned k = 0; k < self.getNumValues(); ++k)
    sums.push_back(self.isLogWeight(k) ? addLogWeights(op.getOuts()[k])
                                       : Value());
  for (auto [k, sum] : llvm::enumerate(sums)) {
    if (sum)
      continue;
    sum = op.getOuts()[k];
    if (factor)
      sum = TileRescaleOp::create(rewriter, loc, sum.getType(), sum, factor);
    sum = operands.buildWeigh(k, weights, keptScores, sum, begin, end);
  }
  return sums;
}

/// The index of the first key with the greatest score, if that is in this
/// block; `at`, if it is not.
Value OnlineStep::buildArgMax(Value at) {
  Value first = buildFirstPlace(rewriter, loc, scores, newGreatest, begin, end);
  Value origin = arith::IndexCastOp::create(rewriter, loc,
                                            rewriter.getI64Type(), firstKey);
  return buildMap(
      at, {greatest, newGreatest, first, at},
      [&](OpBuilder &b, ValueRange args) -> Value {
        Value isGreater = arith::CmpFOp::create(
            b, loc, arith::CmpFPredicate::OGT, args[1], args[0]);
        Value place = arith::ExtSIOp::create(b, loc, b.getI64Type(), args[2]);
        Value index = arith::AddIOp::create(b, loc, origin, place);
        return arith::SelectOp::create(b, loc, isGreater, index, args[3]);
      });
}

SmallVector<Value> OnlineStep::build() {
  unsigned next = self.getNumValues();
  if (normalizer.hasShift())
    shift = op.getOuts()[next++];
  if (normalizer.hasMass())
    mass = op.getOuts()[next++];

  // What is found of the scores as they are made.
  scores = operands.buildScores();
  if (shift)
    newShift = buildReduce(TileReduction::max, scores, shift);
  SmallVector<Value> statistics;
  Value at;
  for (auto kind : op.getStatistics().getAsRange<ResultKindAttr>()) {
    Value older = op.getOuts()[next++];
    bool isMax = kind.getValue() == ResultKind::max;
    Value newer = buildReduce(
        isMax ? TileReduction::maximum : TileReduction::max, scores, older);
    statistics.push_back(newer);
    if (isMax)
      continue;
    greatest = older;
    newGreatest = newer;
    at = op.getOuts()[next++];
  }

  if (shift)
    factor =
        buildMap(shift, {shift, newShift}, [&](OpBuilder &b, ValueRange args) {
          return buildFactor(b, args[0], args[1]);
        });
  weights = buildWeights();
  Value newMass = mass;
  if (mass) {
    if (factor)
      newMass = buildMap(
          mass, {mass, factor}, [&](OpBuilder &b, ValueRange args) -> Value {
            return arith::MulFOp::create(b, loc, args[0], args[1]);
          });
    newMass = buildReduce(TileReduction::sum, weights, newMass);
  }
  if (at)
    at = buildArgMax(at);

  SmallVector<Value> state = buildSums();
  if (newShift)
    state.push_back(newShift);
  if (newMass)
    state.push_back(newMass);
  for (auto [kind, value] :
       llvm::zip(op.getStatistics().getAsRange<ResultKindAttr>(), statistics)) {
    state.push_back(value);
    if (kind.getValue() == ResultKind::argmax)
      state.push_back(at);
  }
  return state;
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

  rewriter.replaceOp(
      op,
      OnlineStep(rewriter, op, *schedule, offsets, ends, begin, end).build());
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
