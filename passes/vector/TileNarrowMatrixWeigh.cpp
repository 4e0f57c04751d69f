//===- TileNarrowMatrixWeigh.cpp - few rows' sums by a matrix unit --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;

static constexpr int64_t side = MatrixUnit::rows, block = MatrixUnit::block,
                         numPieces = TilePiecesOp::maxPieces;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// The weights of the keys [begin, end) as a left operand, [piece and
/// row][key]: numbers whose sum each weight is. Other weights are zero.
Value TileVectorizer::fillWeightPieces(Value weights, Value begin, Value end) {
  Location loc = weights.getLoc();
  auto type = cast<RankedTensorType>(weights.getType());
  int64_t rows = type.getDimSize(0), keys = type.getDimSize(1);
  Type half = builder.getI16Type();
  Value buffer = code.createBuffer(loc, {numPieces * rows, keys}, half);
  auto floats = VectorType::get(keys, type.getElementType());
  auto bits = VectorType::get(keys, builder.getI32Type());
  auto halves = VectorType::get(2 * keys, half);
  auto constant = [&](TypedAttr value, VectorType type) -> Value {
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(type, value));
  };
  Value none = constant(builder.getF32FloatAttr(0), floats);
  Value infinity = constant(
      builder.getF32FloatAttr(std::numeric_limits<float>::infinity()), floats);
  Value upperHalf = constant(
      builder.getI32IntegerAttr(static_cast<int32_t>(0xffff0000)), bits);
  Value before = code.spanMask(loc, begin, keys),
        until = code.spanMask(loc, end, keys);
  Value zero = code.index(loc, 0);
  for (int64_t row = 0; row < rows; ++row) {
    Value rest =
        code.readSpan(loc, weights, 1, {code.index(loc, row), zero}, keys);
    rest = arith::SelectOp::create(builder, loc, until, rest, none);
    rest = arith::SelectOp::create(builder, loc, before, none, rest);
    // What has no end is no sum: it is one piece.
    Value isFinite = arith::CmpFOp::create(
        builder, loc, arith::CmpFPredicate::OLT,
        math::AbsFOp::create(builder, loc, rest), infinity);
    for (int64_t piece = 0; piece < numPieces; ++piece) {
      // Cut off rather than rounded, which might overflow.
      Value upper = vector::DeinterleaveOp::create(
                        builder, loc,
                        vector::BitCastOp::create(builder, loc, halves, rest))
                        .getRes2();
      vector::StoreOp::create(
          builder, loc, upper, buffer,
          ValueRange{code.index(loc, piece * rows + row), zero});
      if (piece + 1 == numPieces)
        break;
      Value taken = arith::AndIOp::create(
          builder, loc, vector::BitCastOp::create(builder, loc, bits, rest),
          upperHalf);
      rest = arith::SubFOp::create(
          builder, loc, rest,
          vector::BitCastOp::create(builder, loc, floats, taken));
      rest = arith::SelectOp::create(builder, loc, isFinite, rest, none);
    }
  }
  return buffer;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Where the columns of a block come to lie: as one instruction puts two rows
/// side by side, the first four of each eight in the first tile of two, and the
/// others in the second.
static int64_t getPlace(int64_t column) {
  return column / 8 * 4 + column % 4 + (column % 8 < 4 ? 0 : side);
}

/// The elements of two rows side by side, in the order of columns above.
static SmallVector<int64_t> getPairOrder() {
  SmallVector<int64_t> order(2 * block);
  for (int64_t column = 0; column < block; ++column) {
    order[2 * getPlace(column)] = column;
    order[2 * getPlace(column) + 1] = block + column;
  }
  return order;
}

/// The values of the keys [begin, end) as right operands, [pair of
/// keys][column]. Others are zero, for 0 times a NaN is none.
Value TileVectorizer::fillValuePairs(TileLoadOp load, int64_t keys, Value begin,
                                     Value end) {
  Location loc = load.getLoc();
  auto type = cast<RankedTensorType>(load.getType());
  int64_t columns = type.getDimSize(1),
          numBlocks = llvm::divideCeil(columns, block);
  auto line = VectorType::get(block, type.getElementType());
  auto words = VectorType::get(side, builder.getI32Type());
  Value buffer = code.createBuffer(loc, {keys / 2, numBlocks * block},
                                   words.getElementType());
  auto readKey = [&](Value key) {
    SmallVector<Value> lines;
    for (int64_t column = 0; column < columns; column += block) {
      Value count = columns - column < block ? code.index(loc, columns - column)
                                             : Value();
      lines.push_back(code.readRow(loc, load, {key, code.index(loc, column)},
                                   block, count));
    }
    return lines;
  };
  auto readIfVisited = [&](Value key) -> SmallVector<Value> {
    auto compare = [&](arith::CmpIPredicate predicate, Value bound) -> Value {
      return arith::CmpIOp::create(builder, loc, predicate, key, bound);
    };
    Value isVisited = arith::AndIOp::create(
        builder, loc, compare(arith::CmpIPredicate::sge, begin),
        compare(arith::CmpIPredicate::slt, end));
    auto branch =
        scf::IfOp::create(builder, loc, SmallVector<Type>(numBlocks, line),
                          isVisited, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(builder, loc, readKey(key));
    builder.setInsertionPointToStart(branch.elseBlock());
    Value none =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(line));
    scf::YieldOp::create(builder, loc, SmallVector<Value>(numBlocks, none));
    return branch.getResults();
  };
  auto fill = [&](function_ref<SmallVector<Value>(Value key)> read) {
    auto loop =
        scf::ForOp::create(builder, loc, code.index(loc, 0),
                           code.index(loc, keys / 2), code.index(loc, 1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value pair = loop.getInductionVar();
    Value key = arith::MulIOp::create(builder, loc, pair, code.index(loc, 2));
    Value next = arith::AddIOp::create(builder, loc, key, code.index(loc, 1));
    SmallVector<Value> first = read(key), second = read(next);
    SmallVector<int64_t> order = getPairOrder();
    for (int64_t number = 0; number < numBlocks; ++number)
      for (int64_t tile : {0, 1}) {
        Value part = vector::ShuffleOp::create(
            builder, loc, first[number], second[number],
            ArrayRef(order).slice(tile * block, block));
        Value column = code.index(loc, number * block + tile * side);
        vector::StoreOp::create(
            builder, loc, vector::BitCastOp::create(builder, loc, words, part),
            buffer, ValueRange{pair, column});
      }
  };
  Value isWhole = arith::AndIOp::create(
      builder, loc,
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, begin,
                            code.index(loc, 0)),
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, end,
                            code.index(loc, keys)));
  auto branch =
      scf::IfOp::create(builder, loc, isWhole, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  fill(readKey);
  builder.setInsertionPointToStart(branch.elseBlock());
  fill(readIfVisited);
  return buffer;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

LogicalResult TileVectorizer::processNarrowMatrixWeigh(TileWeighOp weigh) {
  Location loc = weigh.getLoc();
  FailureOr<Sum> sum = takeSum(weigh);
  if (failed(sum))
    return failure();
  replaced.push_back(weigh);
  auto type = cast<RankedTensorType>(weigh.getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  int64_t keys =
      cast<RankedTensorType>(weigh.getWeights().getType()).getDimSize(1);
  Value weights = fillWeightPieces(weigh.getWeights(), sum->begin, sum->end);
  Value values =
      fillValuePairs(getNarrowMatrixValues(weigh), keys, sum->begin, sum->end);
  int64_t aligned = cast<MemRefType>(values.getType()).getDimSize(1);
  MatrixUnit::Shape shape{numPieces * rows, side};
  Value sums =
      code.createBuffer(loc, {shape.rows, aligned}, type.getElementType());

  MatrixUnit unit(builder);
  Value zero = code.index(loc, 0);
  Value left = unit.load(loc, weights, {zero, zero}, {shape.rows, keys / 2});
  RowsAhead ahead(builder, code, getNarrowMatrixValues(weigh));
  SmallVector<Value> starts;
  for (int64_t column = 0; column < columns; column += block)
    starts.push_back(code.index(loc, column));
  auto loop = scf::ForOp::create(builder, loc, zero, code.index(loc, aligned),
                                 code.index(loc, side));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value column = loop.getInductionVar();
    // Values of the next step, a part of the keys with each tile of columns.
    int64_t part = llvm::divideCeil(keys * side, aligned);
    Value number =
        arith::DivUIOp::create(builder, loc, column, code.index(loc, side));
    Value from =
        arith::MulIOp::create(builder, loc, number, code.index(loc, part));
    Value to = arith::AddIOp::create(builder, loc, from, code.index(loc, part));
    ahead.fetch(from, to, {sum->begin, sum->end}, starts, block);
    Value right = unit.load(loc, values, {zero, column}, {keys / 2, side});
    Value total = unit.addProducts(loc, unit.zero(loc, shape), left, right,
                                   shape, keys / 2);
    unit.store(loc, total, sums, {zero, column}, shape);
  }

  SmallVector<int64_t> order;
  for (int64_t column = 0; column < block; ++column)
    order.push_back(getPlace(column));
  auto line = VectorType::get(side, type.getElementType());
  auto readTile = [&](int64_t row, int64_t column) {
    // The smallest pieces first: they are lost least.
    Value total;
    for (int64_t piece = numPieces; piece-- > 0;) {
      Value part =
          vector::LoadOp::create(builder, loc, line, sums,
                                 ValueRange{code.index(loc, piece * rows + row),
                                            code.index(loc, column)});
      total = total ? arith::AddFOp::create(builder, loc, total, part) : part;
    }
    return total;
  };
  // A sum of sums of blocks: its error does not grow with the keys' number.
  for (int64_t column = 0; column < columns; column += block)
    for (int64_t row = 0; row < rows; ++row) {
      Value total =
          vector::ShuffleOp::create(builder, loc, readTile(row, column),
                                    readTile(row, column + side), order);
      Value count = columns - column < block ? code.index(loc, columns - column)
                                             : Value();
      Value at[] = {code.index(loc, row), code.index(loc, column)};
      Value before = code.readSpan(loc, weigh.getInit(), 1, at, block, count);
      code.writeSpan(loc, sum->panel, at,
                     arith::AddFOp::create(builder, loc, before, total), count);
    }
  code.setPanel(weigh, sum->panel);
  return success();
}
