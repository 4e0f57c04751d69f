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
