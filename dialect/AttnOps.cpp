//===- AttnOps.cpp - verification of the graph-level ops -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// What attn.attention and attn.online share
//===----------------------------------------------------------------------===//

unsigned fovea::attn::detail::getSegmentOf(AttentionOpInterface op,
                                           Region &region) {
  for (auto [k, inner] : llvm::enumerate(op.getInner()))
    if (&inner == &region)
      return k;
  unsigned segment = op.getInner().size();
  for (Region *candidate : {&op.getScore(), &op.getMask(), &op.getValue(),
                            op.getEpilogueOrNull(), op.getSinkOrNull()}) {
    if (candidate == &region)
      return segment;
    ++segment;
  }
  llvm_unreachable("not a region of this op");
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

static llvm::SmallBitVector dimsOfKinds(DomainAttr domain,
                                        ArrayRef<DimKind> kinds) {
  llvm::SmallBitVector dims(domain.getNumDims());
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim)
    if (llvm::is_contained(kinds, domain.getKinds()[dim]))
      dims.set(dim);
  return dims;
}

static SmallVector<RegionRule> getRegionRules(AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  unsigned lookups = op.getNumLookups();
  llvm::SmallBitVector all(domain.getNumDims(), true);
  auto scores = dimsOfKinds(domain, {DimKind::parallel, DimKind::key});
  auto values =
      dimsOfKinds(domain, {DimKind::parallel, DimKind::key, DimKind::value});
  auto outputs = dimsOfKinds(domain, {DimKind::parallel, DimKind::value});

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
  rules.push_back({&op.getValue(), "value", values, lookups});
  if (Region *epilogue = op.getEpilogueOrNull())
    rules.push_back({epilogue, "epilogue", outputs, lookups});
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
  return success();
}

/// The dimensions of contractions: in range, of that kind, summed once.
static LogicalResult verifyContractionDims(AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  if (op.getContractionDims().size() != op.getNumContractions())
    return op.emitOpError()
           << "expects the dimensions of " << op.getNumContractions()
           << " contractions, but got those of "
           << op.getContractionDims().size();
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

/// One access against its operand and the dimensions it may use.
static LogicalResult verifyAccess(AttentionOpInterface op, Value operand,
                                  AffineMap map, const Twine &what,
                                  const llvm::SmallBitVector &dims,
                                  unsigned lookups) {
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
  bool ok = isLookup                                ? isa<IndexType>(yielded)
            : isMask                                ? yielded.isInteger(1)
            : rule.region == op.getEpilogueOrNull() ? isa<FloatType>(yielded)
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
  if (failed(verifyDomain(op)) || failed(verifyContractionDims(op)))
    return failure();

  SmallVector<RegionRule> rules = getRegionRules(op);
  ArrayRef<int32_t> segments = op.getInputSegments();
  if (segments.size() != rules.size())
    return op.emitOpError() << "expects operands in " << rules.size()
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
  for (RegionRule &rule : rules)
    if (failed(verifyRegion(op, rule)))
      return failure();
  if (op.getScore().empty() && op.getNumContractions() != 1)
    return op.emitOpError() << "expects a score region, since there are "
                            << op.getNumContractions() << " contractions";
  return success();
}

/// Operands in memory are read, destinations in memory are read and written.
template <typename Op>
static void
addEffects(Op op,
           SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
               &effects) {
  for (OpOperand &input : op.getInputsMutable())
    if (isa<BaseMemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input);
  for (OpOperand &out : op.getOutsMutable())
    if (isa<BaseMemRefType>(out.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &out);
      effects.emplace_back(MemoryEffects::Write::get(), &out);
    }
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

Region *AttentionOp::getEpilogueOrNull() { return &getEpilogue(); }
Region *AttentionOp::getSinkOrNull() { return &getSink(); }

void AttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addEffects(*this, effects);
}

/// Segments are over a key dimension and the symbols that their maps name.
static LogicalResult verifySegments(AttentionOp op) {
  std::optional<SegmentsAttr> segments = op.getSegments();
  if (!segments)
    return success();
  DomainAttr domain = op.getDomain();
  if (segments->getKey() >= domain.getNumDims() ||
      !domain.isKind(segments->getKey(), DimKind::key))
    return op.emitOpError()
           << "has segments of dimension " << segments->getKey()
           << ", which is not a key dimension";
  auto self = cast<AttentionOpInterface>(op.getOperation());
  unsigned expected = 3 * domain.getNumDims() + op.getSymbols().size() +
                      self.getInputsOf(op.getMask()).size();
  for (ArrayRef<AffineMap> maps :
       {segments->getVisitLower(), segments->getVisitUpper(),
        segments->getMaskedLower(), segments->getMaskedUpper()})
    for (AffineMap map : maps)
      if (map.getNumSymbols() != expected)
        return op.emitOpError()
               << "expects segments over " << expected
               << " symbols, but found one over " << map.getNumSymbols();
  return success();
}

/// Tiles are cut along a parallel dimension, blocks along a key dimension.
static LogicalResult verifySchedule(AttentionOpInterface op,
                                    std::optional<ScheduleAttr> schedule,
                                    std::optional<SegmentsAttr> segments) {
  if (!schedule)
    return success();
  DomainAttr domain = op.getDomain();
  auto isOfKind = [&](int64_t dim, DimKind kind) {
    return dim >= 0 && dim < domain.getNumDims() && domain.isKind(dim, kind);
  };
  if (!isOfKind(schedule->getQueryDim(), DimKind::parallel) ||
      !isOfKind(schedule->getKeyDim(), DimKind::key))
    return op.emitOpError() << "expects a schedule of a parallel and a key "
                               "dimension, but got "
                            << *schedule;
  if (schedule->getQueryTile() <= 0 || schedule->getKeyBlock() <= 0 ||
      schedule->getQueryGroup() <= 0)
    return op.emitOpError()
           << "expects a schedule of positive sizes, but got " << *schedule;
  if (segments && segments->getKey() != schedule->getKeyDim())
    return op.emitOpError() << "expects a schedule of the key dimension of its "
                               "segments, "
                            << segments->getKey() << ", but got " << *schedule;
  ScheduleAttr otherwise = schedule->getOtherwise();
  if (schedule->getMinQueries() < 0 ||
      (schedule->getMinQueries() > 0) != static_cast<bool>(otherwise))
    return op.emitOpError()
           << "expects a schedule with another for fewer queries exactly where "
              "it has a least number of them, but got "
           << *schedule;
  if (!otherwise)
    return success();
  return verifySchedule(op, otherwise, segments);
}

LogicalResult AttentionOp::verifyRegions() {
  auto self = cast<AttentionOpInterface>(getOperation());
  if (failed(verifySegments(*this)) ||
      failed(verifySchedule(self, getSchedule(), getSegments())))
    return failure();
  if (!getSink().empty() && !getNormalizer().hasMass())
    return emitOpError() << "has a sink, but its normalizer " << getNormalizer()
                         << " divides by nothing";
  if (getResultKinds().size() != getOuts().size())
    return emitOpError() << "expects a kind for each of " << getOuts().size()
                         << " results, but got " << getResultKinds().size();
  if (getOuts().empty())
    return emitOpError("expects at least one result");
  for (unsigned k = 0; k < getOuts().size(); ++k) {
    ResultKind kind = getResultKind(k);
    for (unsigned other = 0; other < k; ++other)
      if (getResultKind(other) == kind)
        return emitOpError()
               << "has two results of the kind " << stringifyResultKind(kind);
    SmallVector<DimKind> kinds = {DimKind::parallel};
    if (kind == ResultKind::output)
      kinds.push_back(DimKind::value);
    if (kind == ResultKind::weights)
      kinds.push_back(DimKind::key);
    if (failed(verifyAccess(self, getOuts()[k], self.getOutAccess(k),
                            "result " + Twine(stringifyResultKind(kind)),
                            dimsOfKinds(getDomain(), kinds), 0)))
      return failure();
    if (!isa<FloatType>(getElementTypeOrSelf(getOuts()[k].getType())))
      return emitOpError() << "expects results of floats, but got "
                           << getOuts()[k].getType();
    if (kind == ResultKind::output && getValue().empty())
      return emitOpError("has an output, but no value region");
    if (kind == ResultKind::logsumexp && !getNormalizer().hasMass())
      return emitOpError() << "has no log-sum-exp with the normalizer "
                           << getNormalizer();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// OnlineOp
//===----------------------------------------------------------------------===//

Region *OnlineOp::getEpilogueOrNull() { return nullptr; }
Region *OnlineOp::getSinkOrNull() { return nullptr; }

void OnlineOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addEffects(*this, effects);
}

LogicalResult OnlineOp::verifyRegions() {
  size_t expected = !getValue().empty() + getNormalizer().hasShift() +
                    getNormalizer().hasMass();
  if (getOuts().size() != expected)
    return emitOpError() << "expects a state of " << expected
                         << " parts, but got " << getOuts().size();
  auto self = cast<AttentionOpInterface>(getOperation());
  if (failed(verifySchedule(self, getSchedule(), getSegments())))
    return failure();
  if (!getVisit().empty() && getVisit().size() != 2)
    return emitOpError()
           << "expects the begin and the end of the visited keys, "
              "but got "
           << getVisit().size() << " values";
  if (!getVisit().empty() && !getSchedule())
    return emitOpError("expects a schedule, which names the key dimension that "
                       "`visit` is of");
  auto dims = dimsOfKinds(getDomain(), {DimKind::parallel, DimKind::value});
  for (auto [k, out] : llvm::enumerate(getOuts())) {
    if (failed(verifyAccess(self, out, self.getOutAccess(k),
                            "part " + Twine(k) + " of the state", dims, 0)))
      return failure();
    if (!isa<FloatType>(getElementTypeOrSelf(out.getType())))
      return emitOpError() << "expects a state of floats, but got "
                           << out.getType();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// IndexOp
//===----------------------------------------------------------------------===//

LogicalResult IndexOp::verify() {
  if (!isa_and_nonnull<AttentionOpInterface>((*this)->getParentOp()))
    return emitOpError("expects to stand in a region of attn.attention or "
                       "attn.online");
  return success();
}

#define GET_OP_CLASSES
#include "dialect/AttnOps.cpp.inc"
