//===- LaneIndices.h - indices along the lanes of a vector ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_LANEINDICES_H
#define FOVEA_PASSES_VECTOR_LANEINDICES_H

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace fovea::attn {

/// Compares two values of type index, or vectors of `width` of them, each a
/// number that all lanes share and a multiple of the lane: the places of
/// queries and keys, and differences of such. In i32, of which a register has
/// twice as many: the lanes' part is a constant, the rest is one subtraction
/// for all. Signed comparisons only; no difference may exceed 64 bits. Null for
/// other values.
mlir::Value compareLaneIndices(mlir::OpBuilder &builder, mlir::Location loc,
                               mlir::arith::CmpIPredicate predicate,
                               mlir::Value lhs, mlir::Value rhs, int64_t width);

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_LANEINDICES_H
