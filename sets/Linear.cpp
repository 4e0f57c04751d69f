//===- Linear.cpp - Linear integers, checked for overflow -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sets/Linear.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

namespace fovea::attn {

Linear Linear::column(unsigned column) {
  Linear result;
  result.coeffs.resize(column + 1, 0);
  result.coeffs[column] = 1;
  return result;
}

void Linear::trim() {
  while (!coeffs.empty() && coeffs.back() == 0)
    coeffs.pop_back();
}

int64_t Linear::gcd() const {
  int64_t result = 0;
  for (int64_t coeff : coeffs)
    result = std::gcd(result, coeff);
  return result;
}

/// Adds `scale * value` to `target`; false on overflow. The smallest number is
/// refused as well, so that every result can be negated.
static bool accumulate(int64_t &target, int64_t value, int64_t scale) {
  int64_t product;
  return !llvm::MulOverflow(value, scale, product) &&
         !llvm::AddOverflow(target, product, target) && target != INT64_MIN;
}

std::optional<Linear> addScaled(const Linear &a, const Linear &b,
                                int64_t scale) {
  Linear result = a;
  if (result.coeffs.size() < b.coeffs.size())
    result.coeffs.resize(b.coeffs.size(), 0);
  if (!accumulate(result.constant, b.constant, scale))
    return std::nullopt;
  for (unsigned c = 0, e = b.coeffs.size(); c != e; ++c)
    if (!accumulate(result.coeffs[c], b.coeffs[c], scale))
      return std::nullopt;
  result.trim();
  return result;
}

std::optional<Linear> scaled(const Linear &a, int64_t scale, int64_t shift) {
  return addScaled(Linear::constantOf(shift), a, scale);
}

std::optional<Linear> substitute(const Linear &a, unsigned column,
                                 const Linear &replacement) {
  int64_t coeff = a.at(column);
  if (coeff == 0)
    return a;
  Linear rest = a;
  rest.coeffs[column] = 0;
  rest.trim();
  return addScaled(rest, replacement, coeff);
}

} // namespace fovea::attn
