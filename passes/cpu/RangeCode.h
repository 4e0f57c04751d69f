//===- RangeCode.h - Computed index ranges as the runtime's code ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_RANGECODE_H
#define FOVEA_PASSES_CPU_RANGECODE_H

#include "passes/cpu/Signature.h"

namespace fovea::attn {

/// The size of a computed symbol as a postfix program (FOVEA_CODE_* of
/// runtime/fovea_abi.h). Reports at `op` an expression that needs more
/// intermediate values than the runtime keeps.
mlir::FailureOr<llvm::SmallVector<int64_t>>
encodeRange(const IndexSymbol &symbol, mlir::Operation *op);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_RANGECODE_H
