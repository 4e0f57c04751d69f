//===- ExpandExp.cpp - exponentials of vectors as polynomials -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_EXPANDEXPPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// 2^f on [-0.5, 0.5], from the constant term on: the polynomial of least
/// relative error (9.2e-8; 1.7e-7 in f32 arithmetic) among those with 2^0 = 1.
static constexpr float aroundZero[] = {1.0f,           0x1.62e42ap-1f,
                                       0x1.ebf9bcp-3f, 0x1.c6b752p-5f,
                                       0x1.3cea88p-7f, 0x1.5bba14p-10f};

/// The same on [0, 1]: 8.3e-8, and 1.5e-7 in f32 arithmetic.
static constexpr float fromZero[] = {1.0f,           0x1.62e4bap-1f,
                                     0x1.ebdb6ap-3f, 0x1.c91c10p-5f,
                                     0x1.277c1cp-7f, 0x1.e96910p-10f};

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

static Value buildPolynomial(VectorMath &math, Value f,
                             const float (&coefficients)[6]) {
  Value p = math.constant(coefficients[5]);
  for (int k = 4; k >= 0; --k)
    p = math::FmaOp::create(math.builder, math.loc, p, f,
                            math.constant(coefficients[k]));
  return p;
}

/// 2^(x * factor), or 2^x without a factor, as 2^n * 2^f with n + f = x *
/// factor, |f| <= 0.5. Clamped to [lowest, highest], beyond which the result is
/// 0 or inf; so n stays within one byte.
static Value expandByBits(VectorMath &math, Value x, Value factor, float lowest,
                          float highest) {
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  x = math.clamp(x, lowest, arith::CmpFPredicate::OLT);
  x = math.clamp(x, highest, arith::CmpFPredicate::OGT);
  auto addProduct = [&](Value term) -> Value {
    if (factor)
      return math::FmaOp::create(builder, loc, x, factor, term);
    return arith::AddFOp::create(builder, loc, x, term);
  };
  // Next to 1.5 * 2^23 numbers are a whole apart: a sum with it is rounded to
  // an integer, and has it in its lowest bits. The 126 makes these the exponent
  // of 2^(n - 1): with it n = -126 becomes 0, and n = 128 is still a number.
  Value shift = math.constant(0x1.8p23f + 126);
  Value shifted = addProduct(shift);
  Value n = arith::SubFOp::create(builder, loc, shifted, shift);
  Value f = addProduct(arith::NegFOp::create(builder, loc, n));
  Value p = buildPolynomial(math, f, aroundZero);

  auto ints = VectorType::get(math.type.getShape(), builder.getI32Type());
  Value exponent = arith::BitcastOp::create(builder, loc, ints, shifted);
  Value bits =
      arith::ShLIOp::create(builder, loc, exponent, math.constantInt(23));
  Value power = arith::BitcastOp::create(builder, loc, math.type, bits);
  Value half = arith::MulFOp::create(builder, loc, p, power);
  return arith::AddFOp::create(builder, loc, half, half);
}

static Value expandExp(VectorMath math, Value x) {
  return expandByBits(math, x, math.constant(1.44269504f), -87.2f, 89.0f);
}

/// Lanes of an AVX-512 register of f32.
static constexpr int64_t kRegisterLanes = 16;

/// 2^x of one AVX-512 register, as 2^floor(x) * 2^(x - floor(x)): vreduceps
/// gives the fraction, vscalefps multiplies by 2^floor(x).
static Value scaleRegister(VectorMath math, Value x) {
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  auto call = [&](StringRef name, ValueRange operands) -> Value {
    return LLVM::CallIntrinsicOp::create(builder, loc, math.type,
                                         builder.getStringAttr(name), operands)
        .getResult(0);
  };
  auto number = [&](int64_t value, unsigned bits) -> Value {
    return LLVM::ConstantOp::create(
        builder, loc,
        builder.getIntegerAttr(builder.getIntegerType(bits), value));
  };
  // Towards -inf, to whole numbers, without exceptions.
  Value floor = number(0b1001, 32), currentRounding = number(4, 32);
  Value f = call("llvm.x86.avx512.mask.reduce.ps.512",
                 {x, floor, x, number(-1, 16), currentRounding});
  Value p = buildPolynomial(math, f, fromZero);
  // Numbers below the normal ones would take a hundred times as long.
  Value isNormal = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::UGE, x, math.constant(-126.0f));
  Value mask = vector::BitCastOp::create(
      builder, loc, VectorType::get(1, builder.getI16Type()), isNormal);
  mask = vector::ExtractOp::create(builder, loc, mask, 0);
  return call("llvm.x86.avx512.mask.scalef.ps.512",
              {p, x, math.constant(0.0f), mask, currentRounding});
}

/// 2^x, by registers where the target can scale them.
static Value expandExp2(VectorMath math, Value x, bool scaled) {
  bool isWhole =
      math.type.getRank() == 1 && math.type.getDimSize(0) % kRegisterLanes == 0;
  if (!scaled || !isWhole)
    return expandByBits(math, x, Value(), -125.9f, 128.5f);
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  auto part = VectorType::get(kRegisterLanes, builder.getF32Type());
  Value result = math.constant(0.0f);
  for (int64_t lane = 0; lane < math.type.getDimSize(0);
       lane += kRegisterLanes) {
    Value lanes = vector::ExtractStridedSliceOp::create(
        builder, loc, x, lane, kRegisterLanes, /*strides=*/1);
    result = vector::InsertStridedSliceOp::create(
        builder, loc, scaleRegister({builder, loc, part}, lanes), result, lane,
        /*strides=*/1);
  }
  return result;
}

namespace {
struct ExpandExpPass : fovea::attn::impl::ExpandExpPassBase<ExpandExpPass> {
  using ExpandExpPassBase::ExpandExpPassBase;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](Operation *op) {
      if (!isa<math::ExpOp, math::Exp2Op>(op))
        return;
      auto type = dyn_cast<VectorType>(op->getResult(0).getType());
      if (!type || !type.getElementType().isF32())
        return;
      rewriter.setInsertionPoint(op);
      VectorMath math{rewriter, op->getLoc(), type};
      Value x = op->getOperand(0);
      rewriter.replaceOp(op, isa<math::ExpOp>(op)
                                 ? expandExp(math, x)
                                 : expandExp2(math, x, scaleRegisters));
    });
  }
};
} // namespace
