//===- LayerTiler.h - panels of a linear layer as tiles ---------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_LAYERTILER_H
#define FOVEA_PASSES_TILE_LAYERTILER_H

#include "passes/tile/LinearLayers.h"
#include "passes/tile/TileBuilder.h"

#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {

/// Builds the tile program of one layer on a block of rows, at the rewriter's
/// insertion point: the input is one tile, and panels of features follow in any
/// order,
///
///   attn.tile.load       [rows x columns]
///   scf.parallel (panel)
///     attn.tile.contract   [features x rows], summed over the columns
///     attn.tile.map        the elementwise computation, if there is one
///     attn.tile.store
class LayerTiler {
public:
  LayerTiler(mlir::RewriterBase &rewriter, const LinearLayer &layer)
      : rewriter(rewriter), layer(layer), op(layer.op), loc(op.getLoc()),
        sizes(op.getStaticLoopRanges()) {}

  /// Builds what all tasks have in common.
  void prepare();
  int64_t countPanels() const;
  /// The number of iterations of a loop, as a value.
  mlir::Value buildSize(unsigned loop);
  /// `rowStarts`: the first index of each row loop. The last of these has
  /// `rowCount` rows. Panels are `count` from `first` on.
  void build(mlir::ValueRange rowStarts, mlir::Value rowCount,
             mlir::Value first, mlir::Value count);

private:
  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  int64_t numFeatures() const;
  /// Whether the features of a panel are neighbours of the last feature loop.
  bool panelsDivideLast() const {
    return layer.features.size() == 1 ||
           sizes[layer.features.back()] % layer.width == 0;
  }
  bool usesFeatures(mlir::AffineMap map) const {
    return llvm::any_of(layer.features, [&](unsigned loop) {
      return map.isFunctionOfDim(loop);
    });
  }
  void beginPanel(mlir::Value panel);
  /// A map over the loops, over tile coordinates (lane, row, columns...)
  /// instead; `position` of each or none.
  mlir::AffineMap toTile(mlir::AffineMap map, bool lane, bool row, bool column);
  /// `map` is what toTile() gave.
  TileAccess getAccess(mlir::AffineMap map);
  mlir::Value load(mlir::Value source, mlir::AffineMap map,
                   llvm::SmallVectorImpl<mlir::AffineMap> &maps,
                   unsigned numAxes);
  mlir::Value loadInputPairs(llvm::SmallVectorImpl<mlir::AffineMap> &maps);
  mlir::Value loadWeightPairs(llvm::SmallVectorImpl<mlir::AffineMap> &maps);
  mlir::Value loadInput(llvm::SmallVectorImpl<mlir::AffineMap> &maps);
  mlir::Value loadWeights(llvm::SmallVectorImpl<mlir::AffineMap> &maps);
  mlir::Value buildSum();
  mlir::Value buildEpilogue(mlir::Value sum);
  void buildPanel(mlir::Value number);

  mlir::RewriterBase &rewriter;
  LinearLayer layer;
  mlir::linalg::GenericOp op;
  mlir::Location loc;
  llvm::SmallVector<int64_t> sizes;
  mlir::RankedTensorType sumType;
  /// Of pairs, the input with all columns in one dimension, and the weights
  /// with the pairs of a panel's features side by side.
  mlir::Value flatInput, flatWeights;
  /// The start of each loop in the current task; null for columns.
  llvm::SmallVector<mlir::Value> starts;
  mlir::Value panel, firstFeature, rowCount;
  /// The input of the current task, and its projection.
  mlir::Value input;
  mlir::AffineMap inputMap;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_LAYERTILER_H
