//===- TileWeigh.cpp - weighted sums of values as vector code -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

FailureOr<TileVectorizer::Sum> TileVectorizer::takeSum(TileWeighOp weigh) {
  Location loc = weigh.getLoc();
  auto type = cast<RankedTensorType>(weigh.getType());
  if (type.getRank() != 2)
    return weigh.emitOpError()
           << "expects a weighted sum of rank 2 on CPUs, but got " << type;
  Type weights = getElementTypeOrSelf(weigh.getWeights().getType());
  if (code.isNarrow() && weights != type.getElementType())
    return weigh.emitOpError() << "expects weights of " << type.getElementType()
                               << " for few rows, but got " << weights;

  // The sum is updated in place where nothing else reads what it was.
  Value init = weigh.getInit();
  Value base = init;
  if (auto rescale = init.getDefiningOp<TileRescaleOp>();
      rescale && !code.getPanel(init))
    base = rescale.getTile();
  Operation *reader = base == init ? weigh : init.getDefiningOp();
  bool inPlace = code.getPanel(base) && TileCode::isLastUse(base, reader) &&
                 TileCode::isLastUse(init, weigh);
  Value panel = inPlace ? code.getPanel(base) : createPanelFor(base);

  Value begin = weigh.getBegin(), end = weigh.getEnd();
  if (!begin)
    begin = code.index(loc, 0);
  if (!end)
    end = code.getExtents(weigh.getWeights())[1];
  return Sum{base, panel, begin, end};
}

/// Cuts the columns into steps of as many as the registers hold sums of. With
/// few registers four take the rest, so that enough sums are under way to hide
/// how long each addition takes; for that a wide step may be given up: 8
/// columns are 4 and 4 rather than 6, 1 and 1.
SmallVector<TileCode::Steps> TileVectorizer::cutColumns(Location loc,
                                                        Value columns) {
  int64_t wide = code.summedColumns;
  bool hasFours = wide > 4 && wide < code.columnBlock;
  Value size = code.index(loc, wide), four = code.index(loc, 4);
  Value zero = code.index(loc, 0);
  Value rest = builder.createOrFold<arith::RemUIOp>(loc, columns, size);
  Value whole = builder.createOrFold<arith::SubIOp>(loc, columns, rest);
  Value rounded = whole;
  if (hasFours) {
    auto isFours = [&](Value count) {
      Value left = builder.createOrFold<arith::RemUIOp>(loc, count, four);
      return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                                 left, zero);
    };
    Value more = builder.createOrFold<arith::AddIOp>(loc, rest, size);
    Value fits = builder.createOrFold<arith::CmpIOp>(
        loc, arith::CmpIPredicate::ule, more, columns);
    Value isBetter =
        builder.createOrFold<arith::AndIOp>(loc, isFours(more), fits);
    Value fewer = builder.createOrFold<arith::SubIOp>(loc, whole, size);
    whole = builder.createOrFold<arith::SelectOp>(loc, isBetter, fewer, whole);
    Value left = builder.createOrFold<arith::SubIOp>(loc, columns, whole);
    Value ones = builder.createOrFold<arith::RemUIOp>(loc, left, four);
    rounded = builder.createOrFold<arith::SubIOp>(loc, columns, ones);
  }
  SmallVector<TileCode::Steps> steps;
  auto add = [&](Value from, Value to, int64_t width) {
    std::optional<int64_t> first = getConstantIntValue(from),
                           end = getConstantIntValue(to);
    if (!first || !end || *first < *end)
      steps.push_back({from, to, width});
  };
  add(zero, whole, wide);
  if (hasFours)
    add(whole, rounded, 4);
  add(rounded, columns, 1);
  return steps;
}

LogicalResult TileVectorizer::processWeigh(TileWeighOp weigh) {
  Location loc = weigh.getLoc();
  FailureOr<Sum> sum = takeSum(weigh);
  if (failed(sum))
    return failure();
  Value panel = sum->panel;
  Value init = weigh.getInit();
  int64_t width = cast<RankedTensorType>(weigh.getType()).getDimSize(0);
  replaced.push_back(weigh);
  Value columns = code.getExtents(sum->base)[1];
  Value zero = code.index(loc, 0), one = code.index(loc, 1);

  auto buildColumns = [&](Value from, Value to, unsigned step) {
    auto outer =
        scf::ForOp::create(builder, loc, from, to, code.index(loc, step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(outer.getBody());
    groupsAhead.fetch(loc);
    SmallVector<Value> columnsAt, sums;
    Value block, first;
    if (step == code.summedColumns) {
      Value size = code.index(loc, code.columnBlock);
      block =
          arith::DivUIOp::create(builder, loc, outer.getInductionVar(), size);
      first =
          arith::RemUIOp::create(builder, loc, outer.getInductionVar(), size);
    }
    for (unsigned k = 0; k < step; ++k) {
      Value column = outer.getInductionVar();
      if (k)
        column =
            arith::AddIOp::create(builder, loc, column, code.index(loc, k));
      if (block)
        code.setColumn(
            column, block,
            arith::AddIOp::create(builder, loc, first, code.index(loc, k)));
      columnsAt.push_back(column);
      sums.push_back(code.read(loc, init, {Value(), column}));
    }
    auto inner =
        scf::ForOp::create(builder, loc, sum->begin, sum->end, one, sums);
    {
      OpBuilder::InsertionGuard innerGuard(builder);
      builder.setInsertionPointToStart(inner.getBody());
      Value key = inner.getInductionVar();
      auto sumType = cast<VectorType>(inner.getRegionIterArgs()[0].getType());
      auto widen = [&](Value factor) {
        return factor.getType() == sumType
                   ? factor
                   : arith::ExtFOp::create(builder, loc, sumType, factor);
      };
      Value weight = widen(code.read(loc, weigh.getWeights(), {Value(), key}));
      SmallVector<Value> next;
      for (auto [column, total] :
           llvm::zip(columnsAt, inner.getRegionIterArgs())) {
        SmallVector<Value> point = {Value(), key, column};
        SmallVector<Value> inputs =
            code.readInputs(loc, weigh.getInputs(), weigh.getMaps(), point);
        Value value = code.compute(weigh.getBody(), inputs, point, width);
        next.push_back(math::FmaOp::create(
            builder, loc, weight, widen(code.broadcast(loc, value, width)),
            total));
      }
      scf::YieldOp::create(builder, loc, next);
    }
    for (auto [column, total] : llvm::zip(columnsAt, inner.getResults()))
      vector::StoreOp::create(builder, loc, total, panel,
                              ValueRange{column, zero});
  };
  for (auto [from, to, width] : cutColumns(loc, columns))
    buildColumns(from, to, width);
  code.setPanel(weigh, panel);
  return success();
}
