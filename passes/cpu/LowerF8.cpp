//===- LowerF8.cpp - reals of 8 bits by integer arithmetic ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formats are those of "OCP 8-bit Floating Point Specification" (2023).
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

namespace fovea::attn {
#define GEN_PASS_DEF_LOWERF8PASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;

namespace {

/// A format of a sign, an exponent and a mantissa in 8 bits.
struct Format {
  unsigned mantissaBits;
  /// Of the exponent.
  unsigned bias;
  /// The first bits, without the sign, that are no finite number.
  unsigned special;
  /// What a number that is too large becomes, and a NaN.
  unsigned overflow, nan;

  /// Places that a mantissa of f32 has more.
  unsigned shift() const { return 23 - mantissaBits; }
  /// What the exponents of f32 have more.
  unsigned biasGap() const { return 127 - bias; }
};

std::optional<Format> getFormat(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (isa<Float8E4M3FNType>(element))
    return Format{3, 7, 0x7f, 0x7f, 0x7f};
  if (isa<Float8E5M2Type>(element))
    return Format{2, 15, 0x7c, 0x7c, 0x7e};
  return std::nullopt;
}

/// Builds integers and floats of the shape of one value.
class BitBuilder {
public:
  BitBuilder(OpBuilder &at, Operation *op)
      : builder(op->getLoc(), at), like(op->getResult(0).getType()) {}

  Type typeOf(Type element) const {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? Type(vector.clone(element)) : element;
  }
  Type bits(unsigned width) { return typeOf(builder.getIntegerType(width)); }
  Type real() { return typeOf(builder.getF32Type()); }
  Value constant(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, ArrayRef<Attribute>(value));
    return arith::ConstantOp::create(builder, value);
  }
  Value integer(uint32_t value) {
    return constant(bits(32), builder.getI32IntegerAttr(int32_t(value)));
  }
  Value number(float value) {
    return constant(real(), builder.getF32FloatAttr(value));
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, predicate, a, b);
  }

  Value extend(Value source, const Format &format);
  Value truncate(Value source, const Format &format);

private:
  ImplicitLocOpBuilder builder;
  Type like;
};

} // namespace

/// To f32. Its bits without the sign, shifted to where f32 has them, are the
/// number once the bias is that of f32. Below the normal range they are so with
/// one more in the exponent, and the least normal number too much. (A product
/// with a power of two would do for both, but CPUs take a hundred cycles and
/// more for an operand that is subnormal in f32.)
Value BitBuilder::extend(Value source, const Format &format) {
  Value byte = arith::BitcastOp::create(builder, bits(8), source);
  Value wide = arith::ExtUIOp::create(builder, bits(32), byte);
  Value magnitude = arith::AndIOp::create(builder, wide, integer(0x7f));
  Value sign = arith::ShLIOp::create(
      builder, arith::AndIOp::create(builder, wide, integer(0x80)),
      integer(24));
  Value shifted =
      arith::ShLIOp::create(builder, magnitude, integer(format.shift()));
  Value normal =
      arith::AddIOp::create(builder, shifted, integer(format.biasGap() << 23));
  Value more = arith::AddIOp::create(builder, shifted,
                                     integer((format.biasGap() + 1) << 23));
  Value less = arith::SubFOp::create(
      builder, arith::BitcastOp::create(builder, real(), more),
      number(std::ldexp(1.0f, 1 - int(format.bias))));
  Value subnormal = arith::BitcastOp::create(builder, bits(32), less);
  Value isSubnormal = compare(arith::CmpIPredicate::ult, magnitude,
                              integer(1u << format.mantissaBits));
  Value result =
      arith::SelectOp::create(builder, isSubnormal, subnormal, normal);
  // Infinities and NaNs keep what they have of a mantissa.
  Value special = arith::OrIOp::create(
      builder,
      arith::ShLIOp::create(
          builder,
          arith::AndIOp::create(builder, magnitude,
                                integer((1u << format.mantissaBits) - 1)),
          integer(format.shift())),
      integer(0x7f800000));
  Value isSpecial =
      compare(arith::CmpIPredicate::uge, magnitude, integer(format.special));
  result = arith::SelectOp::create(builder, isSpecial, special, result);
  result = arith::OrIOp::create(builder, result, sign);
  return arith::BitcastOp::create(builder, real(), result);
}

/// From f32, to nearest even.
Value BitBuilder::truncate(Value source, const Format &format) {
  Value wide = arith::BitcastOp::create(builder, bits(32), source);
  Value magnitude = arith::AndIOp::create(builder, wide, integer(0x7fffffff));
  Value shift = integer(format.shift());
  // Half of the last place that is kept, less a little where that is even.
  Value odd = arith::AndIOp::create(
      builder, arith::ShRUIOp::create(builder, magnitude, shift), integer(1));
  Value half = arith::AddIOp::create(builder, odd,
                                     integer((1u << (format.shift() - 1)) - 1));
  Value rounded = arith::ShRUIOp::create(
      builder, arith::AddIOp::create(builder, magnitude, half), shift);
  rounded = arith::SubIOp::create(
      builder, rounded, integer(format.biasGap() << format.mantissaBits));
  // Below the normal range the last place is that of the smallest normal
  // number, and of the power of two which is added.
  int lastPlace = 1 - int(format.bias) - int(format.mantissaBits);
  Value magic = number(std::ldexp(1.0f, 23 + lastPlace));
  Value positive = arith::BitcastOp::create(builder, real(), magnitude);
  Value subnormal = arith::SubIOp::create(
      builder,
      arith::BitcastOp::create(builder, bits(32),
                               arith::AddFOp::create(builder, positive, magic)),
      arith::BitcastOp::create(builder, bits(32), magic));
  Value isSmall = compare(arith::CmpIPredicate::ult, magnitude,
                          integer((format.biasGap() + 1) << 23));
  Value result = arith::SelectOp::create(builder, isSmall, subnormal, rounded);
  // Large numbers, also by rounding, and infinities; then NaN.
  Value isLarge =
      compare(arith::CmpIPredicate::uge, result, integer(format.special));
  result = arith::SelectOp::create(builder, isLarge, integer(format.overflow),
                                   result);
  Value isNaN =
      compare(arith::CmpIPredicate::ugt, magnitude, integer(0x7f800000));
  result = arith::SelectOp::create(builder, isNaN, integer(format.nan), result);
  Value sign = arith::AndIOp::create(
      builder, arith::ShRUIOp::create(builder, wide, integer(24)),
      integer(0x80));
  result = arith::OrIOp::create(builder, result, sign);
  Value byte = arith::TruncIOp::create(builder, bits(8), result);
  return arith::BitcastOp::create(builder, typeOf(getElementTypeOrSelf(like)),
                                  byte);
}

namespace {

struct LowerF8Pass : public fovea::attn::impl::LowerF8PassBase<LowerF8Pass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      rewriter.setInsertionPoint(op);
      if (auto extend = dyn_cast<arith::ExtFOp>(op)) {
        std::optional<Format> format = getFormat(extend.getIn().getType());
        if (format && getElementTypeOrSelf(extend.getType()).isF32())
          rewriter.replaceOp(
              op, BitBuilder(rewriter, op).extend(extend.getIn(), *format));
      } else if (auto truncate = dyn_cast<arith::TruncFOp>(op)) {
        std::optional<Format> format = getFormat(truncate.getType());
        if (format && getElementTypeOrSelf(truncate.getIn().getType()).isF32())
          rewriter.replaceOp(
              op, BitBuilder(rewriter, op).truncate(truncate.getIn(), *format));
      } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
        // The LLVM dialect holds the bits.
        if (!getFormat(constant.getType()))
          return;
        auto toBits = [&](const APFloat &value) {
          return rewriter.getIntegerAttr(rewriter.getI8Type(),
                                         value.bitcastToAPInt());
        };
        TypedAttr value;
        if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
          value = toBits(number.getValue());
        else if (auto numbers =
                     dyn_cast<DenseFPElementsAttr>(constant.getValue()))
          value = numbers.mapValues(
              rewriter.getI8Type(),
              [](const APFloat &number) { return number.bitcastToAPInt(); });
        else
          return;
        Value byte = arith::ConstantOp::create(rewriter, op->getLoc(), value);
        rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, constant.getType(),
                                                      byte);
      }
    });
  }
};

} // namespace
