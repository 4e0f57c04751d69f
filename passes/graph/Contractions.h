//===- Contractions.h - sums of products among linalg ops -------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_GRAPH_CONTRACTIONS_H
#define FOVEA_PASSES_GRAPH_CONTRACTIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fovea::attn {

/// Whether an op is `out += a * b` in f32, over two inputs of f32 or narrower
/// reals that are only converted, each read at a
/// projection of the loops, with at least one loop summed.
bool isProductSum(mlir::linalg::GenericOp op);

/// The same for the body alone: the accesses may be any.
bool hasProductSumBody(mlir::linalg::GenericOp op);

} // namespace fovea::attn

#endif // FOVEA_PASSES_GRAPH_CONTRACTIONS_H
