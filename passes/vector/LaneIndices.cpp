//===- LaneIndices.cpp - indices along the lanes of a vector --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/LaneIndices.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

/// Bounds within which arithmetic on places stays in 32 bits: of what lanes add
/// up to, of a coordinate in the tile, and of what all lanes share besides.
static constexpr int64_t kMostSteps = int64_t(1) << 20;
static constexpr int64_t kMostCoordinate = int64_t(1) << 20;
static constexpr int64_t kMostShared = int64_t(1) << 30;

/// Sums deeper than this are taken for something else.
static constexpr unsigned kMostDepth = 6;

namespace {
/// A sum: what all lanes share and no key of the tile changes, coordinates in
/// the tile, and `step` * lane.
struct LaneSum {
  struct Term {
    Value value;
    bool isNegative;
  };
  SmallVector<Term> shared, coordinates;
  int64_t step = 0;
};
} // namespace

/// Whether a sum has a coordinate, so that it is worth taking apart.
static bool hasCoordinate(Value value, ArrayRef<Value> coordinates,
                          unsigned depth) {
  if (llvm::is_contained(coordinates, value) ||
      value.getDefiningOp<TileIndexOp>())
    return true;
  Operation *op = value.getDefiningOp();
  return depth > 0 && isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op) &&
         llvm::any_of(op->getOperands(), [&](Value operand) {
           return hasCoordinate(operand, coordinates, depth - 1);
         });
}

/// Adds the terms of `value` to a sum; false where it is no such sum.
static bool addTerms(Value value, ArrayRef<Value> coordinates, bool isNegative,
                     LaneSum &sum, unsigned depth = kMostDepth) {
  if (auto broadcast = value.getDefiningOp<vector::BroadcastOp>())
    value = broadcast.getSource();
  auto place = value.getDefiningOp<TileIndexOp>();
  if (value.getDefiningOp<vector::StepOp>() || (place && place.getDim() == 0)) {
    sum.step += isNegative ? -1 : 1;
    return true;
  }
  bool isShared = value.getType().isIndex();
  if (llvm::is_contained(coordinates, value) || place) {
    sum.coordinates.push_back({value, isNegative});
    return true;
  }
  Operation *op = value.getDefiningOp();
  if (isShared && !hasCoordinate(value, coordinates, depth)) {
    sum.shared.push_back({value, isNegative});
    return true;
  }
  if (depth == 0 || !isa_and_nonnull<arith::AddIOp, arith::SubIOp>(op))
    return false;
  return addTerms(op->getOperand(0), coordinates, isNegative, sum, depth - 1) &&
         addTerms(op->getOperand(1), coordinates,
                  isNegative != isa<arith::SubIOp>(op), sum, depth - 1);
}

/// Adds and subtracts terms of one type.
static Value buildSum(OpBuilder &builder, Location loc, Type type,
                      ArrayRef<LaneSum::Term> terms) {
  Value sum =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
  for (auto [value, isNegative] : terms)
    sum = isNegative ? builder.createOrFold<arith::SubIOp>(loc, sum, value)
                     : builder.createOrFold<arith::AddIOp>(loc, sum, value);
  return sum;
}

/// What all lanes share in i32, but for the part of it that `rest` is.
static Value addCoordinates(OpBuilder &builder, Location loc, Value rest,
                            ArrayRef<LaneSum::Term> coordinates) {
  Type type = builder.getI32Type();
  auto narrow = [&](Value value) {
    return builder.createOrFold<arith::IndexCastOp>(loc, type, value);
  };
  SmallVector<LaneSum::Term> terms = {{narrow(rest), false}};
  for (auto [value, isNegative] : coordinates)
    terms.push_back({narrow(value), isNegative});
  return buildSum(builder, loc, type, terms);
}

/// The multiples of the lane, in i32.
static Value buildSteps(OpBuilder &builder, Location loc, int64_t step,
                        int64_t width) {
  SmallVector<int32_t> lanes;
  for (int64_t lane = 0; lane < width; ++lane)
    lanes.push_back(step * lane);
  auto type = VectorType::get({width}, builder.getI32Type());
  return arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(lanes)));
}

static bool isUnsigned(arith::CmpIPredicate predicate) {
  return predicate >= arith::CmpIPredicate::ult;
}

/// Whether all but what lanes share stays far from the bounds of 32 bits.
static bool isSmall(const LaneSum &sum, int64_t width) {
  return std::abs(sum.step) * width <= kMostSteps &&
         sum.coordinates.size() <= kMostDepth;
}

SmallVector<Value> fovea::attn::getSmallCoordinates(RankedTensorType tile,
                                                    ArrayRef<Value> point) {
  SmallVector<Value> small;
  for (auto [size, value] : llvm::zip(tile.getShape(), point))
    if (value && value.getType().isIndex() && !ShapedType::isDynamic(size) &&
        size <= kMostCoordinate)
      small.push_back(value);
  return small;
}

Value fovea::attn::compareLaneIndices(OpBuilder &builder, Location loc,
                                      arith::CmpIPredicate predicate, Value lhs,
                                      Value rhs, int64_t width,
                                      ArrayRef<Value> coordinates) {
  if (!getElementTypeOrSelf(lhs).isIndex() || isUnsigned(predicate))
    return {};
  // a + x * lane < b + y * lane where (x - y) * lane < b - a; a difference
  // beyond all lanes and coordinates may be any such.
  LaneSum sum;
  if (!addTerms(rhs, coordinates, /*isNegative=*/false, sum) ||
      !addTerms(lhs, coordinates, /*isNegative=*/true, sum) || sum.step == 0 ||
      !isSmall(sum, width))
    return {};
  auto bound = [&](int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  Value rest = buildSum(builder, loc, builder.getIndexType(), sum.shared);
  rest = builder.createOrFold<arith::MinSIOp>(loc, rest, bound(kMostShared));
  rest = builder.createOrFold<arith::MaxSIOp>(loc, rest, bound(-kMostShared));
  Value steps = buildSteps(builder, loc, -sum.step, width);
  Value shared = addCoordinates(builder, loc, rest, sum.coordinates);
  return arith::CmpIOp::create(
      builder, loc, predicate, steps,
      vector::BroadcastOp::create(builder, loc, steps.getType(), shared));
}

Value fovea::attn::convertLaneIndices(OpBuilder &builder, Location loc,
                                      FloatType type, Value indices,
                                      int64_t width,
                                      ArrayRef<Value> coordinates) {
  auto cast = indices.getDefiningOp<arith::IndexCastOp>();
  if (!cast || !getElementTypeOrSelf(indices).isInteger(64) ||
      !isa<VectorType>(indices.getType()))
    return {};
  LaneSum sum;
  if (!addTerms(cast.getIn(), coordinates, /*isNegative=*/false, sum) ||
      sum.step == 0 || !isSmall(sum, width))
    return {};
  Value rest = buildSum(builder, loc, builder.getIndexType(), sum.shared);
  auto bound = [&](int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  // Both bounds at once: what is less than the lower one is huge, unsigned.
  Value fits = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ule,
      arith::AddIOp::create(builder, loc, rest, bound(kMostShared)),
      bound(2 * kMostShared));
  auto floats = VectorType::get({width}, type);
  auto branch = scf::IfOp::create(builder, loc, floats, fits,
                                  /*withElseRegion=*/true);
  auto yield = [&](Value integers) {
    scf::YieldOp::create(
        builder, loc,
        arith::SIToFPOp::create(builder, loc, floats, integers).getResult());
  };
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  Value steps = buildSteps(builder, loc, sum.step, width);
  Value shared = addCoordinates(builder, loc, rest, sum.coordinates);
  yield(arith::AddIOp::create(
      builder, loc, steps,
      vector::BroadcastOp::create(builder, loc, steps.getType(), shared)));
  builder.setInsertionPointToStart(branch.elseBlock());
  yield(indices);
  return branch.getResult(0);
}

//===----------------------------------------------------------------------===//
// Keys that a mask keeps in all lanes
//===----------------------------------------------------------------------===//

namespace {
/// Narrows a range of keys to those where conditions hold in all lanes.
struct KeptKeys {
  OpBuilder &builder;
  TileMaskOp mask;
  int64_t width;
  Value begin, end;

  bool narrow(Value condition);
  bool narrowToPositive(const LaneSum &sum, bool isStrict, bool isNegated);
};
} // namespace

/// Narrows to the keys where a sum, or its negative, is positive.
bool KeptKeys::narrowToPositive(const LaneSum &sum, bool isStrict,
                                bool isNegated) {
  Location loc = mask.getLoc();
  if (sum.coordinates.size() != 1 || !isSmall(sum, width) ||
      llvm::any_of(sum.shared, [&](LaneSum::Term term) {
        return mask.getBody().isAncestor(term.value.getParentRegion());
      }))
    return false;
  // Where it is least, of all lanes: step * lane + rest + key > 0 holds from
  // some key on, with - key up to one.
  int64_t step = isNegated ? -sum.step : sum.step;
  int64_t least = std::min<int64_t>(0, step * (width - 1)) - isStrict;
  SmallVector<LaneSum::Term> terms = {
      {arith::ConstantIndexOp::create(builder, loc, least), false}};
  for (auto [value, isNegative] : sum.shared)
    terms.push_back({value, isNegative != isNegated});
  bool isUpper = sum.coordinates[0].isNegative != isNegated;
  if (isUpper) {
    terms.push_back({arith::ConstantIndexOp::create(builder, loc, 1), false});
  } else {
    for (LaneSum::Term &term : terms)
      term.isNegative = !term.isNegative;
  }
  Value bound = buildSum(builder, loc, builder.getIndexType(), terms);
  if (isUpper)
    end = builder.createOrFold<arith::MinSIOp>(loc, end, bound);
  else
    begin = builder.createOrFold<arith::MaxSIOp>(loc, begin, bound);
  return true;
}

bool KeptKeys::narrow(Value condition) {
  if (auto both = condition.getDefiningOp<arith::AndIOp>())
    return narrow(both.getLhs()) && narrow(both.getRhs());
  auto compare = condition.getDefiningOp<arith::CmpIOp>();
  if (!compare || !compare.getLhs().getType().isIndex())
    return false;
  LaneSum sum;
  if (!addTerms(compare.getRhs(), {}, /*isNegative=*/false, sum) ||
      !addTerms(compare.getLhs(), {}, /*isNegative=*/true, sum))
    return false;
  switch (compare.getPredicate()) {
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::sle:
    return narrowToPositive(sum,
                            compare.getPredicate() == arith::CmpIPredicate::slt,
                            /*isNegated=*/false);
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::sge:
    return narrowToPositive(sum,
                            compare.getPredicate() == arith::CmpIPredicate::sgt,
                            /*isNegated=*/true);
  default:
    return false;
  }
}

std::optional<std::pair<Value, Value>>
fovea::attn::findKeptKeys(OpBuilder &builder, TileMaskOp mask, int64_t width,
                          Value begin, Value end) {
  if (mask.getBody().empty())
    return std::nullopt;
  KeptKeys keys{builder, mask, width, begin, end};
  if (Value last = mask.getEnd())
    keys.end =
        builder.createOrFold<arith::MinSIOp>(mask.getLoc(), keys.end, last);
  auto yield = cast<YieldOp>(mask.getBody().front().getTerminator());
  if (!keys.narrow(yield.getValue()))
    return std::nullopt;
  return std::make_pair(keys.begin, keys.end);
}
