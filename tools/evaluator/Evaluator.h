//===- Evaluator.h - the f64 reference evaluator ------------------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Computes what a program in graph form (docs/architecture.md, form 1) means,
// plainly and in f64. It judges the compiled kernels, so it shares nothing
// with the passes: it reads the dialect, and knows each normalizer by its own
// definition.
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_EVALUATOR_H
#define FOVEA_TOOLS_EVALUATOR_EVALUATOR_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include <functional>
#include <vector>

namespace fovea::evaluator {

/// A tensor (or, with an empty shape, a scalar), row-major and dense.
struct Tensor {
  llvm::SmallVector<int64_t> shape;
  /// As in the program: f32, bf16, i32, i1, index, … Of an input, only whether
  /// it is a float matters.
  mlir::Type elementType;
  /// The elements when `elementType` is a float; empty otherwise.
  std::vector<double> floats;
  /// The elements when it is an integer or index, sign-extended (an i1 is 0
  /// or 1); empty otherwise.
  std::vector<int64_t> integers;
};

/// Gives the values of a weight: `source` is its name in the weights file (the
/// number of a family's member is filled in), `type` its static type. Reports
/// its own errors.
using ParamProvider = std::function<mlir::FailureOr<Tensor>(
    llvm::StringRef source, mlir::RankedTensorType type)>;

struct EvaluatorOptions {
  /// Round each result of the entry once to its element type (f32, bf16, f16).
  /// Otherwise results keep the precision of f64 whatever their type.
  bool roundToTypes = false;
};

/// Runs the function `entry` of `module` on `inputs`, one for each argument in
/// order, and returns its results in order.
///
/// Floats are computed in f64 without rounding, integers exactly in the width
/// of their type. Fails with a diagnostic at the op (of the module's context)
/// for inputs that do not fit the entry, for an `attn.require` that does not
/// hold (an `attn.report` that is true warns), for an op that the graph form
/// does not have, and for what has no defined value (division of integers by
/// zero, `tensor.extract` out of range). `params` may be null for a program
/// without weights.
mlir::FailureOr<llvm::SmallVector<Tensor>>
evaluate(mlir::ModuleOp module, llvm::StringRef entry,
         llvm::ArrayRef<Tensor> inputs, const ParamProvider &params = nullptr,
         const EvaluatorOptions &options = {});

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_EVALUATOR_H
