//===- ConstantTable.h - Tables of constants in the object ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_CONSTANTTABLE_H
#define FOVEA_PASSES_CPU_CONSTANTTABLE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

#include <variant>

namespace fovea::attn {

/// Adds constants to a module, as the structures of runtime/fovea_abi.h are
/// laid out: each field with its natural alignment.
class ConstantTables {
public:
  /// A field: a number, or the address of something (null when absent).
  struct Integer {
    int64_t value;
    unsigned width;
  };
  using Address = mlir::LLVM::GlobalOp;
  using Function = mlir::func::FuncOp;
  struct Null {};
  using Field = std::variant<Integer, Address, Function, Null>;
  using Row = llvm::SmallVector<Field>;

  static Field i32(int64_t value) { return Integer{value, 32}; }
  static Field i64(int64_t value) { return Integer{value, 64}; }

  explicit ConstantTables(mlir::ModuleOp module);

  /// A zero-terminated text.
  Address text(llvm::StringRef name, llvm::StringRef value);

  /// An array of numbers of `width` bits; null when empty.
  Field numbers(llvm::StringRef name, llvm::ArrayRef<int64_t> values,
                unsigned width = 64);

  /// An array of structures of equal fields; null when empty.
  Field table(llvm::StringRef name, llvm::ArrayRef<Row> rows);

  /// One structure, visible outside of the object.
  Address exported(llvm::StringRef name, const Row &fields);

private:
  Address add(llvm::StringRef name, mlir::Type type, mlir::Attribute value,
              mlir::LLVM::Linkage linkage);
  mlir::LLVM::LLVMStructType rowType(const Row &row);
  mlir::Value buildRow(const Row &row);
  mlir::Value buildField(const Field &field);

  mlir::OpBuilder builder;
  mlir::Location loc;
  mlir::SymbolTable symbols;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_CONSTANTTABLE_H
