//===- TileGroupsAhead.h - rows asked for before they are copied -*- C++
//-*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILEGROUPSAHEAD_H
#define FOVEA_PASSES_VECTOR_TILEGROUPSAHEAD_H

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

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
  /// Rows of memory, one after the other along a dimension of it.
  struct Rows {
    mlir::Value memory;
    llvm::SmallVector<mlir::Value> first; ///< indices of the first element
    unsigned dim;
    mlir::Value count;
    int64_t columns; ///< elements of a row
    bool isWritten;
  };
  /// The same as a memory of two dimensions of its own.
  struct View {
    mlir::Value rows;
    mlir::Value last; ///< the number of the last row that is asked for
    bool isWritten;

    mlir::MemRefType getType() const {
      return mlir::cast<mlir::MemRefType>(rows.getType());
    }
  };
  /// Rows that are asked for side by side, at each step of what `body` has.
  struct Queue {
    mlir::Block *body;
    mlir::Value count;
    mlir::Value next; ///< how many of them have been asked for, in memory
    llvm::SmallVector<View> all;
  };

  mlir::Value rebuild(mlir::Value value, mlir::IRMapping &known);
  std::optional<llvm::SmallVector<mlir::Value>>
  rebuildAll(mlir::ValueRange values, mlir::IRMapping &known);
  std::optional<Rows> locate(mlir::Operation *access,
                             const mlir::IRMapping &known);
  std::optional<Rows> locateAll(mlir::Operation *access,
                                const mlir::IRMapping &known);
  std::optional<Rows> locateNextBlock(TileLoadOp load, mlir::scf::ForOp blocks,
                                      const mlir::IRMapping &nextGroup);
  mlir::IRMapping buildNextGroup();
  mlir::Value createCounter();
  void addQueue(mlir::Value next, llvm::ArrayRef<Rows> all,
                mlir::Value isNear = {});

  mlir::OpBuilder &builder;
  TileCode &code;
  mlir::scf::ForallOp iteration;
  llvm::SmallVector<Queue> queues;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILEGROUPSAHEAD_H
