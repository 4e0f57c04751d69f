//===- IndexSets.h - Integer expressions as sets of points ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integers and conditions of the language as piecewise linear expressions
// (sets/IndexExpr.h). A column is an index, a size or an integer operand, or
// whatever integer is not affine in these: a read, a product of indices.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_INDEXSETS_H
#define FOVEA_FRONTEND_INDEXSETS_H

#include "frontend/IndexExpr.h"
#include "sets/IndexExpr.h"
#include "llvm/ADT/DenseSet.h"

namespace fovea::frontend {

/// Whether `node` is one value for a whole call: made of sizes, scalar operands
/// and constants.
bool isUniform(const Node *node);

class IndexSets {
public:
  using Ref = attn::IndexExpr::Ref;
  enum class ColumnKind {
    Index,   ///< The value of an index.
    Uniform, ///< `isUniform`: one value for the call.
    Opaque   ///< Any other integer: its value is known only where it is read.
  };

  /// Gives a column to all that `roots` are made of. `loops` are the loops
  /// around, whose indices have the range of the loop.
  IndexSets(IndexGraph &graph, llvm::ArrayRef<const Node *> roots,
            llvm::ArrayRef<const Loop *> loops);

  /// An integer below the roots; null if it is too large an expression.
  Ref integer(const Node *node) const { return integers.lookup(node); }
  /// A condition below the roots. What is not understood is unknown.
  attn::Predicate condition(const Node *node) const;
  /// Whether all of an integer or a condition is understood.
  bool isExact(const Node *node) const { return exact.contains(node); }
  /// The columns of `node` that are opaque.
  llvm::SmallVector<const Node *> opaqueIn(const Node *node) const;

  /// What is known of all columns, each `>= 0`: indices are in their ranges,
  /// sizes are not negative, quotients are what they are.
  llvm::ArrayRef<attn::Linear> facts() const { return rows; }
  /// What is known besides, of ranges and remainders that are piecewise.
  const attn::Predicate &pieces() const { return known; }

  unsigned numColumns() const { return columns.size() + divs.size(); }
  bool isDiv(unsigned column) const { return column >= columns.size(); }
  ColumnKind kindOf(unsigned column) const { return kinds[column]; }
  const attn::FloorDiv &div(unsigned column) const {
    return divs[column - columns.size()];
  }
  /// The indices that a column depends on.
  llvm::ArrayRef<const IndexVar *> indicesOf(unsigned column) const {
    return nodeOf(column)->free;
  }
  /// The expression behind a column.
  const Node *nodeOf(unsigned column) const { return nodes[column]; }
  /// `a >= b`.
  attn::Predicate isAtLeast(const Ref &a, const Ref &b) const {
    return attn::IndexAlgebra::isNonNegative(algebra->addScaled(a, b, -1));
  }
  /// `row >= 0` as a condition that subtracts nothing.
  const Node *toCondition(const attn::Linear &row, llvm::SMLoc loc) const;

private:
  void addColumns(llvm::ArrayRef<const Node *> roots,
                  llvm::ArrayRef<const Loop *> loops);
  void translate(const Node *node);
  /// The terms of `row` with a coefficient of this sign, without it; null if
  /// there are none.
  const Node *toSum(const attn::Linear &row, bool isNegative,
                    llvm::SMLoc loc) const;
  void addFacts(attn::IndexAlgebra &algebra);
  attn::Predicate remainder(attn::IndexAlgebra &algebra, const Node *modulo);

  IndexGraph &graph;
  std::vector<const Node *> columns;
  std::vector<ColumnKind> kinds;
  std::vector<const Node *> nodes; ///< Behind all columns, divs too.
  /// The range of each index among the columns.
  llvm::DenseMap<const Node *, std::pair<const Node *, const Node *>> ranges;
  std::unique_ptr<attn::IndexAlgebra> algebra;
  llvm::SmallVector<attn::FloorDiv> divs;
  llvm::DenseMap<const Node *, Ref> integers;
  llvm::DenseMap<const Node *, attn::Predicate> conditions;
  llvm::DenseSet<const Node *> exact;
  std::vector<attn::Linear> rows;
  attn::Predicate known = attn::Predicate::constant(true);
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_INDEXSETS_H
