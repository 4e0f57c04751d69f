//===- MaskSegments.cpp - Key segments of an attention --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/mask/MaskSegments.h"
#include "passes/Passes.h"
#include "passes/mask/Segments.h"
#include "llvm/ADT/MapVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_MASKSEGMENTSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;

namespace fovea::attn {

namespace {
/// States the mask of an attention in terms of `MaskSets` and `TileDomain`,
/// with numbers for the dimensions and symbols that occur in it alone: the cost
/// of the analysis grows with them.
class MaskProblem {
public:
  explicit MaskProblem(AttentionOp op)
      : op(op), self(cast<AttentionOpInterface>(op.getOperation())),
        attrDomain(op.getDomain()), context(op.getContext()) {}

  SegmentsAttr solve();
  SmallVector<Value> findUnknownConditions() {
    return translate().unknownConditions;
  }

private:
  /// Positions of the symbols of a dimension, as in `SegmentsAttr`.
  enum { kOffset, kExtent, kEnd };

  unsigned getSymbol(unsigned position);
  AffineExpr symbolOf(unsigned dim, unsigned which) {
    return getAffineSymbolExpr(getSymbol(3 * dim + which), context);
  }
  void addDim(unsigned dim);
  void addFacts(unsigned dim);
  bool isUniform(AffineMap access) const;
  std::optional<MaskLeaf> classify(Value value) const;
  MaskSets translate();
  AffineMap renumber(AffineMap map) const;

  AttentionOp op;
  AttentionOpInterface self;
  DomainAttr attrDomain;
  MLIRContext *context;
  std::optional<unsigned> queryDim;
  unsigned keyDim = 0;
  unsigned numAttrSymbols = 0;

  llvm::MapVector<unsigned, unsigned> dims;    ///< of the domain, to ours
  llvm::MapVector<unsigned, unsigned> symbols; ///< of the attribute, to ours
  DenseMap<Value, unsigned> uniformArguments;  ///< of the mask, to our symbols
  TileDomain domain;
};
} // namespace

unsigned MaskProblem::getSymbol(unsigned position) {
  return symbols.try_emplace(position, symbols.size()).first->second;
}

/// What is static is a fact about the symbols that stand for it.
void MaskProblem::addFacts(unsigned dim) {
  int64_t offset = attrDomain.getOffsets()[dim];
  int64_t bound = attrDomain.getBounds()[dim];
  if (ShapedType::isDynamic(offset))
    return;
  domain.facts.push_back(symbolOf(dim, kOffset) - offset);
  if (ShapedType::isDynamic(bound))
    return;
  domain.facts.push_back(symbolOf(dim, kEnd) - (offset + bound));
  domain.facts.push_back(offset + bound - symbolOf(dim, kEnd));
}

void MaskProblem::addDim(unsigned dim) {
  if (!dims.try_emplace(dim, dims.size()).second)
    return;
  AffineExpr offset = symbolOf(dim, kOffset);
  AffineExpr tileEnd = offset + 1;
  if (dim == keyDim) {
    tileEnd = symbolOf(dim, kEnd);
  } else if (dim == queryDim || attrDomain.isKind(dim, DimKind::key)) {
    tileEnd = offset + symbolOf(dim, kExtent);
    domain.facts.push_back(symbolOf(dim, kEnd) - tileEnd);
  }
  domain.dims.push_back({offset, tileEnd});
  addFacts(dim);
}

/// True if an operand has one value for all points of a tile.
bool MaskProblem::isUniform(AffineMap access) const {
  for (unsigned dim = 0, e = access.getNumDims(); dim < e; ++dim)
    if (access.isFunctionOfDim(dim) &&
        (dim >= attrDomain.getNumDims() || dim == queryDim ||
         !attrDomain.isKind(dim, DimKind::parallel)))
      return false;
  return true;
}

std::optional<MaskLeaf> MaskProblem::classify(Value value) const {
  if (auto index = value.getDefiningOp<IndexOp>())
    return MaskLeaf{MaskLeaf::Kind::Dim, dims.lookup(index.getDim())};
  if (auto it = uniformArguments.find(value); it != uniformArguments.end())
    return MaskLeaf{MaskLeaf::Kind::Symbol, it->second};
  return std::nullopt;
}

MaskSets MaskProblem::translate() {
  queryDim = getQueryDim(op);
  keyDim = attrDomain.getDims(DimKind::key).back();
  addDim(keyDim);
  Region &mask = op.getMask();
  if (!mask.empty()) {
    mask.walk([&](IndexOp index) { addDim(index.getDim()); });
    unsigned first = 3 * attrDomain.getNumDims() + op.getSymbols().size();
    for (auto [argument, access] :
         llvm::zip(mask.getArguments(), self.getAccessesOf(mask)))
      if (argument.getType().isIntOrIndex() && !argument.use_empty() &&
          isUniform(access))
        uniformArguments[argument] = getSymbol(first + argument.getArgNumber());
  }

  llvm::SmallBitVector nonNegative(dims.size() + symbols.size());
  for (auto [dim, number] : dims)
    if (int64_t offset = attrDomain.getOffsets()[dim];
        !ShapedType::isDynamic(offset) && offset >= 0)
      nonNegative.set(number);
  if (mask.empty()) {
    MaskSets sets;
    sets.numDims = dims.size();
    sets.numSymbols = symbols.size();
    sets.mask = Predicate::constant(true);
    return sets;
  }
  return translateMask(
      mask.front(), cast<YieldOp>(mask.front().back()).getValue(), dims.size(),
      nonNegative, [&](Value value) { return classify(value); });
}

/// A map over our symbols, over those of the attribute.
AffineMap MaskProblem::renumber(AffineMap map) const {
  SmallVector<AffineExpr> positions;
  for (auto [position, number] : symbols)
    positions.push_back(getAffineSymbolExpr(position, context));
  return map.replaceDimsAndSymbols({}, positions, 0, numAttrSymbols);
}

SegmentsAttr MaskProblem::solve() {
  numAttrSymbols = 3 * attrDomain.getNumDims() + op.getSymbols().size() +
                   self.getInputsOf(op.getMask()).size();
  MaskSets sets = translate();
  domain.key = dims.lookup(keyDim);
  KeySegments segments = computeKeySegments(context, sets, domain);

  SmallVector<AffineMap> bounds[4];
  auto append = [&](ArrayRef<KeyInterval> intervals, unsigned first) {
    for (const KeyInterval &interval : intervals) {
      bounds[first].push_back(renumber(interval.lower));
      bounds[first + 1].push_back(renumber(interval.upper));
    }
  };
  append(segments.visit, 0);
  append(segments.masked, 2);
  return SegmentsAttr::get(context, keyDim, bounds[0], bounds[1], bounds[2],
                           bounds[3]);
}

SegmentsAttr computeMaskSegments(AttentionOp op) {
  return MaskProblem(op).solve();
}

SmallVector<Value> findUnknownConditions(AttentionOp op) {
  return MaskProblem(op).findUnknownConditions();
}

namespace {
struct MaskSegmentsPass : impl::MaskSegmentsPassBase<MaskSegmentsPass> {
  void runOnOperation() override {
    getOperation()->walk([](AttentionOp op) {
      if (!op.getSegments())
        op.setSegmentsAttr(computeMaskSegments(op));
    });
  }
};
} // namespace

} // namespace fovea::attn
