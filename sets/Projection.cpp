//===- Projection.cpp - Emptiness and shadows of sets of integers ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sets/Projection.h"
#include "mlir/Analysis/Presburger/IntegerRelation.h"
#include "mlir/Analysis/Presburger/Simplex.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>

using namespace mlir::presburger;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace fovea::attn {

namespace {
/// A set whose variables are columns; eliminates them one by one.
class ColumnSet : public IntegerPolyhedron {
public:
  explicit ColumnSet(unsigned numColumns)
      : IntegerPolyhedron(PresburgerSpace::getSetSpace(numColumns)) {}

  void eliminate(unsigned column) { fourierMotzkinEliminate(column); }
  /// How many rows the elimination of a column would make.
  unsigned countProduct(unsigned column) const {
    unsigned lower = 0, upper = 0;
    for (unsigned k = 0; k < getNumInequalities(); ++k) {
      lower += atIneq(k, column) > 0;
      upper += atIneq(k, column) < 0;
    }
    return lower * upper;
  }
  /// Whether eliminating a column loses no integer: in all pairs of a lower
  /// and an upper bound one has the coefficient 1.
  bool hasUnits(unsigned column) const {
    bool lower = true, upper = true;
    for (unsigned k = 0; k < getNumInequalities(); ++k) {
      lower &= atIneq(k, column) <= 1;
      upper &= atIneq(k, column) >= -1;
    }
    return lower || upper;
  }
};
} // namespace

static SmallVector<int64_t> denseRow(const Linear &row,
                                     ArrayRef<unsigned> columns) {
  SmallVector<int64_t> dense;
  for (unsigned column : columns)
    dense.push_back(row.at(column));
  dense.push_back(row.constant);
  return dense;
}

/// The columns that occur in `rows`.
static SmallVector<unsigned> usedColumns(ArrayRef<Linear> rows) {
  SmallVector<unsigned> used;
  size_t end = 0;
  for (const Linear &row : rows)
    end = std::max<size_t>(end, row.coeffs.size());
  for (unsigned column = 0; column < end; ++column)
    if (llvm::any_of(rows, [&](const Linear &row) { return row.at(column); }))
      used.push_back(column);
  return used;
}

static ColumnSet makeSet(ArrayRef<Linear> rows, ArrayRef<unsigned> columns) {
  ColumnSet set(columns.size());
  for (const Linear &row : rows)
    set.addInequality(ArrayRef<int64_t>(denseRow(row, columns)));
  return set;
}

/// `value`, or nothing if 64 bits do not hold it.
static std::optional<int64_t> narrowed(const DynamicAPInt &value) {
  if (value < std::numeric_limits<int64_t>::min() ||
      value > std::numeric_limits<int64_t>::max())
    return std::nullopt;
  return int64_t(value);
}

bool isEmptySet(ArrayRef<Linear> rows) {
  SmallVector<unsigned> columns = usedColumns(rows);
  ColumnSet set = makeSet(rows, columns);
  if (Simplex(set).isEmpty())
    return true;
  return columns.size() <= kMaxSearchedColumns &&
         rows.size() <= kMaxSearchedRows && set.isIntegerEmpty();
}

std::optional<std::vector<Linear>>
projectExactly(ArrayRef<Linear> rows, const llvm::SmallBitVector &eliminated) {
  SmallVector<unsigned> columns = usedColumns(rows);
  ColumnSet set = makeSet(rows, columns);
  // Columns leave `columns` as they leave the set.
  while (true) {
    set.removeTrivialRedundancy();
    const unsigned *next = nullptr;
    auto isBetter = [&](unsigned column, unsigned than) {
      auto rank = [&](unsigned k) {
        return std::pair(!set.hasUnits(k), set.countProduct(k));
      };
      return rank(column) < rank(than);
    };
    for (const unsigned &column : columns)
      if (column < eliminated.size() && eliminated[column] &&
          (!next ||
           isBetter(&column - columns.begin(), next - columns.begin())))
        next = &column;
    if (!next)
      break;
    unsigned position = next - columns.begin();
    if (!set.hasUnits(position) ||
        set.getNumInequalities() + set.countProduct(position) >
            kMaxProjectedRows)
      return std::nullopt;
    set.eliminate(position);
    columns.erase(next);
  }
  set.removeRedundantInequalities();
  std::vector<Linear> result;
  // False when 64 bits do not hold a part of the row.
  auto add = [&](ArrayRef<DynamicAPInt> values, int64_t sign) {
    Linear row;
    for (auto [column, value] : llvm::zip_equal(columns, values.drop_back())) {
      if (value == 0)
        continue;
      std::optional<int64_t> coeff = narrowed(sign * value);
      if (!coeff)
        return false;
      row.coeffs.resize(column + 1, 0);
      row.coeffs[column] = *coeff;
    }
    std::optional<int64_t> constant = narrowed(sign * values.back());
    if (!constant)
      return false;
    row.constant = *constant;
    result.push_back(std::move(row));
    return true;
  };
  for (unsigned k = 0; k < set.getNumInequalities(); ++k)
    if (!add(set.getInequality(k), 1))
      return std::nullopt;
  for (unsigned k = 0; k < set.getNumEqualities(); ++k)
    for (int64_t sign : {1, -1})
      if (!add(set.getEquality(k), sign))
        return std::nullopt;
  return result;
}

Bounds boundsOf(const Linear &linear, ArrayRef<Linear> rows) {
  SmallVector<Linear> all(rows.begin(), rows.end());
  all.push_back(linear); // for its columns
  SmallVector<unsigned> columns = usedColumns(all);
  Simplex simplex(makeSet(rows, columns));
  Bounds bounds;
  if (simplex.isEmpty())
    return bounds;
  SmallVector<DynamicAPInt> objective;
  for (int64_t value : denseRow(linear, columns))
    objective.push_back(DynamicAPInt(value));
  auto least = simplex.computeOptimum(Simplex::Direction::Down, objective);
  if (least.isBounded())
    bounds.least = narrowed(ceil(least.getBoundedOptimum()));
  auto greatest = simplex.computeOptimum(Simplex::Direction::Up, objective);
  if (greatest.isBounded())
    bounds.greatest = narrowed(floor(greatest.getBoundedOptimum()));
  return bounds;
}

} // namespace fovea::attn
