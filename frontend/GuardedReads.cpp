//===- GuardedReads.cpp - What is read, and under which conditions --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/GuardedReads.h"
#include "llvm/ADT/MapVector.h"

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;

using Guards = std::vector<Guard>;
using Loops = std::vector<const Loop *>;

/// Adds a condition, taken apart where all its parts must hold.
static void addGuard(Guards &guards, const Node *condition, bool holds) {
  SmallVector<Guard> work{{condition, holds}};
  while (!work.empty()) {
    Guard guard = work.pop_back_val();
    const Node *node = guard.condition;
    if (node->op == NodeOp::Not)
      work.push_back({node->operands[0], !guard.holds});
    else if (node->op == (guard.holds ? NodeOp::And : NodeOp::Or))
      for (const Node *operand : node->operands)
        work.push_back({operand, guard.holds});
    else if (node->op != NodeOp::Bool && !llvm::is_contained(guards, guard))
      guards.push_back(guard);
  }
}

namespace {
/// Expressions that are computed together: at the top of a function, in a
/// round of a loop, or as a tensor of their own.
struct Unit {
  SmallVector<std::pair<const Node *, Guards>> roots;
  Loops loops;
};

class Collector {
public:
  Collector(IndexGraph &graph, Diagnostics &diags)
      : graph(graph), diags(diags) {}

  void run(const Function &function);
  std::vector<GuardedRead> reads;

private:
  void visit(const Unit &unit);
  void enter(const Node *node, const Guards &guards, const Loops &loops);
  void addAttention(const FusedAttention &fused, const Guards &guards,
                    const Loops &loops);

  IndexGraph &graph;
  Diagnostics &diags;
  std::vector<Unit> work;
  llvm::DenseSet<const Node *> definitions;
  llvm::DenseSet<const Loop *> entered;
};
} // namespace

/// Computes, users before operands, what holds for all users of a node.
void Collector::visit(const Unit &unit) {
  SmallVector<const Node *> roots(llvm::make_first_range(unit.roots));
  llvm::DenseMap<const Node *, Guards> known;
  auto use = [&](const Node *node, const Guards &guards) {
    auto [it, isNew] = known.try_emplace(node, guards);
    if (!isNew)
      llvm::erase_if(it->second, [&](const Guard &guard) {
        return !llvm::is_contained(guards, guard);
      });
  };
  auto useIf = [&](const Node *node, Guards guards, const Node *condition,
                   bool holds) {
    addGuard(guards, condition, holds);
    use(node, guards);
  };
  for (const auto &[root, guards] : unit.roots)
    use(root, guards);
  auto isEntered = [](const Node *node) { return node->op != NodeOp::Fused; };
  std::vector<const Node *> nodes = reachable(roots, isEntered);
  for (const Node *node : llvm::reverse(nodes)) {
    Guards guards = known.lookup(node);
    ArrayRef<const Node *> operands = node->operands;
    if (node->op == NodeOp::Select) {
      use(operands[0], guards);
      useIf(operands[1], guards, operands[0], true);
      useIf(operands[2], guards, operands[0], false);
    } else if (node->op == NodeOp::And || node->op == NodeOp::Or) {
      use(operands[0], guards);
      useIf(operands[1], guards, operands[0], node->op == NodeOp::And);
    } else if (isBinder(node->op)) {
      useIf(node->body(), guards, node->condition(), true);
      use(node->condition(), guards);
      for (const Node *at : operands.drop_front(2))
        use(at, guards);
    } else if (node->op != NodeOp::Fused) {
      for (const Node *operand : operands)
        use(operand, guards);
    }
    if (node->op == NodeOp::Softmax ||
        (node->op == NodeOp::Read && !node->tensor->isScalar()))
      reads.push_back({node, guards, unit.loops});
    enter(node, guards, unit.loops);
  }
}

/// What is computed elsewhere for `node`.
void Collector::enter(const Node *node, const Guards &guards,
                      const Loops &loops) {
  if (node->op == NodeOp::Fused) {
    FusionRoot root;
    root.value = node->body();
    SmallVector<const IndexVar *> fixed;
    for (const Loop *loop : loops)
      fixed.push_back(loop->index);
    root.indices = freeInOrder(node, fixed);
    root.dtype = storageOf(node->elem);
    root.name = node->name;
    root.loc = node->loc;
    if (std::optional<FusedAttention> fused =
            fuseAttention(graph, root, node->name, node->loc, fixed, diags))
      addAttention(*fused, guards, loops);
    return;
  }
  if (node->op != NodeOp::Read)
    return;
  const Tensor *tensor = node->tensor;
  if (tensor->kind == Tensor::Local &&
      definitions.insert(tensor->definition).second) {
    Unit unit;
    unit.roots.push_back({tensor->definition, {}});
    unit.loops = loops;
    work.push_back(std::move(unit));
  }
  if (tensor->kind == Tensor::LoopResult &&
      entered.insert(tensor->loop).second) {
    Unit before, round;
    before.loops = loops;
    round.loops = loops;
    round.loops.push_back(tensor->loop);
    for (const Loop::Carried &carried : tensor->loop->carried) {
      before.roots.push_back({carried.init, {}});
      round.roots.push_back({carried.yield, {}});
    }
    work.push_back(std::move(before));
    work.push_back(std::move(round));
  }
}

void Collector::addAttention(const FusedAttention &fused, const Guards &guards,
                             const Loops &loops) {
  Unit unit;
  unit.loops = loops;
  Guards kept = guards;
  addGuard(kept, fused.mask, true);
  unit.roots.push_back({fused.mask, guards});
  unit.roots.push_back({fused.score, kept});
  for (const FusedAttention::WeightedSum &sum : fused.sums)
    if (sum.value)
      unit.roots.push_back({sum.value, kept});
  if (fused.sink)
    unit.roots.push_back({fused.sink, guards});
  for (const FusedAttention::Result &result : fused.results)
    if (result.epilogue)
      unit.roots.push_back({result.epilogue, guards});
  work.push_back(std::move(unit));
}

void Collector::run(const Function &function) {
  if (function.isAttention) {
    if (std::optional<FusedAttention> fused =
            fuseFunction(graph, function, diags))
      addAttention(*fused, {}, {});
  } else {
    Unit unit;
    for (const FunctionResult &result : function.results)
      unit.roots.push_back({result.value, {}});
    work.push_back(std::move(unit));
  }
  while (!work.empty()) {
    Unit unit = std::move(work.back());
    work.pop_back();
    visit(unit);
  }
}

std::vector<GuardedRead> fovea::frontend::guardedReads(IndexGraph &graph,
                                                       const Function &function,
                                                       Diagnostics &diags) {
  Collector collector(graph, diags);
  collector.run(function);
  // One node may be read in several units: what holds in all of them.
  llvm::MapVector<const Node *, GuardedRead> merged;
  for (GuardedRead &read : collector.reads) {
    auto [it, isNew] = merged.insert({read.node, read});
    if (!isNew) {
      llvm::erase_if(it->second.guards, [&](const Guard &guard) {
        return !llvm::is_contained(read.guards, guard);
      });
      if (read.loops.size() > it->second.loops.size())
        it->second.loops = read.loops;
    }
  }
  std::vector<GuardedRead> reads;
  for (auto &[node, read] : merged)
    reads.push_back(std::move(read));
  // In the order of the program.
  llvm::sort(reads, [](const GuardedRead &a, const GuardedRead &b) {
    return a.node->id < b.node->id;
  });
  return reads;
}
