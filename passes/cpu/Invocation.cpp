//===- Invocation.cpp - Generated code's side of the runtime's ABI --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Invocation.h"

#include "runtime/fovea_abi.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <cstddef>

using namespace mlir;
using namespace fovea::attn;

Value fovea::attn::loadAt(OpBuilder &builder, Location loc, Value pointer,
                          int64_t offset, Type type) {
  if (offset != 0)
    pointer = LLVM::GEPOp::create(
        builder, loc, pointer.getType(), builder.getI8Type(), pointer,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return LLVM::LoadOp::create(builder, loc, type, pointer);
}

Value fovea::attn::memrefAt(OpBuilder &builder, Location loc, MemRefType type,
                            Value pointer, ValueRange sizes,
                            ValueRange strides) {
  LLVMTypeConverter converter(builder.getContext());
  Type form = converter.convertType(type);
  auto integer = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(),
                                    builder.getI64IntegerAttr(value));
  };
  Value descriptor = LLVM::PoisonOp::create(builder, loc, form);
  auto insert = [&](Value field, ArrayRef<int64_t> position) {
    descriptor =
        LLVM::InsertValueOp::create(builder, loc, descriptor, field, position);
  };
  auto [typeStrides, typeOffset] = type.getStridesAndOffset();
  insert(pointer, 0);
  insert(pointer, 1);
  insert(integer(0), 2);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    int64_t size = type.getDimSize(dim), stride = typeStrides[dim];
    insert(ShapedType::isDynamic(size) ? sizes[dim] : integer(size), {3, dim});
    insert(ShapedType::isDynamic(stride) ? strides[dim] : integer(stride),
           {4, dim});
  }
  return UnrealizedConversionCastOp::create(builder, loc, type, descriptor)
      .getResult(0);
}

Value fovea::attn::bytesAt(OpBuilder &builder, Location loc, Value pointer,
                           Value bytes) {
  auto type = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  Value size =
      arith::IndexCastOp::create(builder, loc, builder.getI64Type(), bytes);
  return memrefAt(builder, loc, type, pointer, size, {});
}

void fovea::attn::callParallelFor(OpBuilder &builder, Location loc,
                                  Value invocation, func::FuncOp body,
                                  Value argument, Value count,
                                  Value scratchBytes) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  Type i64 = builder.getI64Type();
  Value callee = loadAt(builder, loc, invocation,
                        offsetof(fovea_invocation, parallel_for), pointer);
  Value pool = loadAt(builder, loc, invocation,
                      offsetof(fovea_invocation, pool), pointer);
  Value function = func::ConstantOp::create(
      builder, loc, body.getFunctionType(), body.getName());
  Value bodyPointer =
      UnrealizedConversionCastOp::create(builder, loc, pointer, function)
          .getResult(0);
  auto toI64 = [&](Value value) -> Value {
    return arith::IndexCastOp::create(builder, loc, i64, value);
  };
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointer, pointer, pointer, i64, i64});
  LLVM::CallOp::create(builder, loc, type,
                       ValueRange{callee, pool, bodyPointer, argument,
                                  toI64(count), toI64(scratchBytes)});
}
