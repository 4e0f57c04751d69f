//===- BindInvocation.cpp - Entries become run functions ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/BindInvocation.h"

#include "dialect/Attn.h"
#include "passes/cpu/Invocation.h"
#include "passes/cpu/WorkspaceSize.h"

#include "runtime/fovea_abi.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/Path.h"

#include <cstddef>

using namespace mlir;
using namespace fovea::attn;

namespace {

/// Rewrites one entry; values are built at its start.
class InvocationBinder {
public:
  InvocationBinder(func::FuncOp entry, const ProgramParams &params,
                   const EntrySignature &signature)
      : entry(entry), params(params), signature(signature),
        builder(entry.getContext()) {}

  LogicalResult bind(SmallVectorImpl<std::string> &requirements);

private:
  Value readPointer(size_t offset);
  Value readTensor(int64_t number, const TensorSignature &tensor, Type type);
  Value readWorkspace();
  Value sizeOf(Location loc, const DimFactors &factors);
  LogicalResult bindArguments();
  LogicalResult bindParameter(ParamRefOp ref);
  LogicalResult bindRequirements(SmallVectorImpl<std::string> &requirements);
  LogicalResult bindReports(SmallVectorImpl<std::string> &messages);
  void bindWorkers();

  func::FuncOp entry;
  const ProgramParams &params;
  const EntrySignature &signature;
  OpBuilder builder;
  Value invocation, tensorTable, symbolTable, paramTable;
};

Value InvocationBinder::readPointer(size_t offset) {
  return loadAt(builder, entry.getLoc(), invocation, offset,
                LLVM::LLVMPointerType::get(builder.getContext()));
}

/// The product of `factors` as an i64.
Value InvocationBinder::sizeOf(Location loc, const DimFactors &factors) {
  Value product;
  for (int64_t factor : factors) {
    Value size =
        factor >= 0
            ? arith::ConstantIntOp::create(builder, loc, factor, 64).getResult()
            : loadAt(builder, loc, symbolTable, ~factor * sizeof(int64_t),
                     builder.getI64Type());
    product = product ? builder.createOrFold<arith::MulIOp>(loc, product, size)
                      : size;
  }
  return product;
}

Value InvocationBinder::readTensor(int64_t number,
                                   const TensorSignature &tensor, Type type) {
  Location loc = tensor.loc;
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value place =
      loadAt(builder, loc, tensorTable, number * sizeof(void *), pointer);
  if (tensor.isScalar) {
    if (!type.isInteger(1))
      return loadAt(builder, loc, place, 0, type);
    Value byte = loadAt(builder, loc, place, 0, builder.getI8Type());
    return arith::TruncIOp::create(builder, loc, type, byte);
  }
  // The descriptor: two pointers, the offset (0), sizes, strides.
  auto memory = cast<MemRefType>(type);
  int64_t rank = memory.getRank(), word = sizeof(int64_t);
  Value data = loadAt(builder, loc, place, word, pointer);
  SmallVector<Value> sizes, strides;
  for (int64_t dim = 0; dim < rank; ++dim) {
    sizes.push_back(sizeOf(loc, tensor.dims[dim]));
    strides.push_back(
        dim + 1 == rank
            ? arith::ConstantIntOp::create(builder, loc, 1, 64).getResult()
            : loadAt(builder, loc, place, word * (3 + rank + dim),
                     builder.getI64Type()));
  }
  return memrefAt(builder, loc, memory, data, sizes, strides);
}

Value InvocationBinder::readWorkspace() {
  Value data = readPointer(offsetof(fovea_invocation, workspace));
  // The views of it are all in range; its own size is never asked for.
  Value size = arith::ConstantIndexOp::create(
      builder, entry.getLoc(), std::numeric_limits<int64_t>::max());
  return bytesAt(builder, entry.getLoc(), data, size);
}

LogicalResult InvocationBinder::bindArguments() {
  Block &block = entry.getBody().front();
  SmallVector<BlockArgument> arguments(block.getArguments());
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  invocation = block.addArgument(pointer, entry.getLoc());
  builder.setInsertionPointToStart(&block);
  tensorTable = readPointer(offsetof(fovea_invocation, tensors));
  symbolTable = readPointer(offsetof(fovea_invocation, symbols));
  if (!params.params.empty())
    paramTable = readPointer(offsetof(fovea_invocation, params));

  int64_t inputs = 0, outputs = 0;
  for (BlockArgument argument : arguments) {
    Value value;
    if (entry.getArgAttr(argument.getArgNumber(), kWorkspaceAttr)) {
      value = readWorkspace();
    } else if (entry.getArgAttr(argument.getArgNumber(), kResultAttr)) {
      value = readTensor(signature.inputs.size() + outputs,
                         signature.outputs[outputs], argument.getType());
      ++outputs;
    } else {
      value = readTensor(inputs, signature.inputs[inputs], argument.getType());
      ++inputs;
    }
    argument.replaceAllUsesWith(value);
  }
  // Ops at the start of the entry go on after what was read.
  block.eraseArguments(0, arguments.size());
  entry.setAllArgAttrs(ArrayRef<DictionaryAttr>{});
  entry.setType(builder.getFunctionType({pointer}, {builder.getI32Type()}));
  entry.setArgAttr(0, kInvocationAttr, builder.getUnitAttr());
  return success();
}

LogicalResult InvocationBinder::bindParameter(ParamRefOp ref) {
  const ParamSignature *param = params.find(ref.getParam());
  auto type = dyn_cast<MemRefType>(ref.getResult().getType());
  if (!param || !type)
    return ref.emitOpError("expected a declared weight in memory, but found ")
           << ref.getResult().getType();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(ref);
  Location loc = ref.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Value first = LLVM::GEPOp::create(
      builder, loc, pointer, pointer, paramTable,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(param->base)});
  if (ref.getMember()) {
    Value member = arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(), ref.getMember());
    first = LLVM::GEPOp::create(builder, loc, pointer, pointer, first, member);
  }
  Value data = LLVM::LoadOp::create(builder, loc, pointer, first);
  SmallVector<Value> sizes(type.getRank()), strides(type.getRank());
  Value stride = arith::ConstantIntOp::create(builder, loc, 1, 64);
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    strides[dim] = stride;
    DimFactors factors;
    if (!type.isDynamicDim(dim)) {
      factors = {type.getDimSize(dim)};
    } else if (param->block != 0) {
      return ref.emitOpError("expected a packed weight of known shape, but "
                             "found ")
             << type;
    } else {
      // From the program's symbols to the entry's.
      for (int64_t factor : param->dims[dim])
        factors.push_back(
            factor >= 0 ? factor
                        : ~*signature.findSymbol(params.symbols[~factor].name));
    }
    sizes[dim] = sizeOf(loc, factors);
    stride = builder.createOrFold<arith::MulIOp>(loc, stride, sizes[dim]);
  }
  ref.replaceAllUsesWith(memrefAt(builder, loc, type, data, sizes, strides));
  ref.erase();
  return success();
}

/// `model.attn:12:9: message`, without the folders, which are those of the
/// machine that compiles it.
static std::string placed(Location loc, StringRef message) {
  auto place = loc->findInstanceOf<FileLineColLoc>();
  if (!place)
    return message.str();
  return (llvm::sys::path::filename(place.getFilename().getValue()) + ":" +
          Twine(place.getLine()) + ":" + Twine(place.getColumn()) + ": " +
          message)
      .str();
}

LogicalResult
InvocationBinder::bindRequirements(SmallVectorImpl<std::string> &requirements) {
  SmallVector<RequireOp> requires_;
  entry.walk([&](RequireOp op) { requires_.push_back(op); });
  for (RequireOp op : requires_) {
    if (op->getParentOp() != entry)
      return op.emitOpError(
                 "expected a condition at the top level of an entry, "
                 "but found it inside '")
             << op->getParentOp()->getName() << "'";
    OpBuilder::InsertionGuard guard(builder);
    Block *before = op->getBlock();
    Block *after = before->splitBlock(op);
    Block *failed =
        builder.createBlock(&entry.getBody(), entry.getBody().end());
    Value number = arith::ConstantIntOp::create(
        builder, op.getLoc(), static_cast<int64_t>(requirements.size()) + 1,
        32);
    func::ReturnOp::create(builder, op.getLoc(), number);
    builder.setInsertionPointToEnd(before);
    cf::CondBranchOp::create(builder, op.getLoc(), op.getCondition(), after,
                             failed);
    requirements.push_back(placed(op.getLoc(), op.getMessage()));
    op.erase();
  }
  return success();
}

/// A report leaves the number of its message, unless there is one already.
LogicalResult
InvocationBinder::bindReports(SmallVectorImpl<std::string> &messages) {
  SmallVector<ReportOp> reports;
  entry.walk([&](ReportOp op) { reports.push_back(op); });
  for (ReportOp op : reports) {
    if (auto loop = op->getParentOfType<scf::ForallOp>())
      return op.emitOpError("expected a condition outside of parallel loops, "
                            "but found it inside '")
             << loop->getName() << "'";
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    Location loc = op.getLoc();
    Type word = builder.getI64Type();
    Value place = readPointer(offsetof(fovea_invocation, clamped));
    Value known = LLVM::LoadOp::create(builder, loc, word, place);
    Value none = arith::ConstantIntOp::create(builder, loc, 0, 64);
    messages.push_back(placed(loc, op.getMessage()));
    Value number = arith::ConstantIntOp::create(
        builder, loc, static_cast<int64_t>(messages.size()), 64);
    Value isFirst = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::eq, known, none);
    Value isMine =
        arith::AndIOp::create(builder, loc, op.getCondition(), isFirst);
    Value next = arith::SelectOp::create(builder, loc, isMine, number, known);
    LLVM::StoreOp::create(builder, loc, next, place);
    op.erase();
  }
  return success();
}

void InvocationBinder::bindWorkers() {
  SmallVector<WorkersOp> ops;
  entry.walk([&](WorkersOp op) { ops.push_back(op); });
  for (WorkersOp op : ops) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(op);
    Value workers =
        loadAt(builder, op.getLoc(), invocation,
               offsetof(fovea_invocation, workers), builder.getI64Type());
    op.replaceAllUsesWith(arith::IndexCastOp::create(builder, op.getLoc(),
                                                     builder.getIndexType(),
                                                     workers)
                              .getResult());
    op.erase();
  }
}

LogicalResult
InvocationBinder::bind(SmallVectorImpl<std::string> &requirements) {
  if (entry.getNumResults() != 0)
    return entry.emitOpError("expected an entry in buffer form, but found ")
           << entry.getNumResults() << " results";
  auto end = cast<func::ReturnOp>(entry.getBody().back().getTerminator());
  if (failed(bindArguments()))
    return failure();
  builder.setInsertionPoint(end);
  Value zero = arith::ConstantIntOp::create(builder, end.getLoc(), 0, 32);
  end->setOperands(zero);
  SmallVector<ParamRefOp> refs;
  entry.walk([&](ParamRefOp ref) { refs.push_back(ref); });
  for (ParamRefOp ref : refs)
    if (failed(bindParameter(ref)))
      return failure();
  bindWorkers();
  if (failed(bindReports(requirements)))
    return failure();
  return bindRequirements(requirements);
}

} // namespace

FailureOr<BoundEntry> fovea::attn::bindInvocation(func::FuncOp entry,
                                                  const ProgramParams &params) {
  FailureOr<EntrySignature> signature = readSignature(entry, params);
  if (failed(signature))
    return failure();
  BoundEntry bound{*signature, entry, {}, {}};
  if (failed(InvocationBinder(entry, params, bound.signature)
                 .bind(bound.requirements)))
    return failure();
  auto module = entry->getParentOfType<ModuleOp>();
  bound.workspaceSize = module.lookupSymbol<func::FuncOp>(
      workspaceSizeName(bound.signature.name));
  return bound;
}
