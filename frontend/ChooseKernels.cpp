//===- ChooseKernels.cpp - Which expressions get a tensor of their own ----===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/EntryLowering.h"

using namespace fovea::frontend;
using llvm::ArrayRef;

/// How much it costs to compute `node` again where it is used.
static unsigned costOf(const Node *node) {
  switch (node->op) {
  case NodeOp::Index:
  case NodeOp::Integer:
  case NodeOp::Real:
  case NodeOp::Bool:
  case NodeOp::Size:
  case NodeOp::Static:
    return 0;
  case NodeOp::Read:
    // A gather walks memory again.
    return llvm::all_of(node->operands.drop_front(node->tensor->familyRank),
                        [](const Node *at) { return at->op == NodeOp::Index; })
               ? 0
               : 4;
  case NodeOp::Exp:
  case NodeOp::Exp2:
  case NodeOp::Expm1:
  case NodeOp::Log:
  case NodeOp::Log1p:
  case NodeOp::Log2:
  case NodeOp::Tanh:
  case NodeOp::Sigmoid:
  case NodeOp::Erf:
  case NodeOp::Sin:
  case NodeOp::Cos:
  case NodeOp::Power:
    return 4;
  case NodeOp::Multiply:
  case NodeOp::Divide:
    // A constant factor is not worth memory.
    return node->operands[1]->free.empty() ? 0 : 1;
  default:
    return 1;
  }
}

namespace {
/// The kernels that would compute a node inline: none, one, or several.
struct Owners {
  const Node *kernel = nullptr; ///< Canonical.
  bool several = false;

  void add(const Owners &other) {
    if (!kernel)
      kernel = other.kernel;
    several |= other.several || (other.kernel && other.kernel != kernel);
  }
};
} // namespace

/// Reductions, attentions and locals are kernels. Of the rest, what costs
/// something becomes one where it would be computed again: by several kernels,
/// or by a reduction that runs over more indices than it has.
///
/// Expressions that differ in the names of free indices only are decided
/// together, since they share a tensor.
void EntryLowering::chooseKernels(ArrayRef<const Node *> nodes,
                                  ArrayRef<const Node *> wanted) {
  constexpr unsigned worthATensor = 2;
  llvm::DenseSet<const Node *> roots(wanted.begin(), wanted.end());
  llvm::DenseMap<const Node *, unsigned> cost, height;
  llvm::DenseMap<const Node *, const Node *> keys;
  for (const Node *node : nodes) {
    if (isBinder(node->op) || node->op == NodeOp::Fused)
      kernels.insert(node);
    if (node->op == NodeOp::Read && node->tensor->kind == Tensor::Local)
      kernels.insert(node->tensor->definition);
    unsigned sum = kernels.contains(node) ? 0 : costOf(node), above = 0;
    for (const Node *operand : node->operands) {
      above = std::max(above, height.lookup(operand) + 1);
      if (!kernels.contains(node))
        sum = std::min(sum + cost.lookup(operand), worthATensor);
    }
    cost[node] = sum;
    height[node] = above;
    keys[node] = sum >= worthATensor || kernels.contains(node)
                     ? canonical(node, orderOf(node))
                     : node;
  }

  // Users before operands: whatever uses a node is higher, and so is what uses
  // the same expression under other names.
  std::vector<const Node *> order(nodes.begin(), nodes.end());
  llvm::sort(order, [&](const Node *a, const Node *b) {
    return std::pair(height.lookup(b), a->id) <
           std::pair(height.lookup(a), b->id);
  });
  llvm::DenseMap<const Node *, Owners> owners; ///< By key.
  llvm::DenseMap<const Node *, const Node *> reducers;
  for (auto first = order.begin(); first != order.end();) {
    auto last = std::find_if(first, order.end(), [&](const Node *node) {
      return height.lookup(node) != height.lookup(*first);
    });
    for (auto it = first; it != last; ++it) {
      const Node *node = *it, *key = keys.lookup(node);
      const Owners &own = owners[key];
      bool isCostly = cost.lookup(node) >= worthATensor;
      const Node *reducer = reducers.lookup(node);
      bool again = reducer && orderOf(node).size() < orderOf(reducer).size() +
                                                         reducer->bound.size();
      if (isCostly && !roots.contains(node) && (own.several || again))
        kernels.insert(node);
    }
    for (auto it = first; it != last; ++it) {
      const Node *node = *it, *key = keys.lookup(node);
      bool isKernel = kernels.contains(node) || roots.contains(node);
      Owners mine = isKernel ? Owners{key} : owners.lookup(key);
      for (const Node *operand : node->operands) {
        auto known = keys.find(operand);
        if (known == keys.end())
          continue; // inside of a fused attention
        owners[known->second].add(mine);
        if (isBinder(node->op))
          reducers[operand] = node;
        else if (!isKernel && reducers.contains(node))
          reducers[operand] = reducers.lookup(node);
      }
    }
    first = last;
  }
}
