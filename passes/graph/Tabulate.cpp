//===- Tabulate.cpp - functions of positions, computed once ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/graph/JoinTables.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallBitVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_TABULATEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Tables that repeat themselves do so only between vectors of as many
/// elements.
static constexpr int64_t fewestRepeated = 16;

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
        region(region), body(&region.front()), moduli(domain.getNumDims()) {}

  /// Returns the tables that the region reads.
  SmallVector<linalg::GenericOp> run();

private:
  using Dims = llvm::SmallBitVector;

  void collectDims();
  AffineExpr getExpr(Operation &inner) const;
  std::optional<unsigned> getFolded(Value value) const;
  bool canRepeat(unsigned dim, int64_t modulus) const;
  void foldDims(ArrayRef<Operation *> roots);
  AffineExpr getAxisExpr(unsigned dim) const;
  bool isTabulable(Operation &inner) const;
  llvm::SetVector<Operation *> getSlice(Operation *root,
                                        const DenseSet<Value> &known) const;
  linalg::GenericOp buildTable(Operation *root);
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
  /// What an integer is of the index values, where that is affine.
  DenseMap<Value, AffineExpr> exprs;
  /// Of a dimension that functions only depend on by its remainder, the
  /// divisor; of others 0.
  SmallVector<int64_t> moduli;
  DenseMap<Operation *, linalg::GenericOp> tables;
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
    if (!known)
      continue;
    for (Value result : inner.getResults())
      dims[result] = used;
    if (AffineExpr expr = getExpr(inner))
      exprs[inner.getResult(0)] = expr;
  }
}

/// The affine expression of index values that an op computes, or null. Two
/// steps of the language's remainder become one.
AffineExpr RegionTabulator::getExpr(Operation &inner) const {
  if (auto index = dyn_cast<IndexOp>(inner))
    return rewriter.getAffineDimExpr(index.getDim());
  if (inner.getNumResults() != 1)
    return {};
  if (IntegerAttr constant; matchPattern(&inner, m_Constant(&constant)))
    return rewriter.getAffineConstantExpr(constant.getInt());
  SmallVector<AffineExpr> from;
  for (Value operand : inner.getOperands())
    from.push_back(exprs.lookup(operand));
  if (llvm::is_contained(from, AffineExpr()))
    return {};
  if (isa<arith::IndexCastOp>(inner))
    return from[0];
  if (isa<arith::AddIOp>(inner))
    return from[0] + from[1];
  if (isa<arith::SubIOp>(inner))
    return from[0] - from[1];
  auto constant =
      from.size() == 2 ? dyn_cast<AffineConstantExpr>(from[1]) : nullptr;
  if (!constant || constant.getValue() <= 0)
    return {};
  if (isa<arith::MulIOp>(inner))
    return from[0] * constant;
  if (isa<arith::FloorDivSIOp>(inner))
    return from[0].floorDiv(constant);
  return {};
}

/// The dimension that a value is the remainder of, as `moduli` has it.
std::optional<unsigned> RegionTabulator::getFolded(Value value) const {
  auto mod = dyn_cast_or_null<AffineBinaryOpExpr>(exprs.lookup(value));
  if (!mod || mod.getKind() != AffineExprKind::Mod)
    return std::nullopt;
  auto dim = dyn_cast<AffineDimExpr>(mod.getLHS());
  if (!dim ||
      mod.getRHS() != rewriter.getAffineConstantExpr(moduli[dim.getPosition()]))
    return std::nullopt;
  return dim.getPosition();
}

/// Whether tables may have only `modulus` elements along a dimension: it has
/// more, and a tile has them in order from the first one on.
bool RegionTabulator::canRepeat(unsigned dim, int64_t modulus) const {
  DimKind kind = domain.getKinds()[dim];
  return (kind == DimKind::contraction || kind == DimKind::value) &&
         domain.getBounds()[dim] > modulus && modulus % fewestRepeated == 0;
}

/// Finds the dimensions that all of `roots` depend on by the same remainder
/// alone, if by anything of them: their tables repeat themselves.
void RegionTabulator::foldDims(ArrayRef<Operation *> roots) {
  for (Operation &inner : *body) {
    auto mod = inner.getNumResults() == 1
                   ? dyn_cast_or_null<AffineBinaryOpExpr>(
                         exprs.lookup(inner.getResult(0)))
                   : nullptr;
    if (!mod || mod.getKind() != AffineExprKind::Mod)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(mod.getLHS());
    auto divisor = dyn_cast<AffineConstantExpr>(mod.getRHS());
    int64_t &modulus = moduli[dim ? dim.getPosition() : 0];
    if (!dim || !divisor || modulus != 0 ||
        !canRepeat(dim.getPosition(), divisor.getValue()))
      continue;
    modulus = divisor.getValue();
    bool isRead = llvm::any_of(roots, [&](Operation *root) {
      return llvm::any_of(getSlice(root, {}), [&](Operation *step) {
        auto index = dyn_cast<IndexOp>(step);
        return index && index.getDim() == dim.getPosition();
      });
    });
    if (isRead)
      modulus = 0;
  }
}

/// What of a dimension the axis of a table is.
AffineExpr RegionTabulator::getAxisExpr(unsigned dim) const {
  AffineExpr expr = rewriter.getAffineDimExpr(dim);
  return moduli[dim] ? expr % moduli[dim] : expr;
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

/// What `root` is computed by, in order, without what computes `known` and the
/// remainders that are axes.
llvm::SetVector<Operation *>
RegionTabulator::getSlice(Operation *root, const DenseSet<Value> &known) const {
  DenseSet<Operation *> needed = {root};
  SmallVector<Operation *> reversed;
  for (Operation &inner : llvm::reverse(*body)) {
    if (!needed.contains(&inner))
      continue;
    reversed.push_back(&inner);
    for (Value operand : inner.getOperands())
      if (!known.contains(operand) && !getFolded(operand))
        needed.insert(operand.getDefiningOp());
  }
  llvm::SetVector<Operation *> slice;
  slice.insert(reversed.rbegin(), reversed.rend());
  return slice;
}

/// The tensor of a function's values over the dimensions that it depends on.
/// A function of fewer of them inside it has a table too.
linalg::GenericOp RegionTabulator::buildTable(Operation *root) {
  if (linalg::GenericOp table = tables.lookup(root))
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
    inputs.push_back(buildTable(other).getResult(0));
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
    sizes.push_back(moduli[dim] ? rewriter.getIndexAttr(moduli[dim])
                                : bounds[dim]);
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
        auto buildIndex = [&](unsigned dim) -> Value {
          return linalg::IndexOp::create(b, loc,
                                         llvm::find(axes, dim) - axes.begin());
        };
        for (Operation *step : slice) {
          for (Value operand : step->getOperands())
            if (std::optional<unsigned> dim = getFolded(operand);
                dim && !mapping.contains(operand))
              mapping.map(operand,
                          b.createOrFold<arith::IndexCastOp>(
                              loc, operand.getType(), buildIndex(*dim)));
          if (auto index = dyn_cast<IndexOp>(step))
            mapping.map(index.getResult(), buildIndex(index.getDim()));
          else
            b.clone(*step, mapping);
        }
        linalg::YieldOp::create(b, loc, mapping.lookup(root->getResult(0)));
      });
  return tables[root] = table;
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
    exprs.push_back(getAxisExpr(dim));
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

SmallVector<linalg::GenericOp> RegionTabulator::run() {
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
  foldDims(roots);
  rewriter.setInsertionPoint(op);
  SmallVector<linalg::GenericOp> built;
  for (Operation *root : roots)
    built.push_back(buildTable(root));
  for (auto [root, table] : llvm::zip(roots, built))
    readTable(root, table.getResult(0));
  SmallVector<Operation *> steps;
  for (Operation &inner : body->without_terminator())
    steps.push_back(&inner);
  for (Operation *inner : llvm::reverse(steps))
    if (inner->use_empty())
      rewriter.eraseOp(inner);
  return built;
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
      SmallVector<linalg::GenericOp> tables;
      auto tabulate = [&](Region &region) {
        llvm::append_range(tables, RegionTabulator(rewriter, op, region).run());
      };
      for (unsigned k = 0; k < self.getNumContractions(); ++k)
        tabulate(self.getContraction(k));
      for (unsigned k = 0; k < self.getNumValues(); ++k)
        if (!self.isLogWeight(k))
          tabulate(self.getValue(k));
      joinTables(rewriter, std::move(tables));
    }
  }
};
} // namespace
