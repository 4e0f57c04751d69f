//===- IndexExpr.cpp - Piecewise linear index expressions -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sets/IndexExpr.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

namespace fovea::attn {

using Ref = IndexExpr::Ref;
using Kind = IndexExpr::Kind;

Ref IndexAlgebra::leaf(std::optional<Linear> linear) {
  if (!linear)
    return nullptr;
  return std::make_shared<IndexExpr>(IndexExpr{Kind::Leaf, std::move(*linear),
                                               Predicate::unknown(), nullptr,
                                               nullptr, 1});
}

Ref IndexAlgebra::node(Kind kind, Ref lhs, Ref rhs, Predicate condition) {
  if (!lhs || !rhs)
    return nullptr;
  unsigned numLeaves = lhs->numLeaves + rhs->numLeaves;
  if (numLeaves > IndexExpr::kMaxLeaves)
    return nullptr;
  return std::make_shared<IndexExpr>(IndexExpr{kind,
                                               {},
                                               std::move(condition),
                                               std::move(lhs),
                                               std::move(rhs),
                                               numLeaves});
}

std::optional<int64_t> IndexAlgebra::getConstant(const Ref &a) {
  if (!a || a->kind != Kind::Leaf || !a->leaf.isConstant())
    return std::nullopt;
  return a->leaf.constant;
}

Ref IndexAlgebra::mapMonotone(
    const Ref &a, bool decreasing,
    llvm::function_ref<Ref(const Linear &)> function) {
  if (!a)
    return nullptr;
  if (a->kind == Kind::Leaf)
    return function(a->leaf);
  Kind kind = a->kind;
  if (decreasing && kind != Kind::Select)
    kind = kind == Kind::Min ? Kind::Max : Kind::Min;
  return node(kind, mapMonotone(a->lhs, decreasing, function),
              mapMonotone(a->rhs, decreasing, function), a->condition);
}

Ref IndexAlgebra::mapAny(const Ref &a,
                         llvm::function_ref<Ref(const Linear &)> function) {
  if (!a)
    return nullptr;
  if (a->kind == Kind::Leaf)
    return function(a->leaf);
  Predicate condition = a->condition;
  if (a->kind == Kind::Min)
    condition = isNonNegative(addScaled(a->rhs, a->lhs, -1));
  else if (a->kind == Kind::Max)
    condition = isNonNegative(addScaled(a->lhs, a->rhs, -1));
  return node(Kind::Select, mapAny(a->lhs, function), mapAny(a->rhs, function),
              std::move(condition));
}

Ref IndexAlgebra::addScaled(const Ref &a, const Ref &b, int64_t scale) {
  if (!a || !b || a->numLeaves * b->numLeaves > IndexExpr::kMaxLeaves)
    return nullptr;
  return mapMonotone(a, /*decreasing=*/false, [&](const Linear &x) {
    return mapMonotone(b, scale < 0, [&](const Linear &y) {
      return leaf(fovea::attn::addScaled(x, y, scale));
    });
  });
}

Ref IndexAlgebra::scale(const Ref &a, int64_t factor) {
  return addScaled(constant(0), a, factor);
}

Ref IndexAlgebra::min(const Ref &a, const Ref &b) {
  return node(Kind::Min, a, b);
}

Ref IndexAlgebra::max(const Ref &a, const Ref &b) {
  return node(Kind::Max, a, b);
}

Ref IndexAlgebra::select(const Predicate &condition, const Ref &a,
                         const Ref &b) {
  return node(Kind::Select, a, b, condition);
}

Ref IndexAlgebra::floorDivLeaf(Linear dividend, int64_t divisor) {
  // Take out what divides exactly: floor((d x + r) / d) = x + floor(r / d).
  Linear quotient =
      Linear::constantOf(llvm::divideFloorSigned(dividend.constant, divisor));
  dividend.constant -= quotient.constant * divisor;
  quotient.coeffs.resize(dividend.coeffs.size(), 0);
  for (auto [whole, rest] : llvm::zip(quotient.coeffs, dividend.coeffs))
    if (rest % divisor == 0)
      whole = std::exchange(rest, 0) / divisor;
  quotient.trim();
  dividend.trim();
  if (dividend.isConstant())
    return leaf(quotient);

  // floor((g x + c) / (g d)) = floor((x + floor(c / g)) / d).
  if (int64_t common = std::gcd(dividend.gcd(), divisor); common > 1) {
    for (int64_t &coeff : dividend.coeffs)
      coeff /= common;
    dividend.constant /= common; // not negative
    divisor /= common;
  }

  // floor((floor(x / m) + c) / d) = floor((x + c m) / (d m)).
  unsigned last = dividend.coeffs.size() - 1;
  if (last >= numColumns && dividend.coeffs.back() == 1 &&
      llvm::all_of(llvm::drop_end(dividend.coeffs),
                   [](int64_t c) { return c == 0; })) {
    const FloorDiv inner = divs[last - numColumns];
    int64_t shift, product;
    if (llvm::MulOverflow(dividend.constant, inner.divisor, shift) ||
        llvm::MulOverflow(divisor, inner.divisor, product))
      return nullptr;
    std::optional<Linear> outer = scaled(inner.dividend, 1, shift);
    if (!outer)
      return nullptr;
    return addScaled(leaf(quotient), floorDivLeaf(std::move(*outer), product));
  }

  FloorDiv div{std::move(dividend), divisor};
  const FloorDiv *known = llvm::find(divs, div);
  unsigned column = numColumns + (known - divs.begin());
  if (known == divs.end()) {
    if (divs.size() == kMaxDivs)
      return nullptr;
    nonNegative.push_back(isNeverNegative(div.dividend));
    divs.push_back(std::move(div));
  }
  return leaf(fovea::attn::addScaled(quotient, Linear::column(column)));
}

Ref IndexAlgebra::floorDiv(const Ref &a, int64_t divisor) {
  return mapMonotone(a, /*decreasing=*/false,
                     [&](const Linear &x) { return floorDivLeaf(x, divisor); });
}

Ref IndexAlgebra::ceilDiv(const Ref &a, int64_t divisor) {
  return scale(floorDiv(scale(a, -1), divisor), -1);
}

Ref IndexAlgebra::truncDiv(const Ref &a, int64_t divisor) {
  return mapMonotone(a, /*decreasing=*/false, [&](const Linear &x) {
    Ref dividend = leaf(x), down = floorDiv(dividend, divisor);
    if (isNeverNegative(x))
      return down;
    return select(Predicate::nonNegative(x), down, ceilDiv(dividend, divisor));
  });
}

Ref IndexAlgebra::truncRem(const Ref &a, int64_t divisor) {
  return mapAny(a, [&](const Linear &x) {
    Ref dividend = leaf(x);
    Ref down = addScaled(dividend, floorDiv(dividend, divisor), -divisor);
    if (isNeverNegative(x))
      return down;
    return select(Predicate::nonNegative(x), down,
                  addScaled(dividend, ceilDiv(dividend, divisor), -divisor));
  });
}

Predicate IndexAlgebra::isNonNegative(const Ref &a) {
  if (!a)
    return Predicate::unknown();
  switch (a->kind) {
  case Kind::Leaf:
    return Predicate::nonNegative(a->leaf);
  case Kind::Min:
    return isNonNegative(a->lhs) && isNonNegative(a->rhs);
  case Kind::Max:
    return isNonNegative(a->lhs) || isNonNegative(a->rhs);
  case Kind::Select:
    return (a->condition && isNonNegative(a->lhs)) ||
           (!a->condition && isNonNegative(a->rhs));
  }
  return Predicate::unknown();
}

bool IndexAlgebra::isNeverNegative(const Linear &linear) const {
  if (linear.constant < 0)
    return false;
  for (unsigned c = 0, e = linear.coeffs.size(); c != e; ++c)
    if (linear.coeffs[c] < 0 || (linear.coeffs[c] > 0 && !nonNegative[c]))
      return false;
  return true;
}

bool IndexAlgebra::isNeverNegative(const Ref &a) const {
  if (!a)
    return false;
  if (a->kind == Kind::Leaf)
    return isNeverNegative(a->leaf);
  bool left = isNeverNegative(a->lhs), right = isNeverNegative(a->rhs);
  return a->kind == Kind::Max ? left || right : left && right;
}

} // namespace fovea::attn
