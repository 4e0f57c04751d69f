//===- FuseElementwise.cpp - elementwise intermediates without a tensor ---===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "passes/graph/Contractions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace fovea::attn {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Arithmetic operations that are worth doing again for a pass over memory
/// that is not made.
static constexpr unsigned cheapOperations = 4;

/// Whether computing an element again costs less than to write and read it:
/// a few additions or products, no function and no gather.
static bool isCheap(linalg::GenericOp op) {
  unsigned count = 0;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (!isa<arith::ArithDialect>(inner.getDialect()) &&
        !isa<linalg::IndexOp>(inner))
      return false;
    count += !isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp,
                  linalg::IndexOp>(inner);
  }
  return count <= cheapOperations;
}

/// Whether an op reads products with weights: what it computes is done on their
/// tiles, before they are stored.
static bool isEpilogue(linalg::GenericOp op) {
  return llvm::any_of(op.getInputs(), [](Value input) {
    auto producer = input.getDefiningOp<linalg::GenericOp>();
    return producer && isProductSum(producer) && producer->hasOneUse();
  });
}

static bool isWorthFusing(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || isProductSum(consumer) || isEpilogue(producer))
    return false;
  // A reduction reads each element once, unless another dimension repeats it.
  bool once = consumer.getMatchingIndexingMap(operand).isPermutation();
  if (operand->get().hasOneUse() && once)
    return true;
  if (!isCheap(producer))
    return false;
  return llvm::all_of(operand->get().getUsers(), [](Operation *user) {
    auto generic = dyn_cast<linalg::GenericOp>(user);
    return generic && !isProductSum(generic);
  });
}

namespace {
struct FuseElementwisePass
    : fovea::attn::impl::FuseElementwisePassBase<FuseElementwisePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, isWorthFusing);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
