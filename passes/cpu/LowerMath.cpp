//===- LowerMath.cpp - Vectors of elementary functions --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "passes/Passes.h"
#include "passes/math/Elementary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fovea::attn {
#define GEN_PASS_DEF_LOWERMATHPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

struct LowerMathPass
    : public fovea::attn::impl::LowerMathPassBase<LowerMathPass> {
  void runOnOperation() override {
    SmallVector<Operation *> vectors;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_nonnull<math::MathDialect>(op->getDialect()) &&
          isa<VectorType>(op->getResult(0).getType()))
        vectors.push_back(op);
    });
    RewritePatternSet patterns(&getContext());
    auto always = [](StringRef) { return true; };
    populateMathF32ExpansionPatterns(patterns, always);
    populateElementaryPatterns(patterns);
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(vectors, std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
