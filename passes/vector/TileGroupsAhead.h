//===- TileGroupsAhead.h - rows asked for before they are copied *- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILEGROUPSAHEAD_H
#define FOVEA_PASSES_VECTOR_TILEGROUPSAHEAD_H

#include "passes/vector/TileFutureRows.h"

namespace fovea::attn {

/// What groups of query tiles copy from far away, asked for while the tiles
/// before are computed: the keys and values of the next block, the queries of
/// the next group that this thread is likely to have, and the memory that this
/// group's results go to.
class GroupsAhead {
public:
  GroupsAhead(mlir::OpBuilder &builder, TileCode &code)
      : builder(builder), code(code) {}

  /// Finds out where all that lies, in a parallel iteration on tiles with
  /// lanes; builds the arithmetic for it. Nothing is asked for where it is more
  /// than that.
  void prepare(mlir::scf::ForallOp iteration);
  /// Asks for the next few lines of each, a step of what is computed.
  void fetch(mlir::Location loc);

private:
  using Rows = FutureRows::Rows;
  /// Rows as a memory of two dimensions of its own.
  struct View {
    mlir::Value rows;
    mlir::Value count; ///< of those that are asked for
    bool isWritten;

    mlir::MemRefType getType() const {
      return mlir::cast<mlir::MemRefType>(rows.getType());
    }
  };
  /// Rows that are asked for side by side, at each step of what `body` has.
  struct Queue {
    mlir::Block *body;
    mlir::Value next; ///< how many of them have been asked for, in memory
    llvm::SmallVector<View> all;
  };

  mlir::Value createCounter(mlir::Location loc);
  void addQueue(mlir::Location loc, mlir::Value next, llvm::ArrayRef<Rows> all,
                mlir::Value isNear = {});

  mlir::OpBuilder &builder;
  TileCode &code;
  llvm::SmallVector<Queue> queues;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILEGROUPSAHEAD_H
