//===- JoinTables.h - tables that are made together -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_GRAPH_JOINTABLES_H
#define FOVEA_PASSES_GRAPH_JOINTABLES_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {

/// Makes fewer of the tables that one attention reads, and that stand before it
/// in the order given: tables of one function, such as the angles of queries
/// and of keys, are one of the larger size, and tables over the same indices,
/// such as cosines and sines, come from one `linalg.generic`, whose common
/// parts CSE then finds.
void joinTables(mlir::RewriterBase &rewriter,
                llvm::SmallVector<mlir::linalg::GenericOp> tables);

} // namespace fovea::attn

#endif // FOVEA_PASSES_GRAPH_JOINTABLES_H
