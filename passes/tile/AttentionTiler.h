//===- AttentionTiler.h - one attention as loops over tiles -----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_ATTENTIONTILER_H
#define FOVEA_PASSES_TILE_ATTENTIONTILER_H

#include "dialect/Attn.h"
#include "passes/tile/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {

/// Rewrites one attention on memory.
class AttentionTiler {
public:
  /// `isRun`: the condition under which the op runs (null: always); without it
  /// no memory is needed.
  AttentionTiler(mlir::RewriterBase &rewriter, AttentionOp op,
                 mlir::Value isRun)
      : rewriter(rewriter), op(op), loc(op.getLoc()), domain(op.getDomain()),
        schedule(*op.getSchedule()), isRun(isRun) {}

  mlir::LogicalResult run();

private:
  mlir::LogicalResult check();
  /// Result `number` in memory, as far as the domain has it.
  llvm::FailureOr<mlir::Value> buildDestination(unsigned number);
  void measureGroups(mlir::Value allTiles);
  void beginGroup(mlir::ValueRange ivs);
  llvm::SmallVector<mlir::OpFoldResult> beginRows();
  void beginTile(mlir::ValueRange ivs);
  /// What rows that have visited no key have: a tile of one value for each
  /// piece of the state.
  struct StatePiece {
    mlir::RankedTensorType type;
    mlir::TypedAttr value;
  };
  llvm::SmallVector<StatePiece> getInitialState();
  llvm::SmallVector<mlir::Value> buildTileState();
  llvm::SmallVector<mlir::Value> buildState();
  llvm::SmallVector<mlir::Value>
  buildKeys(llvm::SmallVector<mlir::Value> state);
  llvm::SmallVector<mlir::Value> buildBlocks(mlir::Value begin, mlir::Value end,
                                             mlir::ValueRange state);
  llvm::SmallVector<mlir::Value>
  buildVisit(mlir::Value block, mlir::Value count, mlir::ValueRange state);
  llvm::SmallVector<mlir::Value>
  buildOnline(mlir::Value block, mlir::Value count, mlir::ValueRange visit,
              bool masked, mlir::ValueRange state);

  /// The keys in parts.
  bool isInParts() { return schedule.getKeyPart() > 0; }
  void measureParts(llvm::ArrayRef<mlir::OpFoldResult> counts);
  void beginPart(mlir::Value part);
  void createPartials();
  TileAccess getPlaceOfPartial(unsigned k, unsigned numDims,
                               llvm::ArrayRef<mlir::AffineExpr> coordinates,
                               mlir::Value part);
  void storePartials(mlir::Value part, mlir::ValueRange state);
  mlir::Value lookUpPartial(unsigned k, mlir::Value chosen,
                            mlir::Value otherwise);
  llvm::SmallVector<mlir::Value> buildMergedState();

  /// What one tile of queries has of the keys.
  struct RowState {
    /// The weighted sums, by value.
    llvm::SmallVector<mlir::Value> sums;
    mlir::Value shift, mass;
    /// The mass without the sink.
    mlir::Value keysMass;
    /// The greatest score, NaN if one is; the first key that has it.
    mlir::Value max, argMax;
  };
  RowState splitState(mlir::ValueRange state);
  void buildResults(mlir::ValueRange parts);
  mlir::Value addSink(mlir::Value sink, RowState &state);
  void finishLogWeights(RowState &state, mlir::Value factor);
  void buildWeights(mlir::Value out, mlir::AffineMap access, mlir::Value shift,
                    mlir::Value factor);

  /// Runs `body` for each tile of the group, on its part of the state.
  void forEachTile(mlir::ValueRange state,
                   llvm::function_ref<void(mlir::ValueRange)> body);
  /// The same, where `body` returns what its part of the state becomes.
  llvm::SmallVector<mlir::Value> updateEachTile(
      mlir::ValueRange state,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange)>
          body);
  llvm::SmallVector<mlir::scf::ForOp, 2>
  beginTileLoops(mlir::ValueRange carried);
  llvm::SmallVector<mlir::Value> extractParts(mlir::ValueRange state);

  mlir::Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  mlir::RankedTensorType rowsType() {
    return mlir::RankedTensorType::get({schedule.getQueryTile()},
                                       rewriter.getF32Type());
  }
  bool isGrouped() { return schedule.getQueryGroup() > 1; }
  bool hasHeads() { return isGrouped() && schedule.getHeadDim() >= 0; }
  bool hasStatistic(ResultKind kind) { return op.findResult(kind).has_value(); }
  /// The dimension that weighted sum `k` extends along beside the rows, or -1.
  int64_t getValueDim(unsigned k) {
    auto self = mlir::cast<AttentionOpInterface>(op.getOperation());
    return self.getDimsOfValue(k).empty() ? -1 : self.getDimsOfValue(k).front();
  }
  /// The extent of a part of the state along its value dimension, if it has
  /// one.
  mlir::Value buildColumns(unsigned part);
  /// The dynamic extents of a piece of a tile's state, of this type.
  llvm::SmallVector<mlir::Value> buildExtents(unsigned part,
                                              mlir::RankedTensorType type);

  mlir::RewriterBase &rewriter;
  AttentionOp op;
  mlir::Location loc;
  DomainAttr domain;
  ScheduleAttr schedule;

  /// Offset and end of every dimension of the whole domain.
  llvm::SmallVector<mlir::Value> begins, ends;
  /// Where each result is written.
  llvm::SmallVector<mlir::Value> destinations;
  /// Offset of every dimension of the current tile; those of keys vary.
  llvm::SmallVector<mlir::Value> offsets;
  /// The keys that are walked.
  mlir::Value keyBegin, keyEnd;
  /// Tiles, queries and heads of a group; the last one may have fewer.
  mlir::Value groupTiles, groupSize, groupHeads;
  /// Groups along the dimension of queries.
  mlir::Value numGroups;
  /// Offsets of the current group, and how many tiles and heads it has.
  llvm::SmallVector<mlir::Value> groupOffsets;
  mlir::Value numTiles, numHeads;
  /// The number of the current tile in its group.
  mlir::Value tile;

  /// The condition under which all this runs, or null.
  mlir::Value isRun;
  /// How many parts of how many keys there are.
  mlir::Value numParts, partSize;
  /// The states that parts leave: `[parts][parallel dims...]`, sums also
  /// `[columns]`.
  llvm::SmallVector<mlir::Value> partials;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_ATTENTIONTILER_H
