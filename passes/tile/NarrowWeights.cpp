//===- NarrowWeights.cpp - weighted sums of bf16 by weights of bf16 -------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/NarrowResults.h"
#include "passes/tile/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

namespace fovea::attn {
#define GEN_PASS_DEF_NARROWWEIGHTSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Whether a region is `extf(v)` of its only argument, of bf16.
static bool isConversion(Region &region) {
  Block &body = region.front();
  auto wide =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::ExtFOp>();
  return wide && body.getNumArguments() == 1 &&
         wide.getIn() == body.getArgument(0) && wide.getIn().getType().isBF16();
}

static LogicalResult narrowWeights(RewriterBase &rewriter, TileWeighOp weigh,
                                   int64_t unit) {
  auto weights = cast<RankedTensorType>(weigh.getWeights().getType());
  auto sum = cast<RankedTensorType>(weigh.getType());
  if (!weights.getElementType().isF32() || !sum.getElementType().isF32() ||
      !fitsMatrixUnit(weights.getShape(), unit) || sum.getRank() != 2 ||
      sum.isDynamicDim(1))
    return failure();
  MLIRContext *context = weigh.getContext();
  AffineMap whole = AffineMap::get(
      3, 0, {getAffineDimExpr(1, context), getAffineDimExpr(2, context)},
      context);
  if (weigh.getInputs().size() != 1 ||
      !weigh.getInputs()[0].getDefiningOp<TileLoadOp>() ||
      cast<AffineMapAttr>(weigh.getMaps()[0]).getValue() != whole ||
      !isConversion(weigh.getBody()) || !endsInBf16(weigh.getResult()))
    return failure();

  Location loc = weigh.getLoc();
  rewriter.setInsertionPoint(weigh);
  Type narrow = rewriter.getBF16Type();
  Value rounded =
      buildTileMap(rewriter, loc, weights.clone(narrow), weigh.getWeights(), {},
                   [&](OpBuilder &b, ValueRange args) -> Value {
                     return arith::TruncFOp::create(b, loc, narrow, args[0]);
                   });
  auto narrowed = TileWeighOp::create(
      rewriter, loc, weigh.getType(), rounded, weigh.getInit(),
      weigh.getBegin(), weigh.getEnd(), weigh.getInputs(), weigh.getMapsAttr());
  {
    OpBuilder::InsertionGuard guard(rewriter);
    Block *body =
        createTileBody(rewriter, loc, narrowed.getBody(), weigh.getInputs());
    YieldOp::create(rewriter, loc, body->getArgument(0));
  }
  rewriter.replaceOp(weigh, narrowed);
  return success();
}

namespace {
struct NarrowWeightsPass
    : fovea::attn::impl::NarrowWeightsPassBase<NarrowWeightsPass> {
  using NarrowWeightsPassBase::NarrowWeightsPassBase;
  void runOnOperation() override {
    SmallVector<TileWeighOp> ops;
    getOperation()->walk([&](TileWeighOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (TileWeighOp op : ops)
      (void)narrowWeights(rewriter, op, unit); // or the values are converted
  }
};
} // namespace
