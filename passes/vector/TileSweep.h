//===- TileSweep.h - one pass over the keys of a score tile -----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILESWEEP_H
#define FOVEA_PASSES_VECTOR_TILESWEEP_H

#include "passes/vector/TileCode.h"
#include "passes/vector/TileGroupsAhead.h"

namespace fovea::attn {

/// What the CPU has.
struct VectorTarget {
  /// Keys of a register tile.
  unsigned registerRows;
  /// Whether to use the instruction on pairs of bf16 that registers of so many
  /// lanes have.
  bool bf16Dots;
  /// Whether to use a matrix unit for products of bf16.
  bool matrixUnit;
  /// Elements of a register of f32.
  unsigned registerLanes;
};

// Instructions on pairs of bf16 (TilePairDots.cpp).

/// Whether one adds the terms of a contraction to `width` sums.
bool hasPairDots(const VectorTarget &target, TileContractOp contract,
                 int64_t width);
/// Adds the products of pairs, i32, to sums, a register of them at a time.
mlir::Value addPairDots(mlir::OpBuilder &builder, mlir::Location loc,
                        const VectorTarget &target, mlir::Value sum,
                        mlir::Value a, mlir::Value b);

/// Consecutive tile ops over [lanes x keys] that run as one loop over the
/// keys: contractions in register tiles of several keys, and with them whatever
/// needs no more than the elements at the same key: scores, masks, weights,
/// reductions, stores. Intermediate tiles of a sweep never exist in memory.
class TileSweep {
public:
  TileSweep(mlir::OpBuilder &builder, TileCode &code,
            const VectorTarget &target, GroupsAhead &groupsAhead)
      : builder(builder), code(code), target(target), groupsAhead(groupsAhead) {
  }

  bool empty() const { return ops.empty(); }
  /// Adds an op if it can run with those there already.
  bool tryAdd(mlir::Operation *op);
  /// Whether an op, or one nested in it, uses what the sweep computes.
  bool feeds(mlir::Operation *op) const;
  /// Builds the loop at the builder's insertion point and forgets the ops.
  void emit();
  /// Adds a contraction, as the first op, whose sums are made in memory.
  void addMade(TileContractOp contract);
  /// Builds all else for some rows, once they are: `sums` [row][lane] has those
  /// from row `first` on.
  void emitMade(mlir::Value sums, mlir::Value first,
                llvm::ArrayRef<mlir::Value> rows);

private:
  bool isMember(mlir::Value value) const;
  bool isScoreTile(mlir::Value tile) const;
  bool readsFinished(mlir::ValueRange inputs) const;
  std::pair<mlir::Value, mlir::Value> getRange();
  mlir::Value findFreePanel(mlir::Operation *op,
                            const llvm::DenseSet<mlir::Value> &taken);
  void preparePanels();
  /// The place of a row in a pair of them.
  enum class Half { lower, upper };
  /// One step: `rows` are the keys; returns the new values of the reductions.
  /// Of weights in pairs a single row has its place in its pair, beside a zero;
  /// several are pairs.
  llvm::SmallVector<mlir::Value> emitRows(llvm::ArrayRef<mlir::Value> rows,
                                          mlir::ValueRange reductions,
                                          Half half);
  /// All keys of a sweep without contractions, the mask only where it is
  /// needed.
  void emitWithoutContract(mlir::Value begin, mlir::Value end, unsigned rows,
                           llvm::SmallVectorImpl<mlir::Value> &totals);
  void emitLoop(mlir::Value from, mlir::Value to, unsigned rows, bool clamp,
                llvm::SmallVectorImpl<mlir::Value> &totals,
                Half half = Half::lower);
  llvm::SmallVector<mlir::Value> emitContract(TileContractOp contract,
                                              llvm::ArrayRef<mlir::Value> rows);
  mlir::Value
  emitElement(mlir::Operation *op, mlir::Value row,
              const llvm::DenseMap<mlir::Value, mlir::Value> &known);

  // Memory that is asked for before it is needed (TileSweepAhead.cpp).
  void prepareAhead(mlir::Value count, unsigned rows);
  /// Where a register tile of `rows` begins to read ahead; null if there is
  /// nothing to read.
  mlir::Value getPlaceAhead(TileContractOp contract,
                            llvm::ArrayRef<mlir::Value> rows);
  /// Asks for what lies there; the place for the next term.
  mlir::Value readAhead(TileContractOp contract, mlir::Value place);
  void storeAhead(llvm::ArrayRef<mlir::Value> rows);

  // Weights that are held in pairs of keys (TileSweepPairs.cpp).
  bool isPaired(mlir::Operation *op) const;
  /// Makes room for weights in pairs; whether nothing reads them otherwise.
  bool preparePairPanel(TileMapOp map);
  void emitPairLoops(mlir::Value begin, mlir::Value end,
                     llvm::SmallVectorImpl<mlir::Value> &totals);
  void
  emitPairs(TileMapOp map, llvm::ArrayRef<mlir::Value> rows, Half half,
            llvm::ArrayRef<llvm::DenseMap<mlir::Value, mlir::Value>> known);

  mlir::OpBuilder &builder;
  TileCode &code;
  const VectorTarget &target;
  GroupsAhead &groupsAhead;
  llvm::SmallVector<mlir::Operation *> ops;
  llvm::SmallVector<TileReduceOp> reductions;
  /// Whether the masks of the keys that are visited now are known to hold.
  bool masksHold = false;
  bool hasContract = false, hasSum = false, hasPairs = false, hasMade = false;
  /// The sums [row][lane] that have been made, of the rows from `first` on;
  /// null where none have.
  struct Made {
    mlir::Value sums, first;
  };
  Made made;
  /// What lies behind the lanes that a contraction reads in place: the memory,
  /// in one dimension; the first element to ask for, and how many at each term;
  /// and how many terms there are, and elements.
  struct Ahead {
    mlir::Value memory, begin, step;
    int64_t terms, size;
  };
  llvm::DenseMap<mlir::Operation *, Ahead> ahead;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILESWEEP_H
