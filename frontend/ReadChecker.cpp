//===- ReadChecker.cpp - Where a position leaves its dimension ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For one position of one read, the points where it goes wrong are the set
//
//   indices in their ranges, guards hold, position < 0 or position >= size
//
// over columns for indices, sizes, integer operands, and integers that only
// the data know. Empty: proven. Else the set without the indices is a condition
// on sizes and operands, unless data take part: then the set itself is looked
// for, in loops over the indices that the data depend on.
//
//===----------------------------------------------------------------------===//

#include "frontend/ReadChecker.h"
#include "frontend/Normalizers.h"
#include "sets/Projection.h"
#include "llvm/Support/SourceMgr.h"

using namespace fovea::frontend;
using fovea::attn::Conjunction;
using fovea::attn::IndexAlgebra;
using fovea::attn::Linear;
using fovea::attn::Predicate;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Equal expressions are one node, which has the place of the first: of the
/// position and the read the later one is nearer. A function's position is
/// elsewhere: then the read is what its caller wrote.
llvm::SMLoc ReadChecker::place() {
  llvm::SMLoc read = position.read.node->loc;
  if (!read.isValid() || !at->loc.isValid())
    return read.isValid() ? read : at->loc;
  const llvm::SourceMgr &sources = diags.getSources();
  bool isSameFile = sources.FindBufferContainingLoc(read) ==
                    sources.FindBufferContainingLoc(at->loc);
  return isSameFile && read.getPointer() < at->loc.getPointer() ? at->loc
                                                                : read;
}

//===----------------------------------------------------------------------===//
// Sets
//===----------------------------------------------------------------------===//

/// The guards that share an index with the position, or with another such
/// guard.
std::vector<Guard> ReadChecker::relatedGuards() {
  IndexSet indices;
  indices.insert(at->free.begin(), at->free.end());
  std::vector<Guard> related, others = position.read.guards;
  for (bool changed = true; changed;) {
    changed = false;
    llvm::erase_if(others, [&](const Guard &guard) {
      ArrayRef<const IndexVar *> free = guard.condition->free;
      if (!free.empty() && llvm::none_of(free, [&](const IndexVar *var) {
            return indices.contains(var);
          }))
        return false;
      related.push_back(guard);
      indices.insert(free.begin(), free.end());
      return changed = true;
    });
  }
  return related;
}

SmallVector<const Node *> ReadChecker::roots() {
  SmallVector<const Node *> all{at, size};
  for (const Guard &guard : guards)
    all.push_back(guard.condition);
  // An index counts although only data depend on it.
  for (const IndexVar *var : at->free)
    all.push_back(graph.index(var, loc));
  return all;
}

/// The sets of a condition, with all that is known of their columns, that are
/// not empty.
std::vector<Rows> ReadChecker::complete(const Predicate &condition) {
  std::vector<Rows> found;
  for (const Conjunction &term : (condition && sets.pieces()).kept.terms) {
    Rows rows = term.rows;
    llvm::append_range(rows, sets.facts());
    if (!fovea::attn::isEmptySet(rows))
      found.push_back(std::move(rows));
  }
  return found;
}

std::vector<Rows> ReadChecker::violations(Side side) {
  Predicate wrong = side == Side::Below
                        ? !IndexAlgebra::isNonNegative(sets.integer(at))
                        : sets.isAtLeast(sets.integer(at), sets.integer(size));
  for (const Guard &guard : guards) {
    Predicate holds = sets.condition(guard.condition);
    wrong = wrong && (guard.holds ? holds : !holds);
  }
  return complete(wrong);
}

/// The rows on sizes and operands: for which of them some index is wrong.
std::optional<Rows> ReadChecker::onlyUniform(const Rows &rows) {
  llvm::SmallBitVector eliminated(sets.numColumns());
  for (unsigned column = 0; column < sets.numColumns(); ++column)
    eliminated[column] = !isUniform(sets.nodeOf(column));
  std::optional<Rows> projected = fovea::attn::projectExactly(rows, eliminated);
  if (!projected)
    return std::nullopt;
  // Without what is always true of them.
  llvm::erase_if(*projected, [&](const Linear &row) {
    Rows others(sets.facts());
    std::optional<Linear> negation = fovea::attn::negated(row);
    if (!negation)
      return false;
    others.push_back(*negation);
    return fovea::attn::isEmptySet(others);
  });
  return projected;
}

/// Whether `rows` hold for all sizes but empty ones, and for all operands.
bool ReadChecker::isAlways(const Rows &rows) {
  Rows sizes;
  for (unsigned column = 0; column < sets.numColumns(); ++column)
    if (sets.nodeOf(column)->op == NodeOp::Size)
      if (auto row = fovea::attn::scaled(Linear::column(column), 1, -1))
        sizes.push_back(*row);
  return llvm::all_of(rows, [&](const Linear &row) {
    Rows others = sizes;
    std::optional<Linear> negation = fovea::attn::negated(row);
    if (!negation)
      return false;
    others.push_back(*negation);
    return fovea::attn::isEmptySet(others);
  });
}

/// Whether a guard is only known with the data.
bool ReadChecker::dataDecide() {
  return llvm::any_of(guards, [&](const Guard &guard) {
    return !sets.isExact(guard.condition) ||
           !sets.opaqueIn(guard.condition).empty();
  });
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

const Node *ReadChecker::outside(bool below, bool above) {
  const Node *zero = graph.integer(0, loc);
  const Node *low = below ? binary(NodeOp::Less, at, zero) : nullptr;
  const Node *high = above ? binary(NodeOp::GreaterEqual, at, size) : nullptr;
  return either(low, high);
}

/// All of `rows`, each written without negative terms; null if there is none.
const Node *ReadChecker::conditionOf(ArrayRef<Linear> rows) {
  const Node *all = nullptr;
  for (const Linear &row : rows)
    all = both(all, sets.toCondition(row, loc));
  return all;
}

/// The guards as far as `indices` decide them, or null if they do not. Other
/// indices that are affine are eliminated: what is left holds if it does for
/// any of their values.
const Node *ReadChecker::guardsOver(const IndexSet &indices) {
  auto decided = [&](const Node *node) {
    return llvm::all_of(
        node->free, [&](const IndexVar *var) { return indices.contains(var); });
  };
  Predicate affine = Predicate::constant(true);
  const Node *result = nullptr;
  for (const Guard &guard : guards) {
    if (decided(guard.condition)) {
      result = both(result, asCondition(guard));
      continue;
    }
    if (!sets.isExact(guard.condition) ||
        !llvm::all_of(sets.opaqueIn(guard.condition), decided))
      continue;
    Predicate holds = sets.condition(guard.condition);
    affine = affine && (guard.holds ? holds : !holds);
  }
  llvm::SmallBitVector eliminated(sets.numColumns());
  for (unsigned column = 0; column < sets.numColumns(); ++column)
    eliminated[column] = !decided(sets.nodeOf(column));
  const Node *any = nullptr;
  for (const Rows &rows : complete(affine)) {
    std::optional<Rows> projected =
        fovea::attn::projectExactly(rows, eliminated);
    if (!projected)
      return result;
    llvm::erase_if(*projected, [&](const Linear &row) {
      Rows others(sets.facts());
      std::optional<Linear> negation = fovea::attn::negated(row);
      if (negation)
        others.push_back(*negation);
      return negation && fovea::attn::isEmptySet(others);
    });
    const Node *term = conditionOf(*projected);
    if (!term)
      return result; // always
    any = either(any, term);
  }
  return both(result, any);
}

/// The innermost loop whose carried values `root` depends on.
static const Loop *roundOf(const Node *root) {
  const Loop *innermost = nullptr;
  auto depth = [](const Loop *loop) {
    unsigned levels = 0;
    for (; loop; loop = loop->parent)
      ++levels;
    return levels;
  };
  llvm::DenseSet<const Node *> seen;
  SmallVector<const Node *> work{root};
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!seen.insert(node).second)
      continue;
    llvm::append_range(work, node->operands);
    if (node->op != NodeOp::Read)
      continue;
    const Tensor *tensor = node->tensor;
    const Loop *loop = nullptr;
    if (tensor->kind == Tensor::Local)
      work.push_back(tensor->definition);
    else if (tensor->kind == Tensor::LoopArgument)
      loop = tensor->loop;
    else if (tensor->kind == Tensor::LoopResult)
      loop = tensor->loop->parent;
    if (depth(loop) > depth(innermost))
      innermost = loop;
  }
  return innermost;
}

/// Adds a check, unless another read needs the same.
void ReadChecker::addCheck(ReadCheck::Kind kind, const Node *violation,
                           std::string message, const Node *gate) {
  ReadCheck check;
  check.kind = kind;
  check.message = std::move(message);
  check.loc = loc;
  check.gate = gate;
  check.round = roundOf(violation);
  SmallVector<const IndexVar *> fixed;
  for (const Loop *loop = check.round; loop; loop = loop->parent)
    fixed.push_back(loop->index);
  // What is reduced for a position is computed once, as a tensor.
  violation = expandNormalizers(graph, violation);
  llvm::DenseMap<const Node *, const Node *> replaced;
  auto isTensor = [](const Node *node) {
    return isBinder(node->op) || node->op == NodeOp::Fused;
  };
  for (const Node *node : reachable(
           violation, [&](const Node *node) { return !isTensor(node); })) {
    SmallVector<const Node *> operands;
    if (isTensor(node)) {
      replaced[node] = graph.local(node, "position", fixed);
      continue;
    }
    for (const Node *operand : node->operands)
      operands.push_back(replaced.lookup(operand));
    replaced[node] = graph.withOperands(node, operands);
  }
  check.violation = replaced.lookup(violation);
  for (const IndexVar *var : check.violation->free) {
    if (llvm::is_contained(fixed, var))
      continue;
    check.indices.push_back(var);
    for (const Loop *loop : position.read.loops)
      if (loop->index == var)
        check.loops.push_back(loop);
  }
  if (llvm::none_of(function.checks, [&](const ReadCheck &other) {
        return other.kind == kind && other.violation == check.violation &&
               other.gate == gate;
      }))
    function.checks.push_back(std::move(check));
}
