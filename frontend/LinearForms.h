//===- LinearForms.h - Expressions taken apart ------------------*- C++ -*-===//
//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an expression is as a function of one of its parts, and the expression
// with other parts in it.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_LINEARFORMS_H
#define FOVEA_FRONTEND_LINEARFORMS_H

#include "frontend/IndexExpr.h"
#include "llvm/ADT/DenseMap.h"

namespace fovea::frontend {

/// `factor * part + rest`.
struct LinearForm {
  const Node *factor;
  const Node *rest; ///< Null for 0.
};

/// `root`, which depends on `part`, as a linear form of it. Where it is none,
/// nothing, and `forbid` is called with the operation that makes it none; with
/// `isProduct` that is also one that adds a rest.
std::optional<LinearForm>
linearIn(IndexGraph &graph, const Node *root, const Node *part, bool isProduct,
         llvm::function_ref<void(const Node *)> forbid);

/// `root` with others in place of some of its nodes.
const Node *
replaceNodes(IndexGraph &graph, const Node *root,
             const llvm::DenseMap<const Node *, const Node *> &others);

/// Whether `condition` says that `part`, which is never negative, is not 0.
bool isPositive(const Node *condition, const Node *part);

/// `root` without the guards of `part`, of which it is a multiple:
/// `select(part > 0, x, 0)` is `x`.
const Node *withoutGuards(IndexGraph &graph, const Node *root,
                          const Node *part);

/// The terms of a conjunction; none for `true`.
llvm::SmallVector<const Node *> conjunctsOf(const Node *root);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_LINEARFORMS_H
