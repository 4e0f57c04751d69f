//===- KeyRegions.h - Convex sets of keys and symbols -----------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_KEYREGIONS_H
#define FOVEA_PASSES_MASK_KEYREGIONS_H

#include "mlir/Analysis/Presburger/Simplex.h"
#include "sets/Predicate.h"
#include "llvm/ADT/SmallBitVector.h"

namespace fovea::attn {

/// Projects `rows` (each >= 0) on their first `numKept` columns. The result
/// holds wherever some integer values of the other columns satisfy the rows
/// (Fourier-Motzkin elimination, over the rationals). A column whose
/// elimination would make too many rows takes its rows with it.
Conjunction projectOnLeading(llvm::ArrayRef<Linear> rows, unsigned numColumns,
                             unsigned numKept);

/// Answers questions about convex sets, given facts that always hold. Answers
/// are found over the rationals, so "yes" always means yes; after
/// `kMaxQuestions` linear programs, which bounds the time, all answers are no.
class KeyRegions {
public:
  KeyRegions(unsigned numColumns, llvm::ArrayRef<Linear> facts);

  /// True if no point satisfies the rows of all of `sets`.
  bool isDisjoint(llvm::ArrayRef<const Conjunction *> sets);
  /// True if `a` is a subset of `b`.
  bool isSubset(const Conjunction &a, const Conjunction &b);
  /// Removes the rows that follow from the others, the complicated ones first.
  void simplify(Conjunction &set);
  /// Brings `sets` to at most `limit` members with the same union, or with a
  /// larger one if that does not suffice. Empty and covered members go.
  void reduce(std::vector<Conjunction> &sets, unsigned limit);

private:
  /// Counts a question; false if there have been too many.
  bool ask();
  /// True if `row >= 0` follows from what the simplex holds.
  bool isNeverNegative(const Linear &row);
  /// Which of `rows` follow from `given`.
  llvm::SmallBitVector implied(llvm::ArrayRef<Linear> given,
                               llvm::ArrayRef<Linear> rows);
  /// A set around `a` and `b`, made of the rows of each that the other obeys.
  Conjunction hull(const Conjunction &a, const Conjunction &b);
  /// True if `whole`, around `a` and `b`, has no point outside of both.
  bool isUnion(const Conjunction &whole, const Conjunction &a,
               const Conjunction &b);
  void addRow(const Linear &row);

  static constexpr unsigned kMaxQuestions = 1500;

  unsigned numColumns;
  unsigned numQuestions = 0;
  mlir::presburger::Simplex simplex; ///< holds the facts
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_MASK_KEYREGIONS_H
