//===- MaskSegments.h - Key segments of an attention ------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_MASKSEGMENTS_H
#define FOVEA_PASSES_MASK_MASKSEGMENTS_H

#include "dialect/Attn.h"

namespace fovea::attn {

/// The segments of the last key dimension of `op`, for tiles that extend along
/// `getQueryDim(op)`. Without a mask: all keys, none masked.
SegmentsAttr computeMaskSegments(AttentionOp op);

/// The conditions in the mask of `op` that are not understood: comparisons and
/// booleans of its region, evaluated for every query and key that is visited.
llvm::SmallVector<mlir::Value> findUnknownConditions(AttentionOp op);

} // namespace fovea::attn

#endif // FOVEA_PASSES_MASK_MASKSEGMENTS_H
