//===- TileChecks.h - what vector code can be made of -----------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILECHECKS_H
#define FOVEA_PASSES_VECTOR_TILECHECKS_H

#include "passes/vector/TileLanes.h"

namespace fovea::attn {

/// Whether an op works on tiles.
bool isTileOp(mlir::Operation *op);

/// Checks the tiles below `root`: each comes from a tile op or from an scf.for
/// or scf.if that carries it; each lies along lanes in one way only; extents
/// are static along lanes and keys. Emits an error otherwise.
llvm::LogicalResult checkTiles(mlir::Operation *root, const TileLanes &lanes);

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILECHECKS_H
