//===- Attention.cpp - attn.attention and attn.online, row by row ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/AttentionEvaluator.h"
#include "tools/evaluator/Interpreter.h"

#include <cmath>
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

/// x * log x, which is 0 where x is.
static double timesLog(double x) { return x == 0.0 ? 0.0 : x * std::log(x); }

/// The weighted sums of the kept keys.
FailureOr<AttentionEvaluator::Sums>
AttentionEvaluator::addValues(ArrayRef<double> weights) {
  Sums sums;
  for (const Weighed &value : values)
    sums.emplace_back(value.box.count(), 0.0);
  auto addKey = [&](int64_t key) -> LogicalResult {
    if (scores[key] == -infinity)
      return success();
    double weight = weights[key];
    if (failed(setLookups(keyLookups)))
      return failure();
    for (auto [value, sum] : llvm::zip_equal(values, sums)) {
      if (!value.part.runner.isPresent()) {
        sum.front() += timesLog(weight);
        continue;
      }
      if (value.usesScore)
        value.part.runner.setLeading(0, scores[key]);
      if (failed(evaluateOver(value.box, value.part,
                              [&sum = sum, weight](int64_t number, Cell cell) {
                                sum[number] += weight * cell.f;
                              })))
        return failure();
    }
    return success();
  };
  if (failed(forEach(keys, addKey)))
    return failure();
  return sums;
}

/// Sum `k` at the current point.
double AttentionEvaluator::readSum(const Sums &sums, unsigned k) const {
  const Box &box = values[k].box;
  int64_t number = 0;
  for (auto [dim, size] : llvm::zip_equal(box.dims, box.sizes))
    number = number * size + point[dim] - offsets[dim];
  return sums[k][number];
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

LogicalResult AttentionEvaluator::store(Result &result, Cell cell) {
  FailureOr<int64_t> offset = locate(result);
  if (failed(offset))
    return failure();
  result.array.store(*offset, cell);
  return success();
}

LogicalResult AttentionEvaluator::finishOutput(const Sums &sums,
                                               unsigned number,
                                               Result &output) {
  Epilogue &epilogue = epilogues[number];
  const Box &box = epilogue.box;
  // A sum that an epilogue does not use may be over other dimensions.
  SmallVector<unsigned> used;
  for (unsigned k = 0; epilogue.part.runner.isPresent() && k < values.size();
       ++k)
    if (!op.getEpilogue(number).getArgument(k).use_empty())
      used.push_back(k);
  return forEach(box, [&](int64_t) -> LogicalResult {
    if (!epilogue.part.runner.isPresent())
      return store(output, {.f = readSum(sums, number)});
    for (unsigned k : used)
      epilogue.part.runner.setLeading(k, readSum(sums, k));
    if (failed(setLookups(epilogue.part.ownLookups)))
      return failure();
    FailureOr<Cell> cell = epilogue.part.runner.evaluate(point);
    return failed(cell) ? failure() : store(output, *cell);
  });
}

LogicalResult AttentionEvaluator::finishRow(const Row &row) {
  FailureOr<Sums> sums = addValues(row.weights);
  if (failed(sums))
    return failure();
  unsigned outputs = 0;
  for (Result &result : results) {
    LogicalResult done = success();
    switch (result.kind) {
    case ResultKind::output:
      done = finishOutput(*sums, outputs++, result);
      break;
    case ResultKind::logsumexp:
      done = store(result, {.f = row.logMass});
      break;
    case ResultKind::weights:
      done = forEach(keys, [&](int64_t key) {
        return store(result, {.f = row.weights[key]});
      });
      break;
    case ResultKind::max:
      done = store(result, {.f = findMax(-infinity)});
      break;
    case ResultKind::argmax: {
      double greatest = -infinity;
      int64_t place = findFirstGreatest(greatest);
      unsigned dim = keys.dims.front();
      done = store(result, {.i = place < 0 ? -1 : offsets[dim] + place});
      break;
    }
    }
    if (failed(done))
      return failure();
  }
  return success();
}

/// The greatest of `sofar` and the scores; NaN if one of them is.
double AttentionEvaluator::findMax(double sofar) const {
  for (double score : scores) {
    if (std::isnan(sofar))
      break;
    if (!(score <= sofar))
      sofar = score;
  }
  return sofar;
}

/// The first place of a score that is greater than `greatest` and all others,
/// and updates that; -1 for none. A NaN is passed over.
int64_t AttentionEvaluator::findFirstGreatest(double &greatest) const {
  int64_t found = -1;
  for (auto [place, score] : llvm::enumerate(scores))
    if (score > greatest) {
      greatest = score;
      found = place;
    }
  return found;
}

/// Adds the keys of this domain to the state of a row: the weighted sums, the
/// shift and the mass, those that there are, and the statistics.
LogicalResult AttentionEvaluator::continueRow() {
  attn::NormalizerAttrInterface attr = op.getNormalizer();
  RowState state = {-infinity, 0.0};
  SmallVector<std::pair<unsigned, double RowState::*>, 2> parts;
  unsigned next = values.size();
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
  RowState older = state;
  double factor;
  std::vector<double> weights = normalizer.accumulate(scores, state, factor);
  for (auto [k, member] : parts)
    if (failed(store(results[k], {.f = state.*member})))
      return failure();
  if (failed(continueStatistics(next)))
    return failure();
  return continueSums(weights, older, factor);
}

LogicalResult AttentionEvaluator::continueStatistics(unsigned next) {
  auto online = cast<attn::OnlineOp>(op.getOperation());
  for (auto kind : online.getStatistics().getAsRange<attn::ResultKindAttr>()) {
    Result &result = results[next++];
    FailureOr<int64_t> offset = locate(result);
    if (failed(offset))
      return failure();
    double greatest = result.array.load(*offset).f;
    if (kind.getValue() == ResultKind::max) {
      result.array.store(*offset, {.f = findMax(greatest)});
      continue;
    }
    int64_t place = findFirstGreatest(greatest);
    result.array.store(*offset, {.f = greatest});
    Result &index = results[next++];
    if (place >= 0 &&
        failed(store(index, {.i = offsets[keys.dims.front()] + place})))
      return failure();
  }
  return success();
}

LogicalResult AttentionEvaluator::continueSums(ArrayRef<double> weights,
                                               const RowState &older,
                                               double factor) {
  FailureOr<Sums> sums = addValues(weights);
  if (failed(sums))
    return failure();
  for (unsigned k = 0; k < values.size(); ++k) {
    Result &result = results[k];
    bool isLog = op.isLogWeight(k);
    auto add = [&](int64_t number) -> LogicalResult {
      FailureOr<int64_t> offset = locate(result);
      if (failed(offset))
        return failure();
      double sum = result.array.load(*offset).f * factor;
      // Each w * log w becomes (c * w) * (log w + log c).
      if (isLog)
        sum += timesLog(factor) * older.mass;
      result.array.store(*offset, {.f = sum + (*sums)[k][number]});
      return success();
    };
    if (failed(forEach(values[k].box, add)))
      return failure();
  }
  return success();
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
  return finishRow(*row);
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
