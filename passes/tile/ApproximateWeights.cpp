//===- ApproximateWeights.cpp - exponentials that are rounded in the end --===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/NarrowResults.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

namespace fovea::attn {
#define GEN_PASS_DEF_APPROXIMATEWEIGHTSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// The power of two that a map yields for each pair of a row and a key. Factors
/// that sums are rescaled with are of rows alone, and stay as exact as they
/// are: their errors would add up block by block.
static math::Exp2Op getWeight(TileMapOp map) {
  auto type = cast<RankedTensorType>(map.getType());
  if (type.getRank() != 2 || !type.getElementType().isF32())
    return nullptr;
  Operation *yield = map.getBody().front().getTerminator();
  return yield->getOperand(0).getDefiningOp<math::Exp2Op>();
}

/// Whether weights are rounded to bf16 before they weigh anything, and all that
/// becomes of them is stored as bf16.
static bool areRounded(TileMapOp weights) {
  bool isRounded = false;
  for (Operation *user : weights->getUsers()) {
    if (isa<TileWeighOp>(user))
      return false;
    if (auto map = dyn_cast<TileMapOp>(user))
      isRounded |= getElementTypeOrSelf(map.getType()).isBF16();
  }
  return isRounded && endsInBf16(weights.getResult());
}

namespace {
struct ApproximateWeightsPass
    : fovea::attn::impl::ApproximateWeightsPassBase<ApproximateWeightsPass> {
  void runOnOperation() override {
    getOperation()->walk([&](TileMapOp map) {
      math::Exp2Op exp2 = getWeight(map);
      if (exp2 && areRounded(map))
        exp2.setFastmath(exp2.getFastmath() | arith::FastMathFlags::afn);
    });
  }
};
} // namespace
