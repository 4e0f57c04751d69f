//===- CheckReads.h - Reads stay in their dimensions ------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A position that is affine in indices, sizes and integer operands is proven
// to be in its dimension where that holds for all sizes; a condition on sizes
// is checked at each call; what no call can meet is an error. A position that
// only data decide is clamped when it is read, and checked with the data.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_CHECKREADS_H
#define FOVEA_FRONTEND_CHECKREADS_H

#include "frontend/Elaborate.h"

namespace fovea::frontend {

/// Finds what `function` has to check at a call, as `function.checks`, and
/// reports reads that leave their dimension whatever the sizes are.
void checkReads(IndexGraph &graph, Function &function, Diagnostics &diags);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_CHECKREADS_H
