//===- AttentionSetup.cpp - the domain, regions and results of an op ------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/AttentionEvaluator.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::evaluator;
using attn::DimKind;
using attn::ResultKind;

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
      return op.emitError() << "has the bound " << bound << " in dimension '"
                            << domain.getNames()[dim].getValue()
                            << "', where it expects a size";
  parallel = getBox(domain.getDims(DimKind::parallel));
  keys = getBox(domain.getDims(DimKind::key));
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
    llvm::SmallBitVector used = getLookupsOf(region);
    for (unsigned other : used.set_bits())
      dims |= lookups[other].dims;
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
  llvm::SmallBitVector used = getLookupsOf(region);
  for (unsigned k : used.set_bits()) {
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
        Named{sink, op.getSinkOrNull(), "sink", dimsOf({&parallel})}}) {
    if (!named.region)
      continue;
    FailureOr<Part> part =
        getPart(*named.region, named.name, symbols, named.dims);
    if (failed(part))
      return failure();
    named.part = std::move(*part);
  }
  for (unsigned k = 0; k < op.getNumValues(); ++k) {
    Box box = getBox(llvm::to_vector_of<unsigned>(op.getDimsOfValue(k)));
    FailureOr<Part> part = getPart(op.getValue(k), "value", symbols,
                                   dimsOf({&parallel, &keys, &box}));
    if (failed(part))
      return failure();
    values.push_back({std::move(*part), std::move(box), op.usesScore(k)});
  }
  for (Result &result : results) {
    auto whole = dyn_cast<attn::AttentionOp>(op.getOperation());
    if (!whole || result.kind != ResultKind::output)
      continue;
    Box box = getBox(whole.getDimsOfOutput(&result - results.data()));
    FailureOr<Part> part = getPart(op.getEpilogue(epilogues.size()), "epilogue",
                                   symbols, dimsOf({&parallel, &box}));
    if (failed(part))
      return failure();
    epilogues.push_back({std::move(*part), std::move(box)});
  }
  return success();
}
