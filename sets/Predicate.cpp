//===- Predicate.cpp - Conditions on integers, in both polarities ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sets/Predicate.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

namespace fovea::attn {

/// True if the coefficients of `a` are those of `b`, negated.
static bool areOpposite(const Linear &a, const Linear &b) {
  return llvm::equal(a.coeffs, b.coeffs,
                     [](int64_t x, int64_t y) { return x == -y; });
}

bool Conjunction::add(Linear row) {
  if (row.isConstant())
    return row.constant >= 0;
  int64_t divisor = row.gcd();
  for (int64_t &coeff : row.coeffs)
    coeff /= divisor;
  row.constant = llvm::divideFloorSigned(row.constant, divisor);

  for (const Linear &other : rows) {
    int64_t sum;
    if (areOpposite(row, other) &&
        !llvm::AddOverflow(row.constant, other.constant, sum) && sum < 0)
      return false;
  }
  for (Linear &other : rows) {
    if (row.coeffs != other.coeffs)
      continue;
    other.constant = std::min(other.constant, row.constant);
    return true;
  }
  if (rows.size() < kMaxRows)
    rows.push_back(std::move(row));
  return true;
}

bool Conjunction::impliesObviously(const Conjunction &other) const {
  return llvm::all_of(other.rows, [&](const Linear &wanted) {
    return llvm::any_of(rows, [&](const Linear &row) {
      return row.coeffs == wanted.coeffs && row.constant <= wanted.constant;
    });
  });
}

bool Disjunction::isAlways() const {
  return llvm::any_of(terms,
                      [](const Conjunction &t) { return t.rows.empty(); });
}

void Disjunction::add(Conjunction term) {
  for (const Conjunction &other : terms)
    if (term.impliesObviously(other))
      return;
  llvm::erase_if(terms, [&](const Conjunction &other) {
    return other.impliesObviously(term);
  });
  terms.push_back(std::move(term));
}

/// The union; everything if it is too large.
static Disjunction unite(const Disjunction &a, const Disjunction &b) {
  Disjunction result = a;
  for (const Conjunction &term : b.terms)
    result.add(term);
  return result.terms.size() <= Predicate::kMaxTerms ? result
                                                     : Disjunction::always();
}

/// The intersection; the simpler of the two if it is too large.
static Disjunction intersect(const Disjunction &a, const Disjunction &b) {
  Disjunction result;
  for (const Conjunction &x : a.terms) {
    for (const Conjunction &y : b.terms) {
      Conjunction both = x;
      if (llvm::all_of(y.rows, [&](const Linear &r) { return both.add(r); }))
        result.add(std::move(both));
    }
    if (result.terms.size() > Predicate::kMaxTerms)
      return a.terms.size() <= b.terms.size() ? a : b;
  }
  return result;
}

Predicate Predicate::constant(bool value) {
  Predicate always{Disjunction::always(), Disjunction::never()};
  return value ? always : !always;
}

Predicate Predicate::nonNegative(const std::optional<Linear> &row) {
  if (!row)
    return unknown();
  std::optional<Linear> negation = scaled(*row, -1, -1);
  if (!negation)
    return unknown();
  Predicate result;
  Conjunction holds, fails;
  if (holds.add(*row))
    result.kept.add(std::move(holds));
  if (fails.add(std::move(*negation)))
    result.dropped.add(std::move(fails));
  return result;
}

Predicate operator&&(const Predicate &a, const Predicate &b) {
  return {intersect(a.kept, b.kept), unite(a.dropped, b.dropped)};
}

Predicate operator||(const Predicate &a, const Predicate &b) {
  return !(!a && !b);
}

} // namespace fovea::attn
