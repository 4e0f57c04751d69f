//===- Contractions.cpp - sums of products among linalg ops ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/graph/Contractions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

/// What a factor is converted from, if it is.
static Value getNarrow(Value factor) {
  auto wide = factor.getDefiningOp<arith::ExtFOp>();
  return wide ? wide.getIn() : factor;
}

bool fovea::attn::hasProductSumBody(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return false;
  Block *body = op.getBody();
  auto add =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add || !add.getType().isF32())
    return false;
  Value a = body->getArgument(0), b = body->getArgument(1);
  Value sum = body->getArgument(2);
  for (auto [term, rest] : {std::pair(add.getLhs(), add.getRhs()),
                            std::pair(add.getRhs(), add.getLhs())}) {
    auto product = term.getDefiningOp<arith::MulFOp>();
    if (!product || rest != sum)
      continue;
    Value x = getNarrow(product.getLhs()), y = getNarrow(product.getRhs());
    return (x == a && y == b) || (x == b && y == a);
  }
  return false;
}

bool fovea::attn::isProductSum(linalg::GenericOp op) {
  if (!hasProductSumBody(op))
    return false;
  return llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
    return map.isProjectedPermutation();
  });
}
