//===- TileVectorizer.h - tile ops as vector code ---------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILEVECTORIZER_H
#define FOVEA_PASSES_VECTOR_TILEVECTORIZER_H

#include "passes/vector/TileCode.h"
#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileNarrowAhead.h"
#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace fovea::attn {

/// Rewrites the tile ops below one op, the whole of a parallel iteration.
/// Tiles are replaced in place, block by block: tile ops over scores gather in
/// a sweep until something needs its results, all else is built where it
/// stands.
class TileVectorizer {
public:
  TileVectorizer(mlir::Operation *root, mlir::Block *body,
                 const VectorTarget &target)
      : root(root), lanes(root), builder(root->getContext()),
        code(builder, lanes, body, target.registerRows), target(target),
        groupsAhead(builder, code), spanWidth(target.registerLanes) {}

  mlir::LogicalResult run(mlir::Block &block);

private:
  mlir::LogicalResult processBlock(mlir::Block &block);
  mlir::LogicalResult process(mlir::Operation *op);

  // Tiles between memory and panels (TilePanels.cpp).
  mlir::LogicalResult processLoad(TileLoadOp load);
  mlir::LogicalResult processMap(TileMapOp map);
  mlir::LogicalResult processRescale(TileRescaleOp rescale);
  mlir::LogicalResult processStore(TileStoreOp store);
  mlir::LogicalResult processEmpty(mlir::tensor::EmptyOp empty);
  mlir::LogicalResult processExtract(mlir::tensor::ExtractSliceOp slice);
  mlir::LogicalResult processInsert(mlir::tensor::InsertSliceOp insert);
  mlir::Value createPanelFor(mlir::Value tile);
  void copyToPanel(mlir::Location loc, mlir::Value from, mlir::Value tile);
  mlir::Value createTarget(mlir::Value tile);
  mlir::Value createView(mlir::Location loc, mlir::Value whole,
                         llvm::ArrayRef<mlir::OpFoldResult> offsets,
                         llvm::ArrayRef<mlir::OpFoldResult> sizes,
                         const llvm::SmallBitVector &dropped);
  void fillLanePanel(mlir::Value tile, mlir::Value panel);
  void fillRowPanel(mlir::Value tile);
  void holdInPanel(mlir::Value tile);

  // Numbers in pieces (TilePieces.cpp).
  mlir::LogicalResult processPieces(TilePiecesOp pieces);
  void fillLanePieces(TilePiecesOp pieces, mlir::Value panel);
  void fillRowPieces(TilePiecesOp pieces, mlir::Value panel);

  // Weighted sums (TileWeigh.cpp).
  mlir::LogicalResult processWeigh(TileWeighOp weigh);
  /// A weighted sum in memory: what it begins with, where it is put, and the
  /// keys that it goes over.
  struct Sum {
    mlir::Value base, panel, begin, end;
  };
  mlir::FailureOr<Sum> takeSum(TileWeighOp weigh);
  llvm::SmallVector<TileCode::Steps> cutColumns(mlir::Location loc,
                                                mlir::Value columns);

  /// The keys of a tile of scores that anything uses (TileNarrowDots.cpp).
  std::pair<mlir::Value, mlir::Value> getVisited(mlir::Value score);

  // Linear layers by a matrix unit (TileMatrixLayer.cpp).
  /// Whether a loop over the panels of a layer is: of rows of pairs and blocks
  /// of features, both where they lie in memory.
  bool isMatrixLayer(mlir::scf::ParallelOp loop);
  /// Whether only such loops read a tile.
  bool isMatrixInput(TileLoadOp load);
  mlir::LogicalResult processMatrixLayer(mlir::scf::ParallelOp loop);

  // Products by a matrix unit (TileMatrix.cpp, TileMatrixWeigh.cpp).
  mlir::LogicalResult processMatrixContract(TileContractOp contract);
  mlir::LogicalResult processMatrixWeigh(TileWeighOp weigh);
  /// Transposes values where the matrix unit weighs them; whether it alone
  /// reads them.
  bool transposeValues(mlir::Value tile);
  mlir::Value fillTransposedValues(mlir::Value tile, int64_t keys);
  void clearUnvisited(mlir::Location loc, mlir::Value weights,
                      mlir::Value values, mlir::Value begin, mlir::Value end);
  void beginSum(TileWeighOp weigh, const Sum &sum);

  // Tiles with fewer rows than lanes (TileNarrow.cpp).
  mlir::LogicalResult processNarrow(mlir::Operation *op);
  mlir::LogicalResult processNarrowReduce(TileReduceOp reduce);
  mlir::LogicalResult processNarrowWeigh(TileWeighOp weigh);
  mlir::LogicalResult processNarrowStore(TileStoreOp store);
  bool isHeld(mlir::Value tile);
  void fillSpans(mlir::Value tile);
  void forEachSpan(mlir::Value tile,
                   llvm::function_ref<void(llvm::ArrayRef<mlir::Value> point,
                                           mlir::Value count)>
                       body);

  // Their scores (TileNarrowDots.cpp).
  mlir::LogicalResult processDots(TileContractOp contract);
  mlir::Value buildDots(TileContractOp contract, mlir::ValueRange keys,
                        llvm::MutableArrayRef<RowsAhead> ahead);
  bool canSumAlongLanes(TileContractOp contract);

  // Both by a matrix unit (TileNarrowMatrix.cpp).
  mlir::LogicalResult processNarrowMatrixContract(TileContractOp contract);
  mlir::LogicalResult processNarrowMatrixWeigh(TileWeighOp weigh);
  mlir::Value fillPairColumns(mlir::Location loc, mlir::Value tile,
                              int64_t columns);
  MatrixUnit::Place placeKeys(TileLoadOp load, int64_t keys, mlir::Value begin,
                              mlir::Value end);
  mlir::Value fillWeightPieces(mlir::Value weights, mlir::Value begin,
                               mlir::Value end);
  mlir::Value fillValuePairs(TileLoadOp load, int64_t keys, mlir::Value begin,
                             mlir::Value end);

  // Control flow that carries tiles (TileControlFlow.cpp).
  mlir::LogicalResult processFor(mlir::scf::ForOp loop);
  mlir::LogicalResult processIf(mlir::scf::IfOp branch);

  bool isTile(mlir::Value value) const {
    return mlir::isa<mlir::RankedTensorType>(value.getType()) && !isList(value);
  }
  /// A tensor of indices that no tile op made: a short list of points.
  static bool isList(mlir::Value value) {
    return value.getDefiningOp<mlir::tensor::FromElementsOp>() != nullptr;
  }
  /// Whether a tile is more than one vector, or more than one scalar.
  bool isWide(mlir::Value value) const {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getRank() >
           (code.getLane(value) ? 1 : 0);
  }
  /// The vector or scalar that a tile that is not wide consists of.
  mlir::Value readWhole(mlir::Location loc, mlir::Value tile) {
    auto type = mlir::cast<mlir::RankedTensorType>(tile.getType());
    return code.read(loc, tile, TileCode::Coordinates(type.getRank()));
  }
  /// Erases ops that have been replaced, users first.
  void eraseReplaced();

  mlir::Operation *root;
  TileLanes lanes;
  mlir::OpBuilder builder;
  TileCode code;
  VectorTarget target;
  GroupsAhead groupsAhead;
  /// Elements of a register; of a span of narrow rows.
  int64_t spanWidth;
  /// The panels of values for the matrix unit.
  llvm::DenseMap<mlir::Value, mlir::Value> transposedValues;
  llvm::SmallVector<mlir::Operation *> replaced;
  /// Bodies of loops, and how many of their arguments have been replaced.
  llvm::SmallVector<std::pair<mlir::Block *, unsigned>> replacedArguments;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILEVECTORIZER_H
