//===- PlanMemory.cpp - Intermediate buffers share one workspace ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every buffer of an entry becomes a view of one workspace argument. Buffers
// with disjoint lifetimes share their place; how large the workspace must be is
// a function of the index sizes.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/cpu/BufferLifetimes.h"
#include "passes/cpu/Scratch.h"
#include "passes/cpu/Signature.h"
#include "passes/cpu/WorkspaceSize.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace fovea::attn {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

/// The operations that compute the sizes of `allocs`, in order, from nothing
/// but the entry's arguments. Reports a size that something else decides.
FailureOr<llvm::SetVector<Operation *>>
sizeSlice(func::FuncOp entry, ArrayRef<memref::AllocOp> allocs) {
  llvm::SetVector<Operation *> slice;
  auto isArgument = [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == &entry.getBody().front();
  };
  auto isKnown = [&](Value value) {
    return !isa<BlockArgument>(value) || isArgument(value);
  };
  for (memref::AllocOp alloc : allocs)
    for (Value size : alloc.getDynamicSizes()) {
      if (isArgument(size))
        continue;
      llvm::SetVector<Operation *> own;
      BackwardSliceOptions options;
      options.inclusive = true;
      options.omitBlockArguments = true;
      if (failed(getBackwardSlice(size, &own, options)))
        return failure();
      for (Operation *op : own)
        if (op->getNumRegions() != 0 || !isMemoryEffectFree(op) ||
            !llvm::all_of(op->getOperands(), isKnown))
          return alloc.emitOpError("expected a size that the sizes of the "
                                   "entry's arguments decide, but found one "
                                   "that depends on '")
                 << op->getName() << "'";
      slice.insert_range(own);
    }
  return slice;
}

/// Where the parts of the workspace begin and how large it is, as values at the
/// builder's insertion point.
struct Layout {
  SmallVector<Value> offsets;
  Value bytes;
};

/// Lays the shares of `plan` end to end. `mapping` leads from the sizes that
/// the buffers are allocated with to those to use.
Layout layOut(OpBuilder &builder, Location loc, ArrayRef<SharedPlace> places,
              const IRMapping &mapping) {
  Layout layout;
  Value end = arith::ConstantIndexOp::create(builder, loc, 0);
  for (const SharedPlace &place : places) {
    Value bytes;
    for (memref::AllocOp alloc : place.buffers) {
      SmallVector<Value> sizes;
      for (Value size : alloc.getDynamicSizes())
        sizes.push_back(mapping.lookupOrDefault(size));
      Value own = alignedBytes(builder, loc, alloc.getType(), sizes);
      bytes =
          bytes ? builder.createOrFold<arith::MaxSIOp>(loc, bytes, own) : own;
    }
    layout.offsets.push_back(end);
    end = builder.createOrFold<arith::AddIOp>(loc, end, bytes);
  }
  layout.bytes = end;
  return layout;
}

/// Makes the function that sizes the workspace of `entry`, beside it.
LogicalResult makeSizeFunction(OpBuilder &builder, func::FuncOp entry,
                               const EntrySignature &signature,
                               const llvm::SetVector<Operation *> &slice,
                               ArrayRef<SharedPlace> places) {
  OpBuilder::InsertionGuard guard(builder);
  Location loc = entry.getLoc();
  builder.setInsertionPointAfter(entry);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto function = func::FuncOp::create(
      builder, loc, workspaceSizeName(entry.getName()),
      builder.getFunctionType({pointer}, {builder.getI64Type()}));
  function.setPrivate();
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  IRMapping mapping;
  if (failed(cloneFromSymbols(builder, entry, signature, slice,
                              block->getArgument(0), mapping)))
    return failure();
  Value bytes = layOut(builder, loc, places, mapping).bytes;
  Value result =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), bytes);
  func::ReturnOp::create(builder, loc, result);
  checkOverflow(function);
  return success();
}

/// Plans the memory of one entry.
LogicalResult planEntry(func::FuncOp entry, const ProgramParams &params) {
  SmallVector<SharedPlace> places = shareBuffers(entry);
  if (places.empty())
    return success();
  SmallVector<memref::AllocOp> allocs;
  for (const SharedPlace &place : places)
    llvm::append_range(allocs, place.buffers);
  for (memref::AllocOp alloc : allocs)
    if (!alloc.getType().getLayout().isIdentity())
      return alloc.emitOpError("expected a contiguous buffer, but found ")
             << alloc.getType();
  FailureOr<EntrySignature> signature = readSignature(entry, params);
  if (failed(signature))
    return failure();
  FailureOr<llvm::SetVector<Operation *>> slice = sizeSlice(entry, allocs);
  if (failed(slice))
    return failure();
  OpBuilder builder(entry.getContext());
  if (failed(makeSizeFunction(builder, entry, *signature, *slice, places)))
    return failure();

  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  unsigned last = entry.getNumArguments();
  NamedAttrList attributes;
  attributes.set(kWorkspaceAttr, builder.getUnitAttr());
  if (failed(entry.insertArgument(last, type,
                                  attributes.getDictionary(entry.getContext()),
                                  entry.getLoc())))
    return failure();
  Value workspace = entry.getArgument(last);

  // The sizes are computed at the start, where the offsets need them.
  builder.setInsertionPointToStart(&entry.getBody().front());
  IRMapping mapping;
  for (Operation *op : *slice)
    builder.clone(*op, mapping);
  Layout layout = layOut(builder, entry.getLoc(), places, mapping);
  for (auto [place, offset] : llvm::zip_equal(places, layout.offsets))
    for (memref::AllocOp alloc : place.buffers) {
      for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
        if (isa<memref::DeallocOp>(user))
          user->erase();
      builder.setInsertionPoint(alloc);
      SmallVector<Value> sizes;
      for (Value size : alloc.getDynamicSizes())
        sizes.push_back(mapping.lookupOrDefault(size));
      auto view = memref::ViewOp::create(
          builder, alloc.getLoc(), alloc.getType(), workspace, offset, sizes);
      alloc.replaceAllUsesWith(view.getResult());
      alloc.erase();
    }
  return success();
}

struct PlanMemoryPass
    : public fovea::attn::impl::PlanMemoryPassBase<PlanMemoryPass> {
  void runOnOperation() override {
    FailureOr<ProgramParams> params = readParams(getOperation());
    if (failed(params))
      return signalPassFailure();
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr(kEntryAttr))
        entries.push_back(function);
    for (func::FuncOp entry : entries)
      if (failed(planEntry(entry, *params)))
        return signalPassFailure();
  }
};

} // namespace
