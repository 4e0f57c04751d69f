//===- Scratch.h - Buffers private to one run of a parallel body ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_SCRATCH_H
#define FOVEA_PASSES_CPU_SCRATCH_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace fovea::attn {

/// One buffer of a parallel body and its place in the thread's scratch memory.
struct ScratchBuffer {
  mlir::memref::AllocOp alloc;
  /// In bytes, known before the loop.
  mlir::Value offset;
  /// The dynamic sizes, known before the loop.
  llvm::SmallVector<mlir::Value> sizes;
};

/// All buffers of a body, and how much memory they take together.
struct ScratchPlan {
  llvm::SmallVector<ScratchBuffer> buffers;
  mlir::Value bytes;
};

/// The bytes that a contiguous buffer of `type` takes, rounded up to a multiple
/// of 64, so that buffers laid end to end stay aligned. `sizes` are the dynamic
/// ones.
mlir::Value alignedBytes(mlir::OpBuilder &builder, mlir::Location loc,
                         mlir::MemRefType type, mlir::ValueRange sizes);

/// Lays the buffers that `loop` allocates end to end, computing their offsets
/// at the builder's insertion point, which must be before the loop. Their sizes
/// must not depend on the loop's indices, and a buffer must not outlive the
/// iteration of the innermost loop that allocates it: otherwise an error.
mlir::FailureOr<ScratchPlan> planScratch(mlir::RewriterBase &rewriter,
                                         mlir::scf::ForallOp loop);

/// Makes the buffers views of `memory`, a `memref<?xi8>`. `mapping` leads from
/// offsets and sizes before the loop to those in the body.
void placeScratch(mlir::RewriterBase &rewriter, const ScratchPlan &plan,
                  mlir::Value memory, const mlir::IRMapping &mapping);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_SCRATCH_H
