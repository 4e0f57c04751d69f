//===- Trigonometric.cpp - sines and cosines as arithmetic ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Angles are positions times frequencies, so arguments may be large, and all of
// them get the same code, without a branch: an argument becomes turns, of which
// all whole ones go before anything is rounded. Sines and cosines of one
// argument share everything but the last steps, once CSE has seen them.
//
//===----------------------------------------------------------------------===//

#include "passes/math/Elementary.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/ArrayRef.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Coefficients (minimax.py)
//===----------------------------------------------------------------------===//

/// sin(2 pi u) / u and cos(2 pi u) on [-1/8, 1/8], of u^2: relative errors
/// 3.2e-9 and 6.4e-11.
static constexpr double kSineOfTurns[] = {
    0x1.921fb52e6a146p+2, -0x1.4abbb90038e4ap+5, 0x1.465e91edf9dc2p+6,
    -0x1.2d93021b682cap+6};
static constexpr double kCosineOfTurns[] = {
    1.0, -0x1.3bd3cc7b83b18p+4, 0x1.03c1dd96179a2p+6, -0x1.55c5dfbc1bee8p+6,
    0x1.d9d57de4f5cefp+5};

/// 1 / (2 pi) in parts of 29 bits: the product of a part and a number of f32,
/// which has 24, is exact in f64. What is missing is less than 2^-75 of the
/// largest f32.
static constexpr double kTurnsOfRadian[] = {
    0x1.45f306cp-3,   0x1.c9c882ap-31,  0x1.4fe13a8p-61, 0x1.f47d4d3p-88,
    0x1.dc0db62p-118, 0x1.2b32788p-147, 0x1.c820ffp-177};

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

namespace {
/// An argument's nearest multiple of a quarter turn, and what of it goes beyond
/// that.
struct Turned {
  Value quarters; ///< i64, of which the last two bits count
  Value sine;     ///< of what goes beyond, f64
  Value cosine;   ///< the same
};

/// Arithmetic on f64 and integers of 64 bits.
class TurnMath {
public:
  explicit TurnMath(FloatMath math)
      : math{math.builder, math.loc,
             withElement(math.type, [](Builder &b) { return b.getF64Type(); })},
        ints(withElement(math.type, [](Builder &b) { return b.getI64Type(); })),
        narrow(math.type) {}

  Turned turn(Value x);
  /// `even` or, where the number of quarters is odd, `odd`; negative in the
  /// second half of a turn of them.
  Value choose(Value quarters, Value even, Value odd);
  Value addQuarter(Value quarters) {
    return arith::AddIOp::create(math.builder, math.loc, quarters,
                                 constantInt(1));
  }

private:
  static Type withElement(Type type, function_ref<Type(Builder &)> element) {
    Builder builder(type.getContext());
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(element(builder))) : element(builder);
  }
  Value constantInt(int64_t value) {
    TypedAttr attr = math.builder.getI64IntegerAttr(value);
    if (auto vector = dyn_cast<VectorType>(ints))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(math.builder, math.loc, attr);
  }

  FloatMath math;
  Type ints, narrow;
};
} // namespace

Turned TurnMath::turn(Value x) {
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  Value wide = arith::ExtFOp::create(builder, loc, math.type, x);
  // Next to 1.5 * 2^12 numbers are 2^-40 apart. Multiples of that add up
  // without rounding, and what is left is too small for its rounding to matter.
  Value shift = math.constant(0x1.8p12);
  Value high, low;
  for (double part : kTurnsOfRadian) {
    Value turns = math.mul(wide, math.constant(part));
    Value fraction =
        math.sub(turns, math::RoundEvenOp::create(builder, loc, turns));
    Value coarse = math.sub(math.add(fraction, shift), shift);
    Value rest = math.sub(fraction, coarse);
    high = high ? math.add(high, coarse) : coarse;
    low = low ? math.add(low, rest) : rest;
  }
  // Next to 1.5 * 2^50 they are quarters apart, counted by the lowest bits.
  shift = math.constant(0x1.8p50);
  Value shifted = math.add(high, shift);
  Value beyond = math.add(math.sub(high, math.sub(shifted, shift)), low);
  Value square = math.mul(beyond, beyond);
  Turned result;
  result.quarters = arith::BitcastOp::create(builder, loc, ints, shifted);
  result.sine =
      math.mul(beyond, math.polynomial(square, ArrayRef(kSineOfTurns)));
  result.cosine = math.polynomial(square, ArrayRef(kCosineOfTurns));
  return result;
}

Value TurnMath::choose(Value quarters, Value even, Value odd) {
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  Value one = constantInt(1);
  Value last = arith::AndIOp::create(builder, loc, quarters, one);
  Value isOdd =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, last, one);
  Value chosen = arith::SelectOp::create(builder, loc, isOdd, odd, even);
  // The second bit becomes the sign.
  Value half = arith::AndIOp::create(builder, loc, quarters, constantInt(2));
  Value sign = arith::ShLIOp::create(builder, loc, half, constantInt(62));
  Value bits = arith::BitcastOp::create(builder, loc, ints, chosen);
  bits = arith::XOrIOp::create(builder, loc, bits, sign);
  Value result = arith::BitcastOp::create(builder, loc, math.type, bits);
  return arith::TruncFOp::create(builder, loc, narrow, result);
}

Value fovea::attn::buildSin(FloatMath math, Value x) {
  TurnMath turns(math);
  Turned turned = turns.turn(x);
  return turns.choose(turned.quarters, turned.sine, turned.cosine);
}

Value fovea::attn::buildCos(FloatMath math, Value x) {
  TurnMath turns(math);
  Turned turned = turns.turn(x);
  return turns.choose(turns.addQuarter(turned.quarters), turned.sine,
                      turned.cosine);
}
