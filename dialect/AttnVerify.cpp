//===- AttnVerify.cpp - what attn.attention and attn.online share ---------===//
//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/AttnVerify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;
using namespace fovea::attn::detail;

unsigned fovea::attn::detail::getSegmentOf(AttentionOpInterface op,
                                           Region &region) {
  // Score and mask stand between contractions and values.
  unsigned before = op.getNumLookups() + op.getNumContractions();
  for (auto [k, inner] : llvm::enumerate(op.getInner()))
    if (&inner == &region)
      return k < before ? k : k + 2;
  if (&region == &op.getScore())
    return before;
  if (&region == &op.getMask())
    return before + 1;
  assert(&region == op.getSinkOrNull() && "not a region of this op");
  return op.getInner().size() + 2;
}

unsigned fovea::attn::detail::getNumLeadingArguments(AttentionOpInterface op,
                                                     Region &region) {
  if (&region == &op.getScore())
    return op.getNumContractions();
  unsigned firstValue = op.getNumLookups() + op.getNumContractions();
  unsigned firstEpilogue = firstValue + op.getNumValues();
  for (auto [k, inner] : llvm::enumerate(op.getInner())) {
    if (&inner != &region || k < firstValue)
      continue;
    if (k >= firstEpilogue)
      return op.getNumValues();
    unsigned inputs = op.getInputSegments()[getSegmentOf(op, region)];
    return !region.empty() && region.getNumArguments() > inputs ? 1 : 0;
  }
  return 0;
}

namespace {
/// One region of an attention, with what may stand in it.
struct RegionRule {
  Region *region;
  std::string name;
  /// The dimensions that have a value in it.
  llvm::SmallBitVector dims;
  /// The lookups that are known in it.
  unsigned lookups;
};
} // namespace

llvm::SmallBitVector fovea::attn::detail::dimsOfKinds(DomainAttr domain,
                                                      ArrayRef<DimKind> kinds) {
  llvm::SmallBitVector dims(domain.getNumDims());
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim)
    if (llvm::is_contained(kinds, domain.getKinds()[dim]))
      dims.set(dim);
  return dims;
}

/// The value dimensions of output `number`.
static SmallVector<unsigned> getDimsOfOutput(AttentionOpInterface op,
                                             unsigned number) {
  auto attention = cast<AttentionOp>(op.getOperation());
  for (unsigned out = 0; out < attention.getOuts().size(); ++out)
    if (attention.getResultKind(out) == ResultKind::output &&
        attention.getOutputNumber(out) == number)
      return attention.getDimsOfOutput(out);
  return {};
}

static SmallVector<RegionRule> getRegionRules(AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  unsigned lookups = op.getNumLookups();
  llvm::SmallBitVector all(domain.getNumDims(), true);
  auto scores = dimsOfKinds(domain, {DimKind::parallel, DimKind::key});

  SmallVector<RegionRule> rules;
  for (unsigned k = 0; k < lookups; ++k)
    rules.push_back({&op.getLookup(k), "lookup " + std::to_string(k), all, k});
  for (unsigned k = 0; k < op.getNumContractions(); ++k) {
    llvm::SmallBitVector dims = scores;
    for (int64_t dim : op.getDimsOfContraction(k))
      dims.set(dim);
    rules.push_back({&op.getContraction(k), "contraction " + std::to_string(k),
                     dims, lookups});
  }
  rules.push_back({&op.getScore(), "score", scores, lookups});
  rules.push_back({&op.getMask(), "mask", scores, lookups});
  // By number where there are several.
  auto name = [](StringRef part, unsigned k, unsigned count) {
    return count > 1 ? (part + " " + Twine(k)).str() : part.str();
  };
  for (unsigned k = 0; k < op.getNumValues(); ++k) {
    llvm::SmallBitVector dims = scores;
    for (int64_t dim : op.getDimsOfValue(k))
      dims.set(dim);
    rules.push_back(
        {&op.getValue(k), name("value", k, op.getNumValues()), dims, lookups});
  }
  for (unsigned k = 0; k < op.getNumEpilogues(); ++k) {
    auto dims = dimsOfKinds(domain, {DimKind::parallel});
    for (unsigned dim : getDimsOfOutput(op, k))
      dims.set(dim);
    rules.push_back({&op.getEpilogue(k),
                     name("epilogue", k, op.getNumEpilogues()), dims, lookups});
  }
  if (Region *sink = op.getSinkOrNull())
    rules.push_back(
        {sink, "sink", dimsOfKinds(domain, {DimKind::parallel}), lookups});
  return rules;
}

static LogicalResult verifyDomain(AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  size_t dynamicBounds =
      llvm::count_if(domain.getBounds(), ShapedType::isDynamic);
  if (op.getBounds().size() != dynamicBounds)
    return op.emitOpError()
           << "expects " << dynamicBounds << " dynamic bounds, but got "
           << op.getBounds().size();
  size_t dynamicOffsets =
      llvm::count_if(domain.getOffsets(), ShapedType::isDynamic);
  if (op.getOffsets().size() != dynamicOffsets)
    return op.emitOpError()
           << "expects " << dynamicOffsets << " dynamic offsets, but got "
           << op.getOffsets().size();
  if (domain.getDims(DimKind::key).empty())
    return op.emitOpError("expects at least one key dimension");
  if (op.getNumLookups() > op.getInner().size())
    return op.emitOpError()
           << "expects " << op.getNumLookups() << " lookup regions, but has "
           << op.getInner().size() << " inner regions";
  size_t inner =
      op.getNumLookups() + op.getNumContractions() + op.getNumValues();
  if (auto attention = dyn_cast<AttentionOp>(op.getOperation())) {
    if (attention.getResultKinds().size() != op.getOuts().size())
      return op.emitOpError()
             << "expects a kind for each of " << op.getOuts().size()
             << " results, but got " << attention.getResultKinds().size();
    inner += llvm::count_if(attention.getResultKinds(), [](Attribute kind) {
      return cast<ResultKindAttr>(kind).getValue() == ResultKind::output;
    });
  }
  if (op.getInner().size() != inner)
    return op.emitOpError()
           << "expects " << inner
           << " regions of lookups, contractions, values and outputs, but has "
           << op.getInner().size();
  return success();
}

/// The dimensions of contractions: in range, of that kind, summed once.
static LogicalResult verifyContractionDims(AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  llvm::SmallBitVector summed(domain.getNumDims());
  for (unsigned k = 0; k < op.getNumContractions(); ++k) {
    if (!isa<DenseI64ArrayAttr>(op.getContractionDims()[k]))
      return op.emitOpError("expects contraction dimensions as integer arrays");
    for (int64_t dim : op.getDimsOfContraction(k)) {
      if (dim < 0 || dim >= domain.getNumDims() ||
          !domain.isKind(dim, DimKind::contraction))
        return op.emitOpError()
               << "contraction " << k << " sums over dimension " << dim
               << ", which is not a contraction dimension";
      if (summed.test(dim))
        return op.emitOpError()
               << "contraction dimension '" << domain.getNames()[dim].getValue()
               << "' is summed twice";
      summed.set(dim);
    }
  }
  return success();
}

/// The dimensions of values: in range, and of that kind.
static LogicalResult verifyValueDims(AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  for (unsigned k = 0; k < op.getNumValues(); ++k) {
    if (!isa<DenseI64ArrayAttr>(op.getValueDims()[k]))
      return op.emitOpError("expects value dimensions as integer arrays");
    for (int64_t dim : op.getDimsOfValue(k))
      if (dim < 0 || dim >= domain.getNumDims() ||
          !domain.isKind(dim, DimKind::value))
        return op.emitOpError() << "value " << k << " extends over dimension "
                                << dim << ", which is not a value dimension";
    if (!op.isLogWeight(k))
      continue;
    if (!op.getDimsOfValue(k).empty())
      return op.emitOpError() << "value " << k
                              << " is the logarithm of the weight, which has "
                                 "no value dimensions";
    if (!op.getNormalizer().hasMass())
      return op.emitOpError()
             << "has the logarithm of the weight as a value, but its "
                "normalizer "
             << op.getNormalizer() << " divides by nothing";
  }
  return success();
}

LogicalResult fovea::attn::detail::verifyAccess(
    AttentionOpInterface op, Value operand, AffineMap map, const Twine &what,
    const llvm::SmallBitVector &dims, unsigned lookups) {
  DomainAttr domain = op.getDomain();
  unsigned numDims = domain.getNumDims();
  if (map.getNumDims() != numDims + op.getNumLookups() ||
      map.getNumSymbols() != op.getSymbols().size())
    return op.emitOpError()
           << what << " has an access over " << map.getNumDims()
           << " dimensions and " << map.getNumSymbols()
           << " symbols, but the domain has " << numDims << " and "
           << op.getNumLookups() << " lookups, and the op "
           << op.getSymbols().size() << " symbols";
  Type type = operand.getType();
  auto shaped = dyn_cast<ShapedType>(type);
  if (!getElementTypeOrSelf(type).isIntOrIndexOrFloat() ||
      (shaped && !isa<RankedTensorType, MemRefType>(type)))
    return op.emitOpError() << what << " is " << type
                            << ", which is neither a tensor or memref of "
                               "numbers with a rank nor a number";
  int64_t rank = shaped ? shaped.getRank() : 0;
  if (map.getNumResults() != rank)
    return op.emitOpError()
           << what << " has " << rank << " dimensions, but its access gives "
           << map.getNumResults() << " coordinates";
  for (unsigned dim = 0; dim < map.getNumDims(); ++dim) {
    if (!map.isFunctionOfDim(dim))
      continue;
    if (dim >= numDims && dim - numDims >= lookups)
      return op.emitOpError() << what << " uses lookup " << dim - numDims
                              << ", which is not known there";
    if (dim < numDims && !dims.test(dim))
      return op.emitOpError()
             << what << " depends on the "
             << stringifyDimKind(domain.getKinds()[dim]) << " dimension '"
             << domain.getNames()[dim].getValue()
             << "', which has no value there";
  }
  return success();
}

static LogicalResult verifyRegion(AttentionOpInterface op,
                                  const RegionRule &rule) {
  OperandRange inputs = op.getInputsOf(*rule.region);
  for (auto [k, input, access] :
       llvm::enumerate(inputs, op.getAccessesOf(*rule.region)))
    if (failed(verifyAccess(op, input, access,
                            "operand " + Twine(k) + " of the " + rule.name,
                            rule.dims, rule.lookups)))
      return failure();

  if (rule.region->empty()) {
    if (!inputs.empty())
      return op.emitOpError()
             << "the " << rule.name << " has operands, but no region";
    return success();
  }
  if (!rule.region->hasOneBlock())
    return op.emitOpError()
           << "expects the " << rule.name << " to have one block";

  unsigned leading = op.getNumLeadingArguments(*rule.region);
  Block &body = rule.region->front();
  if (body.getNumArguments() != leading + inputs.size())
    return op.emitOpError()
           << "expects the " << rule.name << " to have "
           << leading + inputs.size() << " block arguments, but it has "
           << body.getNumArguments();
  for (auto [k, arg] : llvm::enumerate(body.getArguments())) {
    Type expected = k < leading
                        ? Float32Type::get(op.getContext())
                        : getElementTypeOrSelf(inputs[k - leading].getType());
    if (arg.getType() != expected)
      return op.emitOpError()
             << "expects argument " << k << " of the " << rule.name << " to be "
             << expected << ", but it is " << arg.getType();
  }

  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield)
    return op.emitOpError()
           << "expects the " << rule.name << " to end with attn.yield";
  Type yielded = yield.getValue().getType();
  bool isLookup = StringRef(rule.name).starts_with("lookup");
  bool isMask = rule.region == &op.getMask();
  bool ok = isLookup ? isa<IndexType>(yielded)
            : isMask ? yielded.isInteger(1)
            : StringRef(rule.name).starts_with("epilogue")
                ? isa<FloatType>(yielded)
                : yielded.isF32();
  if (!ok)
    return op.emitOpError() << "expects the " << rule.name << " to yield "
                            << (isLookup ? "index"
                                : isMask ? "i1"
                                         : "f32")
                            << ", but it yields " << yielded;

  for (Operation &inner : body) {
    if (!isMemoryEffectFree(&inner) || inner.getNumRegions() != 0)
      return inner.emitOpError()
             << "in the " << rule.name << " is not scalar and pure";
    auto index = dyn_cast<IndexOp>(inner);
    if (!index)
      continue;
    if (index.getDim() >= op.getDomain().getNumDims())
      return index.emitOpError()
             << "names dimension " << index.getDim() << ", but the domain has "
             << op.getDomain().getNumDims();
    if (!rule.dims.test(index.getDim()))
      return index.emitOpError()
             << "names dimension '"
             << op.getDomain().getNames()[index.getDim()].getValue()
             << "', which has no value in the " << rule.name;
  }
  return success();
}

LogicalResult fovea::attn::detail::verifyAttention(AttentionOpInterface op) {
  if (failed(verifyDomain(op)) || failed(verifyContractionDims(op)) ||
      failed(verifyValueDims(op)))
    return failure();

  ArrayRef<int32_t> segments = op.getInputSegments();
  size_t groups = op.getInner().size() + 2 + (op.getSinkOrNull() ? 1 : 0);
  if (segments.size() != groups)
    return op.emitOpError() << "expects operands in " << groups
                            << " groups, but got " << segments.size();
  int64_t total = 0;
  for (int32_t size : segments)
    total += size;
  if (total != static_cast<int64_t>(op.getInputs().size()) ||
      llvm::any_of(segments, [](int32_t size) { return size < 0; }))
    return op.emitOpError() << "has groups of " << total << " operands, but "
                            << op.getInputs().size() << " operands";
  if (op.getAccesses().size() != op.getInputs().size() + op.getOuts().size())
    return op.emitOpError()
           << "expects " << op.getInputs().size() + op.getOuts().size()
           << " accesses, but got " << op.getAccesses().size();
  for (RegionRule &rule : getRegionRules(op))
    if (failed(verifyRegion(op, rule)))
      return failure();
  if (op.getScore().empty() && op.getNumContractions() != 1)
    return op.emitOpError() << "expects a score region, since there are "
                            << op.getNumContractions() << " contractions";
  return success();
}
