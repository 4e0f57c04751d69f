//===- HoistTileLoads.cpp - tiles read once, not in every block -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace fovea::attn {
#define GEN_PASS_DEF_HOISTTILELOADSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Whether anything in an op may write to memory.
static bool writes(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        if (inner->hasTrait<OpTrait::HasRecursiveMemoryEffects>() ||
            isMemoryEffectFree(inner))
          return WalkResult::advance();
        auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
        return effects && !effects.hasEffect<MemoryEffects::Write>() &&
                       !effects.hasEffect<MemoryEffects::Free>()
                   ? WalkResult::advance()
                   : WalkResult::interrupt();
      })
      .wasInterrupted();
}

/// Moves what does not change out of one loop or branch. Reading a tile early
/// is harmless: what is out of range is not read.
static void hoistOutOf(Operation *op) {
  bool readable = !writes(op);
  SmallVector<Region *> regions;
  for (Region &region : op->getRegions())
    regions.push_back(&region);
  moveLoopInvariantCode(
      regions,
      [&](Value value, Region *) {
        return !op->isProperAncestor(value.getParentBlock()->getParentOp()) &&
               value.getParentBlock()->getParentOp() != op;
      },
      [&](Operation *inner, Region *) {
        if (isa<TileLoadOp>(inner))
          return readable;
        return isPure(inner) &&
               (isa<TileMapOp>(inner) || inner->getNumRegions() == 0);
      },
      [&](Operation *inner, Region *) { inner->moveBefore(op); });
}

namespace {
struct HoistTileLoadsPass
    : fovea::attn::impl::HoistTileLoadsPassBase<HoistTileLoadsPass> {
  void runOnOperation() override {
    // Innermost first, so that a tile leaves as many levels as it can.
    getOperation()->walk([](Operation *op) {
      if (isa<scf::ForOp, scf::IfOp, scf::ParallelOp>(op))
        hoistOutOf(op);
    });
  }
};
} // namespace
