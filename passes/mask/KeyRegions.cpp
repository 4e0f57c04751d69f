//===- KeyRegions.cpp - Convex sets of keys and symbols -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/mask/KeyRegions.h"
#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "llvm/ADT/STLExtras.h"
#include <tuple>

using namespace mlir::presburger;
using llvm::ArrayRef;
using llvm::DynamicAPInt;
using llvm::SmallVector;

namespace fovea::attn {

//===----------------------------------------------------------------------===//
// Projection
//===----------------------------------------------------------------------===//

/// Elimination of one column may make this many rows.
static constexpr unsigned kMaxEliminatedRows = 64;
/// Above this many rows, redundant ones are looked for after an elimination.
static constexpr unsigned kRowsWorthReducing = 16;

static SmallVector<DynamicAPInt> toDense(const Linear &row,
                                         unsigned numColumns) {
  SmallVector<DynamicAPInt> dense(numColumns + 1);
  // Its assignment from integers takes an int: constructed, nothing is cut.
  for (unsigned c = 0, e = row.coeffs.size(); c != e; ++c)
    dense[c] = DynamicAPInt(row.coeffs[c]);
  dense.back() = DynamicAPInt(row.constant);
  return dense;
}

/// The row as 64-bit numbers, if it fits.
static std::optional<Linear> fromDense(ArrayRef<DynamicAPInt> dense) {
  static const DynamicAPInt limit(INT64_MAX);
  Linear row;
  for (const DynamicAPInt &value : dense) {
    if (value > limit || value < -limit)
      return std::nullopt;
    row.coeffs.push_back(static_cast<int64_t>(value));
  }
  row.constant = row.coeffs.pop_back_val();
  row.trim();
  return row;
}

/// Rows that the elimination of `column` makes: 0 if an equality gives it.
static unsigned costOfElimination(const IntegerPolyhedron &set,
                                  unsigned column) {
  if (set.findConstraintWithNonZeroAt(column, /*isEq=*/true))
    return 0;
  unsigned lower = 0, upper = 0;
  for (unsigned r = 0, e = set.getNumInequalities(); r != e; ++r) {
    lower += set.atIneq(r, column) > 0;
    upper += set.atIneq(r, column) < 0;
  }
  return lower * upper;
}

static void eliminate(IntegerPolyhedron &set, unsigned numKept) {
  while (set.getNumVars() > numKept) {
    unsigned best = numKept, bestCost = costOfElimination(set, numKept);
    for (unsigned c = numKept + 1, e = set.getNumVars(); c != e; ++c) {
      unsigned cost = costOfElimination(set, c);
      if (cost < bestCost)
        std::tie(best, bestCost) = std::pair(c, cost);
    }
    if (bestCost > kMaxEliminatedRows)
      for (unsigned r = set.getNumInequalities(); r-- != 0;)
        if (set.atIneq(r, best) != 0)
          set.removeInequality(r);
    set.projectOut(best);
    if (set.getNumInequalities() > kRowsWorthReducing)
      set.removeRedundantConstraints();
  }
}

Conjunction projectOnLeading(ArrayRef<Linear> rows, unsigned numColumns,
                             unsigned numKept) {
  IntegerPolyhedron set(PresburgerSpace::getSetSpace(numColumns));
  for (auto [k, row] : llvm::enumerate(rows)) {
    // Two opposite rows are an equality, which eliminates a column for free.
    std::optional<Linear> opposite = scaled(row, -1);
    const Linear *twin = opposite ? llvm::find(rows, *opposite) : rows.end();
    if (twin == rows.end())
      set.addInequality(toDense(row, numColumns));
    else if (twin > &row)
      set.addEquality(toDense(row, numColumns));
  }
  eliminate(set, numKept);

  Conjunction result;
  auto add = [&](ArrayRef<DynamicAPInt> dense, bool negate) {
    std::optional<Linear> row = fromDense(dense);
    if (row && negate)
      row = scaled(*row, -1);
    if (row && !result.add(*row))
      result.rows.push_back(Linear::constantOf(-1)); // a contradiction
  };
  for (unsigned r = 0, e = set.getNumEqualities(); r != e; ++r) {
    add(set.getEquality(r), /*negate=*/false);
    add(set.getEquality(r), /*negate=*/true);
  }
  for (unsigned r = 0, e = set.getNumInequalities(); r != e; ++r)
    add(set.getInequality(r), /*negate=*/false);
  return result;
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

KeyRegions::KeyRegions(unsigned numColumns, ArrayRef<Linear> facts)
    : numColumns(numColumns), simplex(numColumns) {
  for (const Linear &fact : facts)
    addRow(fact);
}

void KeyRegions::addRow(const Linear &row) {
  simplex.addInequality(toDense(row, numColumns));
}

bool KeyRegions::ask() { return numQuestions++ < kMaxQuestions; }

bool KeyRegions::isNeverNegative(const Linear &row) {
  if (!ask())
    return false;
  MaybeOptimum<Fraction> minimum = simplex.computeOptimum(
      Simplex::Direction::Down, toDense(row, numColumns));
  return minimum.isEmpty() || (minimum.isBounded() && ceil(*minimum) >= 0);
}

llvm::SmallBitVector KeyRegions::implied(ArrayRef<Linear> given,
                                         ArrayRef<Linear> rows) {
  SimplexRollbackScopeExit scope(simplex);
  for (const Linear &row : given)
    addRow(row);
  llvm::SmallBitVector result;
  for (const Linear &row : rows)
    result.push_back(llvm::any_of(given,
                                  [&](const Linear &other) {
                                    return other.coeffs == row.coeffs &&
                                           other.constant <= row.constant;
                                  }) ||
                     isNeverNegative(row));
  return result;
}

bool KeyRegions::isDisjoint(ArrayRef<const Conjunction *> sets) {
  if (!ask())
    return false;
  SimplexRollbackScopeExit scope(simplex);
  for (const Conjunction *set : sets)
    for (const Linear &row : set->rows)
      addRow(row);
  return simplex.isEmpty();
}

bool KeyRegions::isSubset(const Conjunction &a, const Conjunction &b) {
  return implied(a.rows, b.rows).all();
}

/// Orders rows by how hard they are to read and to evaluate, totally.
static bool isSimpler(const Linear &a, const Linear &b) {
  auto complexity = [](const Linear &row) {
    unsigned terms = 0;
    uint64_t size = 0;
    for (int64_t coeff : row.coeffs) {
      terms += coeff != 0;
      size += std::abs(coeff);
    }
    return std::tuple(row.coeffs.size(), terms, size);
  };
  if (complexity(a) != complexity(b))
    return complexity(a) < complexity(b);
  return std::tie(a.coeffs, a.constant) < std::tie(b.coeffs, b.constant);
}

void KeyRegions::simplify(Conjunction &set) {
  llvm::sort(set.rows, isSimpler);
  for (unsigned r = set.rows.size(); r-- != 0;) {
    Linear row = set.rows[r];
    set.rows.erase(set.rows.begin() + r);
    if (!implied(set.rows, row).all())
      set.rows.insert(set.rows.begin() + r, std::move(row));
  }
}

//===----------------------------------------------------------------------===//
// Unions
//===----------------------------------------------------------------------===//

Conjunction KeyRegions::hull(const Conjunction &a, const Conjunction &b) {
  Conjunction result;
  auto keep = [&](ArrayRef<Linear> rows, const llvm::SmallBitVector &shared) {
    for (unsigned r : shared.set_bits())
      result.rows.push_back(rows[r]);
  };
  keep(a.rows, implied(b.rows, a.rows));
  keep(b.rows, implied(a.rows, b.rows));
  return result;
}

/// How many rows of `a` have the coefficients of a row of `b`.
static unsigned countParallelRows(const Conjunction &a, const Conjunction &b) {
  return llvm::count_if(a.rows, [&](const Linear &row) {
    return llvm::any_of(b.rows, [&](const Linear &other) {
      return row.coeffs == other.coeffs;
    });
  });
}

bool KeyRegions::isUnion(const Conjunction &whole, const Conjunction &a,
                         const Conjunction &b) {
  return llvm::all_of(a.rows, [&](const Linear &row) {
    std::optional<Linear> outside = scaled(row, -1, -1);
    if (!outside)
      return false;
    Conjunction rest = whole;
    rest.rows.push_back(std::move(*outside));
    return isSubset(rest, b);
  });
}

void KeyRegions::reduce(std::vector<Conjunction> &sets, unsigned limit) {
  std::vector<Conjunction> result;
  // Adds a set, merged with all those with which it is convex.
  auto add = [&](Conjunction set) {
    for (unsigned k = 0; k < result.size(); ++k) {
      Conjunction whole = hull(result[k], set);
      if (!isUnion(whole, result[k], set))
        continue;
      simplify(whole);
      set = std::move(whole);
      result.erase(result.begin() + k);
      k = -1; // the larger set may merge with those before
    }
    result.push_back(std::move(set));
  };
  for (Conjunction &set : sets)
    if (!isDisjoint({&set}))
      add(std::move(set));

  while (result.size() > limit) {
    // Give up the pair that has most in common.
    unsigned bestA = 0, bestB = 1, most = 0;
    for (unsigned b = 1; b != result.size(); ++b)
      for (unsigned a = 0; a != b; ++a)
        if (unsigned common = countParallelRows(result[a], result[b]);
            common > most)
          std::tie(bestA, bestB, most) = std::tuple(a, b, common);
    Conjunction whole = hull(result[bestA], result[bestB]);
    simplify(whole);
    result.erase(result.begin() + bestB);
    result.erase(result.begin() + bestA);
    add(std::move(whole));
  }
  sets = std::move(result);
}

} // namespace fovea::attn
