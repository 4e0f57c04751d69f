//===- KeyPieces.cpp - the pieces of the key range of a tile --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/KeyPieces.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fovea::attn;

/// The values of the symbols of the segments' maps (see SegmentsAttr); a mask
/// operand that no map uses has none.
static SmallVector<Value> buildSymbols(OpBuilder &builder, AttentionOp op,
                                       ValueRange offsets, Value queries,
                                       ValueRange ends) {
  Location loc = op.getLoc();
  DomainAttr domain = op.getDomain();
  ScheduleAttr schedule = *op.getSchedule();
  SmallVector<Value> symbols;
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
    Value extent =
        builder.createOrFold<arith::SubIOp>(loc, ends[dim], offsets[dim]);
    if (domain.isKind(dim, DimKind::parallel)) {
      bool isQuery = dim == schedule.getQueryDim();
      Value tile =
          isQuery ? queries
                  : arith::ConstantIndexOp::create(builder, loc, 1).getResult();
      extent = builder.createOrFold<arith::MinSIOp>(loc, extent, tile);
    }
    // Other key dimensions are walked one by one.
    if (domain.isKind(dim, DimKind::key) && dim != schedule.getKeyDim())
      extent = arith::ConstantIndexOp::create(builder, loc, 1);
    symbols.append({offsets[dim], extent, ends[dim]});
  }
  llvm::append_range(symbols, op.getSymbols());

  SegmentsAttr segments = *op.getSegments();
  auto isUsed = [&](unsigned symbol) {
    for (ArrayRef<AffineMap> maps :
         {segments.getVisitLower(), segments.getVisitUpper(),
          segments.getMaskedLower(), segments.getMaskedUpper()})
      for (AffineMap map : maps)
        if (map.isFunctionOfSymbol(symbol))
          return true;
    return false;
  };
  auto self = cast<AttentionOpInterface>(op.getOperation());
  SmallVector<Value> dims(offsets);
  dims.resize(domain.getNumDims() + op.getNumLookups());
  for (auto [input, access] : llvm::zip(self.getInputsOf(op.getMask()),
                                        self.getAccessesOf(op.getMask()))) {
    if (!isUsed(symbols.size())) {
      symbols.push_back(nullptr);
      continue;
    }
    Value value = input;
    if (isa<MemRefType>(input.getType())) {
      SmallVector<Value> coordinates;
      for (AffineExpr expr : access.getResults())
        coordinates.push_back(affine::expandAffineExpr(builder, loc, expr, dims,
                                                       op.getSymbols()));
      value = memref::LoadOp::create(builder, loc, input, coordinates);
    }
    if (!value.getType().isIndex())
      value = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                         value);
    symbols.push_back(value);
  }
  return symbols;
}

KeyPieces fovea::attn::buildKeyPieces(OpBuilder &builder, AttentionOp op,
                                      ValueRange offsets, Value queries,
                                      Value begin, Value end, ValueRange ends) {
  Location loc = op.getLoc();
  SmallVector<Value> symbols =
      buildSymbols(builder, op, offsets, queries, ends);
  // Unused symbols never occur in an expression; any value may stand for them.
  for (Value &symbol : symbols)
    if (!symbol)
      symbol = begin;

  auto evaluate = [&](AffineMap map, bool isLower) {
    Value bound;
    for (AffineExpr expr : map.getResults()) {
      Value value =
          affine::expandAffineExpr(builder, loc, expr, ValueRange(), symbols);
      if (!bound)
        bound = value;
      else if (isLower)
        bound = arith::MaxSIOp::create(builder, loc, bound, value);
      else
        bound = arith::MinSIOp::create(builder, loc, bound, value);
    }
    bound = arith::MaxSIOp::create(builder, loc, bound, begin);
    return arith::MinSIOp::create(builder, loc, bound, end).getResult();
  };
  auto evaluateAll = [&](ArrayRef<AffineMap> lower, ArrayRef<AffineMap> upper) {
    SmallVector<std::pair<Value, Value>> intervals;
    for (auto [from, to] : llvm::zip(lower, upper))
      intervals.emplace_back(evaluate(from, true), evaluate(to, false));
    return intervals;
  };
  SegmentsAttr segments = *op.getSegments();
  KeyPieces pieces;
  pieces.visit =
      evaluateAll(segments.getVisitLower(), segments.getVisitUpper());
  pieces.masked =
      evaluateAll(segments.getMaskedLower(), segments.getMaskedUpper());
  return pieces;
}

/// Sorts by a network of exchanges: at most 16 points, known at compile time.
static void buildSort(OpBuilder &builder, Location loc,
                      SmallVectorImpl<Value> &points) {
  for (size_t round = 0; round < points.size(); ++round)
    for (size_t k = round % 2; k + 1 < points.size(); k += 2) {
      Value low =
          arith::MinSIOp::create(builder, loc, points[k], points[k + 1]);
      Value high =
          arith::MaxSIOp::create(builder, loc, points[k], points[k + 1]);
      points[k] = low;
      points[k + 1] = high;
    }
}

static Value buildContains(OpBuilder &builder, Location loc,
                           ArrayRef<std::pair<Value, Value>> intervals,
                           Value point) {
  Value any = arith::ConstantIntOp::create(builder, loc, 0, 1);
  for (auto [begin, end] : intervals) {
    Value above = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle,
                                        begin, point);
    Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                        point, end);
    Value inside = arith::AndIOp::create(builder, loc, above, below);
    any = arith::OrIOp::create(builder, loc, any, inside);
  }
  return any;
}

SmallVector<Value> fovea::attn::buildVisitLoop(
    OpBuilder &builder, Location loc, const KeyPieces &pieces, ValueRange state,
    function_ref<SmallVector<Value>(Value, Value, ValueRange)> buildRange) {
  if (pieces.visit.empty())
    return llvm::to_vector(state);
  if (pieces.visit.size() == 1)
    return buildRange(pieces.visit[0].first, pieces.visit[0].second, state);
  SmallVector<Value> points;
  for (auto [begin, end] : pieces.visit)
    points.append({begin, end});
  buildSort(builder, loc, points);

  // The ranges are values indexed by a loop, so that their code exists once and
  // not once for each.
  Value ends = tensor::FromElementsOp::create(builder, loc, points);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value count = arith::ConstantIndexOp::create(builder, loc, points.size() - 1);
  auto loop = scf::ForOp::create(builder, loc, zero, count, one, state);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value range = loop.getInductionVar();
  Value following = arith::AddIOp::create(builder, loc, range, one);
  Value begin = tensor::ExtractOp::create(builder, loc, ends, range);
  Value end = tensor::ExtractOp::create(builder, loc, ends, following);
  // A range that is not visited is an empty one.
  Value isVisited = buildContains(builder, loc, pieces.visit, begin);
  end = arith::SelectOp::create(builder, loc, isVisited, end, begin);
  scf::YieldOp::create(builder, loc,
                       buildRange(begin, end, loop.getRegionIterArgs()));
  return llvm::to_vector_of<Value>(loop.getResults());
}

KeyVisit fovea::attn::buildKeyVisit(OpBuilder &builder, Location loc,
                                    const KeyPieces &pieces, Value blockBegin,
                                    Value blockEnd) {
  auto less = [&](Value a, Value b) -> Value {
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, a, b);
  };
  auto no = [&]() -> Value {
    return arith::ConstantIntOp::create(builder, loc, 0, 1);
  };
  KeyVisit visit = {blockEnd, blockBegin, {}, {}};
  // Intervals that are empty here have no say.
  bool isSingle = pieces.visit.size() == 1;
  for (auto [begin, end] : pieces.visit) {
    if (isSingle) {
      visit.begin = begin;
      visit.end = end;
      continue;
    }
    Value exists = less(begin, end);
    Value low = arith::SelectOp::create(builder, loc, exists, begin, blockEnd);
    Value high = arith::SelectOp::create(builder, loc, exists, end, blockBegin);
    visit.begin = arith::MinSIOp::create(builder, loc, visit.begin, low);
    visit.end = arith::MaxSIOp::create(builder, loc, visit.end, high);
  }
  visit.isVisited = less(visit.begin, visit.end);

  // The mask drops keys of masked intervals, and those between intervals.
  if (!pieces.masked.empty() || !isSingle)
    visit.isMasked = no();
  for (auto [begin, end] : pieces.masked) {
    Value from = arith::MaxSIOp::create(builder, loc, begin, visit.begin);
    Value to = arith::MinSIOp::create(builder, loc, end, visit.end);
    visit.isMasked =
        arith::OrIOp::create(builder, loc, visit.isMasked, less(from, to));
  }
  if (isSingle)
    return visit;
  Value isOneInterval = no();
  for (auto [begin, end] : pieces.visit) {
    Value starts = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::sle, begin, visit.begin);
    Value stops = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                        end, visit.end);
    Value covers = arith::AndIOp::create(builder, loc, starts, stops);
    isOneInterval = arith::OrIOp::create(builder, loc, isOneInterval, covers);
  }
  Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
  Value hasGap = arith::XOrIOp::create(builder, loc, isOneInterval, yes);
  visit.isMasked = arith::OrIOp::create(builder, loc, visit.isMasked, hasGap);
  return visit;
}
