//===- TileLanes.h - which dimension of a tile lies along lanes -*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILELANES_H
#define FOVEA_PASSES_VECTOR_TILELANES_H

#include "dialect/Attn.h"

namespace fovea::attn {

/// For each tile below an operation, the dimension that lies along vector
/// lanes: the rows of what is contracted, scored, reduced and weighed, and
/// whatever runs along with them. A tile without such a dimension is scalar
/// code.
///
/// Rows that are fewer than lanes are *narrow*: of their tiles only the row
/// statistics, of rank 1, lie along lanes. The others are without, and are read
/// in spans along keys, contractions or columns.
class TileLanes {
public:
  explicit TileLanes(mlir::Operation *root);

  /// Whether all tiles of scores have fewer rows than lanes.
  bool isNarrow() const { return narrow; }
  /// Rows that are worth a vector.
  static constexpr int64_t fewestRows = 8;

  /// The lane dimension of a tile, if it has one.
  std::optional<unsigned> get(mlir::Value tile) const;

private:
  bool set(mlir::Value tile, std::optional<unsigned> dim);
  bool propagate(mlir::Operation *op);
  bool propagateNarrow(mlir::Operation *op);
  bool propagateMaps(mlir::Operation *op, mlir::ValueRange inputs,
                     mlir::ArrayAttr maps, std::optional<unsigned> lane);
  bool propagateSlice(mlir::Value whole, mlir::Value part,
                      const llvm::SmallBitVector &dropped);

  llvm::DenseMap<mlir::Value, unsigned> lanes;
  bool narrow;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILELANES_H
