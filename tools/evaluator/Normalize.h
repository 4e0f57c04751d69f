//===- Normalize.h - how a row of scores becomes weights ----------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_NORMALIZE_H
#define FOVEA_TOOLS_EVALUATOR_NORMALIZE_H

#include "dialect/Attn.h"

#include <optional>
#include <vector>

namespace fovea::evaluator {

/// The state of a row between two sets of keys.
struct RowState {
  /// The largest score, -inf before any; only for families with a shift.
  double shift;
  /// The sum of the weights taken with that shift.
  double mass;
};

/// The weights of one row.
struct Row {
  /// One for each key; 0 for a key that is not kept (score -inf), except in a
  /// row that is NaN.
  std::vector<double> weights;
  double logMass;
};

/// How one family of normalizers turns scores into weights. Written from the
/// definition of the family, not from the code that the compiler builds.
class Normalizer {
public:
  /// None for an attribute that the evaluator does not know.
  static std::optional<Normalizer> get(attn::NormalizerAttrInterface attr);

  /// The weights of a whole row, divided by its mass. The sink, if there is
  /// one, is the last of `scores`.
  Row normalize(const std::vector<double> &scores) const;
  /// Adds keys to a row: returns their weights, undivided, with the new shift;
  /// updates `state` and sets `factor` to what older sums are multiplied by.
  std::vector<double> accumulate(const std::vector<double> &scores,
                                 RowState &state, double &factor) const;

private:
  enum class Family { softmax, ratio, plain };
  explicit Normalizer(Family family) : family(family) {}
  Family family;
};

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_NORMALIZE_H
