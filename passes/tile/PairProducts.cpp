//===- PairProducts.cpp - contractions of bf16 in pairs -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_PAIRPRODUCTSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Whether a region is `extf(a) * extf(b)` of its two arguments, in f32.
static bool isProduct(Region &region) {
  Block &body = region.front();
  auto product =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  if (!product || body.getNumArguments() != 2 || !product.getType().isF32())
    return false;
  llvm::SmallDenseSet<Value> factors;
  for (Value operand : product->getOperands())
    if (auto wide = operand.getDefiningOp<arith::ExtFOp>())
      factors.insert(wide.getIn());
  return llvm::all_of(body.getArguments(), [&](BlockArgument arg) {
    return arg.getType().isBF16() && factors.contains(arg);
  });
}

/// Whether a load reads neighbours in memory along its last dimension, which
/// nothing else of it depends on.
static bool readsNeighbours(TileLoadOp load) {
  unsigned rank = cast<RankedTensorType>(load.getType()).getRank();
  AffineMap map = load.getMap();
  AffineExpr last = getAffineDimExpr(rank - 1, load.getContext());
  if (map.getResults().empty() || map.getResults().back() != last)
    return false;
  for (AffineExpr expr : map.getResults().drop_back())
    if (expr.isFunctionOfDim(rank - 1))
      return false;
  return llvm::none_of(
      load.getLookupMaps().getAsValueRange<AffineMapAttr>(),
      [&](AffineMap lookup) { return lookup.isFunctionOfDim(rank - 1); });
}

/// The same load of pairs, of a multiple of `multiple`.
static TileLoadOp buildPairLoad(RewriterBase &rewriter, TileLoadOp load,
                                int64_t multiple) {
  Location loc = load.getLoc();
  auto type = cast<RankedTensorType>(load.getType());
  unsigned last = type.getRank() - 1;
  SmallVector<int64_t> shape(type.getShape());
  // What is beyond the last element has to be zero.
  int64_t elements = shape.back();
  shape.back() = llvm::alignTo(llvm::divideCeil(elements, 2), multiple);
  bool isWhole = 2 * shape.back() == elements;
  SmallVector<AffineExpr> exprs(load.getMap().getResults());
  exprs.back() = rewriter.getAffineDimExpr(last) * 2;
  AffineMap map =
      AffineMap::get(load.getMap().getNumDims(), load.getMap().getNumSymbols(),
                     exprs, rewriter.getContext());
  SmallVector<bool> inBounds(load.getInBounds());
  inBounds.back() &= isWhole;
  return TileLoadOp::create(
      rewriter, loc, RankedTensorType::get(shape, rewriter.getI32Type()),
      load.getSource(), load.getSymbols(), load.getLookups(), load.getExtents(),
      AffineMapAttr::get(map), rewriter.getDenseBoolArrayAttr(inBounds),
      load.getLookupMapsAttr());
}

/// `unit`: rows of a tile of the matrix unit, or 0.
static LogicalResult pairProducts(RewriterBase &rewriter,
                                  TileContractOp contract, int64_t unit) {
  auto type = cast<RankedTensorType>(contract.getType());
  if (unit && !fitsMatrixUnit(type.getShape(), unit) &&
      !fitsMatrixUnitNarrowly(type.getShape(), unit))
    return failure();
  if (contract.getNumDims() != 3 || contract.getInputs().size() != 2 ||
      !isProduct(contract.getBody()))
    return failure();
  for (auto [input, map] :
       llvm::zip(contract.getInputs(),
                 contract.getMaps().getAsValueRange<AffineMapAttr>())) {
    auto load = input.getDefiningOp<TileLoadOp>();
    if (!load || map.getNumResults() == 0 ||
        map.getDimPosition(map.getNumResults() - 1) != 2 ||
        !readsNeighbours(load))
      return failure();
    // The last element has no neighbour: where the tile ends, memory has to.
    int64_t size = cast<RankedTensorType>(load.getType()).getShape().back();
    auto source = cast<MemRefType>(load.getSource().getType());
    if (ShapedType::isDynamic(size) || size != source.getShape().back())
      return failure();
  }
  SmallVector<Value> inputs;
  for (Value input : contract.getInputs()) {
    auto load = cast<TileLoadOp>(input.getDefiningOp());
    rewriter.setInsertionPoint(load);
    inputs.push_back(buildPairLoad(rewriter, load, std::max<int64_t>(unit, 1)));
  }
  rewriter.setInsertionPoint(contract);
  rewriter.replaceOp(contract, buildPairContract(rewriter, contract.getLoc(),
                                                 contract.getType(), inputs,
                                                 contract.getMapsAttr()));
  return success();
}

namespace {
struct PairProductsPass
    : fovea::attn::impl::PairProductsPassBase<PairProductsPass> {
  using PairProductsPassBase::PairProductsPassBase;
  void runOnOperation() override {
    SmallVector<TileContractOp> ops;
    getOperation()->walk([&](TileContractOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (TileContractOp op : ops)
      (void)pairProducts(rewriter, op, unit); // or it is converted to f32
  }
};
} // namespace
