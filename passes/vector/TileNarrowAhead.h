//===- TileNarrowAhead.h - rows asked for before they are read --*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILENARROWAHEAD_H
#define FOVEA_PASSES_VECTOR_TILENARROWAHEAD_H

#include "passes/vector/TileCode.h"

namespace fovea::attn {

/// The rows that a tile read in place will have when the loops around it have
/// gone one step further: those of the next head, or of the first head at the
/// next block of keys.
class RowsAhead {
public:
  /// Finds out where they are, before the loops that read this step's. `tile`
  /// is a load of rank 2 or a conversion of one; of any other, and where no
  /// loop changes the place, nothing is ever asked for.
  RowsAhead(mlir::OpBuilder &builder, TileCode &code, mlir::Value tile);

  /// Asks for the elements of a row that come to lie where this step has those
  /// from each of `columns` on: vectors of `width` elements, side by side.
  void fetch(mlir::Value row, mlir::ValueRange columns, int64_t width);
  /// The same for each of the rows from `from` to `to` that are in `range`.
  void fetch(mlir::Value from, mlir::Value to,
             std::pair<mlir::Value, mlir::Value> range,
             mlir::ValueRange columns, int64_t width);

private:
  mlir::OpBuilder *builder;
  TileCode *code;
  /// Null where nothing is asked for.
  TileLoadOp load;
  TileCode::Rows rows;
};

/// Those of the inputs of an op that have its second dimension, the keys, as
/// rows, and its dimension `along` along them.
llvm::SmallVector<RowsAhead>
findRowsAhead(mlir::OpBuilder &builder, TileCode &code, mlir::ValueRange inputs,
              mlir::ArrayAttr maps, unsigned along);

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILENARROWAHEAD_H
