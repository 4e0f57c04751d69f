//===- IndexSets.cpp - Integer expressions as sets of points --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/IndexSets.h"

using namespace fovea::frontend;
using fovea::attn::FloorDiv;
using fovea::attn::IndexAlgebra;
using fovea::attn::Linear;
using fovea::attn::Predicate;
using llvm::ArrayRef;
using llvm::SmallVector;
using Ref = IndexSets::Ref;

bool fovea::frontend::isUniform(const Node *node) {
  return node->free.empty() && !node->hasBinder &&
         llvm::all_of(reachable(node), [](const Node *inner) {
           return inner->op != NodeOp::Read || inner->tensor->isScalar();
         });
}

/// Whether an integer or a condition is understood by its operands.
static bool isInterior(const Node *node) {
  auto constant = [&](unsigned k) { return node->operands[k]->asInteger(); };
  auto overIntegers = [&] {
    return llvm::all_of(node->operands, [](const Node *operand) {
      return operand->elem == Elem::Int;
    });
  };
  if (node->elem == Elem::Int) {
    switch (node->op) {
    case NodeOp::Integer:
    case NodeOp::Add:
    case NodeOp::Subtract:
    case NodeOp::Negate:
    case NodeOp::Min:
    case NodeOp::Max:
    case NodeOp::Abs:
    case NodeOp::Select:
      return true;
    case NodeOp::Multiply:
      return constant(0) || constant(1);
    case NodeOp::FloorDivide:
    case NodeOp::Modulo:
      return constant(1).value_or(0) > 0;
    default:
      return false;
    }
  }
  if (node->elem != Elem::Bool)
    return false;
  switch (node->op) {
  case NodeOp::Bool:
  case NodeOp::Not:
  case NodeOp::And:
  case NodeOp::Or:
  case NodeOp::Select:
    return true;
  default:
    return isComparison(node->op) && overIntegers();
  }
}

IndexSets::IndexSets(IndexGraph &graph, ArrayRef<const Node *> roots,
                     ArrayRef<const Loop *> loops)
    : graph(graph) {
  addColumns(roots, loops);
  llvm::SmallBitVector nonNegative(columns.size());
  for (auto [k, node] : llvm::enumerate(columns))
    nonNegative[k] = node->op == NodeOp::Size || node->op == NodeOp::Index;
  algebra = std::make_unique<IndexAlgebra>(std::move(nonNegative));
  for (auto [k, node] : llvm::enumerate(columns)) {
    integers[node] = algebra->column(k);
    exact.insert(node);
    nodes.push_back(node);
  }
  SmallVector<const Node *> all(roots);
  for (const Node *node : columns) {
    if (node->op == NodeOp::Modulo)
      llvm::append_range(all, node->operands);
    if (auto range = ranges.find(node); range != ranges.end())
      all.append({range->second.first, range->second.second});
  }
  for (const Node *node : reachable(all, [&](const Node *node) {
         return isInterior(node) && !integers.contains(node);
       }))
    if (!integers.contains(node))
      translate(node);
  addFacts(*algebra);
}

/// Collects what is not interior, below `roots` and below the ranges of what
/// was found.
void IndexSets::addColumns(ArrayRef<const Node *> roots,
                           ArrayRef<const Loop *> loops) {
  llvm::DenseSet<const Node *> seen;
  SmallVector<const Node *> work(roots);
  while (!work.empty()) {
    const Node *node = work.pop_back_val();
    if (!seen.insert(node).second)
      continue;
    if (isInterior(node)) {
      llvm::append_range(work, node->operands);
      continue;
    }
    if (node->elem != Elem::Int)
      continue;
    columns.push_back(node);
    kinds.push_back(node->op == NodeOp::Index ? ColumnKind::Index
                    : isUniform(node)         ? ColumnKind::Uniform
                                              : ColumnKind::Opaque);
    // The operands of a remainder bound it.
    if (node->op == NodeOp::Modulo)
      llvm::append_range(work, node->operands);
    if (node->op != NodeOp::Index)
      continue;
    auto loop = llvm::find_if(
        loops, [&](const Loop *loop) { return loop->index == node->index; });
    std::pair<const Node *, const Node *> range;
    if (loop != loops.end())
      range = {(*loop)->begin, (*loop)->end};
    else if (node->index->extent)
      range = {graph.integer(0, node->loc),
               graph.size(node->index->extent, node->loc)};
    else
      continue;
    ranges[node] = range;
    work.append({range.first, range.second});
  }
}

/// Operands are translated already.
void IndexSets::translate(const Node *node) {
  auto a = [&](unsigned k) { return integers.lookup(node->operands[k]); };
  auto is = [&](unsigned k) { return condition(node->operands[k]); };
  auto isAtLeast = [&](unsigned x, unsigned y) {
    return IndexAlgebra::isNonNegative(algebra->addScaled(a(x), a(y), -1));
  };
  bool isUnderstood = isInterior(node) &&
                      llvm::all_of(node->operands, [&](const Node *operand) {
                        return isExact(operand);
                      });
  if (node->elem == Elem::Bool) {
    Predicate result = Predicate::unknown();
    if (isInterior(node)) {
      switch (node->op) {
      case NodeOp::Bool:
        result = Predicate::constant(node->integer);
        break;
      case NodeOp::Not:
        result = !is(0);
        break;
      case NodeOp::And:
        result = is(0) && is(1);
        break;
      case NodeOp::Or:
        result = is(0) || is(1);
        break;
      case NodeOp::Select:
        result = (is(0) && is(1)) || (!is(0) && is(2));
        break;
      case NodeOp::Equal:
        result = isAtLeast(0, 1) && isAtLeast(1, 0);
        break;
      case NodeOp::NotEqual:
        result = !(isAtLeast(0, 1) && isAtLeast(1, 0));
        break;
      case NodeOp::Less:
        result = !isAtLeast(0, 1);
        break;
      case NodeOp::LessEqual:
        result = isAtLeast(1, 0);
        break;
      case NodeOp::Greater:
        result = !isAtLeast(1, 0);
        break;
      case NodeOp::GreaterEqual:
        result = isAtLeast(0, 1);
        break;
      default:
        break;
      }
    }
    if (isUnderstood && (node->op == NodeOp::Bool || !result.isUnknown()))
      exact.insert(node);
    conditions.insert({node, std::move(result)});
    return;
  }
  if (!isInterior(node))
    return; // a real: no part of a set
  Ref result;
  switch (node->op) {
  case NodeOp::Integer:
    // The algebra keeps every number such that it can be negated.
    if (node->integer != INT64_MIN)
      result = algebra->constant(node->integer);
    break;
  case NodeOp::Add:
    result = algebra->addScaled(a(0), a(1));
    break;
  case NodeOp::Subtract:
    result = algebra->addScaled(a(0), a(1), -1);
    break;
  case NodeOp::Negate:
    result = algebra->scale(a(0), -1);
    break;
  case NodeOp::Min:
    result = algebra->min(a(0), a(1));
    break;
  case NodeOp::Max:
    result = algebra->max(a(0), a(1));
    break;
  case NodeOp::Abs:
    result = algebra->max(a(0), algebra->scale(a(0), -1));
    break;
  case NodeOp::Select:
    result = algebra->select(is(0), a(1), a(2));
    break;
  case NodeOp::Multiply:
    if (std::optional<int64_t> factor = IndexAlgebra::getConstant(a(1)))
      result = algebra->scale(a(0), *factor);
    else if (std::optional<int64_t> factor = IndexAlgebra::getConstant(a(0)))
      result = algebra->scale(a(1), *factor);
    break;
  case NodeOp::FloorDivide:
    result = algebra->floorDiv(a(0), node->operands[1]->integer);
    break;
  case NodeOp::Modulo: {
    // Of a piece each: what a piecewise dividend is divided into.
    int64_t divisor = node->operands[1]->integer;
    result =
        algebra->addScaled(a(0), algebra->floorDiv(a(0), divisor), -divisor);
    if (a(0) && a(0)->kind != attn::IndexExpr::Kind::Leaf)
      result = nullptr;
    break;
  }
  default:
    break;
  }
  if (result && isUnderstood)
    exact.insert(node);
  integers[node] = std::move(result);
}

Predicate IndexSets::condition(const Node *node) const {
  auto known = conditions.find(node);
  return known == conditions.end() ? Predicate::unknown() : known->second;
}

SmallVector<const Node *> IndexSets::opaqueIn(const Node *root) const {
  SmallVector<const Node *> found;
  for (const Node *node : reachable(root, isInterior))
    if (auto column = llvm::find(columns, node);
        column != columns.end() &&
        kinds[column - columns.begin()] == ColumnKind::Opaque)
      found.push_back(node);
  return found;
}

/// `x % n` for an n that is known at the call: in [0, n), or 0 for n = 0.
Predicate IndexSets::remainder(IndexAlgebra &algebra, const Node *modulo) {
  Ref value = integers.lookup(modulo);
  Ref divisor = integers.lookup(modulo->operands[1]);
  Ref last = algebra.addScaled(divisor, algebra.constant(1), -1);
  Predicate isPositive = IndexAlgebra::isNonNegative(last);
  Predicate isNegative = !IndexAlgebra::isNonNegative(divisor);
  Predicate atLeastZero = IndexAlgebra::isNonNegative(value);
  return isNegative ||
         (atLeastZero &&
          ((isPositive &&
            IndexAlgebra::isNonNegative(algebra.addScaled(last, value, -1))) ||
           (!isPositive &&
            IndexAlgebra::isNonNegative(algebra.scale(value, -1)))));
}

void IndexSets::addFacts(IndexAlgebra &algebra) {
  llvm::append_range(divs, algebra.getDivs());
  auto addRow = [&](std::optional<Linear> row) {
    if (row)
      rows.push_back(std::move(*row));
  };
  auto addAtLeast = [&](const Ref &a, const Ref &b, int64_t shift) {
    Ref gap =
        algebra.addScaled(algebra.addScaled(a, b, -1), algebra.constant(shift));
    if (gap && gap->kind == attn::IndexExpr::Kind::Leaf)
      addRow(gap->leaf);
    else
      known = known && IndexAlgebra::isNonNegative(gap);
  };
  for (auto [k, node] : llvm::enumerate(columns)) {
    if (node->op == NodeOp::Size)
      addRow(Linear::column(k));
    if (node->op == NodeOp::Modulo && kinds[k] == ColumnKind::Opaque)
      known = known && remainder(algebra, node);
    auto range = ranges.find(node);
    if (range == ranges.end())
      continue;
    Ref value = integers.lookup(node);
    addAtLeast(value, integers.lookup(range->second.first), 0);
    addAtLeast(integers.lookup(range->second.second), value, -1);
  }
  // 0 <= dividend - divisor * quotient < divisor
  for (auto [k, div] : llvm::enumerate(divs)) {
    Linear quotient = Linear::column(columns.size() + k);
    std::optional<Linear> rest =
        attn::addScaled(div.dividend, quotient, -div.divisor);
    addRow(rest);
    addRow(rest ? attn::scaled(*rest, -1, div.divisor - 1) : std::nullopt);
  }
  for (const FloorDiv &div : divs) {
    llvm::SMLoc loc;
    const Node *dividend = toSum(div.dividend, /*isNegative=*/false, loc);
    const Node *negative = toSum(div.dividend, /*isNegative=*/true, loc);
    if (!dividend)
      dividend = graph.integer(0, loc);
    if (negative)
      dividend =
          graph.apply(NodeOp::Subtract, Elem::Int, {dividend, negative}, loc);
    nodes.push_back(graph.apply(NodeOp::FloorDivide, Elem::Int,
                                {dividend, graph.integer(div.divisor, loc)},
                                loc));
  }
}

const Node *IndexSets::toSum(const Linear &row, bool isNegative,
                             llvm::SMLoc loc) const {
  const Node *sum = nullptr;
  auto add = [&](const Node *term) {
    sum = sum ? graph.apply(NodeOp::Add, Elem::Int, {sum, term}, loc) : term;
  };
  for (auto [column, coeff] : llvm::enumerate(row.coeffs)) {
    if (coeff == 0 || (coeff < 0) != isNegative)
      continue;
    int64_t factor = std::abs(coeff);
    add(factor == 1
            ? nodes[column]
            : graph.apply(NodeOp::Multiply, Elem::Int,
                          {graph.integer(factor, loc), nodes[column]}, loc));
  }
  if (row.constant != 0 && (row.constant < 0) == isNegative)
    add(graph.integer(std::abs(row.constant), loc));
  return sum;
}

const Node *IndexSets::toCondition(const Linear &row, llvm::SMLoc loc) const {
  const Node *left = toSum(row, /*isNegative=*/false, loc);
  const Node *right = toSum(row, /*isNegative=*/true, loc);
  const Node *zero = graph.integer(0, loc);
  // Not `3 >= n` but `n <= 3`.
  if (!left || left->op == NodeOp::Integer)
    return graph.apply(NodeOp::LessEqual, Elem::Bool,
                       {right ? right : zero, left ? left : zero}, loc);
  return graph.apply(NodeOp::GreaterEqual, Elem::Bool,
                     {left, right ? right : zero}, loc);
}
