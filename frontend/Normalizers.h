//===- Normalizers.h - Softmax and log-sum-exp as reductions ----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_NORMALIZERS_H
#define FOVEA_FRONTEND_NORMALIZERS_H

#include "frontend/IndexExpr.h"

namespace fovea::frontend {

/// `node` with `softmax` and `logsumexp` outside of fused attentions written
/// as reductions: the shift by the maximum keeps them in range.
const Node *expandNormalizers(IndexGraph &graph, const Node *node);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_NORMALIZERS_H
