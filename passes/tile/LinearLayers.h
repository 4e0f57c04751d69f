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
  /// Whether the weights have their columns in pairs. The input then has these
  /// last, in the same order.
  bool pairs;
  /// Loops: over features, columns and rows. All but rows have static sizes.
  llvm::SmallVector<unsigned> features, columns, rows;
  /// What starts the sum at zero.
  mlir::linalg::FillOp fill;
  /// What is computed from the result, or null.
  mlir::linalg::GenericOp epilogue;

  mlir::Value getWeights() const {
    return mlir::linalg::GenericOp(op).getInputs()[weight];
  }
  mlir::Value getInput() const {
    return mlir::linalg::GenericOp(op).getInputs()[1 - weight];
  }
  /// The op that writes what others read of the layer.
  mlir::linalg::GenericOp getLast() const { return epilogue ? epilogue : op; }
  /// The row loop that is cut into blocks; null if there are no rows.
  std::optional<unsigned> getBlockedRow() const {
    if (rows.empty())
      return std::nullopt;
    return rows.back();
  }
};

/// The layer that `op` is, with its fill, if nothing comes between them, and
/// the elementwise computation that alone reads its result, if the layer may be
/// computed where that stands.
std::optional<LinearLayer> matchLinearLayer(mlir::linalg::GenericOp op);

/// Whether two layers are one pass over the rows of one input: in the place of
/// `second`, all that `first` reads is as it was in its own, and nothing has
/// needed its result yet.
bool canComputeTogether(const LinearLayer &first, const LinearLayer &second);

/// The first input of the epilogue that is `buffer`; null if there is none.
mlir::OpOperand *findRead(mlir::linalg::GenericOp epilogue, mlir::Value buffer);

/// The loops of the epilogue, as loops of the layer, whose result is `read`.
llvm::SmallVector<mlir::AffineExpr>
getLayerLoops(mlir::linalg::GenericOp op, mlir::linalg::GenericOp epilogue,
              mlir::OpOperand *read);

} // namespace fovea::attn

#endif // FOVEA_PASSES_TILE_LINEARLAYERS_H
