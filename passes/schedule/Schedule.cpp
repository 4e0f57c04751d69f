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

  void runOnOperation() override {
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
