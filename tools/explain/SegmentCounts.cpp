//===- SegmentCounts.cpp - What the tiles do with the keys ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/SegmentCounts.h"

#include "tools/explain/SegmentSymbols.h"

#include <cmath>

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

/// In double, where nothing overflows: exact below 2^53, and the bounds that
/// stand for conditions are powers of two. A dimension is its first symbol of
/// three: where the tile at hand begins.
static double evaluate(AffineExpr expr, ArrayRef<double> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return static_cast<double>(constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return symbols[static_cast<size_t>(3) * dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  double lhs = evaluate(binary.getLHS(), symbols);
  double rhs = evaluate(binary.getRHS(), symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    return std::floor(lhs / rhs);
  case AffineExprKind::CeilDiv:
    return std::ceil(lhs / rhs);
  default: // Mod
    return lhs - std::floor(lhs / rhs) * rhs;
  }
}

namespace {
/// Walks the tiles as the generated loops do, and counts.
class SegmentCounter {
public:
  SegmentCounter(AttentionOp op, Sizes &sizes)
      : op(op), symbols(op, sizes), schedule(*op.getSchedule()) {}

  std::variant<SegmentCounts, MissingCounts> count();

private:
  static constexpr double kMaxTiles = 1 << 20;
  static constexpr int64_t kMaxRows = 32, kMaxColumns = 64;

  using Intervals = SmallVector<std::pair<double, double>>;

  void needNumber(const SizePolynomial &value, const std::string &option,
                  double &result);
  void findValues();
  void setElements();
  void walk(unsigned position, bool isFirst);
  void walkQueries(bool isFirst);
  void setQueries(double begin, double rows) {
    values[3 * symbols.queryDim()] = queryBegin + begin;
    values[3 * symbols.queryDim() + 1] = rows;
  }
  Intervals evaluateVisit();
  void countGroup(double begin, double rows);
  Intervals evaluateAll(ArrayRef<AffineMap> lower, ArrayRef<AffineMap> upper);
  void countTile(double rows, std::vector<double> *wholeKeys,
                 std::vector<double> *partialKeys);
  void addRow(ArrayRef<double> wholeKeys, ArrayRef<double> partialKeys,
              int64_t tiles);

  AttentionOp op;
  SegmentSymbols symbols;
  ScheduleAttr schedule;
  std::vector<double> values; ///< of the symbols, for the tile at hand
  /// Symbols that are another element for other tiles.
  SmallVector<std::pair<unsigned, SegmentSymbols::Elements>> elements;
  SmallVector<unsigned> walked; ///< dimensions that make a difference
  double queryBegin = 0, queries = 0, keyBegin = 0, keys = 0;
  SegmentCounts counts;
  MissingCounts missing;
};
} // namespace

/// Sets `result`, or notes what is missing.
void SegmentCounter::needNumber(const SizePolynomial &value,
                                const std::string &option, double &result) {
  if (std::optional<double> number = value.constant()) {
    result = *number;
    return;
  }
  if (option.empty())
    missing.reason = "they depend on a value that is computed";
  else if (!llvm::is_contained(missing.options, option))
    missing.options.push_back(option);
}

void SegmentCounter::findValues() {
  values.assign(symbols.numSymbols(), 0);
  for (unsigned k = 3 * symbols.numDims(); k < values.size(); ++k)
    if (symbols.isUsed(k))
      if (auto differing = symbols.elements(k))
        elements.emplace_back(k, std::move(*differing));
  for (unsigned dim = 0; dim < symbols.numDims(); ++dim) {
    bool isMain = dim == symbols.queryDim() || dim == symbols.keyDim();
    bool isRead = llvm::any_of(elements, [&](const auto &element) {
      return element.second.access.isFunctionOfDim(dim);
    });
    bool isUsed = isRead || symbols.isUsed(3 * dim) ||
                  symbols.isUsed(3 * dim + 1) || symbols.isUsed(3 * dim + 2);
    if (!isMain && !isUsed)
      continue;
    SizePolynomial size = symbols.bound(dim), begin = symbols.begin(dim);
    double first = 0, bound = 0;
    needNumber(begin, "", first);
    needNumber(size, "--size " + size.text() + "=N", bound);
    values[3 * dim] = first;
    values[3 * dim + 1] = symbols.isWalked(dim) ? 1 : bound;
    values[3 * dim + 2] = first + bound;
    if (symbols.isWalked(dim) && (isRead || symbols.isUsed(3 * dim)))
      walked.push_back(dim);
  }
  for (unsigned k = 3 * symbols.numDims(); k < values.size(); ++k) {
    bool differs = llvm::any_of(
        elements, [&](const auto &element) { return element.first == k; });
    if (symbols.isUsed(k) && !differs)
      needNumber(symbols.operand(k), symbols.optionFor(k), values[k]);
  }
}

/// Sets the symbols that are elements to those of the tile at hand. Positions
/// outside are clamped, as the runtime clamps them.
void SegmentCounter::setElements() {
  for (const auto &[symbol, element] : elements) {
    int64_t position = 0;
    for (auto [expr, size] :
         llvm::zip_equal(element.access.getResults(), element.shape)) {
      auto at = static_cast<int64_t>(evaluate(expr, values));
      position = position * size + std::clamp<int64_t>(at, 0, size - 1);
    }
    values[symbol] = static_cast<double>(element.values[position]);
  }
}

SegmentCounter::Intervals
SegmentCounter::evaluateAll(ArrayRef<AffineMap> lower,
                            ArrayRef<AffineMap> upper) {
  Intervals intervals;
  for (auto [from, to] : llvm::zip_equal(lower, upper)) {
    double begin = keyBegin, end = keyBegin + keys;
    for (AffineExpr expr : from.getResults())
      begin = std::max(begin, evaluate(expr, values));
    for (AffineExpr expr : to.getResults())
      end = std::min(end, evaluate(expr, values));
    if (begin < end)
      intervals.emplace_back(begin, end);
  }
  return intervals;
}

/// The intervals that are visited, from first to last.
SegmentCounter::Intervals SegmentCounter::evaluateVisit() {
  std::optional<SegmentsAttr> segments = op.getSegments();
  if (!segments)
    return {{keyBegin, keyBegin + keys}};
  Intervals visit =
      evaluateAll(segments->getVisitLower(), segments->getVisitUpper());
  llvm::sort(visit);
  return visit;
}

/// Counts the keys that a group of `rows` queries brings near, as one tile.
void SegmentCounter::countGroup(double begin, double rows) {
  setQueries(begin, rows);
  counts.groupKeys += keys;
  double counted = keyBegin;
  for (auto [from, to] : evaluateVisit()) {
    counts.visitedGroupKeys += std::max(0.0, to - std::max(from, counted));
    counted = std::max(counted, to);
  }
}

/// Counts the pieces of a tile of `rows` queries; adds its keys to the columns
/// of the map.
void SegmentCounter::countTile(double rows, std::vector<double> *wholeKeys,
                               std::vector<double> *partialKeys) {
  Intervals visit = evaluateVisit(), masked;
  if (std::optional<SegmentsAttr> segments = op.getSegments()) {
    masked =
        evaluateAll(segments->getMaskedLower(), segments->getMaskedUpper());
  } else if (!op.getMask().empty()) {
    masked = visit;
  }
  SmallVector<double> points;
  for (const Intervals *intervals : {&visit, &masked})
    for (auto [begin, end] : *intervals)
      points.append({begin, end});
  llvm::sort(points);
  auto contains = [](const Intervals &intervals, double point) {
    return llvm::any_of(intervals, [&](auto interval) {
      return interval.first <= point && point < interval.second;
    });
  };
  counts.pairs += rows * keys;
  for (size_t k = 0; k + 1 < points.size(); ++k) {
    double begin = points[k], end = points[k + 1];
    if (begin == end || !contains(visit, begin))
      continue;
    bool isPartial = contains(masked, begin);
    (isPartial ? counts.partial : counts.whole) += rows * (end - begin);
    if (!wholeKeys)
      continue;
    double width = static_cast<double>(counts.keysPerColumn);
    auto &columns = isPartial ? *partialKeys : *wholeKeys;
    for (size_t c = 0; c < columns.size(); ++c) {
      double left = keyBegin + static_cast<double>(c) * width;
      columns[c] +=
          std::max(0.0, std::min(end, left + width) - std::max(begin, left));
    }
  }
}

void SegmentCounter::addRow(ArrayRef<double> wholeKeys,
                            ArrayRef<double> partialKeys, int64_t tiles) {
  std::string row;
  double width = static_cast<double>(counts.keysPerColumn);
  for (auto [c, whole] : llvm::enumerate(wholeKeys)) {
    double left = static_cast<double>(c) * width;
    double all = static_cast<double>(tiles) * std::min(width, keys - left);
    row += partialKeys[c] > 0 ? '?'
           : whole == 0       ? '.'
           : whole < all      ? '+'
                              : '#';
  }
  counts.map.push_back(row);
}

void SegmentCounter::walkQueries(bool isFirst) {
  setElements();
  auto tile = static_cast<double>(schedule.getQueryTile());
  double group = tile * static_cast<double>(schedule.getQueryGroup());
  for (double begin = 0; begin < queries; begin += group)
    countGroup(begin, std::min(group, queries - begin));
  std::vector<double> whole, partial;
  int64_t tilesInRow = 0;
  for (double begin = 0; begin < queries; begin += tile) {
    if (isFirst && tilesInRow == 0) {
      size_t columns =
          llvm::divideCeil(static_cast<int64_t>(keys), counts.keysPerColumn);
      whole.assign(columns, 0);
      partial.assign(columns, 0);
    }
    double rows = std::min(tile, queries - begin);
    setQueries(begin, rows);
    countTile(rows, isFirst ? &whole : nullptr, isFirst ? &partial : nullptr);
    bool isLast = begin + tile >= queries;
    if (isFirst && (++tilesInRow == counts.tilesPerRow || isLast)) {
      addRow(whole, partial, tilesInRow);
      tilesInRow = 0;
    }
  }
}

/// Walks the dimensions from `position` on.
void SegmentCounter::walk(unsigned position, bool isFirst) {
  if (position == walked.size())
    return walkQueries(isFirst);
  unsigned dim = walked[position];
  double first = values[3 * dim];
  for (double at = first; at < values[3 * dim + 2]; ++at) {
    values[3 * dim] = at;
    walk(position + 1, isFirst && at == first);
  }
  values[3 * dim] = first;
}

std::variant<SegmentCounts, MissingCounts> SegmentCounter::count() {
  findValues();
  if (!missing.options.empty() || !missing.reason.empty())
    return missing;
  queryBegin = values[3 * symbols.queryDim()];
  queries = values[3 * symbols.queryDim() + 1];
  keyBegin = values[3 * symbols.keyDim()];
  keys = values[3 * symbols.keyDim() + 1];
  double tiles =
      std::ceil(queries / static_cast<double>(schedule.getQueryTile()));
  double combinations = 1;
  for (unsigned dim : walked) {
    combinations *= values[3 * dim + 2] - values[3 * dim];
    counts.mapAtZero.push_back(dimName(op, dim));
  }
  if (tiles * combinations > kMaxTiles || keys > 1e15) {
    missing.reason = "there are too many tiles";
    return missing;
  }
  counts.tiles = static_cast<int64_t>(tiles);
  counts.tilesPerRow =
      std::max<int64_t>(1, llvm::divideCeil(counts.tiles, kMaxRows));
  counts.keysPerColumn = std::max<int64_t>(
      1, llvm::divideCeil(static_cast<int64_t>(keys), kMaxColumns));
  walk(0, true);
  return counts;
}

std::variant<SegmentCounts, MissingCounts>
explain::countSegments(AttentionOp op, Sizes &sizes) {
  return SegmentCounter(op, sizes).count();
}
