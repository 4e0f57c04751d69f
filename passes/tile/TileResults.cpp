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

SmallVector<unsigned> fovea::attn::getUsedSums(AttentionOpInterface op,
                                               unsigned output) {
  Region &epilogue = op.getEpilogue(output);
  if (epilogue.empty())
    return {output};
  SmallVector<unsigned> used;
  for (unsigned k = 0; k < op.getNumValues(); ++k)
    if (!epilogue.getArgument(k).use_empty())
      used.push_back(k);
  return used;
}

void TileOperands::storeOutput(Value out, AffineMap access, unsigned number,
                               ValueRange sums, Value factor) {
  buildLookups();
  Region &epilogue = op.getEpilogue(number);
  unsigned row = schedule.getQueryDim();
  SmallVector<unsigned> axes = {row};
  for (unsigned dim : domain.getDims(DimKind::value))
    if (access.isFunctionOfDim(dim))
      axes.push_back(dim);
  // Without a value dimension a sum still has a column.
  SmallVector<unsigned> used = getUsedSums(op, number);
  bool hasColumns =
      llvm::any_of(used, [&](unsigned k) { return !op.isLogWeight(k); });
  unsigned rank = hasColumns ? 2 : axes.size();
  AffineMap identity =
      AffineMap::getMultiDimIdentityMap(rank, builder.getContext());

  Part part = buildPart(epilogue, axes, {});
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  auto addInput = [&](Value tile) {
    inputs.push_back(tile);
    maps.push_back(identity.getMajorSubMap(
        cast<RankedTensorType>(tile.getType()).getRank()));
  };
  SmallVector<int64_t> shape = {schedule.getQueryTile()};
  if (hasColumns || axes.size() > 1)
    shape.push_back(axes.size() > 1 ? domain.getBounds()[axes[1]] : 1);
  for (unsigned k : used)
    addInput(sums[k]);
  if (factor && hasColumns)
    addInput(factor);
  unsigned own = inputs.size();
  llvm::append_range(inputs, part.inputs);
  for (AffineMap map : part.maps)
    maps.push_back(
        AffineMap::get(rank, 0, map.getResults(), builder.getContext()));

  Type element = cast<MemRefType>(out.getType()).getElementType();
  auto map =
      TileMapOp::create(builder, loc, RankedTensorType::get(shape, element),
                        inputs, buildExtents(ArrayRef(axes).drop_front()),
                        builder.getAffineMapArrayAttr(maps));
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = createTileBody(builder, loc, map.getBody(), inputs);
    // An epilogue has an argument for each sum, also for one that it leaves.
    SmallVector<Value> arguments(epilogue.empty() ? 1 : op.getNumValues());
    for (auto [at, k] : llvm::enumerate(used)) {
      Value sum = block->getArgument(at);
      if (factor && !op.isLogWeight(k))
        sum = arith::MulFOp::create(builder, loc, sum,
                                    block->getArgument(own - 1));
      arguments[epilogue.empty() ? 0 : k] = sum;
    }
    unsigned next = own;
    for (const Operand &operand : part.operands)
      arguments.push_back(operand.isTile ? Value(block->getArgument(next++))
                                         : operand.value);
    SmallVector<Value> indices(offsets);
    if (!epilogue.empty())
      for (auto [k, dim] : llvm::enumerate(axes))
        indices[dim] = builder.createOrFold<arith::AddIOp>(
            loc, offsets[dim], TileIndexOp::create(builder, loc, k));
    Value result = inlineRegion(builder, epilogue, arguments, indices);
    YieldOp::create(builder, loc,
                    buildFloatCast(builder, loc, result, element));
  }
  store(map, out, access, axes, rank - axes.size());
}

void TileOperands::storeRows(Value out, AffineMap access, Value rows) {
  Type element = cast<MemRefType>(out.getType()).getElementType();
  auto type = cast<RankedTensorType>(rows.getType());
  if (type.getElementType() != element)
    rows = buildTileMap(
        builder, loc, RankedTensorType::get(type.getShape(), element), rows, {},
        [&](OpBuilder &b, ValueRange args) -> Value {
          if (isa<FloatType>(element))
            return buildFloatCast(b, loc, args[0], element);
          if (args[0].getType().getIntOrFloatBitWidth() <
              element.getIntOrFloatBitWidth())
            return arith::ExtSIOp::create(b, loc, element, args[0]);
          return arith::TruncIOp::create(b, loc, element, args[0]);
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
