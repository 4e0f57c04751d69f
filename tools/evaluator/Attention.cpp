//===- Attention.cpp - attn.attention and attn.online, row by row ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Interpreter.h"
#include "tools/evaluator/Normalize.h"
#include "tools/evaluator/RegionRunner.h"

#include <limits>

using namespace mlir;
using namespace fovea;
using namespace fovea::evaluator;
using attn::DimKind;
using attn::ResultKind;

namespace {

/// Some dimensions of the domain, iterated in row-major order.
struct Box {
  SmallVector<unsigned> dims;
  SmallVector<int64_t> sizes;

  int64_t count() const {
    int64_t product = 1;
    for (int64_t size : sizes)
      product *= size;
    return product;
  }
};

/// An integer formula that accesses may use, and when its value changes.
struct Lookup {
  RegionRunner runner;
  llvm::SmallBitVector dims;
};

/// A region with the lookups that must be computed anew at each of its
/// points, since they depend on its own dimensions.
struct Part {
  RegionRunner runner;
  SmallVector<unsigned> ownLookups;
};

struct Contraction {
  Part part;
  Box box;
};

struct Result {
  ResultKind kind;
  Array array;
  Access access;
};

/// One attention op, evaluated one row (point of the parallel dimensions) at
/// a time.
class AttentionEvaluator {
public:
  AttentionEvaluator(attn::AttentionOpInterface op, const Frame &frame,
                     Normalizer normalizer)
      : op(op), domain(op.getDomain()), frame(frame), normalizer(normalizer),
        isOnline(isa<attn::OnlineOp>(op)) {}

  LogicalResult prepare();
  LogicalResult run();
  void setResults(Frame &frame);

private:
  Box getBox(ArrayRef<unsigned> dims) const;
  LogicalResult prepareDomain();
  LogicalResult prepareLookups(ArrayRef<int64_t> symbols);
  LogicalResult prepareResults(ArrayRef<int64_t> symbols);
  FailureOr<Part> getPart(Region &region, const Twine &name,
                          ArrayRef<int64_t> symbols,
                          const llvm::SmallBitVector &dims);
  llvm::SmallBitVector getLookupsOf(Region &region) const;

  LogicalResult setLookups(ArrayRef<unsigned> which);
  template <typename Visit>
  LogicalResult forEach(const Box &box, Visit visit);
  template <typename Visit>
  LogicalResult evaluateOver(const Box &box, Part &part, Visit visit);

  LogicalResult runRow();
  LogicalResult evaluateScore(double &score);
  LogicalResult addValues(ArrayRef<double> weights, std::vector<double> &sums);
  LogicalResult finishRow(const Row &row, std::vector<double> &sums);
  LogicalResult continueRow();
  Result *findResult(ResultKind kind);
  FailureOr<int64_t> locate(const Result &result);

  attn::AttentionOpInterface op;
  attn::DomainAttr domain;
  const Frame &frame;
  Normalizer normalizer;
  bool isOnline;

  SmallVector<int64_t> bounds, offsets;
  Box parallel, keys, values;
  std::vector<Lookup> lookups;
  SmallVector<unsigned> rowLookups, keyLookups;
  std::vector<Contraction> contractions;
  Part score, mask, value, epilogue;
  std::vector<Result> results;

  /// Index values of all dimensions, then the lookups.
  SmallVector<int64_t> point;
  std::vector<double> scores;
};

} // namespace

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Preparation
//===----------------------------------------------------------------------===//

Box AttentionEvaluator::getBox(ArrayRef<unsigned> dims) const {
  Box box;
  for (unsigned dim : dims) {
    box.dims.push_back(dim);
    box.sizes.push_back(bounds[dim]);
  }
  return box;
}

LogicalResult AttentionEvaluator::prepareDomain() {
  for (OpFoldResult bound : op.getMixedBounds())
    bounds.push_back(getIndex(frame, bound));
  for (OpFoldResult offset : op.getMixedOffsets())
    offsets.push_back(getIndex(frame, offset));
  for (auto [dim, bound] : llvm::enumerate(bounds))
    if (bound < 0)
      return op.emitError()
             << "has the negative bound " << bound << " of dimension '"
             << domain.getNames()[dim].getValue() << "'";
  parallel = getBox(domain.getDims(DimKind::parallel));
  keys = getBox(domain.getDims(DimKind::key));
  values = getBox(domain.getDims(DimKind::value));
  point.assign(domain.getNumDims() + op.getNumLookups(), 0);
  return success();
}

/// The lookups that the accesses of a region use, and those that they use.
llvm::SmallBitVector AttentionEvaluator::getLookupsOf(Region &region) const {
  auto self = op;
  unsigned numDims = domain.getNumDims(), count = self.getNumLookups();
  llvm::SmallBitVector used(count);
  for (AffineMap map : self.getAccessesOf(region))
    for (unsigned k = 0; k < count; ++k)
      if (map.isFunctionOfDim(numDims + k)) {
        used.set(k);
        used |= getLookupsOf(self.getLookup(k));
      }
  return used;
}

LogicalResult AttentionEvaluator::prepareLookups(ArrayRef<int64_t> symbols) {
  unsigned numDims = domain.getNumDims();
  llvm::SmallBitVector rowDims(numDims), keyDims(numDims);
  for (unsigned dim : parallel.dims)
    rowDims.set(dim);
  keyDims = rowDims;
  for (unsigned dim : keys.dims)
    keyDims.set(dim);

  for (unsigned k = 0; k < op.getNumLookups(); ++k) {
    Region &region = op.getLookup(k);
    FailureOr<RegionRunner> runner =
        RegionRunner::get(op, region, symbols, frame);
    if (failed(runner))
      return failure();
    llvm::SmallBitVector dims(numDims);
    for (unsigned dim : runner->getIndices())
      dims.set(dim);
    for (AffineMap map : op.getAccessesOf(region))
      for (unsigned dim = 0; dim < numDims; ++dim)
        if (map.isFunctionOfDim(dim))
          dims.set(dim);
    for (unsigned used : getLookupsOf(region).set_bits())
      dims |= lookups[used].dims;
    if (!dims.test(rowDims))
      rowLookups.push_back(k);
    else if (!dims.test(keyDims))
      keyLookups.push_back(k);
    lookups.push_back({std::move(*runner), dims});
  }
  return success();
}

FailureOr<Part> AttentionEvaluator::getPart(Region &region, const Twine &name,
                                            ArrayRef<int64_t> symbols,
                                            const llvm::SmallBitVector &dims) {
  FailureOr<RegionRunner> runner =
      RegionRunner::get(op, region, symbols, frame);
  if (failed(runner))
    return failure();
  Part part = {std::move(*runner), {}};
  for (unsigned k : getLookupsOf(region).set_bits()) {
    llvm::SmallBitVector unknown = lookups[k].dims;
    unknown.reset(dims);
    if (unknown.any())
      return op.emitError()
             << "the " << name << " uses lookup " << k
             << ", which depends on dimension '"
             << domain.getNames()[unknown.find_first()].getValue()
             << "', which has no value there";
    if (!llvm::is_contained(rowLookups, k) &&
        !llvm::is_contained(keyLookups, k))
      part.ownLookups.push_back(k);
  }
  return part;
}

LogicalResult AttentionEvaluator::prepareResults(ArrayRef<int64_t> symbols) {
  auto whole = dyn_cast<attn::AttentionOp>(op.getOperation());
  SmallVector<ResultKind> kinds;
  if (whole)
    for (unsigned k = 0; k < op.getOuts().size(); ++k)
      kinds.push_back(whole.getResultKind(k));
  for (auto [k, out] : llvm::enumerate(op.getOuts())) {
    const Array &init = frame.at(out).array;
    if (!init.isTensor())
      return op.emitError("expects tensors, not buffers");
    FailureOr<Access> access = Access::get(
        op, op.getOutAccess(k), symbols, domain.getNumDims(), init.getShape());
    if (failed(access))
      return failure();
    results.push_back({whole ? kinds[k] : ResultKind::output, init.clone(),
                       std::move(*access)});
  }
  return success();
}

LogicalResult AttentionEvaluator::prepare() {
  SmallVector<int64_t> symbols = llvm::map_to_vector(
      op.getSymbols(), [&](Value symbol) { return frame.at(symbol).cell.i; });
  if (failed(prepareDomain()) || failed(prepareLookups(symbols)) ||
      failed(prepareResults(symbols)))
    return failure();

  auto dimsOf = [&](std::initializer_list<const Box *> boxes) {
    llvm::SmallBitVector dims(domain.getNumDims());
    for (const Box *box : boxes)
      for (unsigned dim : box->dims)
        dims.set(dim);
    return dims;
  };
  for (unsigned k = 0; k < op.getNumContractions(); ++k) {
    Box box = getBox(llvm::to_vector_of<unsigned>(op.getDimsOfContraction(k)));
    FailureOr<Part> part =
        getPart(op.getContraction(k), "contraction " + Twine(k), symbols,
                dimsOf({&parallel, &keys, &box}));
    if (failed(part))
      return failure();
    contractions.push_back({std::move(*part), std::move(box)});
  }
  struct Named {
    Part &part;
    Region *region;
    const char *name;
    llvm::SmallBitVector dims;
  };
  for (Named named :
       {Named{score, &op.getScore(), "score", dimsOf({&parallel, &keys})},
        Named{mask, &op.getMask(), "mask", dimsOf({&parallel, &keys})},
        Named{value, &op.getValue(), "value",
              dimsOf({&parallel, &keys, &values})},
        Named{epilogue, op.getEpilogueOrNull(), "epilogue",
              dimsOf({&parallel, &values})}}) {
    if (!named.region)
      continue;
    FailureOr<Part> part =
        getPart(*named.region, named.name, symbols, named.dims);
    if (failed(part))
      return failure();
    named.part = std::move(*part);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

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

LogicalResult AttentionEvaluator::runRow() {
  if (failed(setLookups(rowLookups)))
    return failure();
  scores.assign(keys.count(), -infinity);
  if (failed(forEach(keys, [&](int64_t key) -> LogicalResult {
        if (failed(setLookups(keyLookups)))
          return failure();
        return evaluateScore(scores[key]);
      })))
    return failure();
  if (isOnline)
    return continueRow();
  std::vector<double> sums(values.count(), 0.0);
  return finishRow(normalizer.normalize(scores), sums);
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
