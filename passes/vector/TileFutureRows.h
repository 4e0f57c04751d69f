//===- TileFutureRows.h - rows of iterations to come ------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILEFUTUREROWS_H
#define FOVEA_PASSES_VECTOR_TILEFUTUREROWS_H

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace fovea::attn {

/// The rows of memory that loads and stores of a parallel iteration on tiles
/// will have later: where that is arithmetic on what is known before, it is
/// computed once more.
class FutureRows {
public:
  FutureRows(mlir::OpBuilder &builder, TileCode &code,
             mlir::scf::ForallOp iteration)
      : builder(builder), code(code), iteration(iteration) {}

  /// Rows of memory, one after the other along a dimension of it.
  struct Rows {
    mlir::Value memory;
    llvm::SmallVector<mlir::Value> first; ///< indices of the first element
    unsigned dim;
    mlir::Value count;
    int64_t columns; ///< elements of a row
    bool isWritten;
  };

  /// The indices of the iteration that this thread is likely to have next.
  mlir::IRMapping buildNextGroup();
  /// The rows of a load or store, in all iterations of the loop that it may be
  /// in, where values are what `known` says.
  std::optional<Rows> locateAll(mlir::Operation *access,
                                const mlir::IRMapping &known);
  /// The rows that a load in `blocks` has in the next iteration of it, or in
  /// the first one of the next group.
  std::optional<Rows> locateNextBlock(TileLoadOp load, mlir::scf::ForOp blocks,
                                      const mlir::IRMapping &nextGroup);

private:
  mlir::Value rebuild(mlir::Value value, mlir::IRMapping &known);
  std::optional<llvm::SmallVector<mlir::Value>>
  rebuildAll(mlir::ValueRange values, mlir::IRMapping &known);
  std::optional<Rows> locate(mlir::Operation *access,
                             const mlir::IRMapping &known);

  mlir::OpBuilder &builder;
  TileCode &code;
  mlir::scf::ForallOp iteration;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILEFUTUREROWS_H
