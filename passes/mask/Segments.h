//===- Segments.h - Which keys a tile visits --------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_SEGMENTS_H
#define FOVEA_PASSES_MASK_SEGMENTS_H

#include "mlir/IR/AffineMap.h"
#include "passes/mask/MaskSets.h"

namespace fovea::attn {

/// The index values `lower <= x < upper` of a dimension inside a tile; both are
/// linear in the symbols (no division). For the key dimension: all its values.
struct TileRange {
  mlir::AffineExpr lower, upper;
};

/// A tile of the domain that a mask is defined on. The segments may rely on
/// every range being non-empty, except that of the key dimension.
struct TileDomain {
  llvm::SmallVector<TileRange> dims;
  /// The dimension whose values are segmented.
  unsigned key = 0;
  /// Expressions of the symbols that are never negative.
  llvm::SmallVector<mlir::AffineExpr> facts;
};

/// The keys from the largest result of `lower` up to, but not including, the
/// smallest result of `upper`; none if these cross. The maps have no dimension
/// and the symbols of the mask; they divide by constants only. A condition on
/// symbols alone, g >= 0, is the lower bound `-2^62 * (g floordiv 2^62)`: 0 if
/// it holds, else above every key. Nothing overflows for symbols up to 2^48.
struct KeyInterval {
  mlir::AffineMap lower, upper;
};

/// What a tile has to do with the keys of its domain.
struct KeySegments {
  /// A key outside of these is kept for no point of the tile.
  llvm::SmallVector<KeyInterval> visit;
  /// A key of `visit` outside of these is kept for every point of the tile.
  /// Empty: the mask needs no evaluation at all.
  llvm::SmallVector<KeyInterval> masked;
};

/// Each list has at most this many intervals.
constexpr unsigned kMaxKeyIntervals = 4;

/// Computes the segments of `sets` (dims as in `domain`, symbols as in its
/// expressions) by projection on the key dimension.
KeySegments computeKeySegments(mlir::MLIRContext *context, const MaskSets &sets,
                               const TileDomain &domain);

} // namespace fovea::attn

#endif // FOVEA_PASSES_MASK_SEGMENTS_H
