//===- LinearLayers.h - linear layers in memory -----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_LINEARLAYERS_H
#define FOVEA_PASSES_TILE_LINEARLAYERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace fovea::attn {

/// A product sum over packed weights (see PackParams), in memory.
struct LinearLayer {
  mlir::linalg::GenericOp op;
  /// Which input is the weights.
  unsigned weight;
  int64_t width;
  /// Loops: over features, columns and rows. All but rows have static sizes.
  llvm::SmallVector<unsigned> features, columns, rows;
  /// What is computed from the result, or null.
  mlir::linalg::GenericOp epilogue;
};

/// The layer that `op` is, without its epilogue.
std::optional<LinearLayer> matchLinearLayer(mlir::linalg::GenericOp op);

/// The fill that starts the layer's sum at zero, if nothing comes between;
/// null otherwise.
mlir::linalg::FillOp findFill(mlir::linalg::GenericOp op);

/// The elementwise computation that alone reads the layer's result, if the
/// layer may be computed where it stands; null otherwise.
mlir::linalg::GenericOp findEpilogue(mlir::linalg::GenericOp op,
                                     mlir::linalg::FillOp fill);

/// The first input of the epilogue that is `buffer`; null if there is none.
mlir::OpOperand *findRead(mlir::linalg::GenericOp epilogue, mlir::Value buffer);

/// The loops of the epilogue, as loops of the layer, whose result is `read`.
llvm::SmallVector<mlir::AffineExpr>
getLayerLoops(mlir::linalg::GenericOp op, mlir::linalg::GenericOp epilogue,
              mlir::OpOperand *read);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_LINEARLAYERS_H
