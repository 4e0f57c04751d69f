//===- Captures.cpp - The values a parallel body reads from outside -------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Captures.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace fovea::attn;

/// Whether repeating the operation costs less than passing its result on.
static bool isRepeatable(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->getNumOperands() == 0 && op->getNumRegions() == 0 &&
         op->getNumResults() == 1 && isPure(op);
}

CaptureList::CaptureList(Region &body) {
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(body, used);
  for (Value value : used)
    add(value);
}

void CaptureList::add(Value value) {
  (isRepeatable(value) ? constants : values).insert(value);
}

LogicalResult CaptureList::resolveTypes(Operation *loop,
                                        const LLVMTypeConverter &converter) {
  SmallVector<Type> fields;
  for (Value value : values) {
    Type field = converter.convertType(value.getType());
    if (!field || !LLVM::isCompatibleType(field)) {
      InFlightDiagnostic error =
          loop->emitOpError("expected values from outside that fit in memory, "
                            "but found one of type ")
          << value.getType();
      error.attachNote(value.getLoc()) << "the value is defined here";
      return error;
    }
    fields.push_back(field);
  }
  type = LLVM::LLVMStructType::getLiteral(loop->getContext(), fields);
  return success();
}

/// `value` in the type `to`, by a cast that the lowering to LLVM resolves.
static Value castTo(OpBuilder &builder, Location loc, Value value, Type to) {
  if (value.getType() == to)
    return value;
  return UnrealizedConversionCastOp::create(builder, loc, to, value)
      .getResult(0);
}

Value CaptureList::pack(OpBuilder &builder, Location loc,
                        func::FuncOp function) const {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  if (values.empty())
    return LLVM::ZeroOp::create(builder, loc, pointer);
  Value address;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&function.getBody().front());
    Value one = LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                         builder.getI64IntegerAttr(1));
    address = LLVM::AllocaOp::create(builder, loc, pointer, type, one);
  }
  for (auto [index, value] : llvm::enumerate(values)) {
    Value field = LLVM::GEPOp::create(
        builder, loc, pointer, type, address,
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
    Value stored = castTo(builder, loc, value, type.getBody()[index]);
    LLVM::StoreOp::create(builder, loc, stored, field);
  }
  return address;
}

void CaptureList::unpack(OpBuilder &builder, Location loc, Value address,
                         IRMapping &mapping) const {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  for (Value constant : constants)
    builder.clone(*constant.getDefiningOp(), mapping);
  for (auto [index, value] : llvm::enumerate(values)) {
    Value field = LLVM::GEPOp::create(
        builder, loc, pointer, type, address,
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
    Value loaded =
        LLVM::LoadOp::create(builder, loc, type.getBody()[index], field);
    mapping.map(value, castTo(builder, loc, loaded, value.getType()));
  }
}

void CaptureList::replaceUsesIn(Region &body, const IRMapping &mapping) const {
  for (const llvm::SetVector<Value> *list : {&values, &constants})
    for (Value value : *list)
      replaceAllUsesInRegionWith(value, mapping.lookup(value), body);
}
