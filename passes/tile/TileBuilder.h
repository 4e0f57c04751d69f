//===- TileBuilder.h - parts that tile programs are made of -----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_TILEBUILDER_H
#define FOVEA_PASSES_TILE_TILEBUILDER_H

#include "dialect/Attn.h"

namespace fovea::attn {

/// Where the elements of a tile lie in memory: the position along each
/// dimension of a memref, over tile coordinates (the dims of `map`), then
/// indices looked up for them (further dims), and `symbols`.
struct TileAccess {
  /// `positions` are over `numDims` dims and `allSymbols`; symbols that none of
  /// them uses are dropped.
  TileAccess(mlir::MLIRContext *context, unsigned numDims,
             llvm::ArrayRef<mlir::AffineExpr> positions,
             mlir::ValueRange allSymbols);

  mlir::AffineMap map;
  llvm::SmallVector<mlir::Value> symbols;
};

/// The body of a tile op that reads one element of each input: an empty block
/// with an argument for each. Leaves the builder in it.
mlir::Block *createTileBody(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Region &body, mlir::ValueRange inputs);

/// Builds `attn.tile.contract` of tiles of pairs of bf16, in i32: each element
/// sums the products of both of a pair.
mlir::Value buildPairContract(mlir::OpBuilder &builder, mlir::Location loc,
                              mlir::Type type, mlir::ValueRange inputs,
                              mlir::ArrayAttr maps);

/// Builds `attn.tile.map` whose inputs all have the result's coordinates, or a
/// prefix of them: `build(builder, arguments)` computes one element.
mlir::Value buildTileMap(
    mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
    mlir::ValueRange inputs, mlir::ValueRange extents,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> build);

/// Moves a row's sum of weight * log weight to another shift: `sum` and `mass`,
/// the sum of the weights, were taken with `oldShift`.
mlir::Value buildLogWeightRescale(mlir::OpBuilder &builder, mlir::Location loc,
                                  NormalizerAttrInterface normalizer,
                                  mlir::Value sum, mlir::Value mass,
                                  mlir::Value oldShift, mlir::Value newShift);

/// The first of the places begin <= k < end of each row of `tile`, `[rows x
/// k]`, that holds `greatest` (`[rows]`), as i32; negative where none does.
/// Places are few enough to be floats.
mlir::Value buildFirstPlace(mlir::OpBuilder &builder, mlir::Location loc,
                            mlir::Value tile, mlir::Value greatest,
                            mlir::Value begin, mlir::Value end);

/// Rounds or widens a float to another float type.
mlir::Value buildFloatCast(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value value, mlir::Type type);

/// Whether the rows and keys of scores are multiples of two tiles of a matrix
/// unit with tiles of `unit` rows.
bool fitsMatrixUnit(llvm::ArrayRef<int64_t> scores, int64_t unit);
/// Whether these are few rows, a third of a tile at most, with one tile of keys
/// or two.
bool fitsMatrixUnitNarrowly(llvm::ArrayRef<int64_t> scores, int64_t unit);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_TILEBUILDER_H
