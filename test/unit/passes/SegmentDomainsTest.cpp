//===- SegmentDomainsTest.cpp - Tiles in several dimensions, and limits ---===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/IR/MLIRContext.h"
#include "passes/mask/Segments.h"
#include "llvm/Support/raw_ostream.h"
#include <gtest/gtest.h>

using namespace fovea::attn;
using namespace mlir;

namespace {

/// Conditions are written over columns: the dims, then the symbols.
class SegmentDomainsTest : public testing::Test {
protected:
  AffineExpr symbol(unsigned s) { return getAffineSymbolExpr(s, &context); }
  AffineExpr number(int64_t n) { return getAffineConstantExpr(n, &context); }

  static Predicate atLeastZero(std::initializer_list<int64_t> coeffs,
                               int64_t constant) {
    Linear row{constant, llvm::SmallVector<int64_t, 8>(coeffs)};
    row.trim();
    return Predicate::nonNegative(row);
  }

  std::string segmentsOf(Predicate mask, const TileDomain &domain,
                         unsigned numSymbols) {
    MaskSets sets;
    sets.numDims = domain.dims.size();
    sets.numSymbols = numSymbols;
    sets.mask = std::move(mask);
    KeySegments segments = computeKeySegments(&context, sets, domain);
    std::string text;
    llvm::raw_string_ostream os(text);
    auto print = [&](const char *name, llvm::ArrayRef<KeyInterval> intervals) {
      for (const KeyInterval &interval : intervals) {
        os << name << " ";
        llvm::interleaveComma(interval.lower.getResults(), os);
        os << " .. ";
        llvm::interleaveComma(interval.upper.getResults(), os);
        os << "; ";
      }
    };
    print("visit", segments.visit);
    print("masked", segments.masked);
    return text;
  }

  MLIRContext context;
};

TEST_F(SegmentDomainsTest, TwoTiledDimensions) {
  // Queries (g, i) in [s0, s1) x [s2, s3), keys j in [0, s4): j <= g + i.
  TileDomain domain{
      {{symbol(0), symbol(1)}, {symbol(2), symbol(3)}, {number(0), symbol(4)}},
      /*key=*/2,
      {}};
  EXPECT_EQ(segmentsOf(atLeastZero({1, 1, -1}, 0), domain, 5),
            "visit 0 .. s1 + s3 - 1; masked s0 + s2 + 1 .. s4; ");
}

TEST_F(SegmentDomainsTest, OtherKeyDimensionIsProjectedOut) {
  // Query i = s0; keys (y, x) in [0, s1) x [0, s2): x + y <= i.
  TileDomain domain{{{symbol(0), symbol(0) + 1},
                     {number(0), symbol(1)},
                     {number(0), symbol(2)}},
                    /*key=*/2,
                    {}};
  EXPECT_EQ(segmentsOf(atLeastZero({1, -1, -1}, 0), domain, 3),
            "visit 0 .. s0 + 1; masked s0 - s1 + 2 .. s2; ");
}

TEST_F(SegmentDomainsTest, KeysThatDoNotBeginAtZero) {
  // Keys j in [s2, s3), queries in [s0, s1): j > i.
  TileDomain domain{
      {{symbol(0), symbol(1)}, {symbol(2), symbol(3)}}, /*key=*/1, {}};
  EXPECT_EQ(segmentsOf(atLeastZero({-1, 1}, -1), domain, 4),
            "visit s0 + 1 .. s3; masked s2 .. s1; ");
}

TEST_F(SegmentDomainsTest, FactsDecide) {
  // j < s2 holds for all keys j in [0, s1) if s1 <= s2.
  TileDomain domain{
      {{symbol(0), symbol(0) + 1}, {number(0), symbol(1)}}, /*key=*/1, {}};
  Predicate mask = atLeastZero({0, -1, 0, 0, 1}, -1);
  EXPECT_EQ(segmentsOf(mask, domain, 3), "visit 0 .. s2; ");
  domain.facts.push_back(symbol(2) - symbol(1));
  EXPECT_EQ(segmentsOf(mask, domain, 3), "visit 0 .. s1; ");
}

TEST_F(SegmentDomainsTest, TooManyIntervalsAreJoined) {
  // j in [10 n, 10 n + 2] for n = 0, 1, ... 5: six intervals.
  TileDomain domain{
      {{symbol(0), symbol(0) + 1}, {number(0), symbol(1)}}, /*key=*/1, {}};
  Predicate mask = Predicate::constant(false);
  for (int64_t n = 0; n != 6; ++n)
    mask = mask ||
           (atLeastZero({0, 1}, -10 * n) && atLeastZero({0, -1}, 10 * n + 2));
  std::string text = segmentsOf(mask, domain, 2);
  size_t visits = 0;
  for (size_t at = 0; (at = text.find("visit", at)) != text.npos; ++at)
    ++visits;
  EXPECT_EQ(visits, size_t(kMaxKeyIntervals)) << text;
  EXPECT_NE(text.find(".. 53;"), text.npos) << text;
}

TEST_F(SegmentDomainsTest, LongConditionsEnd) {
  // Thousands of conditions: limits keep sets, and so time, small.
  TileDomain domain{{{symbol(0), symbol(1)}, {number(0), symbol(2)}},
                    /*key=*/1,
                    {symbol(0)}};
  Predicate all = Predicate::constant(true), some = Predicate::constant(false);
  for (int64_t n = 1; n != 3000; ++n) {
    all = all && atLeastZero({n % 61, -(n % 53) - 1}, n);
    some = some || atLeastZero({n % 61, -(n % 53) - 1}, -n);
  }
  EXPECT_NE(segmentsOf(all, domain, 3), "");
  EXPECT_NE(segmentsOf(some, domain, 3), "");
}

TEST_F(SegmentDomainsTest, LargeNumbersAreExact) {
  // j <= i + 2^40.
  TileDomain domain{
      {{symbol(0), symbol(1)}, {number(0), symbol(2)}}, /*key=*/1, {}};
  EXPECT_EQ(segmentsOf(atLeastZero({1, -1}, int64_t(1) << 40), domain, 3),
            "visit 0 .. s1 + 1099511627776; masked s0 + 1099511627777 .. s2; ");
}

TEST_F(SegmentDomainsTest, HugeNumbersAreGivenUp) {
  // 2^40 j <= i: a bound that cannot be evaluated safely is left out.
  TileDomain domain{
      {{symbol(0), symbol(1)}, {number(0), symbol(2)}}, /*key=*/1, {}};
  EXPECT_EQ(segmentsOf(atLeastZero({1, -(int64_t(1) << 40)}, 0), domain, 3),
            "visit 0 .. s2; masked 0 .. s2; ");
}

} // namespace
