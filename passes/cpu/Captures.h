//===- Captures.h - The values a parallel body reads from outside ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_CAPTURES_H
#define FOVEA_PASSES_CPU_CAPTURES_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace fovea::attn {

/// The values that the body of a parallel loop takes from its surroundings.
///
/// Constants are repeated in the body. All else travels in one structure on the
/// caller's stack, every value in its LLVM form (a memref as its descriptor).
class CaptureList {
public:
  /// Collects what the operations of `body` use and do not define.
  explicit CaptureList(mlir::Region &body);

  /// Captures `value` too, whether or not the body uses it.
  void add(mlir::Value value);

  /// Chooses the structure's fields; an error at `loop` names the first value
  /// without an LLVM form.
  llvm::LogicalResult resolveTypes(mlir::Operation *loop,
                                   const mlir::LLVMTypeConverter &converter);

  /// Fills a structure at the builder's insertion point and returns its
  /// address. The structure is allocated once, at the start of `function`, so
  /// that a call in a loop takes no more stack than one call.
  mlir::Value pack(mlir::OpBuilder &builder, mlir::Location loc,
                   mlir::func::FuncOp function) const;

  /// Reads the structure at `address` and repeats the constants; `mapping`
  /// leads from the captured values to those inside.
  void unpack(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value address,
              mlir::IRMapping &mapping) const;

  /// Makes the operations of `body` use the values inside.
  void replaceUsesIn(mlir::Region &body, const mlir::IRMapping &mapping) const;

private:
  llvm::SetVector<mlir::Value> values;
  llvm::SetVector<mlir::Value> constants;
  mlir::LLVM::LLVMStructType type;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_CAPTURES_H
