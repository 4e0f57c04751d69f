//===- TileMatrixWeigh.cpp - weighted sums by a matrix unit ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

bool TileVectorizer::transposeValues(Value tile) {
  bool onlyTransposed = target.matrixUnit && !tile.use_empty();
  for (Operation *user : tile.getUsers()) {
    auto weigh = dyn_cast<TileWeighOp>(user);
    if (!target.matrixUnit || !weigh || !isMatrixWeigh(weigh) ||
        weigh.getInputs()[0] != tile)
      onlyTransposed = false;
    else if (!transposedValues.contains(tile))
      transposedValues[tile] = fillTransposedValues(
          tile,
          cast<RankedTensorType>(weigh.getWeights().getType()).getDimSize(1));
  }
  return onlyTransposed;
}

/// A panel of values, [piece][block of keys][column][key in the block], with
/// room for two blocks more: those that a tile visits only a part of.
Value TileVectorizer::fillTransposedValues(Value tile, int64_t keys) {
  Location loc = tile.getLoc();
  constexpr int64_t block = MatrixUnit::block, side = MatrixUnit::rows;
  auto type = cast<RankedTensorType>(tile.getType());
  int64_t columns = type.getDimSize(1), rest = columns % side;
  bool isNarrow = type.getElementType().isBF16();
  bool readsRows = code.canReadRow(tile);
  int64_t count = isNarrow ? 1 : TilePiecesOp::maxPieces;
  Type half = builder.getBF16Type();
  Value panel = code.createBuffer(
      loc,
      {count, keys / block + 2, int64_t(llvm::alignTo(columns, side)), block},
      half);
  Value extent = code.getExtents(tile)[0];
  Value last =
      builder.createOrFold<arith::SubIOp>(loc, extent, code.index(loc, 1));
  OpBuilder::InsertionGuard guard(builder);
  auto blocks = scf::ForOp::create(builder, loc, code.index(loc, 0), extent,
                                   code.index(loc, block));
  builder.setInsertionPointToStart(blocks.getBody());
  Value firstKey = blocks.getInductionVar();
  Value number =
      arith::DivUIOp::create(builder, loc, firstKey, code.index(loc, block));
  auto pairs = VectorType::get(side, builder.getI32Type());
  // The pieces of the pairs of two keys.
  auto buildPairs = [&](Value lower, Value upper) -> SmallVector<Value> {
    if (!isNarrow)
      return TilePiecesOp::buildArithmetic(builder, loc, lower, upper, count);
    return {vector::BitCastOp::create(
        builder, loc, pairs,
        vector::InterleaveOp::create(builder, loc, lower, upper))};
  };
  // Of keys that do not exist any will do: none of them is visited. Of columns
  // too: nothing reads their sums.
  auto readPair = [&](Value pair, Value column, Value size) {
    Value lower = arith::MulIOp::create(builder, loc, pair, code.index(loc, 2));
    SmallVector<Value> rows;
    for (int64_t offset : {0, 1}) {
      Value key =
          arith::AddIOp::create(builder, loc, firstKey,
                                builder.createOrFold<arith::AddIOp>(
                                    loc, lower, code.index(loc, offset)));
      if (type.isDynamicDim(0))
        key = arith::MinSIOp::create(builder, loc, key, last);
      rows.push_back(
          readsRows ? code.readRow(loc, tile, {key, column}, side, size)
                    : code.readSpan(loc, tile, 1, {key, column}, side, size));
    }
    return buildPairs(rows[0], rows[1]);
  };
  auto storeSquare = [&](Value piece, Value column, SmallVector<Value> square) {
    code.transposeSquare(loc, square);
    for (auto [k, row] : llvm::enumerate(square)) {
      Value line = vector::BitCastOp::create(builder, loc,
                                             VectorType::get(block, half), row);
      Value at =
          arith::AddIOp::create(builder, loc, column, code.index(loc, k));
      vector::StoreOp::create(
          builder, loc, line, panel,
          ValueRange{piece, number, at, code.index(loc, 0)});
    }
  };
  // One piece stays in registers. The squares of several would not: each is
  // put down and taken up in loops, which are less code to compile than one
  // square after the other, spelled out. A block is made once for all tiles.
  Value lines;
  if (count > 1)
    lines = code.createBuffer(loc, {count, side, side}, pairs.getElementType());
  auto buildSquare = [&](Value column, Value size) {
    Value zero = code.index(loc, 0);
    SmallVector<Value> square;
    if (count == 1) {
      for (int64_t pair = 0; pair < side; ++pair)
        square.push_back(readPair(code.index(loc, pair), column, size)[0]);
      return storeSquare(zero, column, square);
    }
    auto loopOver = [&](int64_t number) {
      return scf::ForOp::create(builder, loc, zero, code.index(loc, number),
                                code.index(loc, 1));
    };
    OpBuilder::InsertionGuard guard(builder);
    auto pairLoop = loopOver(side);
    auto pieceLoop = loopOver(count);
    Value pair = pairLoop.getInductionVar(),
          piece = pieceLoop.getInductionVar();
    builder.setInsertionPointToStart(pairLoop.getBody());
    for (auto [k, row] : llvm::enumerate(readPair(pair, column, size)))
      vector::StoreOp::create(builder, loc, row, lines,
                              ValueRange{code.index(loc, k), pair, zero});
    builder.setInsertionPointToStart(pieceLoop.getBody());
    for (int64_t k = 0; k < side; ++k)
      square.push_back(
          vector::LoadOp::create(builder, loc, pairs, lines,
                                 ValueRange{piece, code.index(loc, k), zero}));
    storeSquare(piece, column, square);
  };
  auto squares = scf::ForOp::create(builder, loc, code.index(loc, 0),
                                    code.index(loc, columns - rest),
                                    code.index(loc, side));
  if (rest)
    buildSquare(code.index(loc, columns - rest), code.index(loc, rest));
  builder.setInsertionPointToStart(squares.getBody());
  buildSquare(squares.getInductionVar(), Value());
  return panel;
}

namespace {
/// The keys [begin, end) in blocks of the matrix unit.
struct KeyBlocks {
  OpBuilder &builder;
  Location loc;
  Value begin, end;

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value roundDown(Value key) {
    return builder.createOrFold<arith::SubIOp>(
        loc, key,
        builder.createOrFold<arith::RemSIOp>(loc, key,
                                             index(MatrixUnit::block)));
  }
  Value add(Value key, int64_t count) {
    return builder.createOrFold<arith::AddIOp>(loc, key, index(count));
  }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(loc, predicate, a, b);
  }
  /// The first key of the first block, and of that behind the last: the same
  /// where there is no key.
  Value getFirst() { return roundDown(begin); }
  Value getLast() {
    Value last = roundDown(add(end, MatrixUnit::block - 1));
    return builder.createOrFold<arith::SelectOp>(
        loc, compare(arith::CmpIPredicate::slt, begin, end), last, getFirst());
  }
};
} // namespace

/// Makes copies of the first and last block of values without the keys that
/// are not visited, which may be anything, and whose weights may not be: 0
/// times a NaN is one. Also zeroes the weights.
void TileVectorizer::clearUnvisited(Location loc, Value weights, Value values,
                                    Value begin, Value end) {
  constexpr int64_t block = MatrixUnit::block;
  KeyBlocks blocks{builder, loc, begin, end};
  auto type = cast<MemRefType>(values.getType());
  int64_t count = type.getDimSize(0), copies = type.getDimSize(1) - 2,
          columns = type.getDimSize(2);
  auto line = VectorType::get(block, type.getElementType());
  auto lineMask = VectorType::get(block, builder.getI1Type());
  auto copyBlock = [&](Value isPart, Value firstKey, int64_t copy) {
    auto branch = scf::IfOp::create(builder, loc, isPart,
                                    /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    auto precede = [&](Value limit) -> Value {
      return vector::CreateMaskOp::create(
          builder, loc, lineMask,
          ValueRange{arith::SubIOp::create(builder, loc, limit, firstKey)});
    };
    Value before = precede(begin), until = precede(end);
    Value none =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(line));
    Value number =
        arith::DivUIOp::create(builder, loc, firstKey, code.index(loc, block));
    auto copyColumn = [&](ValueRange ivs) {
      Value zero = code.index(loc, 0);
      for (int64_t k = 0; k < count; ++k) {
        Value piece = code.index(loc, k);
        Value keys =
            vector::LoadOp::create(builder, loc, line, values,
                                   ValueRange{piece, number, ivs[0], zero});
        keys = arith::SelectOp::create(builder, loc, until, keys, none);
        keys = arith::SelectOp::create(builder, loc, before, none, keys);
        vector::StoreOp::create(
            builder, loc, keys, values,
            ValueRange{piece, code.index(loc, copy), ivs[0], zero});
      }
    };
    code.buildLoops(loc, code.index(loc, columns), copyColumn);
  };
  Value first = blocks.getFirst(), last = blocks.getLast();
  copyBlock(blocks.compare(arith::CmpIPredicate::slt, first, begin), first,
            copies);
  Value lastWhole = blocks.roundDown(end);
  copyBlock(blocks.compare(arith::CmpIPredicate::slt, lastWhole, last),
            lastWhole, copies + 1);

  auto pairs = cast<MemRefType>(weights.getType());
  auto row = VectorType::get(pairs.getDimSize(2), pairs.getElementType());
  auto clear = [&](Value from, Value to) {
    auto loop = scf::ForOp::create(builder, loc, from, to, code.index(loc, 1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value none =
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(row));
    for (int64_t k = 0; k < count; ++k)
      vector::StoreOp::create(builder, loc, none, weights,
                              ValueRange{code.index(loc, k),
                                         loop.getInductionVar(),
                                         code.index(loc, 0)});
  };
  auto half = [&](Value key) {
    return builder.createOrFold<arith::DivUIOp>(loc, key, code.index(loc, 2));
  };
  clear(half(first), half(begin));
  clear(half(blocks.add(end, 1)), half(last));
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Brings what a sum begins with into its panel; nothing, where it is there and
/// all factors are 1.
void TileVectorizer::beginSum(TileWeighOp weigh, const Sum &sum) {
  Location loc = weigh.getLoc();
  Value init = weigh.getInit();
  bool isThere = sum.panel == code.getPanel(sum.base);
  if (isThere && init == sum.base)
    return;
  OpBuilder::InsertionGuard guard(builder);
  if (isThere) {
    Value factor =
        readWhole(loc, init.getDefiningOp<TileRescaleOp>().getFactor());
    auto type = cast<VectorType>(factor.getType());
    Value one = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(
            type, builder.getFloatAttr(type.getElementType(), 1.0)));
    Value differs = arith::CmpFOp::create(
        builder, loc, arith::CmpFPredicate::UNE, factor, one);
    auto bits = builder.getIntegerType(type.getDimSize(0));
    Value mask = vector::ExtractOp::create(
        builder, loc,
        vector::BitCastOp::create(builder, loc, VectorType::get(1, bits),
                                  differs),
        0);
    Value any = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ne, mask,
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(bits)));
    auto branch =
        scf::IfOp::create(builder, loc, any, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
  }
  code.buildLoops(loc, code.getExtents(sum.base)[1], [&](ValueRange ivs) {
    Value element = code.read(loc, init, {Value(), ivs[0]});
    vector::StoreOp::create(builder, loc, element, sum.panel,
                            ValueRange{ivs[0], code.index(loc, 0)});
  });
}

LogicalResult TileVectorizer::processMatrixWeigh(TileWeighOp weigh) {
  Location loc = weigh.getLoc();
  FailureOr<Sum> sum = takeSum(weigh);
  if (failed(sum))
    return failure();
  replaced.push_back(weigh);
  constexpr int64_t block = MatrixUnit::block;
  auto type = cast<RankedTensorType>(weigh.getType());
  Value tile = weigh.getInputs()[0];
  Value weights = code.getPairPanel(weigh.getWeights());
  Value values = transposedValues.lookup(tile);
  if (!values)
    values = fillTransposedValues(
        tile,
        cast<RankedTensorType>(weigh.getWeights().getType()).getDimSize(1));
  beginSum(weigh, *sum);
  clearUnvisited(loc, weights, values, sum->begin, sum->end);

  KeyBlocks blocks{builder, loc, sum->begin, sum->end};
  Value first = blocks.getFirst(), last = blocks.getLast();
  int64_t copies = cast<MemRefType>(values.getType()).getDimSize(1) - 2;
  MatrixUnit unit(builder);
  unsigned count = getNumPieces(weigh);
  // `memory` has the sums of the columns from `offset` on.
  auto buildColumns = [&](int64_t from, int64_t to, int64_t numColumns,
                          Value memory, int64_t offset) {
    for (int64_t lane = 0; lane < type.getDimSize(0); lane += block) {
      auto laneAt = [&](int64_t column) {
        return code.index(loc, lane + column);
      };
      auto place = [&](Value column, int64_t row,
                       int64_t lanes) -> SmallVector<Value> {
        return {blocks.add(column, row - offset), laneAt(lanes)};
      };
      auto start = [&](Value column) {
        MatrixUnit::Tiles sums(2 * numColumns / MatrixUnit::rows);
        MatrixUnit::forEachTile(
            sums.size(), [&](size_t k, int64_t row, int64_t lanes) {
              sums[k] = unit.load(loc, memory, place(column, row, lanes));
            });
        return sums;
      };
      auto loadValues = [&](Value column, Value key, unsigned piece) {
        // Of a block that is visited in part, its copy.
        Value number =
            arith::DivUIOp::create(builder, loc, key, code.index(loc, block));
        Value isLast = blocks.compare(arith::CmpIPredicate::sgt,
                                      blocks.add(key, block), sum->end);
        Value isFirst =
            blocks.compare(arith::CmpIPredicate::slt, key, sum->begin);
        number = arith::SelectOp::create(builder, loc, isLast,
                                         code.index(loc, copies + 1), number);
        number = arith::SelectOp::create(builder, loc, isFirst,
                                         code.index(loc, copies), number);
        return unit.load(
            loc, values,
            {code.index(loc, piece), number, column, code.index(loc, 0)});
      };
      auto loadWeights = [&](Value key, int64_t column, unsigned piece) {
        Value pair =
            arith::DivUIOp::create(builder, loc, key, code.index(loc, 2));
        return unit.load(loc, weights,
                         {code.index(loc, piece), pair, laneAt(column)});
      };
      auto finish = [&](Value column, const MatrixUnit::Tiles &sums) {
        MatrixUnit::forEachTile(
            sums.size(), [&](size_t k, int64_t row, int64_t lanes) {
              unit.store(loc, sums[k], memory, place(column, row, lanes));
            });
      };
      unit.buildRowSums(loc, {code.index(loc, from), code.index(loc, to), first,
                              last, block, count, numColumns, start, loadValues,
                              loadWeights, finish});
    }
  };
  int64_t columns = type.getDimSize(1), rest = columns % MatrixUnit::rows,
          inTiles = columns - rest, atATime = MatrixUnit::getRowsAtATime(count),
          whole = inTiles - inTiles % atATime;
  if (whole)
    buildColumns(0, whole, atATime, sum->panel, 0);
  if (whole != inTiles)
    buildColumns(whole, inTiles, MatrixUnit::rows, sum->panel, 0);
  if (rest) {
    // A tile of sums that the panel has fewer rows for is added to beside it.
    int64_t lanes = type.getDimSize(0);
    Value memory = code.createBuffer(loc, {MatrixUnit::rows, lanes},
                                     type.getElementType());
    Value zero = code.index(loc, 0);
    auto line = VectorType::get(lanes, type.getElementType());
    auto copy = [&](Value from, int64_t fromRow, Value to, int64_t toRow) {
      code.buildLoops(loc, code.index(loc, rest), [&](ValueRange ivs) {
        Value sums = vector::LoadOp::create(
            builder, loc, line, from,
            ValueRange{blocks.add(ivs[0], fromRow), zero});
        vector::StoreOp::create(builder, loc, sums, to,
                                ValueRange{blocks.add(ivs[0], toRow), zero});
      });
    };
    copy(sum->panel, inTiles, memory, 0);
    buildColumns(inTiles, inTiles + MatrixUnit::rows, MatrixUnit::rows, memory,
                 inTiles);
    copy(memory, 0, sum->panel, inTiles);
  }
  code.setPanel(weigh, sum->panel);
  return success();
}
