//===- GuardedReads.h - What is read, under which conditions ----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_GUARDEDREADS_H
#define FOVEA_FRONTEND_GUARDEDREADS_H

#include "frontend/Fuse.h"

namespace fovea::frontend {

/// A condition that holds, or that does not, wherever something is read.
struct Guard {
  const Node *condition;
  bool holds;
  bool operator==(const Guard &other) const = default;
};

/// An expression that reads at positions, and when it is computed.
struct GuardedRead {
  const Node *node; ///< A `Read`, or a `Softmax`, which is read at keys.
  /// What holds whenever the value counts: in all places where it is used.
  std::vector<Guard> guards;
  std::vector<const Loop *> loops; ///< Around it, outermost first.
};

/// All that an exported function reads, each node once. `where` guards the
/// operand of its reduction, `select` its two values, and the left side of
/// `and` and `or` the right one; in an attention the keys that are not kept
/// have no score and no value. Reports an attention of an entry that is not
/// one kernel.
std::vector<GuardedRead>
guardedReads(IndexGraph &graph, const Function &function, Diagnostics &diags);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_GUARDEDREADS_H
