//===- Quotients.h - Weights as shares of their sum -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A normalizer need not be a word: `f(s) / (c + sum[j](f(s)))` says the same
// as a formula. Here such formulas are found, and `f = exp` among them is
// known to be a softmax, whose shift by the maximum keeps it in range.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_QUOTIENTS_H
#define FOVEA_FRONTEND_QUOTIENTS_H

#include "frontend/Diagnostics.h"
#include "frontend/IndexExpr.h"

namespace fovea::frontend {

/// How the scores of the keys become weights.
enum class NormalizerKind {
  Softmax, ///< exp(s) / (exp(sink) + sum of exp(s))
  Ratio,   ///< s / (sink + sum of s)
  Plain,   ///< s
};

/// A normalizer with all that it is applied to.
struct NormalizerForm {
  NormalizerKind kind = NormalizerKind::Softmax;
  const Node *source = nullptr; ///< The binder over the keys.
  const Node *score = nullptr;
  const Node *mask = nullptr;
  const Node *sink = nullptr; ///< Null for none.

  llvm::ArrayRef<const IndexVar *> keys() const { return source->bound; }
  bool operator==(const NormalizerForm &other) const {
    return kind == other.kind && keys() == other.keys() &&
           score == other.score && mask == other.mask && sink == other.sink;
  }
};

/// `softmax[j](s where m)` and `logsumexp[j](s where m)`; null for others.
std::optional<NormalizerForm> normalizerOfWord(const Node *node);

/// `max[j](s where m)` and `argmax[j](s where m)` of a score, as if nothing was
/// normalized; null for others.
std::optional<NormalizerForm> normalizerOfStatistic(const Node *node);

/// `log(c + sum[j](exp(s) where m))`: the normalizer whose mass it is the
/// logarithm of; null for others.
std::optional<NormalizerForm> normalizerOfLogarithm(IndexGraph &graph,
                                                    const Node *node);

/// Moves what divides a sum into it where that is itself a sum over the same
/// keys: `g * sum[j](f * v) / (c + sum[j](f))` becomes
/// `g * sum[j](f * v / (c + sum[j](f)))`.
const Node *moveDivisorsIntoSums(IndexGraph &graph, const Node *root);

/// What a weighted sum weighs, and by what.
struct WeighedValue {
  NormalizerForm normalizer;
  const Node *value; ///< Over the keys of the normalizer.
};

/// `sum[j](f(q, k) * v where m)` without a normalizer: the factors that hold a
/// contraction are the weight, the others the value.
WeighedValue splitPlainSum(IndexGraph &graph, const Node *sum);

/// The logarithm `op`, `Log` or `Log2`, of what has the natural logarithm
/// `natural`.
const Node *logarithmAs(IndexGraph &graph, NodeOp op, const Node *natural);

/// Takes `sum[j](f(s) / (c + sum[j](f(s) where m)) * v where m)` apart; the
/// logarithm of the weight, where the value has it, becomes `logWeight`. Null
/// without a quotient, and, after a report, for weights that are not divided by
/// their own sum.
std::optional<WeighedValue> matchQuotient(IndexGraph &graph, const Node *sum,
                                          const Node *logWeight,
                                          Diagnostics &diags, bool &failed);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_QUOTIENTS_H
