//===- IndexExpr.h - Piecewise linear index expressions ---------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_SETS_INDEXEXPR_H
#define FOVEA_SETS_INDEXEXPR_H

#include "sets/Predicate.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallBitVector.h"
#include <memory>

namespace fovea::attn {

/// An integer: a tree of minima, maxima and selections over linear leaves.
/// Arithmetic is pushed into the leaves, so that a comparison with zero is a
/// combination of comparisons of leaves.
struct IndexExpr {
  enum class Kind { Leaf, Min, Max, Select };
  using Ref = std::shared_ptr<const IndexExpr>; ///< null: not known

  /// Trees with more leaves are given up as unknown.
  static constexpr unsigned kMaxLeaves = 16;

  Kind kind;
  Linear leaf;         ///< of a Leaf
  Predicate condition; ///< of a Select: `lhs` where it holds, else `rhs`
  Ref lhs, rhs;        ///< of the other kinds
  unsigned numLeaves;
};

/// The column of this number, counted from the first one after the leaves', is
/// `floor(dividend / divisor)`; the dividend uses columns before it only.
struct FloorDiv {
  Linear dividend;
  int64_t divisor;
  bool operator==(const FloorDiv &other) const = default;
};

/// Makes index expressions, and keeps the floor divisions that occur in them.
/// Every operation takes and gives null for "not known".
class IndexAlgebra {
public:
  using Ref = IndexExpr::Ref;

  /// `nonNegative` has a bit for each column; set if it is never negative.
  explicit IndexAlgebra(llvm::SmallBitVector nonNegative)
      : numColumns(nonNegative.size()), nonNegative(std::move(nonNegative)) {}

  Ref constant(int64_t value) { return leaf(Linear::constantOf(value)); }
  Ref column(unsigned column) { return leaf(Linear::column(column)); }
  /// The constant that `a` is, if it is one.
  static std::optional<int64_t> getConstant(const Ref &a);

  Ref addScaled(const Ref &a, const Ref &b, int64_t scale = 1);
  Ref scale(const Ref &a, int64_t factor);
  Ref min(const Ref &a, const Ref &b);
  Ref max(const Ref &a, const Ref &b);
  Ref select(const Predicate &condition, const Ref &a, const Ref &b);
  /// Division by a positive constant, rounding down, up, or towards zero, and
  /// the remainder of the last.
  Ref floorDiv(const Ref &a, int64_t divisor);
  Ref ceilDiv(const Ref &a, int64_t divisor);
  Ref truncDiv(const Ref &a, int64_t divisor);
  Ref truncRem(const Ref &a, int64_t divisor);

  /// `a >= 0`.
  static Predicate isNonNegative(const Ref &a);
  /// True if `a` is obviously never negative.
  bool isNeverNegative(const Ref &a) const;

  llvm::ArrayRef<FloorDiv> getDivs() const { return divs; }

private:
  static constexpr unsigned kMaxDivs = 16;

  static Ref leaf(std::optional<Linear> linear);
  static Ref node(IndexExpr::Kind kind, Ref lhs, Ref rhs,
                  Predicate condition = Predicate::unknown());
  /// Applies a monotone function to the leaves.
  static Ref mapMonotone(const Ref &a, bool decreasing,
                         llvm::function_ref<Ref(const Linear &)> function);
  /// Applies any function to the leaves: extrema become selections.
  Ref mapAny(const Ref &a, llvm::function_ref<Ref(const Linear &)> function);
  Ref floorDivLeaf(Linear dividend, int64_t divisor);
  bool isNeverNegative(const Linear &linear) const;

  unsigned numColumns;
  llvm::SmallBitVector nonNegative; ///< of the columns and the divisions
  llvm::SmallVector<FloorDiv> divs;
};

} // namespace fovea::attn

#endif // FOVEA_SETS_INDEXEXPR_H
