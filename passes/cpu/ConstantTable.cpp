//===- ConstantTable.cpp - Tables of constants in the object --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/ConstantTable.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fovea::attn;

ConstantTables::ConstantTables(ModuleOp module)
    : builder(module.getContext()), loc(module.getLoc()), symbols(module) {
  builder.setInsertionPointToEnd(module.getBody());
}

ConstantTables::Address ConstantTables::add(StringRef name, Type type,
                                            Attribute value,
                                            LLVM::Linkage linkage) {
  auto global = LLVM::GlobalOp::create(builder, loc, type, /*isConstant=*/true,
                                       linkage, name, value);
  if (linkage == LLVM::Linkage::Internal) {
    symbols.insert(global); // may append a number to the name
    // Equal tables may be one: those for several CPUs differ in little.
    global.setUnnamedAddr(LLVM::UnnamedAddr::Global);
  }
  return global;
}

ConstantTables::Address ConstantTables::text(StringRef name, StringRef value) {
  SmallString<64> terminated(value);
  terminated.push_back('\0');
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), terminated.size());
  Address global = add(name, type, builder.getStringAttr(terminated.str()),
                       LLVM::Linkage::Internal);
  global.setAlignment(1);
  return global;
}

ConstantTables::Field ConstantTables::numbers(StringRef name,
                                              ArrayRef<int64_t> values,
                                              unsigned width) {
  if (values.empty())
    return Null{};
  IntegerType element = builder.getIntegerType(width);
  SmallVector<APInt> elements = llvm::map_to_vector(values, [&](int64_t value) {
    return APInt(width, value, /*isSigned=*/true);
  });
  auto shape =
      RankedTensorType::get({static_cast<int64_t>(values.size())}, element);
  return add(name, LLVM::LLVMArrayType::get(element, values.size()),
             DenseElementsAttr::get(shape, elements), LLVM::Linkage::Internal);
}

LLVM::LLVMStructType ConstantTables::rowType(const Row &row) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  SmallVector<Type> fields;
  for (const Field &field : row) {
    const auto *integer = std::get_if<Integer>(&field);
    fields.push_back(integer ? builder.getIntegerType(integer->width)
                             : pointer);
  }
  return LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
}

Value ConstantTables::buildField(const Field &field) {
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  if (const auto *integer = std::get_if<Integer>(&field)) {
    IntegerType type = builder.getIntegerType(integer->width);
    APInt value(integer->width, integer->value, /*isSigned=*/true,
                /*implicitTrunc=*/true);
    return LLVM::ConstantOp::create(builder, loc, type,
                                    builder.getIntegerAttr(type, value));
  }
  if (const auto *global = std::get_if<Address>(&field))
    return LLVM::AddressOfOp::create(builder, loc, LLVM::GlobalOp(*global));
  if (const auto *function = std::get_if<Function>(&field)) {
    Function callee = *function;
    // Resolved when functions become LLVM functions.
    Value value = func::ConstantOp::create(
        builder, loc, callee.getFunctionType(), callee.getName());
    return UnrealizedConversionCastOp::create(builder, loc, pointer, value)
        .getResult(0);
  }
  return LLVM::ZeroOp::create(builder, loc, pointer);
}

Value ConstantTables::buildRow(const Row &row) {
  Value value = LLVM::PoisonOp::create(builder, loc, rowType(row));
  for (auto [position, field] : llvm::enumerate(row))
    value = LLVM::InsertValueOp::create(builder, loc, value, buildField(field),
                                        static_cast<int64_t>(position));
  return value;
}

ConstantTables::Field ConstantTables::table(StringRef name,
                                            ArrayRef<Row> rows) {
  if (rows.empty())
    return Null{};
  auto type = LLVM::LLVMArrayType::get(rowType(rows.front()), rows.size());
  Address global = add(name, type, Attribute(), LLVM::Linkage::Internal);
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&global.getInitializerRegion());
  Value value = LLVM::PoisonOp::create(builder, loc, type);
  for (auto [position, row] : llvm::enumerate(rows))
    value = LLVM::InsertValueOp::create(builder, loc, value, buildRow(row),
                                        static_cast<int64_t>(position));
  LLVM::ReturnOp::create(builder, loc, value);
  return global;
}

ConstantTables::Address ConstantTables::exported(StringRef name,
                                                 const Row &fields) {
  Address global =
      add(name, rowType(fields), Attribute(), LLVM::Linkage::External);
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&global.getInitializerRegion());
  LLVM::ReturnOp::create(builder, loc, buildRow(fields));
  return global;
}
