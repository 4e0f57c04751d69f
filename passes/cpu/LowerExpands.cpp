//===- LowerExpands.cpp - Grouped dimensions become strides ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's own lowering of memref.expand_shape allows one dynamic size in a group
// only, and crashes on (h, g) with both unknown.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_LOWEREXPANDSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;

namespace {

/// The size or stride as an attribute where the type has it.
OpFoldResult staticOr(OpBuilder &builder, int64_t known, Value value) {
  if (ShapedType::isDynamic(known))
    return value;
  return builder.getIndexAttr(known);
}

/// ```
/// memref.expand_shape %m [[0, 1]] output_shape [%h, %g]
/// ==>
/// memref.reinterpret_cast %m sizes: [%h, %g], strides: [%s * %g, %s]
/// ```
void lowerExpand(RewriterBase &rewriter, memref::ExpandShapeOp op) {
  rewriter.setInsertionPoint(op);
  Location loc = op.getLoc();
  auto metadata =
      memref::ExtractStridedMetadataOp::create(rewriter, loc, op.getSrc());
  auto [sourceStrides, sourceOffset] = op.getSrcType().getStridesAndOffset();
  auto [resultStrides, resultOffset] = op.getResultType().getStridesAndOffset();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
    Value stride = getValueOrCreateConstantIndexOp(
        rewriter, loc,
        staticOr(rewriter, sourceStrides[dim], metadata.getStrides()[dim]));
    for (int64_t index : llvm::reverse(group)) {
      strides[index] = staticOr(rewriter, resultStrides[index], stride);
      if (index != group.front())
        stride = rewriter.createOrFold<arith::MulIOp>(
            loc, stride,
            getValueOrCreateConstantIndexOp(rewriter, loc, sizes[index]));
    }
  }
  rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(
      op, op.getResultType(), metadata.getBaseBuffer(),
      staticOr(rewriter, resultOffset, metadata.getOffset()), sizes, strides);
}

struct LowerExpandsPass
    : public fovea::attn::impl::LowerExpandsPassBase<LowerExpandsPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk(
        [&](memref::ExpandShapeOp op) { lowerExpand(rewriter, op); });
  }
};

} // namespace
