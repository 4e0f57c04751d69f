//===- Candidates.h - The schedules worth trying ----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_SCHEDULE_CANDIDATES_H
#define FOVEA_PASSES_SCHEDULE_CANDIDATES_H

#include "passes/schedule/CostModel.h"

#include <optional>

namespace fovea::attn {

/// What is not left to the cost model; 0 where it is.
struct GivenSizes {
  int64_t queryTile = 0, keyBlock = 0, groupBytes = 0;
  int64_t narrowTile = 0, narrowKeyBlock = 0, narrowKeyPart = 0;
  /// Fewer queries go into narrow tiles.
  std::optional<int64_t> minQueries;
};

/// Adds a parallel dimension of bound 1 to an attention that has none: tiles
/// are cut along one.
void ensureParallelDim(AttentionOp op);

/// The schedules worth trying for an attention with a parallel dimension, at
/// least one: the first is the one that the cost model prefers.
llvm::SmallVector<ScheduleAttr>
getSchedules(AttentionOp op, const CpuModel &cpu, const GivenSizes &given = {});

} // namespace fovea::attn

#endif // FOVEA_PASSES_SCHEDULE_CANDIDATES_H
