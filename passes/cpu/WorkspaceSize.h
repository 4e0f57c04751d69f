//===- WorkspaceSize.h - The function that sizes a workspace --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_WORKSPACESIZE_H
#define FOVEA_PASSES_CPU_WORKSPACESIZE_H

#include "passes/cpu/Signature.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace fovea::attn {

/// The name of the function that tells how large the workspace of the entry
/// called `entry` must be.
std::string workspaceSizeName(llvm::StringRef entry);

/// Repeats `slice`, operations that compute sizes from the arguments of
/// `entry`, at the builder's insertion point, with the sizes of arguments read
/// from `symbols`, a pointer to the values (i64) of the entry's symbols.
/// Reports an argument that the symbols do not describe.
mlir::LogicalResult
cloneFromSymbols(mlir::OpBuilder &builder, mlir::func::FuncOp entry,
                 const EntrySignature &signature,
                 const llvm::SetVector<mlir::Operation *> &slice,
                 mlir::Value symbols, mlir::IRMapping &mapping);

/// Makes `function`, which returns a number of bytes (i64), return -1 when a
/// product or a sum on the way to it overflows.
void checkOverflow(mlir::func::FuncOp function);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_WORKSPACESIZE_H
