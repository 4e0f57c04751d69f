//===- AttnNormalizers.cpp - how scores become weights -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;

/// A float constant of a scalar or vector type.
static Value buildFloat(OpBuilder &builder, Location loc, Type type,
                        double value) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  TypedAttr attr = builder.getFloatAttr(element, value);
  if (auto shaped = dyn_cast<ShapedType>(type))
    attr = DenseElementsAttr::get(shaped, attr);
  return arith::ConstantOp::create(builder, loc, attr);
}

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// a - b, where b = -inf means that nothing was seen yet: then a is -inf too,
/// and so is the difference.
static Value buildShifted(OpBuilder &builder, Location loc, Value a, Value b) {
  Value lowest = buildFloat(builder, loc, b.getType(), -infinity);
  Value zero = buildFloat(builder, loc, b.getType(), 0.0);
  Value none =
      arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, b, lowest);
  Value shift = arith::SelectOp::create(builder, loc, none, zero, b);
  return arith::SubFOp::create(builder, loc, a, shift);
}

/// exp(a - b), as a power of two, which is cheaper; exp(-inf - 0) = 0 is what
/// both weights and factors need where nothing was seen yet. The difference
/// first: it is of moderate size where it counts, while a and b may be as large
/// as floats are.
static Value buildShiftedExp(OpBuilder &builder, Location loc, Value a,
                             Value b) {
  Value difference = buildShifted(builder, loc, a, b);
  Value log2e = buildFloat(builder, loc, a.getType(), llvm::numbers::log2e);
  return math::Exp2Op::create(
      builder, loc, arith::MulFOp::create(builder, loc, difference, log2e));
}

/// 1 / mass, but 0 for a row without any.
static Value buildInverse(OpBuilder &builder, Location loc, Value mass) {
  Value zero = buildFloat(builder, loc, mass.getType(), 0.0);
  Value one = buildFloat(builder, loc, mass.getType(), 1.0);
  Value empty = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ,
                                      mass, zero);
  Value inverse = arith::DivFOp::create(builder, loc, one, mass);
  return arith::SelectOp::create(builder, loc, empty, zero, inverse);
}

bool SoftmaxAttr::hasShift() const { return true; }
bool SoftmaxAttr::hasMass() const { return true; }

Value SoftmaxAttr::buildWeight(OpBuilder &builder, Location loc, Value score,
                               Value shift) const {
  return buildShiftedExp(builder, loc, score, shift);
}

Value SoftmaxAttr::buildRescale(OpBuilder &builder, Location loc,
                                Value oldShift, Value newShift) const {
  return buildShiftedExp(builder, loc, oldShift, newShift);
}

Value SoftmaxAttr::buildLogWeight(OpBuilder &builder, Location loc, Value score,
                                  Value shift) const {
  return buildShifted(builder, loc, score, shift);
}

Value SoftmaxAttr::buildLogRescale(OpBuilder &builder, Location loc,
                                   Value oldShift, Value newShift) const {
  return buildShifted(builder, loc, oldShift, newShift);
}

Value SoftmaxAttr::buildFinalFactor(OpBuilder &builder, Location loc, Value,
                                    Value mass) const {
  return buildInverse(builder, loc, mass);
}

Value SoftmaxAttr::buildLogMass(OpBuilder &builder, Location loc, Value shift,
                                Value mass) const {
  // log 0 = -inf, and the shift of an empty row is -inf too: -inf + -inf.
  Value log = math::LogOp::create(builder, loc, mass);
  return arith::AddFOp::create(builder, loc, shift, log);
}

/// The score itself, but 0 for a key that is not kept.
static Value buildKeptScore(OpBuilder &builder, Location loc, Value score) {
  Value lowest = buildFloat(builder, loc, score.getType(), -infinity);
  Value zero = buildFloat(builder, loc, score.getType(), 0.0);
  Value dropped = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ,
                                        score, lowest);
  return arith::SelectOp::create(builder, loc, dropped, zero, score);
}

bool RatioAttr::hasShift() const { return false; }
bool RatioAttr::hasMass() const { return true; }

Value RatioAttr::buildWeight(OpBuilder &builder, Location loc, Value score,
                             Value) const {
  return buildKeptScore(builder, loc, score);
}

Value RatioAttr::buildRescale(OpBuilder &, Location, Value, Value) const {
  return {};
}

Value RatioAttr::buildLogWeight(OpBuilder &builder, Location loc, Value score,
                                Value) const {
  return math::LogOp::create(builder, loc, score);
}

Value RatioAttr::buildLogRescale(OpBuilder &, Location, Value, Value) const {
  return {};
}

Value RatioAttr::buildFinalFactor(OpBuilder &builder, Location loc, Value,
                                  Value mass) const {
  return buildInverse(builder, loc, mass);
}

Value RatioAttr::buildLogMass(OpBuilder &builder, Location loc, Value,
                              Value mass) const {
  return math::LogOp::create(builder, loc, mass);
}

bool PlainAttr::hasShift() const { return false; }
bool PlainAttr::hasMass() const { return false; }

Value PlainAttr::buildWeight(OpBuilder &builder, Location loc, Value score,
                             Value) const {
  return buildKeptScore(builder, loc, score);
}

Value PlainAttr::buildRescale(OpBuilder &, Location, Value, Value) const {
  return {};
}

Value PlainAttr::buildLogWeight(OpBuilder &, Location, Value, Value) const {
  return {};
}

Value PlainAttr::buildLogRescale(OpBuilder &, Location, Value, Value) const {
  return {};
}

Value PlainAttr::buildFinalFactor(OpBuilder &, Location, Value, Value) const {
  return {};
}

Value PlainAttr::buildLogMass(OpBuilder &, Location, Value, Value) const {
  return {};
}
