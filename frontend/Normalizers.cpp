//===- Normalizers.cpp - Softmax and log-sum-exp as reductions ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Normalizers.h"
#include <limits>

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;

const Node *fovea::frontend::expandNormalizers(IndexGraph &graph,
                                               const Node *root) {
  llvm::DenseMap<const Node *, const Node *> replaced;
  auto enter = [](const Node *node) { return node->op != NodeOp::Fused; };
  for (const Node *node : reachable(root, enter)) {
    const Node *&result = replaced[node];
    if (!enter(node)) {
      result = node;
      continue;
    }
    SmallVector<const Node *> operands;
    for (const Node *operand : node->operands)
      operands.push_back(replaced.lookup(operand));
    if (node->op != NodeOp::Softmax && node->op != NodeOp::LogSumExp) {
      result = graph.withOperands(node, operands);
      continue;
    }
    // exp(s - m) with m the maximum; m = -inf (no key) shifts by nothing.
    llvm::SMLoc loc = node->loc;
    const Node *score = operands[0], *condition = operands[1];
    auto apply = [&](NodeOp op, Elem elem, ArrayRef<const Node *> args) {
      return graph.apply(op, elem, args, loc);
    };
    const Node *lowest =
        graph.real(-std::numeric_limits<double>::infinity(), loc);
    const Node *zero = graph.real(0, loc);
    const Node *maximum = graph.bind(NodeOp::Maximum, Elem::Real, node->bound,
                                     score, condition, loc);
    const Node *isEmpty = apply(NodeOp::Equal, Elem::Bool, {maximum, lowest});
    const Node *shift =
        apply(NodeOp::Select, Elem::Real, {isEmpty, zero, maximum});
    const Node *power =
        apply(NodeOp::Exp, Elem::Real,
              apply(NodeOp::Subtract, Elem::Real, {score, shift}));
    const Node *mass =
        graph.bind(NodeOp::Sum, Elem::Real, node->bound, power, condition, loc);
    if (node->op == NodeOp::LogSumExp) {
      result = apply(NodeOp::Add, Elem::Real,
                     {shift, apply(NodeOp::Log, Elem::Real, mass)});
      continue;
    }
    const Node *weight = apply(
        NodeOp::Select, Elem::Real,
        {isEmpty, zero, apply(NodeOp::Divide, Elem::Real, {power, mass})});
    if (!condition->isTrue())
      weight = apply(NodeOp::Select, Elem::Real, {condition, weight, zero});
    IndexMap at;
    for (auto [var, position] :
         llvm::zip_equal(node->bound, ArrayRef(operands).drop_front(2)))
      at[var] = position;
    result = graph.substitute(weight, at);
  }
  return replaced.lookup(root);
}
