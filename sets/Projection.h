//===- Projection.h - Emptiness and shadows of sets of integers -*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Questions about the integer points of `rows[k] >= 0`, answered by MLIR's
// Presburger library. Each has a limit beyond which the answer is the careful
// one, so that no program makes the compiler slow.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_SETS_PROJECTION_H
#define FOVEA_SETS_PROJECTION_H

#include "sets/Linear.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallBitVector.h"
#include <vector>

namespace fovea::attn {

/// Sets of more columns or rows are not searched for integers, only for
/// rational points.
constexpr unsigned kMaxSearchedColumns = 20, kMaxSearchedRows = 48;
/// A projection that needs more rows than this on the way is given up.
constexpr unsigned kMaxProjectedRows = 64;

/// True if no integer point satisfies all `rows`. What is beyond the limits
/// may be called not empty although it is.
bool isEmptySet(llvm::ArrayRef<Linear> rows);

/// The points for which some integers in the columns `eliminated` complete a
/// point of `rows`: rows with zeros in these columns. Nothing if these points
/// are not those of a conjunction of rows, or beyond the limits.
std::optional<std::vector<Linear>>
projectExactly(llvm::ArrayRef<Linear> rows,
               const llvm::SmallBitVector &eliminated);

/// The least and the greatest value of `linear` in the set, as far as they
/// exist and 64 bits hold them, rounded to integers inside.
struct Bounds {
  std::optional<int64_t> least, greatest;
};
Bounds boundsOf(const Linear &linear, llvm::ArrayRef<Linear> rows);

/// `row < 0` as `result >= 0`; nothing on overflow.
inline std::optional<Linear> negated(const Linear &row) {
  return scaled(row, -1, -1);
}

} // namespace fovea::attn

#endif // FOVEA_SETS_PROJECTION_H
