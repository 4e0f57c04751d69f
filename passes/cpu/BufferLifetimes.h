//===- BufferLifetimes.h - Which buffers may share memory -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_BUFFERLIFETIMES_H
#define FOVEA_PASSES_CPU_BUFFERLIFETIMES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace fovea::attn {

/// Buffers that are never in use at the same time, and so may lie at the same
/// place.
struct SharedPlace {
  llvm::SmallVector<mlir::memref::AllocOp> buffers;
};

/// Distributes the buffers that `function` allocates over as few places as
/// their lifetimes allow; a buffer prefers a place that already serves its own
/// size.
///
/// A buffer is in use from its allocation to the last use of any view of it. A
/// view used by an operation with regions is in use to that operation's end; a
/// buffer that reaches the next iteration of a loop, to the loop's end.
llvm::SmallVector<SharedPlace> shareBuffers(mlir::func::FuncOp function);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_BUFFERLIFETIMES_H
