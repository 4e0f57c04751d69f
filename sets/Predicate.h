//===- Predicate.h - Conditions on integers, in both polarities -*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_SETS_PREDICATE_H
#define FOVEA_SETS_PREDICATE_H

#include "sets/Linear.h"
#include "llvm/ADT/ArrayRef.h"
#include <vector>

namespace fovea::attn {

/// All of `rows[k] >= 0`. No row: always true.
struct Conjunction {
  /// Rows beyond this number are left out, which enlarges the set.
  static constexpr unsigned kMaxRows = 32;

  std::vector<Linear> rows;

  /// Adds `row >= 0`, tightened to the integers. Returns false if the rows now
  /// obviously contradict each other.
  bool add(Linear row);
  /// True if this is obviously a subset of `other`.
  bool impliesObviously(const Conjunction &other) const;
};

/// A union of conjunctions. No term: always false.
struct Disjunction {
  std::vector<Conjunction> terms;

  static Disjunction never() { return {}; }
  static Disjunction always() { return Disjunction{{Conjunction()}}; }
  bool isAlways() const;
  /// Adds a term, unless it is in the union already; drops the terms in it.
  void add(Conjunction term);
};

/// A condition, known from both sides: wherever it holds `kept` holds, and
/// wherever it does not hold `dropped` holds. Where both hold, it is not known.
/// Every operation keeps this, also when it gives up on precision because a
/// union would exceed `kMaxTerms`.
struct Predicate {
  static constexpr unsigned kMaxTerms = 64;

  Disjunction kept, dropped;

  static Predicate unknown() {
    return {Disjunction::always(), Disjunction::always()};
  }
  bool isUnknown() const { return kept.isAlways() && dropped.isAlways(); }
  static Predicate constant(bool value);
  /// `row >= 0`; nothing (an overflow) is unknown.
  static Predicate nonNegative(const std::optional<Linear> &row);

  Predicate operator!() const { return {dropped, kept}; }
};

Predicate operator&&(const Predicate &a, const Predicate &b);
Predicate operator||(const Predicate &a, const Predicate &b);

} // namespace fovea::attn

#endif // FOVEA_SETS_PREDICATE_H
