//===- PremultiplyQueries.cpp - sums that no key takes part in ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SmallBitVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_PREMULTIPLYQUERIESPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// The names of the indices behind a dimension of an entry's argument.
static ArrayAttr getIndexNames(Value tensor, int64_t dim) {
  auto argument = dyn_cast<BlockArgument>(tensor);
  auto func = argument
                  ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
                  : func::FuncOp();
  auto dims = func ? func.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(),
                                                      "attn.dims")
                   : ArrayAttr();
  if (!dims || dim >= static_cast<int64_t>(dims.size()))
    return {};
  return dyn_cast<ArrayAttr>(dims[dim]);
}

/// Whether a dimension of a tensor is known to have the size `bound`: it is
/// that very size, or both are sizes of one index, or both are numbers.
static bool hasSize(Value tensor, unsigned dim, OpFoldResult bound) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (std::optional<int64_t> known = getConstantIntValue(bound))
    return type.getDimSize(dim) == *known;
  auto size = cast<Value>(bound).getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> other = size ? size.getConstantIndex() : std::nullopt;
  if (!other)
    return false;
  if (size.getSource() == tensor && *other == dim)
    return true;
  ArrayAttr names = getIndexNames(tensor, dim);
  return names && names == getIndexNames(size.getSource(), *other);
}

//===----------------------------------------------------------------------===//
// One contraction
//===----------------------------------------------------------------------===//

namespace {

/// A product of operands, some of which share a sum that no key is in.
struct Product {
  using Dims = llvm::SmallBitVector;
  /// What is multiplied: arguments of the region, in order.
  SmallVector<BlockArgument> factors;
  /// Of those, which are summed beforehand.
  SmallVector<BlockArgument> early, late;
  /// The dimensions summed beforehand, and those of what comes of it.
  Dims summed, kept;
};

class Premultiplier {
public:
  Premultiplier(RewriterBase &rewriter, AttentionOp op, unsigned contraction)
      : rewriter(rewriter), op(op),
        self(cast<AttentionOpInterface>(op.getOperation())), loc(op.getLoc()),
        domain(op.getDomain()), contraction(contraction),
        region(self.getContraction(contraction)) {}

  void run() {
    if (std::optional<Product> product = match())
      rewrite(*product, buildSum(*product));
  }

private:
  using Dims = Product::Dims;

  Dims getDims(AffineMap access) const;
  AffineMap getAccess(BlockArgument factor) {
    return self.getAccessesOf(region)[factor.getArgNumber()];
  }
  Value getOperand(BlockArgument factor) {
    return self.getInputsOf(region)[factor.getArgNumber()];
  }
  bool isProduct(Value value, SmallVectorImpl<BlockArgument> &factors) const;
  bool isWhole(BlockArgument factor);
  std::optional<Product> match();
  Value buildSum(Product &product);
  void rewrite(Product &product, Value sum);

  RewriterBase &rewriter;
  AttentionOp op;
  AttentionOpInterface self;
  Location loc;
  DomainAttr domain;
  unsigned contraction;
  Region &region;
};

} // namespace

/// The dimensions that an access names, and all of them for one with lookups.
Product::Dims Premultiplier::getDims(AffineMap access) const {
  Dims used(domain.getNumDims());
  for (unsigned dim = 0; dim < access.getNumDims(); ++dim) {
    if (!access.isFunctionOfDim(dim))
      continue;
    if (dim >= domain.getNumDims())
      return Dims(domain.getNumDims(), true);
    used.set(dim);
  }
  return used;
}

/// Whether a value is a product in f32 of arguments, each used here alone.
bool Premultiplier::isProduct(Value value,
                              SmallVectorImpl<BlockArgument> &factors) const {
  if (!value.hasOneUse() || !value.getType().isF32())
    return false;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    factors.push_back(argument);
    return true;
  }
  if (auto wide = value.getDefiningOp<arith::ExtFOp>()) {
    auto argument = dyn_cast<BlockArgument>(wide.getIn());
    if (argument && argument.hasOneUse())
      factors.push_back(argument);
    return argument && argument.hasOneUse();
  }
  auto product = value.getDefiningOp<arith::MulFOp>();
  return product && isProduct(product.getLhs(), factors) &&
         isProduct(product.getRhs(), factors);
}

/// Whether a factor is read at bare dimensions, in all of its extent.
bool Premultiplier::isWhole(BlockArgument factor) {
  Value operand = getOperand(factor);
  AffineMap access = getAccess(factor);
  if (!isa<RankedTensorType>(operand.getType()) ||
      !access.isProjectedPermutation())
    return false;
  SmallVector<OpFoldResult> bounds = self.getMixedBounds();
  for (unsigned k = 0; k < access.getNumResults(); ++k) {
    unsigned dim = access.getDimPosition(k);
    if (domain.getOffsets()[dim] != 0 || !hasSize(operand, k, bounds[dim]))
      return false;
  }
  return true;
}

std::optional<Product> Premultiplier::match() {
  Product product;
  auto yield = cast<YieldOp>(region.front().getTerminator());
  if (!isProduct(yield.getValue(), product.factors) ||
      region.front().getNumArguments() != product.factors.size())
    return std::nullopt;

  // Summed beforehand are the dimensions that no factor has which differs by
  // key.
  Dims keys(domain.getNumDims());
  for (unsigned dim : domain.getDims(DimKind::key))
    keys.set(dim);
  product.summed = product.kept = Dims(domain.getNumDims());
  for (int64_t dim : self.getDimsOfContraction(contraction))
    product.summed.set(dim);
  unsigned total = product.summed.count();
  for (BlockArgument factor : product.factors)
    if (Dims used = getDims(getAccess(factor)); used.anyCommon(keys))
      product.summed.reset(used);
  if (product.summed.none() || product.summed.count() == total)
    return std::nullopt;
  for (BlockArgument factor : product.factors) {
    Dims used = getDims(getAccess(factor));
    bool early = used.anyCommon(product.summed);
    if (early && !isWhole(factor))
      return std::nullopt;
    (early ? product.early : product.late).push_back(factor);
    if (early)
      product.kept |= used;
  }
  // A sum of one operand alone is no product, and a dimension that no operand
  // has is no sum.
  if (product.early.size() < 2 || product.summed.test(product.kept))
    return std::nullopt;
  product.kept.reset(product.summed);
  return product;
}

/// The product of floats, in f32.
static Value buildProduct(OpBuilder &builder, Location loc,
                          ValueRange factors) {
  Value product;
  for (Value factor : factors) {
    if (!factor.getType().isF32())
      factor =
          arith::ExtFOp::create(builder, loc, builder.getF32Type(), factor);
    product =
        product
            ? arith::MulFOp::create(builder, loc, product, factor).getResult()
            : factor;
  }
  return product;
}

/// The sum over the dimensions of no key, as a tensor over the others.
Value Premultiplier::buildSum(Product &product) {
  rewriter.setInsertionPoint(op);
  SmallVector<unsigned> loops;
  SmallVector<OpFoldResult> bounds = self.getMixedBounds(), sizes;
  SmallVector<utils::IteratorType> iterators;
  SmallVector<AffineExpr> out;
  for (unsigned dim : product.kept.set_bits()) {
    out.push_back(rewriter.getAffineDimExpr(loops.size()));
    loops.push_back(dim);
    sizes.push_back(bounds[dim]);
    iterators.push_back(utils::IteratorType::parallel);
  }
  for (unsigned dim : product.summed.set_bits()) {
    loops.push_back(dim);
    iterators.push_back(utils::IteratorType::reduction);
  }
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (BlockArgument factor : product.early) {
    AffineMap access = getAccess(factor);
    SmallVector<AffineExpr> exprs;
    for (unsigned k = 0; k < access.getNumResults(); ++k)
      exprs.push_back(rewriter.getAffineDimExpr(
          llvm::find(loops, access.getDimPosition(k)) - loops.begin()));
    inputs.push_back(getOperand(factor));
    maps.push_back(
        AffineMap::get(loops.size(), 0, exprs, rewriter.getContext()));
  }
  maps.push_back(AffineMap::get(loops.size(), 0, out, rewriter.getContext()));
  Value zero =
      arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0.0));
  Value empty =
      tensor::EmptyOp::create(rewriter, loc, sizes, rewriter.getF32Type());
  Value fill = linalg::FillOp::create(rewriter, loc, zero, empty).getResult(0);
  return linalg::GenericOp::create(
             rewriter, loc, fill.getType(), inputs, fill, maps, iterators,
             [&](OpBuilder &b, Location, ValueRange args) {
               Value term = buildProduct(b, loc, args.drop_back());
               Value sum = arith::AddFOp::create(b, loc, args.back(), term);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

void Premultiplier::rewrite(Product &product, Value sum) {
  unsigned segment = self.getSegmentOf(region);
  unsigned first = self.getFirstInputOf(region);
  SmallVector<Value> inputs(op.getInputs().take_front(first));
  SmallVector<AffineMap> accesses(
      op.getAccesses().getAsValueRange<AffineMapAttr>());
  SmallVector<AffineMap> rest(
      ArrayRef(accesses).drop_front(first + product.factors.size()));
  accesses.truncate(first);
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : product.kept.set_bits())
    exprs.push_back(rewriter.getAffineDimExpr(dim));
  inputs.push_back(sum);
  accesses.push_back(AffineMap::get(domain.getNumDims() + op.getNumLookups(),
                                    op.getSymbols().size(), exprs,
                                    rewriter.getContext()));
  for (BlockArgument factor : product.late) {
    inputs.push_back(getOperand(factor));
    accesses.push_back(getAccess(factor));
  }
  llvm::append_range(inputs,
                     op.getInputs().drop_front(first + product.factors.size()));
  llvm::append_range(accesses, rest);
  SmallVector<int32_t> segments(op.getInputSegments());
  segments[segment] = 1 + product.late.size();
  SmallVector<Attribute> contractionDims(op.getContractionDims().getValue());
  SmallVector<int64_t> left;
  for (int64_t dim : self.getDimsOfContraction(contraction))
    if (!product.summed.test(dim))
      left.push_back(dim);
  contractionDims[contraction] = rewriter.getDenseI64ArrayAttr(left);

  rewriter.modifyOpInPlace(op, [&] {
    op.getInputsMutable().assign(inputs);
    op.setAccessesAttr(rewriter.getAffineMapArrayAttr(accesses));
    op.setInputSegments(segments);
    op.setContractionDimsAttr(rewriter.getArrayAttr(contractionDims));
  });
  Block *old = &region.front();
  SmallVector<Type> types = {rewriter.getF32Type()};
  for (BlockArgument factor : product.late)
    types.push_back(factor.getType());
  Block *body = rewriter.createBlock(old, types,
                                     SmallVector<Location>(types.size(), loc));
  YieldOp::create(rewriter, loc,
                  buildProduct(rewriter, loc, body->getArguments()));
  rewriter.eraseBlock(old);
}

namespace {
struct PremultiplyQueriesPass
    : fovea::attn::impl::PremultiplyQueriesPassBase<PremultiplyQueriesPass> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      unsigned count =
          cast<AttentionOpInterface>(op.getOperation()).getNumContractions();
      for (unsigned k = 0; k < count; ++k)
        Premultiplier(rewriter, op, k).run();
    }
  }
};
} // namespace
