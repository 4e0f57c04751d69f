//===- Memory.h - The memory that a program needs ---------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_MEMORY_H
#define FOVEA_TOOLS_EXPLAIN_MEMORY_H

#include "tools/explain/Sizes.h"

namespace fovea::explain {

/// Bytes of all weights of a program: in their file's shapes, and as they are
/// held, some packed in panels.
struct WeightMemory {
  int64_t tensors = 0;
  SizePolynomial plain, held;
};
WeightMemory measureWeights(const attn::ProgramParams &params);

/// Bytes that one call of an entry needs besides its operands and results: for
/// the session, and for each thread. The entry is in vector form.
struct CallMemory {
  SizePolynomial workspace, scratch;
};
mlir::FailureOr<CallMemory> measureCall(mlir::func::FuncOp entry, Sizes &sizes);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_MEMORY_H
