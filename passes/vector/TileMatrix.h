//===- TileMatrix.h - products by a matrix unit -----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILEMATRIX_H
#define FOVEA_PASSES_VECTOR_TILEMATRIX_H

#include "dialect/Attn.h"

namespace fovea::attn {

/// Code for AMX: tiles of 16 rows of 64 bytes, 16 sums of f32 or 16 pairs of
/// bf16. All tiles have this one shape, so that a function configures the unit
/// once.
class MatrixUnit {
public:
  explicit MatrixUnit(mlir::OpBuilder &builder) : builder(builder) {}

  /// Rows of a tile, and sums or pairs in a row.
  static constexpr int64_t rows = 16;
  /// Rows and columns that are computed at a time: two tiles by two tiles read
  /// each of their operands for two products.
  static constexpr int64_t block = 2 * rows;

  mlir::Value zero(mlir::Location loc);
  /// Rows from `indices` on along the last but one dimension of memory.
  mlir::Value load(mlir::Location loc, mlir::Value memref,
                   llvm::ArrayRef<mlir::Value> indices);
  void store(mlir::Location loc, mlir::Value tile, mlir::Value memref,
             llvm::ArrayRef<mlir::Value> indices);
  /// `sum[r, c]` plus the products of the pairs `a[r, k]` and `b[k, c]`.
  mlir::Value addProducts(mlir::Location loc, mlir::Value sum, mlir::Value a,
                          mlir::Value b);

  /// The tiles of a block: one or two rows of them, two in each.
  using Tiles = llvm::SmallVector<mlir::Value>;
  /// Reads the tile whose first row, or column, is `offset` into the block, at
  /// `position` of what is summed.
  using Load =
      llvm::function_ref<mlir::Value(mlir::Value position, int64_t offset)>;
  /// Adds to `sums` the products of all positions in [from, to) by `step`.
  Tiles addProducts(mlir::Location loc, mlir::Value from, mlir::Value to,
                    int64_t step, Tiles sums, Load left, Load right);
  /// Runs `body` on the number, the first row and the first column of each of
  /// `count` tiles.
  static void forEachTile(
      size_t count,
      llvm::function_ref<void(size_t number, int64_t row, int64_t column)>
          body) {
    for (size_t k = 0; k < count; ++k)
      body(k, k / 2 * rows, k % 2 * rows);
  }

private:
  std::pair<mlir::Value, mlir::Value>
  locate(mlir::Location loc, mlir::Value memref,
         llvm::ArrayRef<mlir::Value> indices);
  mlir::Value size(mlir::Location loc, int64_t value);

  mlir::OpBuilder &builder;
};

/// Whether a region is the product of its two arguments as pairs.
bool isPairProduct(mlir::Region &region);
/// Whether the matrix unit makes these scores: of pairs in whole tiles, rows
/// and keys in whole blocks.
bool isMatrixContract(TileContractOp contract);
/// Whether the matrix unit makes this weighted sum: of values of bf16 in
/// memory, with weights as below.
bool isMatrixWeigh(TileWeighOp weigh);
/// Whether a map rounds weights for the matrix unit, and for nothing else: they
/// are held in pairs of keys.
bool isMatrixWeights(TileMapOp map);

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILEMATRIX_H
