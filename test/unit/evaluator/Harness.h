//===- Harness.h - runs programs written as text ------------------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TEST_UNIT_EVALUATOR_HARNESS_H
#define FOVEA_TEST_UNIT_EVALUATOR_HARNESS_H

#include "dialect/Attn.h"
#include "tools/evaluator/Evaluator.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fovea::evaluator {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

class EvaluatorTest : public ::testing::Test {
protected:
  EvaluatorTest() {
    context.loadDialect<attn::AttnDialect, mlir::affine::AffineDialect,
                        mlir::arith::ArithDialect, mlir::func::FuncDialect,
                        mlir::linalg::LinalgDialect, mlir::math::MathDialect,
                        mlir::scf::SCFDialect, mlir::tensor::TensorDialect>();
  }

  Tensor floats(llvm::ArrayRef<int64_t> shape, std::vector<double> values) {
    return {llvm::SmallVector<int64_t>(shape),
            mlir::Float32Type::get(&context),
            std::move(values),
            {}};
  }
  Tensor integers(llvm::ArrayRef<int64_t> shape, std::vector<int64_t> values) {
    return {llvm::SmallVector<int64_t>(shape),
            mlir::IntegerType::get(&context, 32),
            {},
            std::move(values)};
  }
  Tensor integer(int64_t value) { return integers({}, {value}); }
  /// Floats in [-1, 1), different for each seed.
  Tensor random(llvm::ArrayRef<int64_t> shape, unsigned seed) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<double> draw(-1.0, 1.0);
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    std::vector<double> values(count);
    for (double &value : values)
      value = draw(engine);
    return floats(shape, std::move(values));
  }

  /// Runs the function @f of a program.
  mlir::FailureOr<llvm::SmallVector<Tensor>>
  tryRun(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
         const ParamProvider &params = nullptr,
         const EvaluatorOptions &options = {}) {
    mlir::ScopedDiagnosticHandler handler(
        &context, [&](mlir::Diagnostic &diagnostic) {
          if (auto at = llvm::dyn_cast<mlir::FileLineColLoc>(
                  diagnostic.getLocation()))
            messages += std::to_string(at.getLine()) + ": ";
          messages += diagnostic.str() + "\n";
        });
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    if (!module)
      return mlir::failure();
    return evaluate(*module, "f", inputs, params, options);
  }
  llvm::SmallVector<Tensor> run(llvm::StringRef text,
                                llvm::ArrayRef<Tensor> inputs,
                                const ParamProvider &params = nullptr,
                                const EvaluatorOptions &options = {}) {
    auto results = tryRun(text, inputs, params, options);
    EXPECT_TRUE(mlir::succeeded(results)) << messages;
    if (mlir::failed(results))
      return {};
    return *results;
  }
  /// The diagnostics of a program that fails, each as "LINE: text\n".
  std::string runFails(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
                       const ParamProvider &params = nullptr) {
    EXPECT_TRUE(mlir::failed(tryRun(text, inputs, params)));
    return messages;
  }

  /// Compares floats, where a NaN equals a NaN.
  void expectFloats(const Tensor &tensor, llvm::ArrayRef<int64_t> shape,
                    const std::vector<double> &expected,
                    double tolerance = 1e-13) {
    EXPECT_EQ(llvm::ArrayRef(tensor.shape), shape);
    ASSERT_EQ(tensor.floats.size(), expected.size());
    for (size_t k = 0; k < expected.size(); ++k) {
      double found = tensor.floats[k];
      bool same = found == expected[k] ||
                  (std::isnan(found) && std::isnan(expected[k])) ||
                  std::abs(found - expected[k]) <= tolerance;
      EXPECT_TRUE(same) << "element " << k << ": expected " << expected[k]
                        << ", but got " << found;
    }
  }

  mlir::MLIRContext context;
  std::string messages;
};

/// Softmax attention of one row, written out: the weights of `scores`, where
/// -inf is not kept.
inline std::vector<double> softmaxRow(std::vector<double> scores) {
  double sum = 0.0, largest = -infinity;
  for (double score : scores)
    largest = std::max(largest, score);
  for (double &score : scores) {
    score = score == -infinity ? 0.0 : std::exp(score - largest);
    sum += score;
  }
  for (double &score : scores)
    score = sum == 0.0 ? 0.0 : score / sum;
  return scores;
}

} // namespace fovea::evaluator

#endif // FOVEA_TEST_UNIT_EVALUATOR_HARNESS_H
