//===- Scratch.cpp - Buffers private to one run of a parallel body --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Scratch.h"

#include "passes/cpu/Invocation.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace fovea::attn;

Value fovea::attn::alignedBytes(OpBuilder &builder, Location loc,
                                MemRefType type, ValueRange sizes) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  // Indices are 64 bits wide on every target.
  Type element = type.getElementType();
  int64_t unit = element.isIndex()
                     ? 8
                     : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  for (int64_t size : type.getShape())
    if (ShapedType::isStatic(size))
      unit *= size;
  if (sizes.empty())
    return constant(llvm::alignTo(unit, kBufferAlignment));
  Value bytes = constant(unit);
  for (Value size : sizes)
    bytes = builder.createOrFold<arith::MulIOp>(loc, bytes, size);
  if (unit % kBufferAlignment == 0)
    return bytes;
  bytes = arith::AddIOp::create(builder, loc, bytes,
                                constant(kBufferAlignment - 1));
  return arith::AndIOp::create(builder, loc, bytes,
                               constant(-kBufferAlignment));
}

/// `value` computed before the loop: itself, or a copy of the operations inside
/// the loop that it comes from; failure if one of them needs the loop's indices
/// or has an effect.
static FailureOr<Value> computeBefore(RewriterBase &rewriter,
                                      scf::ForallOp loop, Value value) {
  auto isInside = [&](Value v) {
    return loop.getRegion().isAncestor(v.getParentRegion());
  };
  if (!isInside(value))
    return value;
  llvm::SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.inclusive = true;
  options.omitBlockArguments = true;
  options.filter = [&](Operation *op) { return loop->isProperAncestor(op); };
  if (failed(getBackwardSlice(value, &slice, options)))
    return failure();
  for (Operation *op : slice) {
    if (op->getNumRegions() != 0 || !isPure(op))
      return failure();
    for (Value operand : op->getOperands())
      if (isInside(operand) && isa<BlockArgument>(operand))
        return failure();
  }
  if (isa<BlockArgument>(value))
    return failure();
  IRMapping mapping;
  for (Operation *op : slice)
    rewriter.clone(*op, mapping);
  return mapping.lookup(value);
}

FailureOr<ScratchPlan> fovea::attn::planScratch(RewriterBase &rewriter,
                                                scf::ForallOp loop) {
  ScratchPlan plan;
  Location loc = loop.getLoc();
  Value end = arith::ConstantIndexOp::create(rewriter, loc, 0);
  WalkResult result = loop.getRegion().walk([&](memref::AllocOp alloc) {
    if (!alloc.getType().getLayout().isIdentity()) {
      alloc.emitOpError("expected a contiguous buffer in a parallel loop, but "
                        "found ")
          << alloc.getType();
      return WalkResult::interrupt();
    }
    for (Operation *user : alloc->getUsers())
      if (user->hasTrait<OpTrait::IsTerminator>()) {
        alloc.emitOpError("expected a buffer of one iteration, but found it "
                          "handed to the next one");
        return WalkResult::interrupt();
      }
    ScratchBuffer buffer{alloc, end, {}};
    for (Value size : alloc.getDynamicSizes()) {
      FailureOr<Value> before = computeBefore(rewriter, loop, size);
      if (failed(before)) {
        alloc.emitOpError("expected a size known before the parallel loop, but "
                          "found one that depends on its iteration");
        return WalkResult::interrupt();
      }
      buffer.sizes.push_back(*before);
    }
    Value bytes = alignedBytes(rewriter, loc, alloc.getType(), buffer.sizes);
    end = rewriter.createOrFold<arith::AddIOp>(loc, end, bytes);
    plan.buffers.push_back(std::move(buffer));
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  plan.bytes = end;
  return plan;
}

void fovea::attn::placeScratch(RewriterBase &rewriter, const ScratchPlan &plan,
                               Value memory, const IRMapping &mapping) {
  OpBuilder::InsertionGuard guard(rewriter);
  for (const ScratchBuffer &buffer : plan.buffers) {
    memref::AllocOp alloc = buffer.alloc;
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        rewriter.eraseOp(user);
    rewriter.setInsertionPoint(alloc);
    SmallVector<Value> sizes;
    for (Value size : buffer.sizes)
      sizes.push_back(mapping.lookup(size));
    rewriter.replaceOpWithNewOp<memref::ViewOp>(
        alloc, alloc.getType(), memory, mapping.lookup(buffer.offset), sizes);
  }
}
