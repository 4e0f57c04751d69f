//===- LowerFunction.cpp - Signatures, sizes and operands -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "frontend/EntryLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <numeric>

using namespace fovea::frontend;
using namespace mlir;
namespace attn = fovea::attn;

/// The memory dimensions of `tensor`; those of a family are no dimensions.
static auto memoryDims(const Tensor *tensor) {
  return ArrayRef(tensor->dims).drop_front(tensor->familyRank);
}

static int64_t staticSize(const Extent *extent) {
  return extent->isStatic() ? extent->value : ShapedType::kDynamic;
}

static int64_t staticSize(ArrayRef<TensorPart> dim) {
  int64_t size = 1;
  for (const TensorPart &part : dim) {
    if (!part.extent->isStatic())
      return ShapedType::kDynamic;
    size *= part.extent->value;
  }
  return size;
}

RankedTensorType FunctionLowering::memoryType(const Tensor *tensor) {
  SmallVector<int64_t> shape;
  for (ArrayRef<TensorPart> dim : memoryDims(tensor))
    shape.push_back(staticSize(dim));
  return RankedTensorType::get(
      shape, storageType(tensor->dtype, builder.getContext()));
}

RankedTensorType FunctionLowering::logicalType(const Tensor *tensor) {
  SmallVector<int64_t> shape;
  for (ArrayRef<TensorPart> dim : memoryDims(tensor))
    for (const TensorPart &part : dim)
      shape.push_back(staticSize(part.extent));
  return RankedTensorType::get(
      shape, storageType(tensor->dtype, builder.getContext()));
}

Type FunctionLowering::argumentType(const Tensor *tensor) {
  if (tensor->isScalar())
    return storageType(tensor->dtype, builder.getContext());
  return memoryType(tensor);
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// Bare dimensions first, then groups with one unknown, by division.
void FunctionLowering::solveSizes() {
  Location loc = location(function.loc);
  auto solve = [&](bool groups) {
    bool changed = false;
    for (const Tensor *operand : function.operands)
      for (auto [position, dim] : llvm::enumerate(operand->dims)) {
        const Extent *unknown = nullptr;
        unsigned count = 0;
        for (const TensorPart &part : dim)
          if (part.extent->kind == Extent::Symbol &&
              !sizes.contains(part.extent)) {
            unknown = part.extent;
            ++count;
          }
        if (count != 1 || (!groups && dim.size() > 1))
          continue;
        Value size =
            tensor::DimOp::create(builder, loc, arguments[operand], position);
        Value others;
        for (const TensorPart &part : dim) {
          if (part.extent == unknown)
            continue;
          Value other = sizeValue(part.extent);
          others =
              others ? Value(arith::MulIOp::create(builder, loc, others, other))
                     : other;
        }
        if (others) {
          // A group over nothing holds nothing: no division by zero.
          Value one = arith::ConstantIndexOp::create(builder, loc, 1);
          others = arith::MaxSIOp::create(builder, loc, others, one);
          size = arith::DivUIOp::create(builder, loc, size, others);
        }
        sizes[unknown] = size;
        changed = true;
      }
    return changed;
  };
  solve(/*groups=*/false);
  while (solve(/*groups=*/true))
    ;
}

Value FunctionLowering::sizeValue(const Extent *extent) {
  if (Value known = sizes.lookup(extent))
    return known;
  Location loc = location(function.loc);
  if (extent->isStatic())
    return arith::ConstantIndexOp::create(builder, loc, extent->value);
  if (extent->kind == Extent::Computed) {
    // Sizes are used everywhere: they are computed once, at the start.
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(sizesEnd);
    Value value = uniform(extent->expr);
    return sizes[extent] = value;
  }
  error(function.loc, "the size of '" + extent->name +
                          "' cannot be found from the operands of '" +
                          function.name + "'")
      .help("give it a range, as in '" + extent->name + " in 0..64'");
  return sizes[extent] = arith::ConstantIndexOp::create(builder, loc, 1);
}

OpFoldResult FunctionLowering::size(const Extent *extent) {
  if (extent->isStatic())
    return builder.getIndexAttr(extent->value);
  return sizeValue(extent);
}

Value FunctionLowering::uniform(const Node *node) {
  return emitScalar(builder, locations, node, [&](const Node *leaf) -> Value {
    Location loc = location(leaf->loc);
    switch (leaf->op) {
    case NodeOp::Size:
      return sizeValue(leaf->extent);
    case NodeOp::Index:
      return fixedIndex(leaf->index);
    case NodeOp::Read:
      return fromStorage(builder, loc, scalarOf(leaf->tensor));
    case NodeOp::Static:
      error(leaf->loc,
            "compile-time parameter '" + leaf->name + "' has no value")
          .help("give it one: --set " + function.name + "." + leaf->name +
                "=VALUE");
      return arith::ConstantIndexOp::create(builder, loc, 1);
    default:
      return Value();
    }
  });
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Value FunctionLowering::scalarOf(const Tensor *tensor) {
  return arguments.lookup(tensor);
}

llvm::ArrayRef<const Node *> FunctionLowering::positionsIn(const Node *read) {
  return read->operands.drop_front(read->tensor->familyRank);
}

SmallVector<const IndexVar *> FunctionLowering::fixedIndices() const {
  return llvm::to_vector(llvm::make_first_range(fixed));
}

/// One dimension for each part of a group.
static Value expand(OpBuilder &builder, Location loc, Value memory,
                    RankedTensorType type, const Tensor *tensor,
                    llvm::function_ref<OpFoldResult(const Extent *)> size) {
  SmallVector<ReassociationIndices> groups;
  SmallVector<OpFoldResult> shape;
  bool anyGroup = false;
  for (ArrayRef<TensorPart> dim : memoryDims(tensor)) {
    ReassociationIndices &group = groups.emplace_back();
    anyGroup |= dim.size() > 1;
    for (const TensorPart &part : dim) {
      group.push_back(shape.size());
      shape.push_back(size(part.extent));
    }
  }
  if (!anyGroup)
    return memory;
  return tensor::ExpandShapeOp::create(builder, loc, type, memory, groups,
                                       shape);
}

Value FunctionLowering::tensorOf(const Node *read) {
  const Tensor *tensor = read->tensor;
  if (Value known = expanded.lookup(tensor))
    return known;
  auto sizeOf = [&](const Extent *extent) { return size(extent); };
  if (tensor->kind == Tensor::Argument) {
    // Once for all that read it: at the start.
    OpBuilder::InsertionGuard guard(builder);
    for (ArrayRef<TensorPart> dim : memoryDims(tensor))
      for (const TensorPart &part : dim)
        (void)sizeOf(part.extent);
    builder.setInsertionPoint(sizesEnd);
    return expanded[tensor] =
               expand(builder, location(tensor->loc), arguments[tensor],
                      logicalType(tensor), tensor, sizeOf);
  }
  if (tensor->kind != Tensor::Param)
    return entryLowering->tensorOf(tensor);
  const Node *member = tensor->familyRank ? read->operands.front() : nullptr;
  if (member)
    for (const IndexVar *var : member->free)
      if (!fixedIndex(var)) {
        error(read->loc, "the member of the family '" + tensor->name +
                             "' depends on the index '" + var->name + "'")
            .help("read it in a loop over '" + var->name + "'");
        return Value();
      }
  Value &known = params[{tensor, member}];
  if (!known) {
    Location loc = location(read->loc);
    Value memory = attn::ParamRefOp::create(builder, loc, memoryType(tensor),
                                            paramSymbols.lookup(tensor),
                                            member ? uniform(member) : Value());
    known = expand(builder, loc, memory, logicalType(tensor), tensor, sizeOf);
  }
  return known;
}

Value FunctionLowering::empty(ArrayRef<const IndexVar *> indices, Type element,
                              Location loc) {
  SmallVector<OpFoldResult> shape;
  for (const IndexVar *var : indices)
    shape.push_back(size(var->extent));
  return tensor::EmptyOp::create(builder, loc, shape, element);
}

Value FunctionLowering::collapse(Value logical, const Tensor *tensor,
                                 Location loc) {
  SmallVector<ReassociationIndices> groups;
  bool anyGroup = false;
  int64_t position = 0;
  for (ArrayRef<TensorPart> dim : memoryDims(tensor)) {
    ReassociationIndices &group = groups.emplace_back(dim.size());
    std::iota(group.begin(), group.end(), position);
    position += dim.size();
    anyGroup |= dim.size() > 1;
  }
  if (!anyGroup)
    return logical;
  return tensor::CollapseShapeOp::create(builder, loc, memoryType(tensor),
                                         logical, groups);
}

//===----------------------------------------------------------------------===//
// The function
//===----------------------------------------------------------------------===//

void FunctionLowering::makeSignature() {
  SmallVector<Type> inputs, results;
  for (const Tensor *operand : function.operands)
    inputs.push_back(argumentType(operand));
  for (const FunctionResult &result : function.results)
    results.push_back(argumentType(result.type));
  builder.setInsertionPointToEnd(module.getBody());
  func = func::FuncOp::create(builder, location(function.loc), function.name,
                              builder.getFunctionType(inputs, results));
  func->setAttr("attn.entry", builder.getUnitAttr());
  for (auto [k, operand] : llvm::enumerate(function.operands)) {
    func.setArgAttr(k, "attn.name", builder.getStringAttr(operand->name));
    func.setArgAttr(k, "attn.dims", dimsAttr(operand));
  }
  for (auto [k, result] : llvm::enumerate(function.results)) {
    func.setResultAttr(k, "attn.name",
                       builder.getStringAttr(result.type->name));
    func.setResultAttr(k, "attn.dims", dimsAttr(result.type));
  }
  Block *body = func.addEntryBlock();
  for (auto [operand, argument] :
       llvm::zip_equal(function.operands, body->getArguments())) {
    argument.setLoc(location(operand->loc));
    arguments[operand] = argument;
  }
  builder.setInsertionPointToStart(body);
}

/// Operations of the prologue that nothing came to need.
void FunctionLowering::dropUnused() {
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

LogicalResult FunctionLowering::run() {
  makeSignature();
  if (llvm::failed(addSizeAttributes()))
    return failure();
  solveSizes();
  // What the whole function shares goes before this marker.
  Location loc = location(function.loc);
  sizesEnd = arith::ConstantIndexOp::create(builder, loc, 0);
  SmallVector<Value> values;
  LogicalResult lowered = function.isAttention ? lowerExportedAttention(values)
                                               : lowerEntry(values);
  if (llvm::failed(lowered) || failed)
    return failure();
  for (auto [value, result] : llvm::zip_equal(values, function.results))
    value = collapse(value, result.type, location(result.type->loc));
  func::ReturnOp::create(builder, loc, values);
  dropUnused();
  return success();
}

LogicalResult
FunctionLowering::lowerExportedAttention(SmallVectorImpl<Value> &results) {
  std::optional<FusedAttention> fused = fuseFunction(graph, function, diags);
  if (!fused)
    return failure();
  if (llvm::failed(EntryLowering(*this).emitChecks(/*round=*/nullptr)))
    return failure();
  FailureOr<SmallVector<Value>> values = lowerAttention(*fused, function.loc);
  if (llvm::failed(values))
    return failure();
  results.assign(values->begin(), values->end());
  return success();
}
