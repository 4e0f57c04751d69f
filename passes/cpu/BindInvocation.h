//===- BindInvocation.h - Entries become run functions --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_BINDINVOCATION_H
#define FOVEA_PASSES_CPU_BINDINVOCATION_H

#include "passes/cpu/ProgramTables.h"

namespace fovea::attn {

/// Makes `entry`, in buffer form, the function `run(invocation) -> i32`:
///
/// - tensor arguments, the workspace and weights are read from the invocation;
///   the sizes of tensors are those of the symbols, so that equal indices are
///   visibly equal, and their offsets are 0;
/// - `attn.require` becomes a return of 1 + its number;
/// - `attn.report` becomes a store of 1 + its number into the invocation;
/// - all other returns give 0.
mlir::FailureOr<BoundEntry> bindInvocation(mlir::func::FuncOp entry,
                                           const ProgramParams &params);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_BINDINVOCATION_H
