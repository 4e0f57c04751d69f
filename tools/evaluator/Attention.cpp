//===- Attention.cpp - attn.attention and attn.online, row by row ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/AttentionEvaluator.h"
#include "tools/evaluator/Interpreter.h"

#include <limits>

using namespace mlir;
using namespace fovea;
using namespace fovea::evaluator;
using attn::ResultKind;

static constexpr double infinity = std::numeric_limits<double>::infinity();

LogicalResult AttentionEvaluator::setLookups(ArrayRef<unsigned> which) {
  for (unsigned k : which) {
    FailureOr<Cell> cell = lookups[k].runner.evaluate(point);
    if (failed(cell))
      return failure();
    point[domain.getNumDims() + k] = cell->i;
  }
  return success();
}

/// Sets `point` to each place of a box in turn.
template <typename Visit>
LogicalResult AttentionEvaluator::forEach(const Box &box, Visit visit) {
  if (llvm::is_contained(box.sizes, 0))
    return success();
  SmallVector<int64_t> place(box.dims.size(), 0);
  int64_t number = 0;
  do {
    for (auto [dim, at] : llvm::zip(box.dims, place))
      point[dim] = offsets[dim] + at;
    if (failed(visit(number++)))
      return failure();
  } while (advance(place, box.sizes));
  return success();
}

/// Calls `visit(number, value)` with a region's value at each place of a box.
template <typename Visit>
LogicalResult AttentionEvaluator::evaluateOver(const Box &box, Part &part,
                                               Visit visit) {
  auto visitPoint = [&](int64_t number) -> LogicalResult {
    if (failed(setLookups(part.ownLookups)))
      return failure();
    FailureOr<Cell> cell = part.runner.evaluate(point);
    if (failed(cell))
      return failure();
    visit(number, *cell);
    return success();
  };
  if (box.dims.empty() || !part.ownLookups.empty())
    return forEach(box, visitPoint);

  unsigned dim = box.dims.back();
  int64_t count = box.sizes.back();
  if (count == 0)
    return success();
  Box outer = box;
  outer.dims.pop_back();
  outer.sizes.pop_back();
  return forEach(outer, [&](int64_t number) -> LogicalResult {
    point[dim] = offsets[dim];
    std::optional<LogicalResult> ran =
        part.runner.evaluateRun(point, dim, count, [&](int64_t k, Cell cell) {
          visit(number * count + k, cell);
        });
    if (ran)
      return *ran;
    for (int64_t k = 0; k < count; ++k) {
      point[dim] = offsets[dim] + k;
      if (failed(visitPoint(number * count + k)))
        return failure();
    }
    return success();
  });
}

/// The score of the key at `point`, -inf when the key is not kept. Nothing of
/// a masked key is computed, so that nothing of it can show.
LogicalResult AttentionEvaluator::evaluateScore(double &result) {
  result = -infinity;
  if (mask.runner.isPresent()) {
    if (failed(setLookups(mask.ownLookups)))
      return failure();
    FailureOr<Cell> keeps = mask.runner.evaluate(point);
    if (failed(keeps))
      return failure();
    if (keeps->i == 0)
      return success();
  }
  for (auto [k, contraction] : llvm::enumerate(contractions)) {
    double sum = 0.0;
    if (failed(evaluateOver(contraction.box, contraction.part,
                            [&](int64_t, Cell cell) { sum += cell.f; })))
      return failure();
    if (score.runner.isPresent())
      score.runner.setLeading(k, sum);
    result = sum;
  }
  if (!score.runner.isPresent())
    return success();
  FailureOr<Cell> cell = score.runner.evaluate(point);
  if (failed(cell))
    return failure();
  result = cell->f;
  return success();
}

/// Adds the weighted values of the kept keys to `sums`, one for each place of
/// the value dimensions.
LogicalResult AttentionEvaluator::addValues(ArrayRef<double> weights,
                                            std::vector<double> &sums) {
  return forEach(keys, [&](int64_t key) -> LogicalResult {
    if (scores[key] == -infinity)
      return success();
    double weight = weights[key];
    if (failed(setLookups(keyLookups)))
      return failure();
    return evaluateOver(values, value, [&](int64_t number, Cell cell) {
      sums[number] += weight * cell.f;
    });
  });
}

Result *AttentionEvaluator::findResult(ResultKind kind) {
  for (Result &result : results)
    if (result.kind == kind)
      return &result;
  return nullptr;
}

FailureOr<int64_t> AttentionEvaluator::locate(const Result &result) {
  SmallVector<int64_t> at = point;
  // The state of attn.online is that of the tile alone.
  if (isOnline)
    for (auto [coordinate, offset] : llvm::zip(at, offsets))
      coordinate -= offset;
  int64_t offset = result.access.locate(at);
  if (offset < 0)
    return op.emitError("writes a result out of range");
  return offset;
}

LogicalResult AttentionEvaluator::finishRow(const Row &row,
                                            std::vector<double> &sums) {
  auto store = [&](Result &result, double number) -> LogicalResult {
    FailureOr<int64_t> offset = locate(result);
    if (failed(offset))
      return failure();
    result.array.store(*offset, {.f = number});
    return success();
  };
  if (Result *result = findResult(ResultKind::logsumexp))
    if (failed(store(*result, row.logMass)))
      return failure();
  if (Result *result = findResult(ResultKind::weights))
    if (failed(forEach(keys, [&](int64_t key) {
          return store(*result, row.weights[key]);
        })))
      return failure();
  Result *output = findResult(ResultKind::output);
  if (!output)
    return success();
  if (failed(addValues(row.weights, sums)))
    return failure();
  return forEach(values, [&](int64_t number) -> LogicalResult {
    if (!epilogue.runner.isPresent())
      return store(*output, sums[number]);
    epilogue.runner.setLeading(0, sums[number]);
    if (failed(setLookups(epilogue.ownLookups)))
      return failure();
    FailureOr<Cell> cell = epilogue.runner.evaluate(point);
    return failed(cell) ? failure() : store(*output, cell->f);
  });
}

/// Adds the keys of this domain to the state of a row: the weighted sum, the
/// shift and the mass, those that there are.
LogicalResult AttentionEvaluator::continueRow() {
  bool hasValue = value.runner.isPresent();
  attn::NormalizerAttrInterface attr = op.getNormalizer();
  RowState state = {-infinity, 0.0};
  SmallVector<std::pair<unsigned, double RowState::*>, 2> parts;
  unsigned next = hasValue ? 1 : 0;
  if (attr.hasShift())
    parts.push_back({next++, &RowState::shift});
  if (attr.hasMass())
    parts.push_back({next++, &RowState::mass});
  for (auto [k, member] : parts) {
    FailureOr<int64_t> offset = locate(results[k]);
    if (failed(offset))
      return failure();
    state.*member = results[k].array.load(*offset).f;
  }
  double factor;
  std::vector<double> weights = normalizer.accumulate(scores, state, factor);
  for (auto [k, member] : parts)
    results[k].array.store(*locate(results[k]), {.f = state.*member});
  if (!hasValue)
    return success();
  std::vector<double> sums(values.count(), 0.0);
  if (failed(addValues(weights, sums)))
    return failure();
  return forEach(values, [&](int64_t number) -> LogicalResult {
    FailureOr<int64_t> offset = locate(results[0]);
    if (failed(offset))
      return failure();
    double older = results[0].array.load(*offset).f * factor;
    results[0].array.store(*offset, {.f = older + sums[number]});
    return success();
  });
}

/// Whether the current key is one of those that attn.online is to add.
bool AttentionEvaluator::isVisited() {
  auto online = dyn_cast<attn::OnlineOp>(op.getOperation());
  if (!online || online.getVisit().empty())
    return true;
  int64_t key = point[online.getSchedule()->getKeyDim()];
  return key >= frame.at(online.getVisit()[0]).cell.i &&
         key < frame.at(online.getVisit()[1]).cell.i;
}

/// The weights of the keys, with the sink as a key that has no value.
FailureOr<Row> AttentionEvaluator::normalizeRow() {
  if (!sink.runner.isPresent())
    return normalizer.normalize(scores);
  if (failed(setLookups(sink.ownLookups)))
    return failure();
  FailureOr<Cell> cell = sink.runner.evaluate(point);
  if (failed(cell))
    return failure();
  scores.push_back(cell->f);
  Row row = normalizer.normalize(scores);
  scores.pop_back();
  row.weights.pop_back();
  return row;
}

LogicalResult AttentionEvaluator::runRow() {
  if (failed(setLookups(rowLookups)))
    return failure();
  scores.assign(keys.count(), -infinity);
  if (failed(forEach(keys, [&](int64_t key) -> LogicalResult {
        if (!isVisited())
          return success();
        if (failed(setLookups(keyLookups)))
          return failure();
        return evaluateScore(scores[key]);
      })))
    return failure();
  if (isOnline)
    return continueRow();
  FailureOr<Row> row = normalizeRow();
  if (failed(row))
    return failure();
  std::vector<double> sums(values.count(), 0.0);
  return finishRow(*row, sums);
}

LogicalResult AttentionEvaluator::run() {
  return forEach(parallel, [&](int64_t) { return runRow(); });
}

void AttentionEvaluator::setResults(Frame &frame) {
  for (auto [k, result] : llvm::enumerate(results))
    frame[op->getResult(k)] = {.cell = {.i = 0}, .array = result.array};
}

LogicalResult fovea::evaluator::evaluateAttention(attn::AttentionOpInterface op,
                                                  Frame &frame) {
  std::optional<Normalizer> normalizer = Normalizer::get(op.getNormalizer());
  if (!normalizer)
    return op.emitError() << "has the normalizer " << op.getNormalizer()
                          << ", which the evaluator does not know";
  if (op->getNumResults() != op.getOuts().size())
    return op.emitError("expects tensors, not buffers");
  AttentionEvaluator evaluator(op, frame, *normalizer);
  if (failed(evaluator.prepare()) || failed(evaluator.run()))
    return failure();
  evaluator.setResults(frame);
  return success();
}
