//===- LowerBf16.cpp - bf16 held as integers of 16 bits -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"

namespace fovea::attn {
#define GEN_PASS_DEF_LOWERBF16PASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;

namespace {

/// Whether an operation needs the numbers, and not only the bits.
bool computes(Operation *op) {
  return isa<LLVM::FPExtOp, LLVM::FPTruncOp, LLVM::FPToSIOp, LLVM::FPToUIOp,
             LLVM::SIToFPOp, LLVM::UIToFPOp, LLVM::CallIntrinsicOp>(op) ||
         (isa<LLVM::FastmathFlagsInterface>(op) && !isa<LLVM::SelectOp>(op));
}

bool isBf16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// Integers in the place of bf16, in types and in constants.
void addReplacements(AttrTypeReplacer &replacer, MLIRContext *context) {
  auto integer = IntegerType::get(context, 16);
  replacer.addReplacement([=](BFloat16Type) -> Type { return integer; });
  replacer.addReplacement([=](FloatAttr attr) -> std::optional<Attribute> {
    if (!attr.getType().isBF16())
      return std::nullopt;
    return IntegerAttr::get(integer, attr.getValue().bitcastToAPInt());
  });
  replacer.addReplacement(
      [=](DenseFPElementsAttr attr) -> std::optional<Attribute> {
        if (!attr.getElementType().isBF16())
          return std::nullopt;
        return attr.bitcast(integer);
      });
}

struct LowerBf16Pass
    : public fovea::attn::impl::LowerBf16PassBase<LowerBf16Pass> {
  void runOnOperation() override {
    AttrTypeReplacer replacer;
    addReplacements(replacer, &getContext());
    // What computes stays as it is, between casts.
    struct Computation {
      Operation *op;
      SmallVector<Type> operandTypes;
    };
    SmallVector<Computation> computations;
    getOperation()->walk([&](Operation *op) {
      if (!computes(op))
        return;
      if (llvm::any_of(op->getOperandTypes(), isBf16) ||
          llvm::any_of(op->getResultTypes(), isBf16))
        computations.push_back({op, llvm::to_vector(op->getOperandTypes())});
    });
    DenseSet<Operation *> kept;
    for (Computation &computation : computations)
      kept.insert(computation.op);
    getOperation()->walk([&](Operation *op) {
      if (!kept.contains(op))
        replacer.replaceElementsIn(op, /*replaceAttrs=*/true,
                                   /*replaceLocs=*/false,
                                   /*replaceTypes=*/true);
    });
    OpBuilder builder(&getContext());
    for (auto &[op, operandTypes] : computations) {
      builder.setInsertionPoint(op);
      for (auto [operand, type] : llvm::zip(op->getOpOperands(), operandTypes))
        if (isBf16(type))
          operand.set(LLVM::BitcastOp::create(builder, op->getLoc(), type,
                                              operand.get()));
      builder.setInsertionPointAfter(op);
      for (OpResult result : op->getResults()) {
        if (!isBf16(result.getType()))
          continue;
        auto bits = LLVM::BitcastOp::create(
            builder, op->getLoc(), replacer.replace(result.getType()), result);
        result.replaceAllUsesExcept(bits, bits);
      }
    }
  }
};

} // namespace
