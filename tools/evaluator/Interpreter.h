//===- Interpreter.h - runs functions in graph form ---------------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_INTERPRETER_H
#define FOVEA_TOOLS_EVALUATOR_INTERPRETER_H

#include "tools/evaluator/Values.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/StringMap.h"

namespace fovea::evaluator {

/// Runs func.func bodies op by op; what happens for each element is left to
/// the functions below.
class Interpreter {
public:
  Interpreter(mlir::ModuleOp module, const ParamProvider &params)
      : symbols(module), params(params) {}

  mlir::FailureOr<llvm::SmallVector<RuntimeValue>>
  call(mlir::func::FuncOp function, llvm::ArrayRef<RuntimeValue> arguments);

private:
  mlir::LogicalResult run(mlir::Block &block, Frame &frame);
  mlir::LogicalResult run(mlir::Operation *op, Frame &frame);
  mlir::LogicalResult runCall(mlir::func::CallOp op, Frame &frame);
  mlir::LogicalResult runFor(mlir::scf::ForOp op, Frame &frame);
  mlir::LogicalResult runIf(mlir::scf::IfOp op, Frame &frame);
  mlir::LogicalResult runParamRef(attn::ParamRefOp op, Frame &frame);
  mlir::LogicalResult runRequire(attn::RequireOp op, Frame &frame);
  mlir::LogicalResult runReport(attn::ReportOp op, Frame &frame);

  mlir::SymbolTable symbols;
  const ParamProvider &params;
  llvm::StringMap<Array> loadedParams;
  unsigned depth = 0;
};

/// Checks what a caller or a provider gave against a type, and takes it over.
/// Errors are reported at `op` and begin with `what`.
mlir::FailureOr<RuntimeValue> toRuntimeValue(mlir::Operation *op,
                                             const llvm::Twine &what,
                                             mlir::Type type, Tensor tensor);

/// tensor.* and tensor-valued arith ops. Returns nothing for any other op.
std::optional<mlir::LogicalResult> evaluateTensorOp(mlir::Operation *op,
                                                    Frame &frame);
/// Any structured op: linalg.generic, linalg.fill, linalg.matmul, …
mlir::LogicalResult evaluateLinalg(mlir::linalg::LinalgOp op, Frame &frame);
/// attn.attention and attn.online.
mlir::LogicalResult evaluateAttention(attn::AttentionOpInterface op,
                                      Frame &frame);

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_INTERPRETER_H
