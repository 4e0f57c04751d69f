//===- TileOperands.h - an attention's regions on one tile ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_TILEOPERANDS_H
#define FOVEA_PASSES_TILE_TILEOPERANDS_H

#include "passes/tile/TileBuilder.h"

namespace fovea::attn {

/// Builds tile ops for the parts of an attention on the tile that starts at
/// given index values: the query dimension (rows) and one key dimension are
/// tiled, contraction and value dimensions whole, all others single values.
class TileOperands {
public:
  /// `offsets`: the first value of each dimension of the tile. `ends`: the end
  /// of each dimension; used for contraction and value dimensions.
  TileOperands(mlir::OpBuilder &builder, AttentionOpInterface op,
               ScheduleAttr schedule, mlir::ValueRange offsets,
               mlir::ValueRange ends);

  /// The scores of the tile, [rows x keys] in f32, masked.
  mlir::Value buildScores();
  /// `init` plus the weighted sum of value `number` of the keys from `begin`
  /// (null: the first) to `end`. `scores`, of the same shape as the weights, is
  /// for a value that is computed from them.
  mlir::Value buildWeigh(unsigned number, mlir::Value weights,
                         mlir::Value scores, mlir::Value init,
                         mlir::Value begin, mlir::Value end);

  /// One value of each row: that of a region over parallel dimensions.
  mlir::Value buildRows(mlir::Region &region) {
    buildLookups();
    return buildRegionMap(region,
                          {static_cast<unsigned>(schedule.getQueryDim())}, {},
                          builder.getF32Type());
  }

  /// Stores output `number`: the epilogue of the sums, those of logarithms as
  /// they are, the others multiplied by `factor` (may be null).
  void storeOutput(mlir::Value out, mlir::AffineMap access, unsigned number,
                   mlir::ValueRange sums, mlir::Value factor);
  /// Stores one value of each row.
  void storeRows(mlir::Value out, mlir::AffineMap access, mlir::Value rows);
  /// Recomputes the scores and stores the weights under the final shift.
  void storeWeights(mlir::Value out, mlir::AffineMap access, mlir::Value shift,
                    mlir::Value factor);

private:
  /// A value to use in a region: a tile over some of the tiled dimensions, or
  /// a scalar that is the same everywhere.
  struct Operand {
    mlir::Value value;
    llvm::SmallVector<unsigned> dims;
    bool isTile = true;
  };
  /// A region made ready for a tile op over `axes`.
  struct Part {
    llvm::SmallVector<mlir::Value> inputs;
    llvm::SmallVector<mlir::AffineMap> maps;
    llvm::SmallVector<Operand> operands;
  };

  bool isTiled(unsigned dim) const;
  int64_t getExtent(unsigned dim) const;
  bool isDynamic(unsigned dim, llvm::ArrayRef<unsigned> dims) const;
  mlir::Value buildExtent(unsigned dim);
  llvm::SmallVector<unsigned> getUsedDims(mlir::AffineMap access);
  llvm::SmallVector<unsigned> getUsedDims(mlir::Region &region);
  llvm::SmallVector<unsigned> inOrder(llvm::SmallVector<unsigned> dims);
  mlir::AffineExpr toTile(mlir::AffineExpr expr, llvm::ArrayRef<unsigned> dims,
                          llvm::ArrayRef<unsigned> lookups);
  mlir::AffineMap getProjection(llvm::ArrayRef<unsigned> axes,
                                llvm::ArrayRef<unsigned> dims);
  llvm::SmallVector<mlir::Value> getSymbols();
  Operand load(mlir::Value source, mlir::AffineMap access);
  void buildLookups();
  Part buildPart(mlir::Region &region, llvm::ArrayRef<unsigned> axes,
                 llvm::ArrayRef<Operand> leading);
  /// Gives a contraction over `dims` an input along each, for its extent.
  void addExtents(Part &part, llvm::ArrayRef<unsigned> axes,
                  llvm::ArrayRef<int64_t> dims);
  /// Fills the body of a tile op over `axes` with a region's computation.
  mlir::Value buildBody(mlir::Region &body, mlir::Region &region,
                        const Part &part, llvm::ArrayRef<unsigned> axes);
  mlir::Value buildRegionMap(mlir::Region &region,
                             llvm::ArrayRef<unsigned> axes,
                             llvm::ArrayRef<Operand> leading,
                             mlir::Type element);
  mlir::RankedTensorType getTileType(llvm::ArrayRef<unsigned> dims,
                                     mlir::Type element);
  llvm::SmallVector<mlir::Value> buildExtents(llvm::ArrayRef<unsigned> dims);
  void store(mlir::Value tile, mlir::Value out, mlir::AffineMap access,
             llvm::ArrayRef<unsigned> axes, unsigned padding = 0);

  mlir::OpBuilder &builder;
  AttentionOpInterface op;
  mlir::Location loc;
  DomainAttr domain;
  ScheduleAttr schedule;
  llvm::SmallVector<mlir::Value> offsets, ends;
  llvm::SmallVector<Operand> lookups;
  bool lookupsBuilt = false;
  /// Whether all keys of a block are read, also those past the end of the
  /// domain.
  bool wholeBlocks = false;
};

/// The weighted sums that an output is made of.
llvm::SmallVector<unsigned> getUsedSums(AttentionOpInterface op,
                                        unsigned output);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_TILEOPERANDS_H
