//===- Schedule.cpp - choice of tile sizes --------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/schedule/Candidates.h"

namespace fovea::attn {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {
struct SchedulePass : fovea::attn::impl::SchedulePassBase<SchedulePass> {
  using SchedulePassBase::SchedulePassBase;

  /// Diagnoses options that describe no CPU and no tiles.
  LogicalResult check() {
    auto expect = [&](const char *name, int64_t value, int64_t least) {
      // More would overflow, and is more than any CPU has.
      constexpr int64_t most = int64_t(1) << 30;
      if (value >= least && value <= most)
        return success();
      return LogicalResult(getOperation()->emitError()
                           << "expected an option " << name << " of " << least
                           << " to " << most << ", but found " << value);
    };
    return success(succeeded(expect("lanes", lanes, 1)) &&
                   succeeded(expect("register-rows", registerRows, 1)) &&
                   succeeded(expect("level1-bytes", level1Bytes, 1)) &&
                   succeeded(expect("level2-bytes", level2Bytes, 1)) &&
                   succeeded(expect("matrix-keys", matrixKeys, 0)) &&
                   succeeded(expect("query-tile", queryTile, 0)) &&
                   succeeded(expect("key-block", keyBlock, 0)) &&
                   succeeded(expect("group-bytes", groupBytes, 0)) &&
                   succeeded(expect("min-queries", minQueries, -1)) &&
                   succeeded(expect("narrow-tile", narrowTile, 0)) &&
                   succeeded(expect("narrow-key-block", narrowKeyBlock, 0)) &&
                   succeeded(expect("narrow-key-part", narrowKeyPart, 0)));
  }

  void runOnOperation() override {
    if (failed(check()))
      return signalPassFailure();
    CpuModel cpu{lanes, registerRows, level1Bytes, level2Bytes, matrixKeys};
    GivenSizes given;
    given.queryTile = queryTile;
    given.keyBlock = keyBlock;
    given.groupBytes = groupBytes;
    given.narrowTile = narrowTile;
    given.narrowKeyBlock = narrowKeyBlock;
    given.narrowKeyPart = narrowKeyPart;
    if (minQueries >= 0)
      given.minQueries = minQueries;
    getOperation()->walk([&](AttentionOp op) {
      if (op.getSchedule())
        return;
      ensureParallelDim(op);
      op.setScheduleAttr(getSchedules(op, cpu, given).front());
    });
  }
};
} // namespace
