//===- OutlineParallel.cpp - Parallel loops become functions of an index --===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `scf.forall` on buffers becomes one call of the invocation's `parallel_for`,
// given a function of (captured values, index, scratch memory).
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/cpu/Captures.h"
#include "passes/cpu/Invocation.h"
#include "passes/cpu/Scratch.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace fovea::attn {
#define GEN_PASS_DEF_OUTLINEPARALLELPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

/// A parallel loop inside a parallel loop has no thread left to run on: it
/// becomes a nest of sequential loops, in the same order.
void serialize(RewriterBase &rewriter, scf::ForallOp loop) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(loop);
  Location loc = loop.getLoc();
  auto toValues = [&](ArrayRef<OpFoldResult> bounds) {
    return getValueOrCreateConstantIndexOp(rewriter, loc, bounds);
  };
  SmallVector<Value> lower = toValues(loop.getMixedLowerBound());
  SmallVector<Value> upper = toValues(loop.getMixedUpperBound());
  SmallVector<Value> steps = toValues(loop.getMixedStep());
  scf::LoopNest nest = scf::buildLoopNest(rewriter, loc, lower, upper, steps);
  SmallVector<Value> indices;
  for (scf::ForOp inner : nest.loops)
    indices.push_back(inner.getInductionVar());
  rewriter.eraseOp(loop.getTerminator());
  Block *target = nest.loops.back().getBody();
  rewriter.inlineBlockBefore(loop.getBody(), target->getTerminator(), indices);
  rewriter.eraseOp(loop);
}

/// The number of iterations along each dimension, at least 0, as values before
/// the loop.
SmallVector<Value> tripCounts(OpBuilder &builder, scf::ForallOp loop) {
  Location loc = loop.getLoc();
  SmallVector<Value> counts;
  for (auto [lower, upper, step] :
       llvm::zip_equal(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                       loop.getMixedStep())) {
    auto value = [&](OpFoldResult bound) {
      return getValueOrCreateConstantIndexOp(builder, loc, bound);
    };
    Value count = value(upper);
    if (!isConstantIntValue(lower, 0))
      count = builder.createOrFold<arith::SubIOp>(loc, count, value(lower));
    if (!isConstantIntValue(step, 1)) {
      Value one = arith::ConstantIndexOp::create(builder, loc, 1);
      Value last = builder.createOrFold<arith::SubIOp>(loc, value(step), one);
      count = builder.createOrFold<arith::AddIOp>(loc, count, last);
      count = builder.createOrFold<arith::DivSIOp>(loc, count, value(step));
    }
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    counts.push_back(builder.createOrFold<arith::MaxSIOp>(loc, count, zero));
  }
  return counts;
}

/// The loop's indices at position `linear` of its iterations; the last
/// dimension runs fastest.
SmallVector<Value> delinearize(OpBuilder &builder, scf::ForallOp loop,
                               Value linear, ArrayRef<Value> counts,
                               const IRMapping &mapping) {
  Location loc = loop.getLoc();
  SmallVector<OpFoldResult> lower = loop.getMixedLowerBound();
  SmallVector<OpFoldResult> steps = loop.getMixedStep();
  auto value = [&](OpFoldResult bound) {
    if (auto dynamic = dyn_cast<Value>(bound))
      bound = mapping.lookupOrDefault(dynamic);
    return getValueOrCreateConstantIndexOp(builder, loc, bound);
  };
  SmallVector<Value> indices(counts.size());
  for (int64_t dim = counts.size() - 1; dim >= 0; --dim) {
    Value position = linear;
    if (dim > 0) {
      Value count = mapping.lookupOrDefault(counts[dim]);
      position = arith::RemUIOp::create(builder, loc, linear, count);
      linear = arith::DivUIOp::create(builder, loc, linear, count);
    }
    if (!isConstantIntValue(steps[dim], 1))
      position =
          arith::MulIOp::create(builder, loc, position, value(steps[dim]));
    if (!isConstantIntValue(lower[dim], 0))
      position =
          arith::AddIOp::create(builder, loc, position, value(lower[dim]));
    indices[dim] = position;
  }
  return indices;
}

/// The pointer to the invocation that `function` takes.
FailureOr<Value> findInvocation(func::FuncOp function) {
  for (BlockArgument argument : function.getArguments())
    if (function.getArgAttr(argument.getArgNumber(), kInvocationAttr))
      return Value(argument);
  return failure();
}

/// Outlines `loop` into `body`, a new function beside its own, and calls the
/// invocation's `parallel_for` in its place.
LogicalResult outline(RewriterBase &rewriter, scf::ForallOp loop,
                      SymbolTable &symbols,
                      const LLVMTypeConverter &converter) {
  if (loop.getNumResults() != 0)
    return loop.emitOpError("expected a parallel loop without results, but "
                            "found ")
           << loop.getNumResults();
  auto function = loop->getParentOfType<func::FuncOp>();
  FailureOr<Value> invocation = findInvocation(function);
  if (failed(invocation))
    return loop.emitOpError("expected the enclosing function to take an "
                            "argument with '")
           << kInvocationAttr << "', but found none";

  Location loc = loop.getLoc();
  rewriter.setInsertionPoint(loop);
  SmallVector<Value> counts = tripCounts(rewriter, loop);
  FailureOr<ScratchPlan> scratch = planScratch(rewriter, loop);
  if (failed(scratch))
    return failure();

  // What the body reads from outside: its own uses, the bounds that its index
  // is decomposed with, and where its scratch buffers begin.
  CaptureList captures(loop.getRegion());
  for (Value count : ArrayRef(counts).drop_front())
    captures.add(count);
  for (Value bound : loop.getDynamicLowerBound())
    captures.add(bound);
  for (Value step : loop.getDynamicStep())
    captures.add(step);
  if (!scratch->buffers.empty())
    captures.add(scratch->bytes);
  for (const ScratchBuffer &buffer : scratch->buffers) {
    captures.add(buffer.offset);
    for (Value size : buffer.sizes)
      captures.add(size);
  }
  if (failed(captures.resolveTypes(loop, converter)))
    return failure();

  // The body function.
  Type pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
  auto type =
      rewriter.getFunctionType({pointer, rewriter.getI64Type(), pointer}, {});
  rewriter.setInsertionPointAfter(function);
  auto body = func::FuncOp::create(rewriter, loc,
                                   (function.getName() + ".body").str(), type);
  body.setPrivate();
  body->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(rewriter.getContext(), LLVM::Linkage::Internal));
  symbols.insert(body);
  Block *entry = body.addEntryBlock();
  rewriter.setInsertionPointToStart(entry);
  IRMapping mapping;
  captures.unpack(rewriter, loc, entry->getArgument(0), mapping);
  Value linear = arith::IndexCastOp::create(
      rewriter, loc, rewriter.getIndexType(), entry->getArgument(1));
  SmallVector<Value> indices =
      delinearize(rewriter, loop, linear, counts, mapping);
  Value memory;
  if (!scratch->buffers.empty())
    memory = bytesAt(rewriter, loc, entry->getArgument(2),
                     mapping.lookup(scratch->bytes));
  auto end = func::ReturnOp::create(rewriter, loc);
  rewriter.eraseOp(loop.getTerminator());
  rewriter.inlineBlockBefore(loop.getBody(), end, indices);
  captures.replaceUsesIn(body.getBody(), mapping);
  if (!scratch->buffers.empty())
    placeScratch(rewriter, *scratch, memory, mapping);

  // The call.
  rewriter.setInsertionPoint(loop);
  Value total = counts.front();
  for (Value count : ArrayRef(counts).drop_front())
    total = rewriter.createOrFold<arith::MulIOp>(loc, total, count);
  Value argument = captures.pack(rewriter, loc, function);
  callParallelFor(rewriter, loc, *invocation, body, argument, total,
                  scratch->bytes);
  rewriter.eraseOp(loop);
  return success();
}

struct OutlineParallelPass
    : public fovea::attn::impl::OutlineParallelPassBase<OutlineParallelPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    IRRewriter rewriter(&getContext());

    SmallVector<scf::ForallOp> inner, outer;
    module.walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
      (loop->getParentOfType<scf::ForallOp>() ? inner : outer).push_back(loop);
    });
    for (scf::ForallOp loop : inner) {
      if (loop.getNumResults() != 0) {
        loop.emitOpError("expected a parallel loop without results, but found ")
            << loop.getNumResults();
        return signalPassFailure();
      }
      serialize(rewriter, loop);
    }

    LLVMTypeConverter converter(&getContext());
    SymbolTable symbols(module);
    for (scf::ForallOp loop : outer)
      if (failed(outline(rewriter, loop, symbols, converter)))
        return signalPassFailure();
    // Nothing looks for the invocation below this form.
    for (auto function : module.getOps<func::FuncOp>())
      for (BlockArgument argument : function.getArguments())
        function.removeArgAttr(argument.getArgNumber(), kInvocationAttr);
  }
};

} // namespace
