//===- AttnOps.cpp - verification of the graph-level ops -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "dialect/AttnVerify.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;
using fovea::attn::detail::dimsOfKinds;
using fovea::attn::detail::verifyAccess;

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

std::optional<unsigned> AttentionOp::findResult(ResultKind kind) {
  for (unsigned k = 0; k < getOuts().size(); ++k)
    if (getResultKind(k) == kind)
      return k;
  return std::nullopt;
}

unsigned AttentionOp::getOutputNumber(unsigned out) {
  unsigned number = 0;
  for (unsigned k = 0; k < out; ++k)
    number += getResultKind(k) == ResultKind::output;
  return number;
}

SmallVector<unsigned> AttentionOp::getDimsOfOutput(unsigned out) {
  AffineMap access =
      cast<AffineMapAttr>(getAccesses()[getInputs().size() + out]).getValue();
  return llvm::filter_to_vector(
      getDomain().getDims(DimKind::value), [&](unsigned dim) {
        return dim < access.getNumDims() && access.isFunctionOfDim(dim);
      });
}

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
  int64_t head = schedule->getHeadDim();
  if (head != -1 &&
      (!isOfKind(head, DimKind::parallel) || head == schedule->getQueryDim() ||
       getDimsOfMask(op).test(head)))
    return op.emitOpError()
           << "expects a schedule whose head dimension is another parallel "
              "dimension, which the mask does not depend on, but got "
           << *schedule;
  if (schedule->getQueryTile() <= 0 || schedule->getKeyBlock() <= 0 ||
      schedule->getQueryGroup() <= 0 || schedule->getKeyPart() < 0)
    return op.emitOpError()
           << "expects a schedule of positive sizes, but got " << *schedule;
  // The code has a register for each part of a tile; the sizes of what is in
  // memory are products.
  constexpr int64_t mostQueries = 256, mostKeys = 1 << 20, mostTiles = 1 << 16;
  if (schedule->getQueryTile() > mostQueries ||
      schedule->getKeyBlock() > mostKeys ||
      schedule->getQueryGroup() > mostTiles)
    return op.emitOpError()
           << "expects a schedule of tiles of at most " << mostQueries
           << " queries, blocks of " << mostKeys << " keys and groups of "
           << mostTiles << " tiles, but got " << *schedule;
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

/// An index of the greatest score is that of one dimension.
static LogicalResult verifyArgMax(AttentionOpInterface op) {
  size_t keys = op.getDomain().getDims(DimKind::key).size();
  if (keys == 1)
    return success();
  return op.emitOpError() << "expects one key dimension for argmax, but has "
                          << keys;
}

/// A result that there may be several of: what it is computed from.
static LogicalResult verifyOutput(AttentionOp op, unsigned out) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  unsigned number = op.getOutputNumber(out);
  if (self.getNumValues() == 0)
    return op.emitOpError("has an output, but no value region");
  Region &epilogue = self.getEpilogue(number);
  if (epilogue.empty() && number >= self.getNumValues())
    return op.emitOpError()
           << "expects an epilogue of output " << number << ", since there are "
           << self.getNumValues() << " values";
  SmallVector<unsigned> dims = op.getDimsOfOutput(out);
  for (unsigned k = 0; k < self.getNumValues(); ++k) {
    bool isUsed =
        epilogue.empty() ? k == number : !epilogue.getArgument(k).use_empty();
    for (int64_t dim : self.getDimsOfValue(k))
      if (isUsed && !llvm::is_contained(dims, dim))
        return op.emitOpError()
               << "uses a sum over dimension '"
               << op.getDomain().getNames()[dim].getValue() << "' in output "
               << number << ", which does not have it";
  }
  return success();
}

LogicalResult AttentionOp::verifyRegions() {
  auto self = cast<AttentionOpInterface>(getOperation());
  if (failed(verifySegments(*this)) ||
      failed(verifySchedule(self, getSchedule(), getSegments())))
    return failure();
  if (!getSink().empty() && !getNormalizer().hasMass())
    return emitOpError() << "has a sink, but its normalizer " << getNormalizer()
                         << " divides by nothing";
  if (getOuts().empty())
    return emitOpError("expects at least one result");
  for (unsigned k = 0; k < getOuts().size(); ++k) {
    ResultKind kind = getResultKind(k);
    for (unsigned other = 0; other < k; ++other)
      if (getResultKind(other) == kind && kind != ResultKind::output)
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
    Type element = getElementTypeOrSelf(getOuts()[k].getType());
    bool isIndex = kind == ResultKind::argmax;
    if (isIndex ? !element.isSignlessInteger() : !isa<FloatType>(element))
      return emitOpError() << "expects results of "
                           << (isIndex ? "integers for argmax" : "floats")
                           << ", but got " << getOuts()[k].getType();
    if (kind == ResultKind::output && failed(verifyOutput(*this, k)))
      return failure();
    if (isIndex && failed(verifyArgMax(self)))
      return failure();
    if (kind == ResultKind::logsumexp && !getNormalizer().hasMass())
      return emitOpError() << "has no log-sum-exp with the normalizer "
                           << getNormalizer();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// OnlineOp
//===----------------------------------------------------------------------===//

Region *OnlineOp::getSinkOrNull() { return nullptr; }

void OnlineOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addEffects(*this, effects);
}

LogicalResult OnlineOp::verifyRegions() {
  auto self = cast<AttentionOpInterface>(getOperation());
  size_t expected = self.getNumValues() + getNormalizer().hasShift() +
                    getNormalizer().hasMass();
  std::optional<unsigned> place; // of the index that argmax has
  for (auto [k, attr] : llvm::enumerate(getStatistics())) {
    ResultKind kind = cast<ResultKindAttr>(attr).getValue();
    if (kind != ResultKind::max && kind != ResultKind::argmax)
      return emitOpError() << "expects statistics 'max' and 'argmax', but got '"
                           << stringifyResultKind(kind) << "'";
    if (llvm::is_contained(getStatistics().getValue().take_front(k), attr))
      return emitOpError() << "has the statistic '" << stringifyResultKind(kind)
                           << "' twice";
    expected += kind == ResultKind::argmax ? 2 : 1;
    if (kind == ResultKind::argmax)
      place = expected - 1;
  }
  if (place && failed(verifyArgMax(self)))
    return failure();
  if (getOuts().size() != expected)
    return emitOpError() << "expects a state of " << expected
                         << " parts, but got " << getOuts().size();
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
    Type element = getElementTypeOrSelf(out.getType());
    if (k == place ? !element.isInteger(64) : !isa<FloatType>(element))
      return emitOpError() << "expects a state of "
                           << (k == place ? "i64" : "floats") << ", but got "
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
