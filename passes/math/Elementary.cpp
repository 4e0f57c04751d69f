//===- Elementary.cpp - Elementary functions as arithmetic ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM would call the C library once for each lane. Polynomials keep the lanes
// together. Those here are found by minimax.py; MLIR's approximations serve
// where they are as good (test/math measures all of them).
//
//===----------------------------------------------------------------------===//

#include "passes/math/Elementary.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;
using arith::CmpFPredicate;

//===----------------------------------------------------------------------===//
// Coefficients (minimax.py)
//===----------------------------------------------------------------------===//

/// 2^f on [-0.5, 0.5]: relative error 9.3e-8 among polynomials with 2^0 = 1.
static constexpr float kExp2AroundZero[] = {1.0f,           0x1.62e42ap-1f,
                                            0x1.ebf9c2p-3f, 0x1.c6b6d8p-5f,
                                            0x1.3ce8aep-7f, 0x1.5bda5ap-10f};

/// The same on [0, 1]: 8.2e-8.
const float fovea::attn::kExp2FromZero[6] = {1.0f,           0x1.62e4bap-1f,
                                             0x1.ebdb6ap-3f, 0x1.c91c10p-5f,
                                             0x1.277c1cp-7f, 0x1.e96910p-10f};

/// Where 13 bits will do: relative errors 1.0e-4 and 8.6e-5.
static constexpr float kApproximateExp2AroundZero[] = {
    1.0f, 0x1.62f5fap-1f, 0x1.f00c4cp-3f, 0x1.c2a254p-5f};
const float fovea::attn::kApproximateExp2FromZero[4] = {
    1.0f, 0x1.63e658p-1f, 0x1.d23794p-3f, 0x1.3baa98p-4f};

/// (log(1 + f) - f + f^2 / 2) / f^3 on [-0.301, 0.399): relative error of the
/// logarithm 3.4e-8.
static constexpr float kLog1pRest[] = {
    0x1.555696p-2f, -0x1.000614p-2f, 0x1.98f58ep-3f, -0x1.52ce88p-3f,
    0x1.2f1ff2p-3f, -0x1.29dadcp-3f, 0x1.841662p-4f};

/// log2(e) and log(2), each as a number that f32 holds and what it leaves. The
/// first part of log(2) has so few digits that multiples of it are exact.
static constexpr float kLog2E = 0x1.715476p0f, kLog2ERest = 0x1.4ae0c0p-26f;
static constexpr float kLn2 = 0x1.62e4p-1f, kLn2Rest = 0x1.7f7d1cp-20f;

//===----------------------------------------------------------------------===//
// Building arithmetic
//===----------------------------------------------------------------------===//

static Value buildConstant(OpBuilder &builder, Location loc, Type like,
                           TypedAttr attr) {
  if (auto vector = dyn_cast<VectorType>(like))
    attr = DenseElementsAttr::get(vector.clone(attr.getType()), attr);
  return arith::ConstantOp::create(builder, loc, attr);
}

Value FloatMath::constant(double value) {
  return buildConstant(builder, loc, type,
                       builder.getFloatAttr(getElementTypeOrSelf(type), value));
}

Value FloatMath::constantInt(int32_t value) {
  return buildConstant(builder, loc, type, builder.getI32IntegerAttr(value));
}

Value FloatMath::add(Value a, Value b) {
  return arith::AddFOp::create(builder, loc, a, b);
}

Value FloatMath::sub(Value a, Value b) {
  return arith::SubFOp::create(builder, loc, a, b);
}

Value FloatMath::mul(Value a, Value b) {
  return arith::MulFOp::create(builder, loc, a, b);
}

Value FloatMath::fma(Value a, Value b, Value c) {
  return math::FmaOp::create(builder, loc, a, b, c);
}

Value FloatMath::toInt(Value x) {
  Type ints = builder.getI32Type();
  if (auto vector = dyn_cast<VectorType>(type))
    ints = vector.clone(ints);
  return arith::BitcastOp::create(builder, loc, ints, x);
}

Value FloatMath::fromInt(Value x) {
  return arith::BitcastOp::create(builder, loc, type, x);
}

Value FloatMath::selectIf(CmpFPredicate predicate, Value x, double bound,
                          Value value, Value other) {
  Value holds =
      arith::CmpFOp::create(builder, loc, predicate, x, constant(bound));
  return arith::SelectOp::create(builder, loc, holds, value, other);
}

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

/// 2^y, as 2^n * 2^f with n + f = y and |f| <= 0.5, where y is `x` times the
/// sum of `factors`, or `x` without factors, and 2^f a polynomial. `x` is
/// clamped to [lowest, highest], beyond which the result is 0 or inf; so n
/// stays within one byte. A NaN passes through.
static Value buildPower(FloatMath math, Value x, ArrayRef<float> factors,
                        ArrayRef<float> coefficients, float lowest,
                        float highest) {
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  x = math.selectIf(CmpFPredicate::OLT, x, lowest, math.constant(lowest), x);
  x = math.selectIf(CmpFPredicate::OGT, x, highest, math.constant(highest), x);
  // Next to 1.5 * 2^23 numbers are a whole apart: a sum with it is rounded to
  // an integer, and has it in its lowest bits. The 126 makes these the exponent
  // of 2^(n - 1): with it n = -126 becomes 0, and n = 128 is still a number.
  Value shift = math.constant(0x1.8p23f + 126);
  Value shifted = factors.empty()
                      ? math.add(x, shift)
                      : math.fma(x, math.constant(factors.front()), shift);
  Value n = math.sub(shifted, shift);
  Value f;
  if (factors.empty()) {
    f = math.sub(x, n);
  } else {
    f = arith::NegFOp::create(builder, loc, n);
    for (float factor : factors)
      f = math.fma(x, math.constant(factor), f);
  }
  Value p = math.polynomial(f, coefficients);

  Value bits = arith::ShLIOp::create(builder, loc, math.toInt(shifted),
                                     math.constantInt(23));
  Value half = math.mul(p, math.fromInt(bits));
  return math.add(half, half);
}

Value fovea::attn::buildExp(FloatMath math, Value x) {
  return buildPower(math, x, {kLog2E, kLog2ERest}, kExp2AroundZero, -87.2f,
                    89.0f);
}

/// Beyond these powers of 2, f32 has 0 or denormal numbers, or inf.
static constexpr float kLowestPower = -125.9f, kHighestPower = 128.5f;

Value fovea::attn::buildExp2(FloatMath math, Value x) {
  return buildScaledExp2(math, x, 1.0f, /*approximate=*/false);
}

Value fovea::attn::buildScaledExp2(FloatMath math, Value x, float factor,
                                   bool approximate) {
  ArrayRef<float> coefficients = kExp2AroundZero, factors = factor;
  if (approximate)
    coefficients = kApproximateExp2AroundZero;
  if (factor == 1.0f)
    factors = {};
  return buildPower(math, x, factors, coefficients, kLowestPower / factor,
                    kHighestPower / factor);
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {
/// `x` as 2^exponent * (1 + f) with f in [-0.301, 0.399).
struct Decomposed {
  Value exponent; // a float
  Value f;
  Value log1p; // log(1 + f)
};
} // namespace

/// Takes positive finite numbers apart; of others it makes something.
static Decomposed decompose(FloatMath math, Value x) {
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  // Numbers below the normal ones have no exponent of their own.
  constexpr float leastNormal = std::numeric_limits<float>::min();
  Value large = math.selectIf(CmpFPredicate::OLT, x, leastNormal,
                              math.mul(x, math.constant(0x1p23f)), x);
  Value zero = math.constant(0.0f);
  Value scale = math.selectIf(CmpFPredicate::OLT, x, leastNormal,
                              math.constant(-23.0f), zero);
  // Less the bits of the least 1 + f, the exponent is that of its power of two,
  // and what is below it the distance to the least.
  constexpr int32_t least = 0x3f330000; // 0x1.66p-1
  Value bits = arith::SubIOp::create(builder, loc, math.toInt(large),
                                     math.constantInt(least));
  Value exponent =
      arith::ShRSIOp::create(builder, loc, bits, math.constantInt(23));
  Value fraction = arith::AndIOp::create(builder, loc, bits,
                                         math.constantInt((1 << 23) - 1));
  fraction =
      arith::AddIOp::create(builder, loc, fraction, math.constantInt(least));
  Decomposed result;
  result.exponent = math.add(
      arith::SIToFPOp::create(builder, loc, math.type, exponent), scale);
  result.f = math.sub(math.fromInt(fraction), math.constant(1.0f));
  // f - f^2 / 2 + f^3 p(f)
  Value square = math.mul(result.f, result.f);
  Value rest = math.fma(math.polynomial(result.f, ArrayRef(kLog1pRest)),
                        result.f, math.constant(-0.5f));
  result.log1p = math.fma(rest, square, result.f);
  return result;
}

/// `log` for positive finite `x`; of 0 it is -inf, below it NaN, of inf and NaN
/// themselves.
static Value addLogLimits(FloatMath math, Value x, Value log) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  Value nan = math.constant(std::numeric_limits<float>::quiet_NaN());
  log = math.selectIf(CmpFPredicate::OLT, x, inf, log, x);
  log = math.selectIf(CmpFPredicate::OLT, x, 0.0f, nan, log);
  return math.selectIf(CmpFPredicate::OEQ, x, 0.0f, math.constant(-inf), log);
}

Value fovea::attn::buildLog(FloatMath math, Value x) {
  Decomposed parts = decompose(math, x);
  // The large terms last.
  Value log = math.fma(parts.exponent, math.constant(kLn2Rest), parts.log1p);
  log = math.fma(parts.exponent, math.constant(kLn2), log);
  return addLogLimits(math, x, log);
}

Value fovea::attn::buildLog2(FloatMath math, Value x) {
  Decomposed parts = decompose(math, x);
  Value log = math.fma(parts.log1p, math.constant(kLog2E), parts.exponent);
  return addLogLimits(math, x, log);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {
/// Replaces a function of f32 or of a vector of f32 by what `build` makes.
template <typename OpTy, Value (*build)(FloatMath, Value)>
struct ExpandElementary : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not of f32");
    FloatMath math{rewriter, op.getLoc(), op.getType()};
    rewriter.replaceOp(op, build(math, op.getOperand()));
    return success();
  }
};
} // namespace

bool fovea::attn::isElementary(Operation *op) {
  return isa<math::ExpOp, math::Exp2Op, math::ExpM1Op, math::LogOp,
             math::Log2Op, math::Log1pOp, math::TanhOp, math::ErfOp,
             math::SinOp, math::CosOp>(op) &&
         getElementTypeOrSelf(op->getResult(0).getType()).isF32();
}

void fovea::attn::populateElementaryPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandElementary<math::ExpOp, buildExp>,
               ExpandElementary<math::Exp2Op, buildExp2>,
               ExpandElementary<math::LogOp, buildLog>,
               ExpandElementary<math::Log2Op, buildLog2>,
               ExpandElementary<math::SinOp, buildSin>,
               ExpandElementary<math::CosOp, buildCos>>(patterns.getContext());
  populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
    return llvm::is_contained(
        {math::ExpM1Op::getOperationName(), math::Log1pOp::getOperationName(),
         math::TanhOp::getOperationName(), math::ErfOp::getOperationName()},
        name);
  });
}
