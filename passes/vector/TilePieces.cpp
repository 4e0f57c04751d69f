//===- TilePieces.cpp - numbers in pieces for a matrix unit ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

/// Pairs of a row that are made at a time.
static constexpr int64_t side = MatrixUnit::rows;

/// Fills [piece][pair][lane] from vectors along lanes.
void TileVectorizer::fillLanePieces(TilePiecesOp pieces, Value panel) {
  Location loc = pieces.getLoc();
  Value tile = pieces.getTile();
  auto type = cast<RankedTensorType>(pieces.getType());
  auto source = cast<RankedTensorType>(tile.getType());
  int64_t count = type.getDimSize(1), columns = source.getDimSize(1);
  auto read = [&](Value column) {
    return code.broadcast(loc, code.read(loc, tile, {Value(), column}),
                          source.getDimSize(0));
  };
  auto write = [&](Value pair, ArrayRef<Value> values) {
    for (auto [k, value] : llvm::enumerate(values))
      vector::StoreOp::create(
          builder, loc, value, panel,
          ValueRange{code.index(loc, k), pair, code.index(loc, 0)});
  };
  code.buildLoops(loc, code.index(loc, columns / 2), [&](ValueRange ivs) {
    Value lower =
        arith::MulIOp::create(builder, loc, ivs[0], code.index(loc, 2));
    Value upper =
        arith::AddIOp::create(builder, loc, lower, code.index(loc, 1));
    write(ivs[0], TilePiecesOp::buildArithmetic(builder, loc, read(lower),
                                                read(upper), count));
  });
  int64_t filled = columns / 2;
  auto floats = VectorType::get(source.getDimSize(0), builder.getF32Type());
  Value none =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(floats));
  if (columns % 2) {
    write(code.index(loc, filled),
          TilePiecesOp::buildArithmetic(
              builder, loc, read(code.index(loc, columns - 1)), none, count));
    ++filled;
  }
  Value empty = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(floats.clone(builder.getI32Type())));
  for (; filled < type.getDimSize(2); ++filled)
    write(code.index(loc, filled), SmallVector<Value>(count, empty));
}

/// Fills [row][piece][pair] from what lies side by side along rows, or from
/// elements one by one.
void TileVectorizer::fillRowPieces(TilePiecesOp pieces, Value panel) {
  Location loc = pieces.getLoc();
  Value tile = pieces.getTile();
  auto type = cast<RankedTensorType>(pieces.getType());
  int64_t count = type.getDimSize(1);
  int64_t columns = cast<RankedTensorType>(tile.getType()).getDimSize(1);
  auto floats = VectorType::get(side, builder.getF32Type());
  bool readsRows = code.canReadRow(tile);
  // Elements from `column` on, of which `left` exist.
  auto read = [&](Value row, Value column, int64_t left) -> Value {
    if (left <= 0)
      return arith::ConstantOp::create(builder, loc,
                                       builder.getZeroAttr(floats));
    Value some = left < side ? code.index(loc, left) : Value();
    return readsRows ? code.readRow(loc, tile, {row, column}, side, some)
                     : code.readSpan(loc, tile, 1, {row, column}, side, some);
  };
  SmallVector<int64_t> even, odd;
  for (int64_t k = 0; k < side; ++k) {
    even.push_back(2 * k);
    odd.push_back(2 * k + 1);
  }
  auto build = [&](Value row, Value pair, int64_t left) {
    Value first = arith::MulIOp::create(builder, loc, pair, code.index(loc, 2));
    Value second =
        arith::AddIOp::create(builder, loc, first, code.index(loc, side));
    Value a = read(row, first, left), b = read(row, second, left - side);
    SmallVector<Value> values = TilePiecesOp::buildArithmetic(
        builder, loc, vector::ShuffleOp::create(builder, loc, a, b, even),
        vector::ShuffleOp::create(builder, loc, a, b, odd), count);
    for (auto [k, value] : llvm::enumerate(values))
      vector::StoreOp::create(builder, loc, value, panel,
                              ValueRange{row, code.index(loc, k), pair});
  };
  int64_t whole = columns / (2 * side) * side;
  code.buildLoops(loc, code.getExtents(pieces)[0], [&](ValueRange ivs) {
    code.buildColumnLoop(loc, tile,
                         {code.index(loc, 0), code.index(loc, whole), side},
                         [&](Value pair) { build(ivs[0], pair, 2 * side); });
    for (int64_t pair = whole; pair < type.getDimSize(2); pair += side)
      build(ivs[0], code.index(loc, pair), columns - 2 * pair);
  });
}

LogicalResult TileVectorizer::processPieces(TilePiecesOp pieces) {
  replaced.push_back(pieces);
  auto type = cast<RankedTensorType>(pieces.getType());
  std::optional<unsigned> lane = code.getLane(pieces);
  if (lane.value_or(0) != 0)
    return pieces.emitOpError("expects its rows to lie along lanes");
  if (type.getDimSize(2) % side != 0)
    return pieces.emitOpError() << "expects pairs in multiples of " << side
                                << ", but got " << type.getDimSize(2);
  Value panel = createTarget(pieces);
  if (lane)
    fillLanePieces(pieces, panel);
  else
    fillRowPieces(pieces, panel);
  code.setPanel(pieces, panel);
  return success();
}
