//===- TilePairDots.cpp - instructions on pairs of bf16 -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/X86Vector/X86VectorDialect.h"

using namespace mlir;
using namespace fovea::attn;

/// f32 in a register of AVX-512, whose instruction is vdpbf16ps, and of NEON,
/// whose is bfdot.
static constexpr int64_t avxLanes = 16, neonLanes = 4;

bool fovea::attn::hasPairDots(const VectorTarget &target,
                              TileContractOp contract, int64_t width) {
  int64_t lanes = target.registerLanes;
  return target.bf16Dots && (lanes == avxLanes || lanes == neonLanes) &&
         width % lanes == 0 && isPairProduct(contract.getBody());
}

Value fovea::attn::addPairDots(OpBuilder &builder, Location loc,
                               const VectorTarget &target, Value sum, Value a,
                               Value b) {
  int64_t lanes = target.registerLanes;
  auto pairs = VectorType::get({2 * lanes}, builder.getBF16Type());
  int64_t width = cast<VectorType>(sum.getType()).getDimSize(0);
  for (int64_t first = 0; first < width; first += lanes) {
    auto slice = [&](Value vector) -> Value {
      return vector::ExtractStridedSliceOp::create(builder, loc, vector, first,
                                                   lanes, /*strides=*/1);
    };
    auto toPairs = [&](Value vector) -> Value {
      return vector::BitCastOp::create(builder, loc, pairs, slice(vector));
    };
    Value part = slice(sum);
    if (lanes == avxLanes)
      part = x86vector::DotBF16Op::create(builder, loc, part, toPairs(a),
                                          toPairs(b));
    else
      part = LLVM::CallIntrinsicOp::create(
                 builder, loc, part.getType(),
                 builder.getStringAttr("llvm.aarch64.neon.bfdot.v4f32.v8bf16"),
                 {part, toPairs(a), toPairs(b)})
                 .getResult(0);
    sum = vector::InsertStridedSliceOp::create(builder, loc, part, sum, first,
                                               /*strides=*/1);
  }
  return sum;
}
