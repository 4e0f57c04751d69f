//===- ProjectionTest.cpp - Emptiness, shadows and bounds of sets ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sets/Projection.h"
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace fovea::attn;

namespace {

using Rows = std::vector<Linear>;

Linear row(std::initializer_list<int64_t> coeffs, int64_t constant) {
  Linear result{constant, llvm::SmallVector<int64_t, 8>(coeffs)};
  result.trim();
  return result;
}

/// `0 <= column < size` for each column.
Rows box(unsigned columns, int64_t size) {
  Rows rows;
  for (unsigned column = 0; column < columns; ++column) {
    rows.push_back(Linear::column(column));
    Linear above = *scaled(Linear::column(column), -1, size - 1);
    rows.push_back(above);
  }
  return rows;
}

bool contains(llvm::ArrayRef<Linear> rows, llvm::ArrayRef<int64_t> point) {
  return llvm::all_of(rows, [&](const Linear &row) {
    int64_t value = row.constant;
    for (auto [coeff, at] : llvm::zip(row.coeffs, point))
      value += coeff * at;
    return value >= 0;
  });
}

TEST(ProjectionTest, EmptyOverTheIntegersOnly) {
  EXPECT_FALSE(isEmptySet({}));
  EXPECT_TRUE(isEmptySet({row({}, -1)}));
  EXPECT_TRUE(isEmptySet({row({1}, -3), row({-1}, 2)})); // x >= 3, x <= 2
  EXPECT_FALSE(isEmptySet({row({1}, -3), row({-1}, 3)}));
  // 2x == 2y + 1: rational points, no integers.
  EXPECT_TRUE(isEmptySet({row({2, -2}, -1), row({-2, 2}, 1)}));
}

TEST(ProjectionTest, BeyondTheLimitIsNotCalledEmpty) {
  // 2x == 2y + 1, and more columns than are searched for integers.
  Rows rows = {row({2, -2}, -1), row({-2, 2}, 1)};
  for (unsigned column = 2; column <= kMaxSearchedColumns; ++column)
    rows.push_back(Linear::column(column));
  EXPECT_FALSE(isEmptySet(rows));
  rows.push_back(row({}, -1)); // without rational points it still is
  EXPECT_TRUE(isEmptySet(rows));
}

TEST(ProjectionTest, ShadowOfACone) {
  // i - j >= 0, j >= 2, without j: i >= 2.
  llvm::SmallBitVector eliminated(2);
  eliminated.set(1);
  auto shadow = projectExactly({row({1, -1}, 0), row({0, 1}, -2)}, eliminated);
  ASSERT_TRUE(shadow);
  EXPECT_EQ(*shadow, Rows{row({1}, -2)});
}

TEST(ProjectionTest, EverythingEliminated) {
  llvm::SmallBitVector all(1, true);
  auto some = projectExactly({row({1}, 0), row({-1}, 5)}, all);
  ASSERT_TRUE(some);
  EXPECT_FALSE(isEmptySet(*some));
  auto none = projectExactly({row({1}, -6), row({-1}, 5)}, all);
  ASSERT_TRUE(none);
  EXPECT_TRUE(isEmptySet(*none));
}

TEST(ProjectionTest, NoConjunctionOfRows) {
  // i == 2 j for some j: the even numbers.
  llvm::SmallBitVector eliminated(2);
  eliminated.set(1);
  EXPECT_FALSE(projectExactly({row({1, -2}, 0), row({-1, 2}, 0)}, eliminated));
}

TEST(ProjectionTest, BoundsAreIntegers) {
  // 3 <= 2x <= 9.
  Rows rows = {row({2}, -3), row({-2}, 9)};
  Bounds bounds = boundsOf(Linear::column(0), rows);
  EXPECT_EQ(bounds.least, 2);
  EXPECT_EQ(bounds.greatest, 4);
  bounds = boundsOf(row({1, 1}, 1), rows); // the second column is free
  EXPECT_FALSE(bounds.least);
  EXPECT_FALSE(bounds.greatest);
  bounds = boundsOf(Linear::column(0), {row({1}, -3), row({-1}, 2)});
  EXPECT_FALSE(bounds.least); // an empty set has none
  EXPECT_FALSE(bounds.greatest);
}

TEST(ProjectionTest, BoundsBeyond64BitsAreNone) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  Rows rows = {row({1}, most), row({-1}, most)}; // |x| <= 2^63 - 1
  Bounds bounds = boundsOf(row({1}, 0), rows);
  EXPECT_EQ(bounds.least, -most);
  EXPECT_EQ(bounds.greatest, most);
  bounds = boundsOf(row({3}, 0), rows);
  EXPECT_FALSE(bounds.least);
  EXPECT_FALSE(bounds.greatest);
  bounds = boundsOf(row({1}, most), rows);
  EXPECT_EQ(bounds.least, 0);
  EXPECT_FALSE(bounds.greatest);
}

TEST(ProjectionTest, ShadowsBeyond64BitsAreGivenUp) {
  // x >= a y, y >= b: x >= a b, which 64 bits do not hold.
  constexpr int64_t large = int64_t(1) << 40;
  llvm::SmallBitVector eliminated(2);
  eliminated.set(1);
  EXPECT_FALSE(
      projectExactly({row({1, -large}, 0), row({0, 1}, -large)}, eliminated));
}

/// Every answer, against the points of a small box one by one.
TEST(ProjectionTest, RandomSetsAgreeWithTheirPoints) {
  constexpr int64_t size = 6;
  std::mt19937_64 engine(1);
  auto draw = [&](int64_t from, int64_t to) {
    return from + static_cast<int64_t>(engine() % (to - from + 1));
  };
  unsigned projected = 0;
  for (unsigned round = 0; round < 2000; ++round) {
    Rows rows = box(3, size);
    for (int64_t k = draw(1, 3); k > 0; --k)
      rows.push_back(row({draw(-3, 3), draw(-3, 3), draw(-3, 3)}, draw(-8, 8)));
    Linear linear = row({draw(-2, 2), draw(-2, 2), draw(-2, 2)}, draw(-3, 3));
    llvm::SmallBitVector eliminated(3);
    eliminated.set(2);
    auto shadow = projectExactly(rows, eliminated);
    projected += shadow.has_value();
    Bounds bounds = boundsOf(linear, rows);
    bool isEmpty = true;
    for (int64_t x = 0; x < size; ++x)
      for (int64_t y = 0; y < size; ++y) {
        bool hasPoint = false;
        for (int64_t z = 0; z < size; ++z) {
          if (!contains(rows, {x, y, z}))
            continue;
          hasPoint = true;
          int64_t value = linear.constant + linear.at(0) * x +
                          linear.at(1) * y + linear.at(2) * z;
          ASSERT_TRUE(bounds.least && *bounds.least <= value) << round;
          ASSERT_TRUE(bounds.greatest && *bounds.greatest >= value) << round;
        }
        isEmpty &= !hasPoint;
        if (shadow) {
          ASSERT_EQ(contains(*shadow, {x, y}), hasPoint) << round;
        }
      }
    ASSERT_EQ(isEmptySet(rows), isEmpty) << round;
  }
  EXPECT_GT(projected, 200u);
}

} // namespace
