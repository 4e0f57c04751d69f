//===- Segments.cpp - Which keys a tile visits ----------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For a tile, `visit` = the keys j such that some point i of the tile has
// mask(i, j), and `masked` = those such that some point has not. Both are
// projections of unions of convex sets, so unions of intervals in j whose ends
// depend on the symbols. Projection treats integers as rationals. To stay exact
// for masks in blocks (i // 64 == j // 64), a division q = i // 64 also gets
// the bounds that the ends of the tile give it; these are new symbols.
//
//===----------------------------------------------------------------------===//

#include "passes/mask/Segments.h"
#include "mlir/Analysis/FlatLinearValueConstraints.h"
#include "passes/mask/KeyRegions.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fovea::attn {

namespace {
/// What a column of the mask becomes in the columns of the projection: the key,
/// the symbols, the derived symbols, then the columns to be eliminated.
struct ColumnImage {
  /// Equal to this expression of key and symbols.
  std::optional<Linear> exact;
  /// Or between these expressions of the symbols, where known; to be
  /// eliminated.
  std::optional<Linear> lower, upper;
  unsigned eliminated = 0; ///< its number among the columns to be eliminated

  bool dependsOnKey() const {
    return exact ? exact->at(0) != 0 : !(lower && upper);
  }
};

class SegmentBuilder {
public:
  SegmentBuilder(MLIRContext *context, const MaskSets &sets,
                 const TileDomain &domain)
      : context(context), sets(sets), domain(domain) {}

  KeySegments build();

private:
  void mapColumns();
  void mapDim(unsigned dim);
  void mapDiv(const FloorDiv &div);
  Linear fromAffine(AffineExpr expr) const;
  /// Without the key's part.
  AffineExpr toAffine(const Linear &linear) const;
  std::optional<Linear> derive(const std::optional<Linear> &dividend,
                               int64_t divisor);
  std::optional<Linear> getImage(const Linear &linear) const;
  std::optional<Linear> getExtreme(const Linear &linear, bool largest) const;
  Conjunction project(const Conjunction &term) const;
  std::vector<Conjunction> projectAll(const Disjunction &set,
                                      KeyRegions &regions) const;
  KeyInterval toInterval(const Conjunction &set) const;

  MLIRContext *context;
  const MaskSets &sets;
  const TileDomain &domain;

  std::vector<ColumnImage> images; ///< of the mask's columns
  SmallVector<FloorDiv> derived;   ///< symbols; over key and symbols
  SmallVector<AffineExpr> derivedExprs;
  SmallVector<Linear> facts; ///< over key and symbols, each >= 0
  unsigned numKept = 0, numEliminated = 0;
};
} // namespace

Linear SegmentBuilder::fromAffine(AffineExpr expr) const {
  SmallVector<int64_t> flat;
  [[maybe_unused]] LogicalResult flattened =
      getFlattenedAffineExpr(expr, /*numDims=*/0, sets.numSymbols, &flat);
  assert(succeeded(flattened) && flat.size() == sets.numSymbols + 1 &&
         "ranges and facts of a tile are linear in its symbols");
  Linear result;
  result.constant = flat.pop_back_val();
  result.coeffs.push_back(0); // the key
  llvm::append_range(result.coeffs, flat);
  result.trim();
  return result;
}

AffineExpr SegmentBuilder::toAffine(const Linear &linear) const {
  AffineExpr result = getAffineConstantExpr(0, context);
  for (unsigned c = 1, e = linear.coeffs.size(); c < e; ++c) {
    AffineExpr column = c <= sets.numSymbols
                            ? getAffineSymbolExpr(c - 1, context)
                            : derivedExprs[c - 1 - sets.numSymbols];
    result = result + column * linear.coeffs[c];
  }
  return result + linear.constant;
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

void SegmentBuilder::mapDim(unsigned dim) {
  Linear lower = fromAffine(domain.dims[dim].lower);
  std::optional<Linear> last =
      scaled(fromAffine(domain.dims[dim].upper), 1, /*shift=*/-1);
  ColumnImage image;
  if (dim == domain.key) {
    image.exact = Linear::column(0);
    if (auto fact = addScaled(*image.exact, lower, -1))
      facts.push_back(*fact);
    if (auto fact = last ? addScaled(*last, *image.exact, -1) : std::nullopt)
      facts.push_back(*fact);
  } else if (last && *last == lower) {
    image.exact = lower;
  } else {
    image.lower = lower;
    image.upper = last;
    image.eliminated = numEliminated++;
    if (auto fact = last ? addScaled(*last, lower, -1) : std::nullopt)
      facts.push_back(*fact);
  }
  images.push_back(std::move(image));
}

/// A symbol for `floor(dividend / divisor)`, for a dividend without key.
std::optional<Linear>
SegmentBuilder::derive(const std::optional<Linear> &dividend, int64_t divisor) {
  if (!dividend)
    return std::nullopt;
  if (dividend->isConstant())
    return Linear::constantOf(
        llvm::divideFloorSigned(dividend->constant, divisor));
  FloorDiv div{*dividend, divisor};
  const FloorDiv *known = llvm::find(derived, div);
  Linear column =
      Linear::column(1 + sets.numSymbols + (known - derived.begin()));
  if (known != derived.end())
    return column;
  // 0 <= dividend - divisor * quotient <= divisor - 1
  std::optional<Linear> rest = addScaled(*dividend, column, -divisor);
  std::optional<Linear> gap =
      rest ? scaled(*rest, -1, divisor - 1) : std::nullopt;
  if (!gap)
    return std::nullopt;
  facts.push_back(*rest);
  facts.push_back(*gap);
  derivedExprs.push_back(toAffine(*dividend).floorDiv(divisor));
  derived.push_back(std::move(div));
  return column;
}

void SegmentBuilder::mapDiv(const FloorDiv &div) {
  ColumnImage image;
  bool usesKey = false, isExact = true;
  for (unsigned c = 0, e = div.dividend.coeffs.size(); c != e; ++c) {
    if (div.dividend.coeffs[c] == 0)
      continue;
    usesKey |= images[c].dependsOnKey();
    isExact &= images[c].exact.has_value();
  }
  if (!usesKey && isExact) {
    image.exact = derive(getExtreme(div.dividend, true), div.divisor);
  } else if (!usesKey) {
    image.lower = derive(getExtreme(div.dividend, false), div.divisor);
    image.upper = derive(getExtreme(div.dividend, true), div.divisor);
    if (image.lower && image.upper)
      if (auto fact = addScaled(*image.upper, *image.lower, -1))
        facts.push_back(*fact);
  }
  if (!image.exact)
    image.eliminated = numEliminated++;
  images.push_back(std::move(image));
}

void SegmentBuilder::mapColumns() {
  for (AffineExpr fact : domain.facts)
    facts.push_back(fromAffine(fact));
  for (unsigned d = 0; d != sets.numDims; ++d)
    mapDim(d);
  for (unsigned s = 0; s != sets.numSymbols; ++s) {
    ColumnImage image;
    image.exact = Linear::column(1 + s);
    images.push_back(std::move(image));
  }
  for (const FloorDiv &div : sets.divs)
    mapDiv(div);
  numKept = 1 + sets.numSymbols + derived.size();
}

/// The smallest or largest value in the tile of an expression that does not
/// depend on the key.
std::optional<Linear> SegmentBuilder::getExtreme(const Linear &linear,
                                                 bool largest) const {
  std::optional<Linear> result = Linear::constantOf(linear.constant);
  for (unsigned c = 0, e = linear.coeffs.size(); c != e && result; ++c) {
    if (linear.coeffs[c] == 0)
      continue;
    const ColumnImage &image = images[c];
    const Linear &end = image.exact                         ? *image.exact
                        : largest == (linear.coeffs[c] > 0) ? *image.upper
                                                            : *image.lower;
    result = addScaled(*result, end, linear.coeffs[c]);
  }
  return result;
}

std::optional<Linear> SegmentBuilder::getImage(const Linear &linear) const {
  std::optional<Linear> result = Linear::constantOf(linear.constant);
  for (unsigned c = 0, e = linear.coeffs.size(); c != e && result; ++c) {
    if (linear.coeffs[c] == 0)
      continue;
    const ColumnImage &image = images[c];
    result = addScaled(*result,
                       image.exact ? *image.exact
                                   : Linear::column(numKept + image.eliminated),
                       linear.coeffs[c]);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Projection
//===----------------------------------------------------------------------===//

/// The keys and symbols for which some point of the tile is in `term`.
Conjunction SegmentBuilder::project(const Conjunction &term) const {
  SmallVector<Linear> rows;
  llvm::SmallBitVector used(images.size());
  // A row that does not fit into 64 bits is left out, which enlarges the set.
  auto add = [&](const std::optional<Linear> &row) {
    if (row)
      rows.push_back(*row);
  };
  auto addImage = [&](const Linear &row) {
    add(getImage(row));
    for (unsigned c = 0, e = row.coeffs.size(); c != e; ++c)
      if (row.coeffs[c] != 0)
        used.set(c);
  };
  for (const Linear &row : term.rows)
    addImage(row);
  // Divisions use columns before theirs.
  for (unsigned c = images.size(); c-- != 0;) {
    const ColumnImage &image = images[c];
    if (!used[c] || image.exact)
      continue;
    Linear column = Linear::column(numKept + image.eliminated);
    if (image.lower)
      add(addScaled(column, *image.lower, -1));
    if (image.upper)
      add(addScaled(*image.upper, column, -1));
    if (c < sets.getDivColumn(0))
      continue;
    const FloorDiv &div = sets.divs[c - sets.getDivColumn(0)];
    std::optional<Linear> rest =
        addScaled(div.dividend, Linear::column(c), -div.divisor);
    std::optional<Linear> gap =
        rest ? scaled(*rest, -1, div.divisor - 1) : std::nullopt;
    if (!gap)
      continue;
    addImage(*rest);
    addImage(*gap);
  }
  return projectOnLeading(rows, numKept + numEliminated, numKept);
}

/// The ends of intervals are computed without overflow for symbols up to 2^48.
static bool isEvaluable(const Linear &row) {
  uint64_t size = 0;
  for (int64_t coeff : row.coeffs)
    size += std::min<uint64_t>(std::abs(coeff), 1 << 12);
  return size < (1 << 12) && std::abs(row.constant) <= (int64_t(1) << 60);
}

std::vector<Conjunction> SegmentBuilder::projectAll(const Disjunction &set,
                                                    KeyRegions &regions) const {
  std::vector<Conjunction> result;
  for (const Conjunction &term : set.terms) {
    Conjunction region = project(term);
    if (regions.isDisjoint({&region}))
      continue;
    llvm::erase_if(region.rows,
                   [](const Linear &row) { return !isEvaluable(row); });
    regions.simplify(region);
    result.push_back(std::move(region));
  }
  return result;
}

KeyInterval SegmentBuilder::toInterval(const Conjunction &set) const {
  SmallVector<AffineExpr> lower, upper;
  for (const Linear &row : set.rows) {
    // coeff * key + rest >= 0; toAffine ignores the key
    int64_t coeff = row.at(0);
    if (coeff > 0)
      lower.push_back(toAffine(*scaled(row, -1)).ceilDiv(coeff));
    else if (coeff < 0)
      upper.push_back(toAffine(row).floorDiv(-coeff) + 1);
    else
      lower.push_back(toAffine(row).floorDiv(int64_t(1) << 62) *
                      -(int64_t(1) << 62));
  }
  if (lower.empty())
    lower.push_back(domain.dims[domain.key].lower);
  if (upper.empty())
    upper.push_back(domain.dims[domain.key].upper);
  return {AffineMap::get(0, sets.numSymbols, lower, context),
          AffineMap::get(0, sets.numSymbols, upper, context)};
}

KeySegments SegmentBuilder::build() {
  mapColumns();
  KeyRegions regions(numKept, facts);
  std::vector<Conjunction> visit = projectAll(sets.mask.kept, regions);
  regions.reduce(visit, kMaxKeyIntervals);
  std::vector<Conjunction> masked = projectAll(sets.mask.dropped, regions);
  // What is not visited anyway needs no mask.
  llvm::erase_if(masked, [&](const Conjunction &dropped) {
    return llvm::all_of(visit, [&](const Conjunction &visited) {
      return regions.isDisjoint({&dropped, &visited});
    });
  });
  regions.reduce(masked, kMaxKeyIntervals);

  KeySegments segments;
  for (const Conjunction &region : visit)
    segments.visit.push_back(toInterval(region));
  for (const Conjunction &region : masked)
    segments.masked.push_back(toInterval(region));
  return segments;
}

KeySegments computeKeySegments(MLIRContext *context, const MaskSets &sets,
                               const TileDomain &domain) {
  assert(domain.dims.size() == sets.numDims && domain.key < sets.numDims &&
         "a range for each dimension of the mask");
  return SegmentBuilder(context, sets, domain).build();
}

} // namespace fovea::attn
