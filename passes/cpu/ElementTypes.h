//===- ElementTypes.h - MLIR's types as the runtime's ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_ELEMENTTYPES_H
#define FOVEA_PASSES_CPU_ELEMENTTYPES_H

#include "runtime/fovea_types.h"

#include "mlir/IR/Types.h"

#include <optional>

namespace fovea::attn {

/// The runtime's code of an element type; integers without a sign are signed,
/// `i1` is a boolean. Nothing for types that tensors cannot have.
std::optional<fovea_dtype> elementTypeCode(mlir::Type type);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_ELEMENTTYPES_H
