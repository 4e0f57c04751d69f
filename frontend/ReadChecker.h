//===- ReadChecker.h - One position of one read -----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_READCHECKER_H
#define FOVEA_FRONTEND_READCHECKER_H

#include "frontend/Elaborate.h"
#include "frontend/GuardedReads.h"
#include "frontend/IndexSets.h"
#include "llvm/ADT/SetVector.h"

namespace fovea::frontend {

/// All rows are `>= 0`.
using Rows = std::vector<attn::Linear>;
using IndexSet = llvm::SmallSetVector<const IndexVar *, 8>;

enum class Side { Below, Above };

/// One position of a read, and the dimension that it must stay in.
struct Position {
  const GuardedRead &read;
  const Node *at;
  const Extent *extent;
  std::string of;        ///< The read value's name.
  std::string dimension; ///< Its dimension's.
};

/// Proves that one position is in its dimension, or adds to the checks of
/// `function` what is left of that.
class ReadChecker {
public:
  ReadChecker(IndexGraph &graph, Function &function, Diagnostics &diags,
              const Position &position)
      : graph(graph), function(function), diags(diags), position(position),
        at(position.at), size(graph.size(position.extent, at->loc)),
        loc(place()), guards(relatedGuards()),
        sets(graph, roots(), position.read.loops) {}

  void run();

private:
  llvm::SMLoc place();
  std::vector<Guard> relatedGuards();
  llvm::SmallVector<const Node *> roots();
  std::vector<Rows> violations(Side side);
  std::vector<Rows> complete(const attn::Predicate &condition);
  std::optional<Rows> onlyUniform(const Rows &rows);
  bool isAlways(const Rows &rows);
  bool dataDecide();

  void checkSizes(Side side, llvm::ArrayRef<Rows> found);
  void checkNotEmpty();
  void checkLookup();
  void checkGuardedByData(llvm::ArrayRef<Rows> found);
  void reportAlways(Side side, const Rows &rows);

  const Node *outside(bool below, bool above);
  const Node *guardsOver(const IndexSet &indices);
  const Node *conditionOf(llvm::ArrayRef<attn::Linear> rows);
  void addCheck(ReadCheck::Kind kind, const Node *violation,
                std::string message, const Node *gate = nullptr);
  const Node *binary(NodeOp op, const Node *a, const Node *b) {
    return graph.apply(op, Elem::Bool, {a, b}, loc);
  }
  /// `a and b`, where null is true.
  const Node *both(const Node *a, const Node *b) {
    return a && b ? binary(NodeOp::And, a, b) : a ? a : b;
  }
  const Node *either(const Node *a, const Node *b) {
    return a && b ? binary(NodeOp::Or, a, b) : a ? a : b;
  }
  const Node *asCondition(const Guard &guard) {
    return guard.holds ? guard.condition
                       : graph.apply(NodeOp::Not, Elem::Bool, guard.condition,
                                     guard.condition->loc);
  }
  std::string quotedPosition();
  std::string quotedDimension();

  IndexGraph &graph;
  Function &function;
  Diagnostics &diags;
  const Position &position;
  const Node *at, *size;
  llvm::SMLoc loc;
  std::vector<Guard> guards;
  IndexSets sets;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_READCHECKER_H
