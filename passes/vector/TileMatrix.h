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

/// Code for AMX: tiles of at most 16 rows of 64 bytes, 16 sums of f32 or 16
/// pairs of bf16. All shapes are constants, so that a function configures the
/// unit once.
class MatrixUnit {
public:
  explicit MatrixUnit(mlir::OpBuilder &builder) : builder(builder) {}

  /// Rows of a tile, and sums or pairs in a row.
  static constexpr int64_t rows = 16;
  /// Rows and columns that are computed at a time: two tiles by two tiles read
  /// each of their operands for two products.
  static constexpr int64_t block = 2 * rows;
  /// Rows, and sums or pairs in each.
  struct Shape {
    int64_t rows, columns;
  };
  static constexpr Shape whole = {rows, rows};
  /// Where the first row of a tile is, and from row to row, in bytes: indices.
  struct Place {
    mlir::Value address, stride;
  };

  mlir::Value zero(mlir::Location loc, Shape shape = whole);
  /// Rows from `indices` on along dimension `dim` of memory; if none is given,
  /// along the last but one.
  Place locate(mlir::Location loc, mlir::Value memref,
               llvm::ArrayRef<mlir::Value> indices,
               std::optional<unsigned> dim = {});
  mlir::Value load(mlir::Location loc, Place place, Shape shape = whole);
  mlir::Value load(mlir::Location loc, mlir::Value memref,
                   llvm::ArrayRef<mlir::Value> indices, Shape shape = whole) {
    return load(loc, locate(loc, memref, indices), shape);
  }
  /// The same where what is loaded stays in no near cache, as it passes through
  /// once for much that is used again.
  mlir::Value loadOnce(mlir::Location loc, Place place, Shape shape = whole);
  /// Asks for the line of an address, to be in the second nearest cache.
  void prefetch(mlir::Location loc, mlir::Value address);
  void store(mlir::Location loc, mlir::Value tile, mlir::Value memref,
             llvm::ArrayRef<mlir::Value> indices, Shape shape = whole);
  /// `sum[r, c]` plus the products of the pairs `a[r, k]` and `b[k, c]`;
  /// `shape` is that of the sum.
  mlir::Value addProducts(mlir::Location loc, mlir::Value sum, mlir::Value a,
                          mlir::Value b, Shape shape = whole,
                          int64_t pairs = rows);

  /// The tiles of a block: one or two rows of them, two in each.
  using Tiles = llvm::SmallVector<mlir::Value>;
  /// Reads the tile whose first row, or column, is `offset` into the block, at
  /// `position` of what is summed.
  using Load =
      llvm::function_ref<mlir::Value(mlir::Value position, int64_t offset)>;
  /// Adds to `sums` the products of all positions in [from, to) by `step`;
  /// `also` builds what else is done at each of them.
  Tiles addProducts(mlir::Location loc, mlir::Value from, mlir::Value to,
                    int64_t step, Tiles sums, Load left, Load right,
                    llvm::function_ref<void(mlir::Value position)> also = {});

  /// Sums for tiles of rows beside two tiles of columns, of numbers in pieces.
  struct RowSums {
    /// The rows, and what is summed, in steps.
    mlir::Value firstRow, endRow, first, end;
    int64_t step;
    /// Of each operand: all products of two that are no smaller than rounding.
    unsigned numPieces;
    /// Rows that are summed at a time, one tile or two.
    int64_t numRows;
    /// What the sums begin with.
    llvm::function_ref<Tiles(mlir::Value row)> begin;
    /// The tile of a piece from `row` on, and that from `column` on.
    llvm::function_ref<mlir::Value(mlir::Value row, mlir::Value position,
                                   unsigned piece)>
        left;
    llvm::function_ref<mlir::Value(mlir::Value position, int64_t column,
                                   unsigned piece)>
        right;
    llvm::function_ref<void(mlir::Value row, const Tiles &sums)> finish;
  };
  /// Builds them. Of several pieces each tile at the left is loaded as soon as
  /// the one before is not needed any more, long before it is: it may come from
  /// the second cache, while those at the right stay in the first one. Nothing
  /// is done where there are no rows or nothing to sum.
  void buildRowSums(mlir::Location loc, const RowSums &of);
  /// The rows to sum at a time: of numbers in one piece two tiles share each
  /// tile at the right; of several, tiles at the left are what there is no room
  /// for.
  static int64_t getRowsAtATime(unsigned numPieces) {
    return numPieces == 1 ? block : rows;
  }
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
  /// Operands of an intrinsic: the rows of a shape, and the bytes of each.
  llvm::SmallVector<mlir::Value> sizes(mlir::Location loc, Shape shape);
  /// A place as such: a pointer, and an i64.
  llvm::SmallVector<mlir::Value> point(mlir::Location loc, Place place);

  mlir::OpBuilder &builder;
};

/// Whether a region is the product of its two arguments as pairs.
bool isPairProduct(mlir::Region &region);
/// Whether the matrix unit makes these scores: of pairs in whole tiles, rows
/// and keys in whole blocks. Each row and key may be in several pieces.
bool isMatrixContract(TileContractOp contract);
/// Whether the matrix unit makes this weighted sum: of values of bf16 or f32
/// that are loaded or computed, with weights as below.
bool isMatrixWeigh(TileWeighOp weigh);
/// The pieces of bf16 that hold a weight or a value of such a sum.
unsigned getNumPieces(TileWeighOp weigh);
/// Whether the matrix unit makes these scores of few rows: of pairs in whole
/// tiles, with keys in one or two.
bool isNarrowMatrixContract(TileContractOp contract);
/// What this weighted sum of few rows weighs, if the matrix unit makes it:
/// bf16 in memory, at most two tiles of keys.
TileLoadOp getNarrowMatrixValues(TileWeighOp weigh);
/// Whether `map` is (d0, d1, d2) -> (d`first`, d2).
bool isMatrixOperand(mlir::Attribute map, unsigned first);
/// Whether the weights that a map yields are held in pairs of keys for the
/// matrix unit: as pieces, or rounded for nothing else.
bool isMatrixWeights(TileMapOp map);

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILEMATRIX_H
