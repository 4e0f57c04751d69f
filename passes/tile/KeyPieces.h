//===- KeyPieces.h - the pieces of the key range of a tile ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_KEYPIECES_H
#define FOVEA_PASSES_TILE_KEYPIECES_H

#include "dialect/Attn.h"

namespace fovea::attn {

/// The evaluated segments of one tile: interval ends clamped to the key range.
struct KeyPieces {
  /// (begin, end) of each interval.
  llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> visit, masked;
};

/// Evaluates the segments of `op` for at most `queries` (index) of them at
/// `offsets`. `begin` and `end` delimit the key range; `ends` are the ends of
/// all dimensions of the whole domain.
KeyPieces buildKeyPieces(mlir::OpBuilder &builder, AttentionOp op,
                         mlir::ValueRange offsets, mlir::Value queries,
                         mlir::Value begin, mlir::Value end,
                         mlir::ValueRange ends);

/// Builds the walk over the visited keys: every maximal range of keys between
/// two ends of visit intervals is visited in order if it lies in one of them.
/// `buildRange(begin, end, state)` builds the visit and returns the new state.
llvm::SmallVector<mlir::Value> buildVisitLoop(
    mlir::OpBuilder &builder, mlir::Location loc, const KeyPieces &pieces,
    mlir::ValueRange state,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::Value,
                                                      mlir::ValueRange)>
        buildRange);

/// What a tile does with one block of keys.
struct KeyVisit {
  /// The least range that has all visited keys of the block.
  mlir::Value begin, end;
  /// Whether there are any (i1).
  mlir::Value isVisited;
  /// Whether some key of the range may be dropped (i1); null if none ever is.
  mlir::Value isMasked;
};

/// Builds the visit of a block from pieces that are clamped to it.
KeyVisit buildKeyVisit(mlir::OpBuilder &builder, mlir::Location loc,
                       const KeyPieces &pieces, mlir::Value blockBegin,
                       mlir::Value blockEnd);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_KEYPIECES_H
