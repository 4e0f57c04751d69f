//===- LinearForms.cpp - Expressions taken apart --------------------------===//
//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/LinearForms.h"

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;

SmallVector<const Node *> fovea::frontend::conjunctsOf(const Node *root) {
  SmallVector<const Node *> conjuncts, stack{root};
  while (!stack.empty()) {
    const Node *node = stack.pop_back_val();
    if (node->op == NodeOp::And)
      stack.append({node->operands[1], node->operands[0]});
    else if (!node->isTrue())
      conjuncts.push_back(node);
  }
  return conjuncts;
}

const Node *fovea::frontend::replaceNodes(
    IndexGraph &graph, const Node *root,
    const llvm::DenseMap<const Node *, const Node *> &others) {
  if (others.empty())
    return root;
  llvm::DenseMap<const Node *, const Node *> replaced;
  auto enter = [&](const Node *node) { return !others.contains(node); };
  for (const Node *node : reachable(root, enter)) {
    if (const Node *other = others.lookup(node)) {
      replaced[node] = other;
      continue;
    }
    SmallVector<const Node *> operands;
    for (const Node *operand : node->operands)
      operands.push_back(replaced.lookup(operand));
    replaced[node] = graph.withOperands(node, operands);
  }
  return replaced.lookup(root);
}

static bool isZero(const Node *node) {
  if (node->op == NodeOp::ToReal)
    node = node->operands[0];
  return (node->op == NodeOp::Real && node->real == 0) ||
         node->asInteger() == int64_t(0);
}

bool fovea::frontend::isPositive(const Node *condition, const Node *part) {
  if (!isComparison(condition->op))
    return false;
  const Node *a = condition->operands[0], *b = condition->operands[1];
  bool isLeft = a == part && isZero(b), isRight = b == part && isZero(a);
  return condition->op == NodeOp::NotEqual  ? isLeft || isRight
         : condition->op == NodeOp::Greater ? isLeft
         : condition->op == NodeOp::Less    ? isRight
                                            : false;
}

const Node *fovea::frontend::withoutGuards(IndexGraph &graph, const Node *root,
                                           const Node *part) {
  llvm::DenseMap<const Node *, const Node *> others;
  for (const Node *node : reachable(root))
    if (node->op == NodeOp::Select && isPositive(node->operands[0], part) &&
        isZero(node->operands[2]))
      others[node] = node->operands[1];
  return replaceNodes(graph, root, others);
}

namespace {
/// Finds the linear form of each node between a root and the part.
class LinearFinder {
public:
  LinearFinder(IndexGraph &graph, const Node *part, bool isProduct)
      : graph(graph), isProduct(isProduct), one(graph.real(1, part->loc)) {
    forms[part] = {one, nullptr};
  }

  bool contains(const Node *node) const { return forms.contains(node); }
  LinearForm lookup(const Node *node) const { return forms.lookup(node); }
  /// False when `node` is no linear form.
  bool visit(const Node *node) {
    std::optional<LinearForm> form = formOf(node);
    if (form)
      forms[node] = *form;
    return form.has_value();
  }

private:
  const Node *apply(NodeOp op, ArrayRef<const Node *> operands,
                    const Node *at) {
    return graph.apply(op, Elem::Real, operands, at->loc);
  }
  /// `x op y`, where null is 0.
  const Node *addUp(NodeOp op, const Node *x, const Node *y, const Node *at) {
    if (!y)
      return x;
    if (!x)
      return op == NodeOp::Add ? y : apply(NodeOp::Negate, y, at);
    return apply(op, {x, y}, at);
  }
  std::optional<LinearForm> formOf(const Node *node) {
    auto isForm = [&](unsigned k) { return contains(node->operands[k]); };
    auto form = [&](unsigned k) { return lookup(node->operands[k]); };
    auto scale = [&](LinearForm of, const Node *by) -> LinearForm {
      return {of.factor == one ? by
                               : apply(NodeOp::Multiply, {of.factor, by}, node),
              of.rest ? apply(NodeOp::Multiply, {of.rest, by}, node) : nullptr};
    };
    switch (node->op) {
    case NodeOp::Negate:
      return LinearForm{apply(NodeOp::Negate, form(0).factor, node),
                        addUp(NodeOp::Subtract, nullptr, form(0).rest, node)};
    case NodeOp::Multiply:
      if (isForm(0) && isForm(1))
        return std::nullopt;
      return isForm(0) ? scale(form(0), node->operands[1])
                       : scale(form(1), node->operands[0]);
    case NodeOp::Divide: {
      if (isForm(1))
        return std::nullopt;
      const Node *by = node->operands[1], *rest = form(0).rest;
      return LinearForm{apply(NodeOp::Divide, {form(0).factor, by}, node),
                        rest ? apply(NodeOp::Divide, {rest, by}, node)
                             : nullptr};
    }
    case NodeOp::Add:
    case NodeOp::Subtract: {
      if (isProduct && !(isForm(0) && isForm(1)))
        return std::nullopt;
      LinearForm forms[2];
      for (unsigned k : {0, 1})
        forms[k] = isForm(k) ? form(k) : LinearForm{nullptr, node->operands[k]};
      return LinearForm{addUp(node->op, forms[0].factor, forms[1].factor, node),
                        addUp(node->op, forms[0].rest, forms[1].rest, node)};
    }
    default:
      return std::nullopt;
    }
  }

  IndexGraph &graph;
  bool isProduct;
  const Node *one;
  llvm::DenseMap<const Node *, LinearForm> forms;
};
} // namespace

std::optional<LinearForm>
fovea::frontend::linearIn(IndexGraph &graph, const Node *root, const Node *part,
                          bool isProduct,
                          llvm::function_ref<void(const Node *)> forbid) {
  LinearFinder finder(graph, part, isProduct);
  for (const Node *node : reachable(root)) {
    if (finder.contains(node) ||
        llvm::none_of(node->operands, [&](const Node *operand) {
          return finder.contains(operand);
        }))
      continue;
    if (!finder.visit(node)) {
      forbid(node);
      return std::nullopt;
    }
  }
  return finder.lookup(root);
}
