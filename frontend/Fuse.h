//===- Fuse.h - Which expressions are one attention -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An `attention` promises one fused kernel. Here the promise is kept: its
// results are taken apart into contractions, a score, a mask, a value and an
// epilogue, or the sub-expression that does not fit is reported.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_FUSE_H
#define FOVEA_FRONTEND_FUSE_H

#include "frontend/Elaborate.h"
#include "frontend/Quotients.h"

namespace fovea::frontend {

/// A result that is wanted, with the order of its indices in memory.
struct FusionRoot {
  const Node *value = nullptr;
  llvm::SmallVector<const IndexVar *> indices;
  DType dtype = DType::F32;
  std::string name; ///< For messages.
  llvm::SMLoc loc;
};

/// The parts of one attention. All are expressions over the free (parallel
/// and value) indices and the `keys`.
struct FusedAttention {
  enum class ResultKind { Output, LogSumExp, Weights, Max, ArgMax };
  struct Result {
    ResultKind kind;
    /// The domain's index behind each dimension of the result.
    llvm::SmallVector<const IndexVar *> indices;
    DType dtype;
    /// What an output makes of the weighted sums, which stand in it by name.
    const Node *epilogue = nullptr;
    /// Those of its indices that are value indices.
    llvm::SmallVector<const IndexVar *> values = {};
  };
  /// A weighted sum, over some of the value indices.
  struct WeightedSum {
    const Node *name;  ///< Stands for it in epilogues.
    const Node *value; ///< Null for the logarithm of the weight.
    llvm::SmallVector<const IndexVar *> values;
  };

  NormalizerKind normalizer = NormalizerKind::Plain;
  llvm::SmallVector<const IndexVar *> keys;
  llvm::SmallVector<const IndexVar *> parallel;
  llvm::SmallVector<const IndexVar *> values;
  llvm::SmallVector<const Node *> contractions; ///< `Sum` nodes of the score.
  const Node *score = nullptr;
  const Node *mask = nullptr;
  const Node *sink = nullptr; ///< The score of a key without value, or null.
  std::vector<WeightedSum> sums;
  std::vector<Result> results;
};

/// Takes `roots` apart, the results of attention `name`. Indices in `fixed`
/// (of loops around it) are single values. Reports what does not fit.
std::optional<FusedAttention>
fuseAttention(IndexGraph &graph, llvm::ArrayRef<FusionRoot> roots,
              llvm::StringRef name, llvm::SMLoc loc,
              llvm::ArrayRef<const IndexVar *> fixed, Diagnostics &diags);

/// Takes the results of an exported attention apart.
std::optional<FusedAttention>
fuseFunction(IndexGraph &graph, const Function &function, Diagnostics &diags);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_FUSE_H
