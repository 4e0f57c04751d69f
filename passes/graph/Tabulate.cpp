//===- Tabulate.cpp - functions of positions, computed once ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallBitVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_TABULATEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Whether an op costs many times what reading a table does.
static bool isExpensive(Operation &op) {
  return isa<math::MathDialect>(op.getDialect()) &&
         !isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp,
              math::CtPopOp, math::FloorOp, math::FmaOp, math::RoundEvenOp,
              math::RoundOp, math::RsqrtOp, math::SqrtOp, math::TruncOp>(op);
}

namespace {

/// Tabulates the functions of positions in one region of an attention.
class RegionTabulator {
public:
  RegionTabulator(RewriterBase &rewriter, AttentionOp op, Region &region)
      : rewriter(rewriter), op(op), loc(op.getLoc()), domain(op.getDomain()),
        region(region), body(&region.front()) {}

  void run();

private:
  using Dims = llvm::SmallBitVector;

  void collectDims();
  bool isTabulable(Operation &inner) const;
  llvm::SetVector<Operation *> getSlice(Operation *root,
                                        const DenseSet<Value> &known) const;
  Value buildTable(Operation *root);
  void readTable(Operation *root, Value table);

  RewriterBase &rewriter;
  AttentionOp op;
  Location loc;
  DomainAttr domain;
  Region &region;
  Block *body;
  /// The dimensions that a value is a function of; absent for one that reads
  /// an operand.
  DenseMap<Value, Dims> dims;
  /// The dimensions of each operand of the region.
  SmallVector<Dims> operandDims;
  DenseMap<Operation *, Value> tables;
};

} // namespace

void RegionTabulator::collectDims() {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  for (AffineMap access : self.getAccessesOf(region)) {
    Dims used(domain.getNumDims());
    for (unsigned dim = 0; dim < domain.getNumDims(); ++dim)
      used[dim] = access.isFunctionOfDim(dim);
    operandDims.push_back(used);
  }
  for (Operation &inner : *body) {
    Dims used(domain.getNumDims());
    if (auto index = dyn_cast<IndexOp>(inner)) {
      if (domain.getOffsets()[index.getDim()] != 0)
        continue;
      used.set(index.getDim());
    }
    bool known = true;
    for (Value operand : inner.getOperands()) {
      auto it = dims.find(operand);
      known &= it != dims.end();
      if (known)
        used |= it->second;
    }
    if (known)
      for (Value result : inner.getResults())
        dims[result] = used;
  }
}

/// An expensive function of positions, with no more of them than an operand
/// has.
bool RegionTabulator::isTabulable(Operation &inner) const {
  if (!isExpensive(inner) || inner.getNumResults() != 1)
    return false;
  auto it = dims.find(inner.getResult(0));
  if (it == dims.end() || it->second.none())
    return false;
  return llvm::any_of(operandDims, [&](const Dims &used) {
    return !it->second.test(used); // a subset of `used`
  });
}

/// What `root` is computed by, in order, without what computes `known`.
llvm::SetVector<Operation *>
RegionTabulator::getSlice(Operation *root, const DenseSet<Value> &known) const {
  DenseSet<Operation *> needed = {root};
  SmallVector<Operation *> reversed;
  for (Operation &inner : llvm::reverse(*body)) {
    if (!needed.contains(&inner))
      continue;
    reversed.push_back(&inner);
    for (Value operand : inner.getOperands())
      if (!known.contains(operand))
        needed.insert(operand.getDefiningOp());
  }
  llvm::SetVector<Operation *> slice;
  slice.insert(reversed.rbegin(), reversed.rend());
  return slice;
}

/// The tensor of a function's values over the dimensions that it depends on.
/// A function of fewer of them inside it has a table too.
Value RegionTabulator::buildTable(Operation *root) {
  if (Value table = tables.lookup(root))
    return table;
  const Dims &used = dims.find(root->getResult(0))->second;
  DenseSet<Value> known;
  SmallVector<Operation *> inner;
  for (Operation *other : getSlice(root, {}))
    if (const Dims *fewer = other->getNumResults() == 1
                                ? &dims.find(other->getResult(0))->second
                                : nullptr;
        fewer && other != root && isTabulable(*other) && *fewer != used) {
      known.insert(other->getResult(0));
      inner.push_back(other);
    }
  // Of those, the ones that the function still reads.
  llvm::SetVector<Operation *> slice = getSlice(root, known);
  SmallVector<Value> inputs, read;
  SmallVector<AffineMap> maps;
  SmallVector<unsigned> axes(used.set_bits_begin(), used.set_bits_end());
  for (Operation *other : inner) {
    Value value = other->getResult(0);
    if (llvm::none_of(value.getUsers(),
                      [&](Operation *user) { return slice.contains(user); }))
      continue;
    inputs.push_back(buildTable(other));
    read.push_back(value);
    SmallVector<AffineExpr> exprs;
    for (unsigned dim : dims.find(value)->second.set_bits())
      exprs.push_back(
          rewriter.getAffineDimExpr(llvm::find(axes, dim) - axes.begin()));
    maps.push_back(
        AffineMap::get(axes.size(), 0, exprs, rewriter.getContext()));
  }
  maps.push_back(rewriter.getMultiDimIdentityMap(axes.size()));

  SmallVector<OpFoldResult> bounds =
      cast<AttentionOpInterface>(op.getOperation()).getMixedBounds();
  SmallVector<OpFoldResult> sizes;
  for (unsigned dim : axes)
    sizes.push_back(bounds[dim]);
  Value empty = tensor::EmptyOp::create(rewriter, loc, sizes,
                                        root->getResult(0).getType());
  auto table = linalg::GenericOp::create(
      rewriter, loc, empty.getType(), inputs, empty, maps,
      SmallVector<utils::IteratorType>(axes.size(),
                                       utils::IteratorType::parallel),
      [&](OpBuilder &b, Location, ValueRange args) {
        IRMapping mapping;
        for (auto [value, arg] : llvm::zip(read, args))
          mapping.map(value, arg);
        for (Operation *step : slice) {
          if (auto index = dyn_cast<IndexOp>(step))
            mapping.map(
                index.getResult(),
                linalg::IndexOp::create(
                    b, loc, llvm::find(axes, index.getDim()) - axes.begin()));
          else
            b.clone(*step, mapping);
        }
        linalg::YieldOp::create(b, loc, mapping.lookup(root->getResult(0)));
      });
  return tables[root] = table.getResult(0);
}

/// Makes a table the last operand of the region, and its element what the
/// region uses.
void RegionTabulator::readTable(Operation *root, Value table) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  unsigned segment = self.getSegmentOf(region);
  unsigned position =
      self.getFirstInputOf(region) + op.getInputSegments()[segment];
  SmallVector<Value> inputs(op.getInputs());
  SmallVector<AffineMap> accesses(
      op.getAccesses().getAsValueRange<AffineMapAttr>());
  SmallVector<int32_t> segments(op.getInputSegments());
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : dims.find(root->getResult(0))->second.set_bits())
    exprs.push_back(rewriter.getAffineDimExpr(dim));
  inputs.insert(inputs.begin() + position, table);
  accesses.insert(accesses.begin() + position,
                  AffineMap::get(domain.getNumDims() + op.getNumLookups(),
                                 op.getSymbols().size(), exprs,
                                 rewriter.getContext()));
  ++segments[segment];
  rewriter.modifyOpInPlace(op, [&] {
    op.getInputsMutable().assign(inputs);
    op.setAccessesAttr(rewriter.getAffineMapArrayAttr(accesses));
    op.setInputSegments(segments);
  });
  rewriter.replaceAllUsesWith(
      root->getResult(0), body->addArgument(root->getResultTypes()[0], loc));
}

void RegionTabulator::run() {
  collectDims();
  // Functions that others are computed by are tabulated with those.
  DenseSet<Operation *> covered;
  SmallVector<Operation *> roots;
  for (Operation &inner : *body)
    if (isTabulable(inner))
      roots.push_back(&inner);
  for (Operation *root : roots)
    for (Operation *step : getSlice(root, {}))
      covered.insert(step);
  llvm::erase_if(roots, [&](Operation *root) {
    return llvm::all_of(root->getUsers(), [&](Operation *user) {
      return covered.contains(user);
    });
  });
  rewriter.setInsertionPoint(op);
  SmallVector<Value> built;
  for (Operation *root : roots)
    built.push_back(buildTable(root));
  for (auto [root, table] : llvm::zip(roots, built))
    readTable(root, table);
  SmallVector<Operation *> steps;
  for (Operation &inner : body->without_terminator())
    steps.push_back(&inner);
  for (Operation *inner : llvm::reverse(steps))
    if (inner->use_empty())
      rewriter.eraseOp(inner);
}

namespace {
struct TabulatePass : fovea::attn::impl::TabulatePassBase<TabulatePass> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      if (!llvm::all_of(op.getOuts(), [](Value out) {
            return isa<TensorType>(out.getType());
          }))
        continue; // in memory, tables would have to be allocated
      auto self = cast<AttentionOpInterface>(op.getOperation());
      for (unsigned k = 0; k < self.getNumContractions(); ++k)
        RegionTabulator(rewriter, op, self.getContraction(k)).run();
      for (unsigned k = 0; k < self.getNumValues(); ++k)
        if (!self.isLogWeight(k))
          RegionTabulator(rewriter, op, self.getValue(k)).run();
    }
  }
};
} // namespace
