//===- SizePolynomial.h - Formulas over the sizes of indices ----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_SIZEPOLYNOMIAL_H
#define FOVEA_TOOLS_EXPLAIN_SIZEPOLYNOMIAL_H

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fovea::explain {

/// A polynomial with real coefficients. Its variables are *atoms*: the size of
/// an index, a runtime value, or a formula that is no polynomial, such as
/// `max(m, n)`. Exact while coefficients stay below 2^53.
class SizePolynomial {
public:
  /// Atoms by name, sorted, one for each power.
  using Monomial = std::vector<std::string>;

  SizePolynomial(double constant = 0);
  /// Something called `name` that is at least 1, such as a size, or that is an
  /// integer of any sign.
  static SizePolynomial size(std::string name);
  static SizePolynomial integer(std::string name);

  std::optional<double> constant() const;
  /// The term without atoms.
  double constantTerm() const;

  SizePolynomial operator+(const SizePolynomial &other) const;
  SizePolynomial operator-(const SizePolynomial &other) const;
  SizePolynomial operator*(const SizePolynomial &other) const;
  SizePolynomial &operator+=(const SizePolynomial &other) {
    return *this = *this + other;
  }

  /// `floor(this / divisor)`: exact where the divisor divides all terms but a
  /// constant, else an atom. A divisor of 0 gives 0.
  SizePolynomial floorDiv(const SizePolynomial &divisor) const;
  SizePolynomial ceilDiv(double divisor) const;
  static SizePolynomial max(const SizePolynomial &a, const SizePolynomial &b);
  static SizePolynomial min(const SizePolynomial &a, const SizePolynomial &b);

  /// Whether it is obviously at least `other` for sizes of at least 1.
  bool isAtLeast(const SizePolynomial &other) const;

  /// `2 b n + 64`, of the largest degree first; in parentheses when it has
  /// several terms and `isFactor`.
  std::string text(bool isFactor = false) const;

private:
  using Ref = std::shared_ptr<const SizePolynomial>;

  /// What is known of an atom.
  struct Atom {
    /// It lies between these; null where nothing is known.
    Ref lower, upper;
    /// It is the largest of these, if there are any.
    std::vector<Ref> alternatives;
    bool isSize = false;
    /// It is `upper`, rounded down.
    bool isFloor = false;
  };

  static SizePolynomial atom(std::string name, Atom knowledge);
  const Atom *singleAtom(double coefficient) const;
  std::vector<Ref> alternatives() const;
  void add(const Monomial &monomial, double coefficient);
  /// With every composed atom replaced by its bound that makes this smaller;
  /// nothing when one is not known.
  std::optional<SizePolynomial> lowerBound() const;

  std::map<Monomial, double> terms;
  std::map<std::string, Atom> atoms;
};

/// A count with a thousands separator: `1,048,576`.
std::string countText(double count);

/// A count in the largest unit of 1000: `2.1 G`, followed by `unit`.
std::string amountText(double amount, const std::string &unit);

/// A number of bytes in the largest unit of 1024: `3.0 MiB`.
std::string bytesText(double bytes);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_SIZEPOLYNOMIAL_H
