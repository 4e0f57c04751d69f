//===- TileResults.cpp - an attention's results on one tile ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

void TileOperands::store(Value tile, Value out, AffineMap access,
                         ArrayRef<unsigned> axes, unsigned padding) {
  SmallVector<AffineExpr> exprs;
  for (AffineExpr expr : access.getResults())
    exprs.push_back(toTile(expr, axes, {}));
  TileAccess place(builder.getContext(), axes.size() + padding, exprs,
                   getSymbols());
  TileStoreOp::create(builder, loc, tile, out, place.symbols,
                      AffineMapAttr::get(place.map));
}

void TileOperands::storeOutput(Value out, AffineMap access, Region &epilogue,
                               Value acc, Value factor) {
  buildLookups();
  unsigned row = schedule.getQueryDim();
  SmallVector<unsigned> axes = {row};
  llvm::append_range(axes, domain.getDims(DimKind::value));
  auto type = cast<RankedTensorType>(acc.getType());
  unsigned rank = type.getRank();

  Part part = buildPart(epilogue, axes, {});
  SmallVector<Value> inputs = {acc};
  SmallVector<AffineMap> maps = {
      AffineMap::getMultiDimIdentityMap(rank, builder.getContext())};
  if (factor) {
    inputs.push_back(factor);
    maps.push_back(maps.front().getMajorSubMap(1));
  }
  unsigned own = inputs.size();
  llvm::append_range(inputs, part.inputs);
  for (AffineMap map : part.maps)
    maps.push_back(
        AffineMap::get(rank, 0, map.getResults(), builder.getContext()));

  Type element = cast<MemRefType>(out.getType()).getElementType();
  auto map = TileMapOp::create(
      builder, loc, RankedTensorType::get(type.getShape(), element), inputs,
      buildExtents(ArrayRef(axes).drop_front()),
      builder.getAffineMapArrayAttr(maps));
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = createTileBody(builder, loc, map.getBody(), inputs);
    Value result = block->getArgument(0);
    if (factor)
      result =
          arith::MulFOp::create(builder, loc, result, block->getArgument(1));
    SmallVector<Value> arguments = {result};
    unsigned next = own;
    for (const Operand &operand : part.operands)
      arguments.push_back(operand.isTile ? Value(block->getArgument(next++))
                                         : operand.value);
    SmallVector<Value> indices(offsets);
    if (!epilogue.empty())
      for (auto [k, dim] : llvm::enumerate(axes))
        indices[dim] = builder.createOrFold<arith::AddIOp>(
            loc, offsets[dim], TileIndexOp::create(builder, loc, k));
    result = inlineRegion(builder, epilogue, arguments, indices);
    YieldOp::create(builder, loc,
                    buildFloatCast(builder, loc, result, element));
  }
  store(map, out, access, axes, rank - axes.size());
}

void TileOperands::storeRows(Value out, AffineMap access, Value rows) {
  Type element = cast<MemRefType>(out.getType()).getElementType();
  auto type = cast<RankedTensorType>(rows.getType());
  if (type.getElementType() != element)
    rows = buildTileMap(builder, loc,
                        RankedTensorType::get(type.getShape(), element), rows,
                        {}, [&](OpBuilder &b, ValueRange args) {
                          return buildFloatCast(b, loc, args[0], element);
                        });
  store(rows, out, access, {static_cast<unsigned>(schedule.getQueryDim())});
}

void TileOperands::storeWeights(Value out, AffineMap access, Value shift,
                                Value factor) {
  wholeBlocks = true;
  Value scores = buildScores();
  auto type = cast<RankedTensorType>(scores.getType());
  Type element = cast<MemRefType>(out.getType()).getElementType();
  SmallVector<Value> inputs = {scores};
  if (shift)
    inputs.push_back(shift);
  if (factor)
    inputs.push_back(factor);
  Value weights = buildTileMap(
      builder, loc, RankedTensorType::get(type.getShape(), element), inputs, {},
      [&](OpBuilder &b, ValueRange args) {
        Value weight = op.getNormalizer().buildWeight(
            b, loc, args[0], shift ? args[1] : Value());
        if (factor)
          weight = arith::MulFOp::create(b, loc, weight, args.back());
        return buildFloatCast(b, loc, weight, element);
      });
  store(weights, out, access,
        {static_cast<unsigned>(schedule.getQueryDim()),
         static_cast<unsigned>(schedule.getKeyDim())});
}
