//===- ExpandExp.cpp - exponentials of vectors as polynomials -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/math/Elementary.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include <cstdlib>

namespace fovea::attn {
#define GEN_PASS_DEF_EXPANDEXPPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Lanes of an AVX-512 register of f32.
static constexpr int64_t kRegisterLanes = 16;

/// 2^x of one AVX-512 register, as 2^floor(x) * 2^(x - floor(x)): vreduceps
/// gives the fraction, vscalefps multiplies by 2^floor(x).
static Value scaleRegister(FloatMath math, Value x,
                           ArrayRef<float> coefficients) {
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
  Value p = math.polynomial(f, coefficients);
  // Numbers below the normal ones would take a hundred times as long.
  Value isNormal = arith::CmpFOp::create(
      builder, loc, arith::CmpFPredicate::UGE, x, math.constant(-126.0f));
  Value mask = vector::BitCastOp::create(
      builder, loc, VectorType::get(1, builder.getI16Type()), isNormal);
  mask = vector::ExtractOp::create(builder, loc, mask, 0);
  return call("llvm.x86.avx512.mask.scalef.ps.512",
              {p, x, math.constant(0.0f), mask, currentRounding});
}

/// The number that `x` is a multiple of, if that is positive, neither very
/// large nor very small, and `x` only has one use. Makes `x` what is multiplied
/// then.
static float takeFactor(Value &x) {
  auto product = x.getDefiningOp<arith::MulFOp>();
  if (!product || !x.hasOneUse())
    return 1.0f;
  Value factor = product.getRhs();
  if (auto broadcast = factor.getDefiningOp<vector::BroadcastOp>())
    factor = broadcast.getSource();
  constexpr int mostExponent = 64;
  APFloat known(1.0f);
  if (!matchPattern(factor, m_ConstantFloat(&known)) || !known.isNormal() ||
      known.isNegative() || std::abs(ilogb(known)) > mostExponent)
    return 1.0f;
  x = product.getLhs();
  return known.convertToFloat();
}

/// 2^x, by registers where the target can scale them; to 13 bits if that is
/// enough.
static Value expandExp2(FloatMath math, Value x, bool scaled,
                        bool approximate) {
  auto type = cast<VectorType>(math.type);
  bool isWhole =
      type.getRank() == 1 && type.getDimSize(0) % kRegisterLanes == 0;
  if (!scaled || !isWhole) {
    // What takes the power apart adds: to multiply as well costs nothing.
    float factor = takeFactor(x);
    return buildScaledExp2(math, x, factor, approximate);
  }
  OpBuilder &builder = math.builder;
  Location loc = math.loc;
  ArrayRef<float> coefficients = kExp2FromZero;
  if (approximate)
    coefficients = kApproximateExp2FromZero;
  auto part = VectorType::get(kRegisterLanes, builder.getF32Type());
  Value result = math.constant(0.0f);
  for (int64_t lane = 0; lane < type.getDimSize(0); lane += kRegisterLanes) {
    Value lanes = vector::ExtractStridedSliceOp::create(
        builder, loc, x, lane, kRegisterLanes, /*strides=*/1);
    result = vector::InsertStridedSliceOp::create(
        builder, loc, scaleRegister({builder, loc, part}, lanes, coefficients),
        result, lane, /*strides=*/1);
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
      FloatMath math{rewriter, op->getLoc(), type};
      Value x = op->getOperand(0);
      auto exp2 = dyn_cast<math::Exp2Op>(op);
      bool approximate = exp2 && bitEnumContainsAll(exp2.getFastmath(),
                                                    arith::FastMathFlags::afn);
      rewriter.replaceOp(op,
                         exp2 ? expandExp2(math, x, scaleRegisters, approximate)
                              : buildExp(math, x));
    });
  }
};
} // namespace
