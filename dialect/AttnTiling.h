//===- AttnTiling.h - tiles of attentions -----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTNTILING_H
#define FOVEA_DIALECT_ATTNTILING_H

#include "mlir/IR/DialectRegistry.h"

namespace fovea::attn {

/// Registers the implementation of upstream's tiling interface by
/// `attn.attention`. The loops of an attention are its parallel dimensions, in
/// their order; each counts from 0, whatever the offset of the dimension.
void registerTilingModels(mlir::DialectRegistry &registry);

} // namespace fovea::attn

#endif // FOVEA_DIALECT_ATTNTILING_H
