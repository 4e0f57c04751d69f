//===- CostModel.h - What a schedule is estimated to take -------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_SCHEDULE_COSTMODEL_H
#define FOVEA_PASSES_SCHEDULE_COSTMODEL_H

#include "dialect/Attn.h"

#include <cstdint>

namespace fovea::attn {

/// What the time of a schedule depends on, of a CPU.
struct CpuModel {
  /// f32 in a vector register.
  int64_t lanes = 16;
  /// Rows of a register tile, which is two registers wide at most.
  int64_t registerRows = 12;
  /// Bytes of the caches of one core.
  int64_t level1Bytes = 48 << 10;
  int64_t level2Bytes = 2 << 20;
  /// Keys of bf16 in a tile of its matrix unit; 0 without one.
  int64_t matrixKeys = 0;
};

/// The estimated cycles of one core for an attention.
class CostModel {
public:
  /// Where a size is only known at run time, a usual one stands for it.
  CostModel(AttentionOp op, const CpuModel &cpu);

  /// Of so many queries and one key, in tiles that queries fill, each of them
  /// along lanes.
  double estimateWide(ScheduleAttr schedule, int64_t queries) const;

  /// The same in tiles of few queries, with keys and columns along lanes.
  double estimateNarrow(ScheduleAttr schedule, int64_t queries) const;

  /// Whether weights that are denormal numbers take no longer than others: a
  /// matrix unit, and what converts to its bf16, takes them for zeros.
  bool hasFastDenormals(ScheduleAttr schedule) const {
    return isByMatrixUnit(schedule);
  }

  /// Bytes of the rows and sums of a group, of which as much as there is is
  /// asked for before it is needed, whatever the caches (TileGroupsAhead.cpp).
  static constexpr int64_t kAheadBytes = 128 << 10;

  /// Bytes that a tile that queries fill holds for each of them: its row, and
  /// the sum of its values. Of each key: its row and its value.
  int64_t queryBytes() const {
    return contraction * elementBytes(rowPieces) + value * sizeof(float);
  }
  int64_t keyBytes() const {
    return contraction * elementBytes(rowPieces) +
           value * elementBytes(valuePieces);
  }

  /// Bytes for a block of keys beside the rows of a group: their copies, the
  /// scores of a tile, and what taking apart its rows, values and weights
  /// needs.
  int64_t blockBytes(int64_t keys, int64_t tile) const;

private:
  bool isByMatrixUnit(ScheduleAttr schedule) const;
  double getProductCycles(ScheduleAttr schedule, int64_t rows) const;
  /// What a matrix unit multiplies is in pieces of bf16; all else is f32.
  int64_t elementBytes(int64_t pieces) const {
    return hasMatrixUnit() ? 2 * pieces : 4;
  }
  /// A score, and the weight that a matrix unit reads.
  int64_t scoreBytes() const {
    return sizeof(float) + (hasMatrixUnit() ? 2 * valuePieces : 0);
  }
  bool hasMatrixUnit() const { return cpu.matrixKeys && isKnown; }

  CpuModel cpu;
  /// Whether rows and values are of sizes that are known, as a matrix unit
  /// needs them.
  bool isKnown;
  /// The pieces of bf16 that hold an element of a query or key, and one of a
  /// value.
  int64_t rowPieces, valuePieces;
  /// The dimension that queries extend along; heads that share keys are
  /// another.
  unsigned query;
  /// Elements of a query's row, and of the sum of its values.
  int64_t contraction, value;
  /// Keys that a tile visits, and that the tiles of a group do at most.
  int64_t keys, allKeys;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_SCHEDULE_COSTMODEL_H
