//===- CarryInPlace.cpp - loops that keep what they carry in one buffer ---===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

namespace fovea::attn {
#define GEN_PASS_DEF_CARRYINPLACEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {
struct CarryInPlacePass
    : fovea::attn::impl::CarryInPlacePassBase<CarryInPlacePass> {
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    getOperation()->walk([&](scf::ForOp loop) {
      Operation *yield = loop.getBody()->getTerminator();
      builder.setInsertionPoint(yield);
      for (auto [argument, carried] :
           llvm::zip(loop.getRegionIterArgs(), yield->getOpOperands())) {
        if (!isa<RankedTensorType>(argument.getType()) ||
            carried.get() == argument ||
            carried.get()
                .getDefiningOp<bufferization::MaterializeInDestinationOp>())
          continue;
        auto kept = bufferization::MaterializeInDestinationOp::create(
            builder, loop.getLoc(), argument.getType(), carried.get(),
            argument);
        carried.set(kept.getResult());
      }
    });
  }
};
} // namespace
