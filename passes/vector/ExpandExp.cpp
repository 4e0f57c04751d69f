//===- ExpandExp.cpp - exponentials of vectors as polynomials -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_EXPANDEXPPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// 2^f on [-0.5, 0.5], from the constant term on: the polynomial of least
/// relative error (9.2e-8; 1.7e-7 in f32 arithmetic) among those with 2^0 = 1.
static constexpr float coefficients[] = {1.0f,           0x1.62e42ap-1f,
                                         0x1.ebf9bcp-3f, 0x1.c6b752p-5f,
                                         0x1.3cea88p-7f, 0x1.5bba14p-10f};

namespace {
/// Builds arithmetic on vectors of f32.
struct VectorMath {
  OpBuilder &builder;
  Location loc;
  VectorType type;

  Value constant(float value) {
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(type, builder.getF32FloatAttr(value)));
  }
  Value constantInt(int32_t value) {
    auto ints = VectorType::get(type.getShape(), builder.getI32Type());
    return arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(ints, builder.getI32IntegerAttr(value)));
  }
  /// `x` where the comparison with `bound` fails; so a NaN passes through.
  Value clamp(Value x, float bound, arith::CmpFPredicate predicate) {
    Value limit = constant(bound);
    Value beyond = arith::CmpFOp::create(builder, loc, predicate, x, limit);
    return arith::SelectOp::create(builder, loc, beyond, limit, x);
  }
};
} // namespace

/// exp(x) = 2^n * 2^f with n + f = x * log2(e), |f| <= 0.5. Results below
/// 2^-125 are 0; exp(-inf) = 0, exp(inf) = inf, exp(NaN) = NaN.
static Value expandExp(OpBuilder &builder, Location loc, Value x) {
  auto type = cast<VectorType>(x.getType());
  VectorMath math{builder, loc, type};
  // Beyond these bounds the result is 0 or inf; n stays within one byte.
  x = math.clamp(x, -87.2f, arith::CmpFPredicate::OLT);
  x = math.clamp(x, 89.0f, arith::CmpFPredicate::OGT);
  // Next to 1.5 * 2^23 numbers are a whole apart: a sum with it is rounded to
  // an integer, and has it in its lowest bits. The 126 makes these the exponent
  // of 2^(n - 1): with it n = -126 becomes 0, and n = 128 is still a number.
  Value log2e = math.constant(1.44269504f);
  Value shift = math.constant(0x1.8p23f + 126);
  Value shifted = math::FmaOp::create(builder, loc, x, log2e, shift);
  Value n = arith::SubFOp::create(builder, loc, shifted, shift);
  Value minusN = arith::NegFOp::create(builder, loc, n);
  Value f = math::FmaOp::create(builder, loc, x, log2e, minusN);
  Value p = math.constant(coefficients[5]);
  for (int k = 4; k >= 0; --k)
    p = math::FmaOp::create(builder, loc, p, f, math.constant(coefficients[k]));

  auto ints = VectorType::get(type.getShape(), builder.getI32Type());
  Value exponent = arith::BitcastOp::create(builder, loc, ints, shifted);
  Value bits =
      arith::ShLIOp::create(builder, loc, exponent, math.constantInt(23));
  Value power = arith::BitcastOp::create(builder, loc, type, bits);
  Value half = arith::MulFOp::create(builder, loc, p, power);
  return arith::AddFOp::create(builder, loc, half, half);
}

namespace {
struct ExpandExpPass : fovea::attn::impl::ExpandExpPassBase<ExpandExpPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](math::ExpOp op) {
      auto type = dyn_cast<VectorType>(op.getType());
      if (!type || !type.getElementType().isF32())
        return;
      rewriter.setInsertionPoint(op);
      rewriter.replaceOp(op, expandExp(rewriter, op.getLoc(), op.getOperand()));
    });
  }
};
} // namespace
