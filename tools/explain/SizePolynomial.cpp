//===- SizePolynomial.cpp - Formulas over the sizes of indices ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/SizePolynomial.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace fovea::explain;

SizePolynomial::SizePolynomial(double constant) { add({}, constant); }

SizePolynomial SizePolynomial::atom(std::string name, Atom knowledge) {
  SizePolynomial result;
  result.terms[{name}] = 1;
  result.atoms[std::move(name)] = std::move(knowledge);
  return result;
}

SizePolynomial SizePolynomial::size(std::string name) {
  Atom knowledge;
  knowledge.isSize = true;
  return atom(std::move(name), std::move(knowledge));
}

SizePolynomial SizePolynomial::integer(std::string name) {
  return atom(std::move(name), {});
}

void SizePolynomial::add(const Monomial &monomial, double coefficient) {
  double &sum = terms[monomial];
  sum += coefficient;
  if (sum == 0)
    terms.erase(monomial);
}

std::optional<double> SizePolynomial::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

double SizePolynomial::constantTerm() const {
  auto term = terms.find({});
  return term == terms.end() ? 0 : term->second;
}

SizePolynomial SizePolynomial::operator+(const SizePolynomial &other) const {
  SizePolynomial result = *this;
  result.atoms.insert(other.atoms.begin(), other.atoms.end());
  for (const auto &[monomial, coefficient] : other.terms)
    result.add(monomial, coefficient);
  return result;
}

SizePolynomial SizePolynomial::operator-(const SizePolynomial &other) const {
  return *this + other * SizePolynomial(-1);
}

SizePolynomial SizePolynomial::operator*(const SizePolynomial &other) const {
  SizePolynomial result;
  result.atoms = atoms;
  result.atoms.insert(other.atoms.begin(), other.atoms.end());
  for (const auto &[a, x] : terms)
    for (const auto &[b, y] : other.terms) {
      Monomial product;
      std::merge(a.begin(), a.end(), b.begin(), b.end(),
                 std::back_inserter(product));
      result.add(product, x * y);
    }
  return result;
}

SizePolynomial SizePolynomial::floorDiv(const SizePolynomial &divisor) const {
  if (divisor.terms.size() != 1)
    return divisor.terms.empty() ? SizePolynomial(0)
                                 : integer("floor(" + text(true) + " / " +
                                           divisor.text(true) + ")");
  const auto &[factor, scale] = *divisor.terms.begin();
  SizePolynomial quotient, rest;
  quotient.atoms = rest.atoms = atoms;
  for (const auto &[monomial, coefficient] : terms) {
    Monomial remaining;
    std::set_difference(monomial.begin(), monomial.end(), factor.begin(),
                        factor.end(), std::back_inserter(remaining));
    bool divides = remaining.size() + factor.size() == monomial.size() &&
                   std::fmod(coefficient, scale) == 0;
    if (divides)
      quotient.add(remaining, coefficient / scale);
    else
      rest.add(monomial, coefficient);
  }
  if (rest.terms.empty())
    return quotient;
  if (!factor.empty() || scale < 0)
    return quotient + integer("floor(" + rest.text(true) + " / " +
                              divisor.text(true) + ")");
  if (std::optional<double> number = rest.constant())
    return quotient + SizePolynomial(std::floor(*number / scale));
  // floor((x + c - 1) / c) reads better as ceil(x / c).
  bool isCeil = rest.terms.count({}) && rest.terms[{}] == scale - 1;
  Atom knowledge;
  knowledge.isFloor = true;
  SizePolynomial exact = rest * SizePolynomial(1 / scale);
  knowledge.upper = std::make_shared<SizePolynomial>(exact);
  knowledge.lower = std::make_shared<SizePolynomial>(
      exact - SizePolynomial((scale - 1) / scale));
  SizePolynomial inner = isCeil ? rest - SizePolynomial(scale - 1) : rest;
  return quotient + atom((isCeil ? "ceil(" : "floor(") + inner.text(true) +
                             " / " + fmt::format("{}", scale) + ")",
                         knowledge);
}

SizePolynomial SizePolynomial::ceilDiv(double divisor) const {
  return (*this + SizePolynomial(divisor - 1)).floorDiv(divisor);
}

/// What it is the maximum of; else itself.
std::vector<SizePolynomial::Ref> SizePolynomial::alternatives() const {
  if (const Atom *known = singleAtom(1); known && !known->alternatives.empty())
    return known->alternatives;
  return {std::make_shared<SizePolynomial>(*this)};
}

SizePolynomial SizePolynomial::max(const SizePolynomial &a,
                                   const SizePolynomial &b) {
  std::vector<Ref> candidates = a.alternatives(), largest;
  llvm::append_range(candidates, b.alternatives());
  for (const Ref &candidate : candidates) {
    if (llvm::any_of(largest, [&](const Ref &other) {
          return other->isAtLeast(*candidate);
        }))
      continue;
    llvm::erase_if(largest, [&](const Ref &other) {
      return candidate->isAtLeast(*other);
    });
    largest.push_back(candidate);
  }
  if (largest.size() == 1)
    return *largest.front();
  std::string list = llvm::join(
      llvm::map_range(largest, [](const Ref &one) { return one->text(); }),
      ", ");
  Atom knowledge;
  knowledge.lower = largest.front();
  knowledge.alternatives = std::move(largest);
  return atom("max(" + list + ")", knowledge);
}

SizePolynomial SizePolynomial::min(const SizePolynomial &a,
                                   const SizePolynomial &b) {
  if (a.isAtLeast(b))
    return b;
  if (b.isAtLeast(a))
    return a;
  Atom knowledge;
  knowledge.upper = std::make_shared<SizePolynomial>(a);
  return atom("min(" + a.text() + ", " + b.text() + ")", knowledge);
}

std::optional<SizePolynomial> SizePolynomial::lowerBound() const {
  SizePolynomial result;
  for (const auto &[monomial, coefficient] : terms) {
    SizePolynomial bound(coefficient);
    for (const std::string &name : monomial) {
      const Atom &known = atoms.at(name);
      if (known.isSize) {
        bound = bound * size(name);
        continue;
      }
      // Of a product of two such atoms the bounds' signs would matter.
      const auto &replacement = coefficient > 0 ? known.lower : known.upper;
      if (!replacement || monomial.size() != 1)
        return std::nullopt;
      std::optional<SizePolynomial> inner =
          coefficient > 0 ? replacement->lowerBound() : std::nullopt;
      bound = bound * (inner ? *inner : *replacement);
    }
    result += bound;
  }
  return result;
}

/// The atom that it is `coefficient` times of; null when it is more than that.
const SizePolynomial::Atom *
SizePolynomial::singleAtom(double coefficient) const {
  if (terms.size() != 1)
    return nullptr;
  const auto &[monomial, factor] = *terms.begin();
  return factor == coefficient && monomial.size() == 1
             ? &atoms.at(monomial.front())
             : nullptr;
}

bool SizePolynomial::isAtLeast(const SizePolynomial &other) const {
  double scale = terms.empty() ? 0 : terms.begin()->second;
  const Atom *a = singleAtom(scale), *b = other.singleAtom(scale);
  if (scale > 0 && a && b && a->isFloor && b->isFloor &&
      a->upper->isAtLeast(*b->upper))
    return true;
  std::optional<SizePolynomial> gap = (*this - other).lowerBound();
  if (!gap)
    return false;
  // With every size 1 + t, t >= 0: at least 0 if no coefficient is negative.
  SizePolynomial shifted;
  for (const auto &[monomial, coefficient] : gap->terms) {
    SizePolynomial product(coefficient);
    for (const std::string &name : monomial) {
      if (!gap->atoms.at(name).isSize)
        return false;
      product = product * (SizePolynomial(1) + size(name));
    }
    shifted += product;
  }
  return llvm::all_of(shifted.terms,
                      [](const auto &term) { return term.second >= 0; });
}

std::string SizePolynomial::text(bool isFactor) const {
  if (terms.empty())
    return "0";
  std::vector<std::pair<Monomial, double>> sorted(terms.begin(), terms.end());
  llvm::sort(sorted, [](const auto &a, const auto &b) {
    if (a.first.size() != b.first.size())
      return a.first.size() > b.first.size();
    if ((a.second < 0) != (b.second < 0))
      return b.second < 0;
    return a.first < b.first;
  });
  std::string result;
  for (const auto &[monomial, coefficient] : sorted) {
    double magnitude = std::abs(coefficient);
    if (result.empty())
      result = coefficient < 0 ? "-" : "";
    else
      result += coefficient < 0 ? " - " : " + ";
    bool isPlain = magnitude == 1 && !monomial.empty();
    if (!isPlain)
      result += countText(magnitude);
    for (const std::string &name : monomial) {
      if (!isPlain || &name != &monomial.front())
        result += ' ';
      result += name;
    }
  }
  return isFactor && sorted.size() > 1 ? "(" + result + ")" : result;
}

std::string fovea::explain::countText(double count) {
  std::string digits = count == std::floor(count) ? fmt::format("{:.0f}", count)
                                                  : fmt::format("{}", count);
  size_t end = std::min(digits.find('.'), digits.size());
  for (size_t k = end; k > 3 && digits[k - 4] != '-';)
    digits.insert(k -= 3, ",");
  return digits;
}

/// The amount in the largest unit it fills.
static std::string scaledText(double amount, double base,
                              std::initializer_list<const char *> units) {
  const char *const *unit = units.begin();
  while (std::abs(amount) >= base && unit + 1 != units.end()) {
    amount /= base;
    ++unit;
  }
  if (unit == units.begin())
    return fmt::format("{:.0f} {}", amount, *unit);
  return fmt::format("{:.2f} {}", amount, *unit);
}

std::string fovea::explain::amountText(double amount, const std::string &unit) {
  return scaledText(amount, 1000, {"", "k", "M", "G", "T", "P"}) + unit;
}

std::string fovea::explain::bytesText(double bytes) {
  return scaledText(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB"});
}
