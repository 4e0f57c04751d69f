//===- RangeCode.cpp - Computed index ranges as the runtime's code --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/RangeCode.h"

#include "runtime/fovea_abi.h"

#include "mlir/IR/AffineExprVisitor.h"

using namespace mlir;
using namespace fovea::attn;

namespace {

/// Writes an expression in postfix order and counts the values it keeps.
class RangeEncoder : public AffineExprVisitor<RangeEncoder> {
public:
  explicit RangeEncoder(ArrayRef<IndexSymbol::Term> terms) : terms(terms) {}

  // The visitor reaches operands before the operation: postfix order.
  void visitConstantExpr(AffineConstantExpr expr) {
    push(FOVEA_CODE_CONST, expr.getValue());
  }
  void visitSymbolExpr(AffineSymbolExpr expr) {
    const IndexSymbol::Term &term = terms[expr.getPosition()];
    push(term.isInput ? FOVEA_CODE_INPUT : FOVEA_CODE_SYMBOL, term.number);
  }
  void visitAddExpr(AffineBinaryOpExpr) { combine(FOVEA_CODE_ADD); }
  void visitMulExpr(AffineBinaryOpExpr) { combine(FOVEA_CODE_MUL); }
  void visitModExpr(AffineBinaryOpExpr) { combine(FOVEA_CODE_MOD); }
  void visitFloorDivExpr(AffineBinaryOpExpr) { combine(FOVEA_CODE_FLOORDIV); }
  void visitCeilDivExpr(AffineBinaryOpExpr) { combine(FOVEA_CODE_CEILDIV); }

  SmallVector<int64_t> code;
  int64_t deepest = 0;

private:
  void push(int64_t word, int64_t operand) {
    code.append({word, operand});
    deepest = std::max(deepest, ++depth);
  }
  void combine(int64_t word) {
    code.push_back(word);
    --depth;
  }

  ArrayRef<IndexSymbol::Term> terms;
  int64_t depth = 0;
};

} // namespace

FailureOr<SmallVector<int64_t>>
fovea::attn::encodeRange(const IndexSymbol &symbol, Operation *op) {
  RangeEncoder encoder(symbol.terms);
  encoder.walkPostOrder(symbol.map.getResult(0));
  if (encoder.deepest > FOVEA_CODE_STACK)
    return op->emitOpError("expected a range of index '")
           << symbol.name << "' that needs at most " << FOVEA_CODE_STACK
           << " intermediate values, but found " << encoder.deepest;
  return encoder.code;
}
