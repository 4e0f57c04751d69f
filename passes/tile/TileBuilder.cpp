//===- TileBuilder.cpp - parts that tile programs are made of -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;

TileAccess::TileAccess(MLIRContext *context, unsigned numDims,
                       ArrayRef<AffineExpr> positions, ValueRange allSymbols) {
  auto all = AffineMap::get(numDims, allSymbols.size(), positions, context);
  SmallVector<AffineExpr> replacement;
  for (auto [k, symbol] : llvm::enumerate(allSymbols)) {
    replacement.push_back(getAffineSymbolExpr(symbols.size(), context));
    if (all.isFunctionOfSymbol(k))
      symbols.push_back(symbol);
  }
  map = all.replaceDimsAndSymbols({}, replacement, numDims, symbols.size());
}

Block *fovea::attn::createTileBody(OpBuilder &builder, Location loc,
                                   Region &body, ValueRange inputs) {
  SmallVector<Type> types;
  for (Value input : inputs)
    types.push_back(getElementTypeOrSelf(input.getType()));
  return builder.createBlock(&body, {}, types,
                             SmallVector<Location>(types.size(), loc));
}

Value fovea::attn::buildPairContract(OpBuilder &builder, Location loc,
                                     Type type, ValueRange inputs,
                                     ArrayAttr maps) {
  auto contract = TileContractOp::create(builder, loc, type, inputs, maps);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = createTileBody(builder, loc, contract.getBody(), inputs);
  Value sum =
      TilePairProductOp::create(builder, loc, builder.getF32Type(),
                                body->getArgument(0), body->getArgument(1));
  YieldOp::create(builder, loc, sum);
  return contract;
}

Value fovea::attn::buildTileMap(
    OpBuilder &builder, Location loc, RankedTensorType type, ValueRange inputs,
    ValueRange extents, function_ref<Value(OpBuilder &, ValueRange)> build) {
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(type.getRank(), builder.getContext());
  SmallVector<AffineMap> maps;
  for (Value input : inputs)
    maps.push_back(identity.getMajorSubMap(
        cast<RankedTensorType>(input.getType()).getRank()));
  auto map = TileMapOp::create(builder, loc, type, inputs, extents,
                               builder.getAffineMapArrayAttr(maps));
  OpBuilder::InsertionGuard guard(builder);
  Block *body = createTileBody(builder, loc, map.getBody(), inputs);
  YieldOp::create(builder, loc, build(builder, body->getArguments()));
  return map;
}

Value fovea::attn::buildLogWeightRescale(OpBuilder &builder, Location loc,
                                         NormalizerAttrInterface normalizer,
                                         Value sum, Value mass, Value oldShift,
                                         Value newShift) {
  return buildTileMap(
      builder, loc, cast<RankedTensorType>(sum.getType()),
      {sum, mass, oldShift, newShift}, {},
      [&](OpBuilder &b, ValueRange args) -> Value {
        Value rescale = normalizer.buildRescale(b, loc, args[2], args[3]);
        Value log = normalizer.buildLogRescale(b, loc, args[2], args[3]);
        Value moved = arith::AddFOp::create(
            b, loc, args[0], arith::MulFOp::create(b, loc, args[1], log));
        moved = arith::MulFOp::create(b, loc, moved, rescale);
        // Where nothing is left of what there was the logarithm is -inf.
        Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
        Value isGone = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                             rescale, zero);
        return arith::SelectOp::create(b, loc, isGone, zero, moved);
      });
}

Value fovea::attn::buildFirstPlace(OpBuilder &builder, Location loc, Value tile,
                                   Value greatest, Value begin, Value end) {
  // The first is the least, and the greatest of the negative ones. None: 1.
  auto rowsType = cast<RankedTensorType>(greatest.getType());
  Value none = buildTileMap(
      builder, loc, rowsType, {}, {}, [&](OpBuilder &b, ValueRange) -> Value {
        return arith::ConstantOp::create(
            b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
      });
  Value places = buildTileMap(
      builder, loc, cast<RankedTensorType>(tile.getType()), {tile, greatest},
      {}, [&](OpBuilder &b, ValueRange args) -> Value {
        Value lowest = arith::ConstantOp::create(
            b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
        Value place = arith::IndexCastOp::create(
            b, loc, b.getI32Type(), TileIndexOp::create(b, loc, 1));
        place = arith::SIToFPOp::create(b, loc, b.getF32Type(), place);
        place = arith::NegFOp::create(b, loc, place);
        Value isGreatest = arith::CmpFOp::create(
            b, loc, arith::CmpFPredicate::OEQ, args[0], args[1]);
        return arith::SelectOp::create(b, loc, isGreatest, place, lowest);
      });
  Value first = TileReduceOp::create(builder, loc, rowsType, TileReduction::max,
                                     places, none, begin, end);
  return buildTileMap(
      builder, loc, rowsType.clone(builder.getI32Type()), first, {},
      [&](OpBuilder &b, ValueRange args) -> Value {
        Value lowest = arith::ConstantOp::create(
            b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
        Value one = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1));
        Value isNone = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                             args[0], lowest);
        Value place = arith::SelectOp::create(b, loc, isNone, one, args[0]);
        place = arith::NegFOp::create(b, loc, place);
        return arith::FPToSIOp::create(b, loc, b.getI32Type(), place);
      });
}

Value fovea::attn::buildFloatCast(OpBuilder &builder, Location loc, Value value,
                                  Type type) {
  if (value.getType() == type)
    return value;
  unsigned from = value.getType().getIntOrFloatBitWidth();
  if (from < type.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(builder, loc, type, value);
  return arith::TruncFOp::create(builder, loc, type, value);
}

bool fovea::attn::fitsMatrixUnit(ArrayRef<int64_t> scores, int64_t unit) {
  return llvm::all_of(scores, [&](int64_t size) {
    return ShapedType::isStatic(size) && size % (2 * unit) == 0;
  });
}

bool fovea::attn::fitsMatrixUnitNarrowly(ArrayRef<int64_t> scores,
                                         int64_t unit) {
  return scores.size() == 2 && scores[0] > 0 && 3 * scores[0] <= unit &&
         (scores[1] == unit || scores[1] == 2 * unit);
}
