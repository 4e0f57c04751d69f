//===- Elementary.h - Elementary functions as arithmetic --------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MATH_ELEMENTARY_H
#define FOVEA_PASSES_MATH_ELEMENTARY_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLExtras.h"

namespace fovea::attn {

/// Builds arithmetic on numbers or vectors of them: those of `type`, f32 or
/// f64.
struct FloatMath {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Type type;

  /// The number of the type that is nearest to `value`.
  mlir::Value constant(double value);
  /// An i32, or a vector of as many.
  mlir::Value constantInt(int32_t value);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c);
  mlir::Value toInt(mlir::Value x);   ///< the same bits, of f32
  mlir::Value fromInt(mlir::Value x); ///< the same bits
  /// `value` where the comparison of `x` with `bound` holds, else `other`. A
  /// NaN makes no ordered comparison hold.
  mlir::Value selectIf(mlir::arith::CmpFPredicate predicate, mlir::Value x,
                       double bound, mlir::Value value, mlir::Value other);
  /// The sum of `coefficients[k] * x^k`.
  template <typename Float>
  mlir::Value polynomial(mlir::Value x, llvm::ArrayRef<Float> coefficients) {
    mlir::Value sum = constant(coefficients.back());
    for (Float coefficient : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, constant(coefficient));
    return sum;
  }
};

/// 2^f on [0, 1], from the constant term on.
extern const float kExp2FromZero[6];
extern const float kApproximateExp2FromZero[4];

/// exp(x), 2^x, log(x), log2(x), sin(x) and cos(x). Their errors are those that
/// docs/language.md states. Results of `buildExp` and `buildExp2` below 2^-125
/// are 0.
mlir::Value buildExp(FloatMath math, mlir::Value x);
mlir::Value buildExp2(FloatMath math, mlir::Value x);
/// 2^(x * factor) of a positive factor, where the product is not rounded; if
/// that is `approximate`, with a relative error of at most 1.1e-4, for what is
/// rounded to bf16.
mlir::Value buildScaledExp2(FloatMath math, mlir::Value x, float factor,
                            bool approximate);
mlir::Value buildLog(FloatMath math, mlir::Value x);
mlir::Value buildLog2(FloatMath math, mlir::Value x);
mlir::Value buildSin(FloatMath math, mlir::Value x);
mlir::Value buildCos(FloatMath math, mlir::Value x);

/// Whether the patterns below make arithmetic of `op`. Other functions (powers,
/// ...) have no polynomial that is good everywhere.
bool isElementary(mlir::Operation *op);

/// Patterns that make arithmetic of elementary functions of f32 and of vectors
/// of f32.
void populateElementaryPatterns(mlir::RewritePatternSet &patterns);

} // namespace fovea::attn

#endif // FOVEA_PASSES_MATH_ELEMENTARY_H
