//===- KeyPieces.h - the pieces of the key range of a tile -------*- C++
//-*-===//
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

/// Evaluates the segments of `op` for the tile at `offsets`. `begin` and `end`
/// delimit the key range; `ends` are the ends of all dimensions of the whole
/// domain.
KeyPieces buildKeyPieces(mlir::OpBuilder &builder, AttentionOp op,
                         mlir::ValueRange offsets, mlir::Value begin,
                         mlir::Value end, mlir::ValueRange ends);

/// Builds the walk over the pieces: every maximal range of keys between two
/// interval ends is visited in order if it lies in a visit interval, as partial
/// if it lies in a masked interval too, else as full. `buildPiece(begin, end,
/// isFull, state)` builds the visit and returns the new state.
llvm::SmallVector<mlir::Value> buildPieceLoop(
    mlir::OpBuilder &builder, mlir::Location loc, const KeyPieces &pieces,
    mlir::ValueRange state,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::Value,
                                                      bool, mlir::ValueRange)>
        buildPiece);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_KEYPIECES_H
