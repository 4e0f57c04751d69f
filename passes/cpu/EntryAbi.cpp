//===- EntryAbi.cpp - Entries take and return memory ----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor arguments of entries become strided memrefs, results become trailing
// out-arguments that the body writes to.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/cpu/EntrySizes.h"
#include "passes/cpu/Signature.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

namespace fovea::attn {
#define GEN_PASS_DEF_ENTRYABIPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

/// The memory that a caller hands over for a tensor: strides are free, but the
/// innermost is 1.
MemRefType stridedMemRef(RankedTensorType type) {
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  if (!strides.empty())
    strides.back() = 1;
  auto layout =
      StridedLayoutAttr::get(type.getContext(), ShapedType::kDynamic, strides);
  return MemRefType::get(type.getShape(), type.getElementType(), layout);
}

/// `memory`, a result's, seen with the dimensions of `collapse`'s operand: so
/// that what is computed in grouped dimensions is written without a copy. Null
/// where the size of a part cannot be told.
///
/// ```
/// %r = tensor.collapse_shape %x [[0], [1, 2]]     materialize %r in %memory
/// ==>
/// %e = memref.expand_shape %memory [[0], [1, 2]]  materialize %x in %e
/// ```
Value expandLike(OpBuilder &builder, tensor::CollapseShapeOp collapse,
                 Value memory, const TensorSignature &tensor,
                 EntrySizes &sizes) {
  Location loc = collapse.getLoc();
  ArrayRef<int64_t> shape = collapse.getSrcType().getShape();
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  SmallVector<OpFoldResult> output;
  for (auto [dim, group] : llvm::enumerate(groups)) {
    const DimFactors &factors = tensor.dims[dim];
    for (auto [part, index] : llvm::enumerate(group)) {
      if (ShapedType::isStatic(shape[index])) {
        output.push_back(builder.getIndexAttr(shape[index]));
        continue;
      }
      Value size;
      if (group.size() == 1)
        size = memref::DimOp::create(builder, loc, memory, dim);
      else if (factors.size() == group.size() && factors[part] < 0)
        size = sizes.getSymbol(~factors[part]);
      if (!size)
        return {};
      output.push_back(size);
    }
  }
  auto type = memref::ExpandShapeOp::computeExpandedType(
      cast<MemRefType>(memory.getType()), shape, groups);
  if (failed(type))
    return {};
  return memref::ExpandShapeOp::create(builder, loc, *type, memory, groups,
                                       output);
}

/// Rewrites the signature and the returns of one entry.
LogicalResult rewriteEntry(func::FuncOp entry, const ProgramParams &params) {
  FailureOr<EntrySignature> signature = readSignature(entry, params);
  if (failed(signature))
    return failure();
  if (!entry.getBody().hasOneBlock())
    return entry.emitOpError("expected a body of one block, but found ")
           << entry.getBody().getBlocks().size();
  auto end = cast<func::ReturnOp>(entry.getBody().front().getTerminator());

  Block &block = entry.getBody().front();
  OpBuilder builder(entry.getContext());
  builder.setInsertionPointToStart(&block);
  for (BlockArgument argument : block.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    auto tensor = bufferization::ToTensorOp::create(
        builder, argument.getLoc(), type, argument, /*restrict=*/true);
    argument.replaceAllUsesExcept(tensor.getResult(), tensor);
    argument.setType(stridedMemRef(type));
  }

  // The out-arguments keep the metadata of the results.
  SmallVector<DictionaryAttr> attributes;
  for (BlockArgument argument : block.getArguments())
    attributes.push_back(entry.getArgAttrDict(argument.getArgNumber()));
  SmallVector<Value> outputs;
  for (auto [number, type] : llvm::enumerate(entry.getResultTypes())) {
    NamedAttrList list(entry.getResultAttrDict(number));
    list.set(kResultAttr, builder.getUnitAttr());
    attributes.push_back(list.getDictionary(entry.getContext()));
    outputs.push_back(block.addArgument(
        stridedMemRef(cast<RankedTensorType>(type)), end.getLoc()));
  }
  SmallVector<Value> results(end.getOperands());
  end->setOperands({});
  entry.setType(builder.getFunctionType(block.getArgumentTypes(), {}));
  entry.removeResAttrsAttr();
  entry.setAllArgAttrs(attributes);

  EntrySizes sizes(entry, *signature, builder);
  for (auto [result, output, tensor] :
       llvm::zip_equal(results, outputs, signature->outputs)) {
    Value source = result, memory = output;
    if (auto collapse = source.getDefiningOp<tensor::CollapseShapeOp>())
      if (Value expanded =
              expandLike(builder, collapse, memory, tensor, sizes)) {
        source = collapse.getSrc();
        memory = expanded;
      }
    OpBuilder atEnd(end);
    auto store = bufferization::MaterializeInDestinationOp::create(
        atEnd, end.getLoc(), Type(), source, memory);
    store.setRestrict(true);
    store.setWritable(true);
  }
  return success();
}

struct EntryAbiPass : public fovea::attn::impl::EntryAbiPassBase<EntryAbiPass> {
  void runOnOperation() override {
    FailureOr<ProgramParams> params = readParams(getOperation());
    if (failed(params))
      return signalPassFailure();
    for (auto entry : getOperation().getOps<func::FuncOp>())
      if (entry->hasAttr(kEntryAttr) && failed(rewriteEntry(entry, *params)))
        return signalPassFailure();
  }
};

} // namespace
