//===- NarrowResults.h - what is rounded in the end -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_NARROWRESULTS_H
#define FOVEA_PASSES_TILE_NARROWRESULTS_H

#include "mlir/IR/Value.h"

namespace fovea::attn {

/// Whether all that is made of a tile is stored as bf16, as far as can be
/// followed.
bool endsInBf16(mlir::Value tile);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_NARROWRESULTS_H
