//===- Linear.h - Linear integers, checked for overflow ---------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_SETS_LINEAR_H
#define FOVEA_SETS_LINEAR_H

#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>

namespace fovea::attn {

/// `constant + sum over c of coeffs[c] * column c`. What a column stands for is
/// the user's matter. `coeffs` never ends in a zero, so that equal expressions
/// compare equal; columns past its end have the coefficient 0.
struct Linear {
  int64_t constant = 0;
  llvm::SmallVector<int64_t, 8> coeffs;

  static Linear constantOf(int64_t value) { return Linear{value, {}}; }
  static Linear column(unsigned column);

  int64_t at(unsigned column) const {
    return column < coeffs.size() ? coeffs[column] : 0;
  }
  bool isConstant() const { return coeffs.empty(); }
  bool operator==(const Linear &other) const = default;

  /// Removes zeros at the end of `coeffs`.
  void trim();
  /// The greatest common divisor of the coefficients, 0 when there are none.
  int64_t gcd() const;
};

/// `a + scale * b`, or nothing if a 64-bit number cannot hold a part of it.
std::optional<Linear> addScaled(const Linear &a, const Linear &b,
                                int64_t scale = 1);

/// `scale * a + shift`, or nothing on overflow.
std::optional<Linear> scaled(const Linear &a, int64_t scale, int64_t shift = 0);

/// `a` with column `column` replaced by `replacement`, or nothing on overflow.
std::optional<Linear> substitute(const Linear &a, unsigned column,
                                 const Linear &replacement);

} // namespace fovea::attn

#endif // FOVEA_SETS_LINEAR_H
