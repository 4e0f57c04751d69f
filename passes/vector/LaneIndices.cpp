//===- LaneIndices.cpp - indices along the lanes of a vector --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/LaneIndices.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

namespace {
/// `shared` + `step` * lane.
struct LaneIndex {
  Value shared;
  int64_t step;
};
} // namespace

/// How many lanes' steps a number of lanes may add up to, and with what is
/// shared, at most, stay within 32 bits.
static constexpr int64_t kMostSteps = int64_t(1) << 20;
static constexpr int64_t kMostShared = int64_t(1) << 30;

/// Sums deeper than this are taken for something else.
static constexpr unsigned kMostTerms = 6;

/// The multiple of the lane that `value` has; nothing where it is no such sum.
static std::optional<int64_t> findStep(Value value,
                                       unsigned depth = kMostTerms) {
  if (depth == 0)
    return std::nullopt;
  if (value.getType().isIndex() || value.getDefiningOp<vector::BroadcastOp>())
    return 0;
  if (value.getDefiningOp<vector::StepOp>())
    return 1;
  auto combine = [&](auto op, int64_t sign) -> std::optional<int64_t> {
    std::optional<int64_t> lhs = findStep(op.getLhs(), depth - 1),
                           rhs = findStep(op.getRhs(), depth - 1);
    if (!lhs || !rhs || std::max(std::abs(*lhs), std::abs(*rhs)) > kMostSteps)
      return std::nullopt;
    return *lhs + sign * *rhs;
  };
  if (auto add = value.getDefiningOp<arith::AddIOp>())
    return combine(add, 1);
  if (auto subtract = value.getDefiningOp<arith::SubIOp>())
    return combine(subtract, -1);
  return std::nullopt;
}

/// What all lanes of such a value share.
static Value buildShared(OpBuilder &builder, Location loc, Value value) {
  if (value.getType().isIndex())
    return value;
  if (auto broadcast = value.getDefiningOp<vector::BroadcastOp>())
    return broadcast.getSource();
  if (value.getDefiningOp<vector::StepOp>())
    return arith::ConstantIndexOp::create(builder, loc, 0);
  Operation *op = value.getDefiningOp();
  Value lhs = buildShared(builder, loc, op->getOperand(0));
  Value rhs = buildShared(builder, loc, op->getOperand(1));
  return isa<arith::AddIOp>(op)
             ? builder.createOrFold<arith::AddIOp>(loc, lhs, rhs)
             : builder.createOrFold<arith::SubIOp>(loc, lhs, rhs);
}

static bool isUnsigned(arith::CmpIPredicate predicate) {
  return predicate >= arith::CmpIPredicate::ult;
}

Value fovea::attn::compareLaneIndices(OpBuilder &builder, Location loc,
                                      arith::CmpIPredicate predicate, Value lhs,
                                      Value rhs, int64_t width) {
  if (!getElementTypeOrSelf(lhs).isIndex() || isUnsigned(predicate))
    return {};
  std::optional<int64_t> left = findStep(lhs), right = findStep(rhs);
  if (!left || !right || *left == *right ||
      std::abs(*left - *right) * width > kMostSteps)
    return {};
  // a + x * lane < b + y * lane where (x - y) * lane < b - a; a difference
  // beyond all lanes may be any such.
  Value shared = builder.createOrFold<arith::SubIOp>(
      loc, buildShared(builder, loc, rhs), buildShared(builder, loc, lhs));
  auto bound = [&](int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  shared =
      builder.createOrFold<arith::MinSIOp>(loc, shared, bound(kMostShared));
  shared =
      builder.createOrFold<arith::MaxSIOp>(loc, shared, bound(-kMostShared));
  auto type = VectorType::get({width}, builder.getI32Type());
  shared =
      arith::IndexCastOp::create(builder, loc, builder.getI32Type(), shared);
  SmallVector<int32_t> lanes;
  for (int64_t lane = 0; lane < width; ++lane)
    lanes.push_back((*left - *right) * lane);
  Value steps = arith::ConstantOp::create(
      builder, loc, DenseElementsAttr::get(type, ArrayRef<int32_t>(lanes)));
  return arith::CmpIOp::create(
      builder, loc, predicate, steps,
      vector::BroadcastOp::create(builder, loc, type, shared));
}
