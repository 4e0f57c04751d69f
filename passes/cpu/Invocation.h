//===- Invocation.h - Generated code's side of the runtime's ABI ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What generated code reads of a `fovea_invocation` (runtime/fovea_abi.h), as
// operations.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_INVOCATION_H
#define FOVEA_PASSES_CPU_INVOCATION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace fovea::attn {

/// Marks the function argument that points to the invocation.
inline constexpr llvm::StringLiteral kInvocationAttr = "attn.invocation";

/// Buffers in the workspace and in scratch memory begin at multiples of this.
inline constexpr int64_t kBufferAlignment = 64;

/// Loads the value of `type` that lies `offset` bytes after `pointer`.
mlir::Value loadAt(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::Value pointer, int64_t offset, mlir::Type type);

/// A memref of `type` with its first element at `pointer` and the offset 0.
/// `sizes` and `strides` (i64) are all of them, outermost first; those that
/// the type fixes are taken from the type.
mlir::Value memrefAt(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::MemRefType type, mlir::Value pointer,
                     mlir::ValueRange sizes, mlir::ValueRange strides);

/// `bytes` (index) bytes at `pointer` as a `memref<?xi8>`.
mlir::Value bytesAt(mlir::OpBuilder &builder, mlir::Location loc,
                    mlir::Value pointer, mlir::Value bytes);

/// Calls the invocation's `parallel_for`: `body(argument, i, scratch)` for each
/// i in [0, count), with `scratch` pointing to `scratchBytes` bytes. `body` is
/// a function of (!llvm.ptr, i64, !llvm.ptr); count and bytes are indices.
void callParallelFor(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Value invocation, mlir::func::FuncOp body,
                     mlir::Value argument, mlir::Value count,
                     mlir::Value scratchBytes);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_INVOCATION_H
