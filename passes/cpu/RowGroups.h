//===- RowGroups.h - Which linalg operations share their rows ---*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_ROWGROUPS_H
#define FOVEA_PASSES_CPU_ROWGROUPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fovea::attn {

/// A linalg operation on memory as a computation of rows: a row is a point of
/// its first parallel dimensions, the *band*. How many those are is open
/// between `minBand` and `maxBand`.
struct RowOp {
  explicit RowOp(mlir::linalg::LinalgOp op);

  // An interface is a handle: its methods are not const.
  mutable mlir::linalg::LinalgOp op;
  /// The dimensions of the loops, by kind, outermost first.
  mlir::SmallVector<unsigned> parallel, reduction;
  /// The dimension that most of the largest operands are contiguous along,
  /// unless there is no dimension at all.
  unsigned inner = 0;
  unsigned minBand = 0, maxBand = 0;

  /// The dimensions that a row with a band of `band` dimensions consists of,
  /// in the order of their loops.
  mlir::SmallVector<unsigned> rowDims(unsigned band) const;
};

/// Operations that may run row by row, one after the other within a row.
class RowGroup {
public:
  explicit RowGroup(RowOp first);

  /// Adds `next`, which follows the group in its block with only operations
  /// without memory effects in between, if each row of it reads and writes
  /// only what the same row of the others does, and has the same rows.
  bool tryAdd(const RowOp &next);

  llvm::ArrayRef<RowOp> ops() const { return members; }
  /// The number of dimensions that count the rows.
  unsigned band() const { return minBand; }

private:
  mlir::SmallVector<RowOp> members;
  unsigned minBand, maxBand;
};

/// Whether two memrefs may share memory. Places of the workspace at different
/// offsets do not, nor do different arguments of a function.
bool mayAlias(mlir::Value a, mlir::Value b);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_ROWGROUPS_H
