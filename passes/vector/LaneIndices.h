//===- LaneIndices.h - indices along the lanes of a vector ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_LANEINDICES_H
#define FOVEA_PASSES_VECTOR_LANEINDICES_H

#include "dialect/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <optional>

namespace fovea::attn {

/// The coordinates of a point that are known to be small, since the tile is.
llvm::SmallVector<mlir::Value>
getSmallCoordinates(mlir::RankedTensorType tile,
                    llvm::ArrayRef<mlir::Value> point);

/// Compares two values of type index, or vectors of `width` of them, each a
/// number that all lanes share and a multiple of the lane: the places of
/// queries and keys, and differences of such. In i32, of which a register has
/// twice as many: the lanes' part is a constant, the rest is one subtraction
/// for all. Of that what is none of the small `coordinates` is brought within
/// bounds; it may be the same for all keys. Signed comparisons only; no
/// difference may exceed 64 bits. Null for other values.
mlir::Value compareLaneIndices(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::arith::CmpIPredicate predicate,
                               mlir::Value lhs, mlir::Value rhs, int64_t width,
                               llvm::ArrayRef<mlir::Value> coordinates);

/// A vector of such values, cast to i64, as numbers of `type`: from i32 where
/// they fit, which only a run knows. Null for other values.
mlir::Value convertLaneIndices(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::FloatType type, mlir::Value indices,
                               int64_t width,
                               llvm::ArrayRef<mlir::Value> coordinates);

/// The part of the keys [begin, end) of a tile that a mask is known to keep in
/// all of `width` lanes; its end may be less than its beginning. Nothing where
/// the mask is more than comparisons of places that all must hold.
std::optional<std::pair<mlir::Value, mlir::Value>>
findKeptKeys(mlir::OpBuilder &builder, TileMaskOp mask, int64_t width,
             mlir::Value begin, mlir::Value end);

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_LANEINDICES_H
