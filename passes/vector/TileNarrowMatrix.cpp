//===- TileNarrowMatrix.cpp - few rows by a matrix unit -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Keys and values are met once, so nothing pays that is made of them first:
//
//   scores [keys x rows]    += keys [keys x pairs] * queries [pairs x rows]
//   sum    [rows x columns] += weights [rows x pairs of keys]
//                              * values [pairs of keys x columns]
//
// Keys are a left operand where they lie in memory. Values are a right one, two
// rows of them side by side. Weights stay as exact as f32 has them: three
// numbers of bf16 hold one of f32, and few rows leave room for all three in a
// tile.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// What it can do
//===----------------------------------------------------------------------===//

/// Whether scores or weights are of few rows, all pieces of which are rows of a
/// tile, and of one tile of keys or two.
static bool isNarrowBlock(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  return type.getRank() == 2 && type.getElementType().isF32() &&
         type.hasStaticShape() &&
         TilePiecesOp::maxPieces * type.getDimSize(0) <= MatrixUnit::rows &&
         (type.getDimSize(1) == MatrixUnit::rows ||
          type.getDimSize(1) == MatrixUnit::block);
}

/// Whether a load reads as many rows as a block has keys, or a part of them.
static bool hasRoomFor(TileLoadOp load, int64_t keys) {
  auto type = cast<RankedTensorType>(load.getType());
  return type.isDynamicDim(0) ? TileCode::getRoom(load.getExtents()[0]) == keys
                              : type.getDimSize(0) == keys;
}

bool fovea::attn::isNarrowMatrixContract(TileContractOp contract) {
  if (!isPairProduct(contract.getBody()) || contract.getNumDims() != 3 ||
      !isNarrowBlock(contract))
    return false;
  ArrayAttr maps = contract.getMaps();
  unsigned keysAt = isMatrixOperand(maps[0], 1) ? 0 : 1;
  if (!isMatrixOperand(maps[keysAt], 1) ||
      !isMatrixOperand(maps[1 - keysAt], 0))
    return false;
  auto keys = contract.getInputs()[keysAt].getDefiningOp<TileLoadOp>();
  return keys && TileCode::isContiguous(keys, 1) &&
         hasRoomFor(keys,
                    cast<RankedTensorType>(contract.getType()).getDimSize(1)) &&
         llvm::all_of(contract.getInputs(), [](Value input) {
           auto type = cast<RankedTensorType>(input.getType());
           return !type.isDynamicDim(1) &&
                  type.getDimSize(1) % MatrixUnit::rows == 0;
         });
}

/// What a region passes on of its only argument: the argument as it is, or
/// converted to f32.
static bool isWidening(Region &region) {
  Block &body = region.front();
  if (body.getNumArguments() != 1)
    return false;
  Value value = body.getTerminator()->getOperand(0);
  if (auto wide = value.getDefiningOp<arith::ExtFOp>())
    value = wide.getIn();
  return value == body.getArgument(0);
}

TileLoadOp fovea::attn::getNarrowMatrixValues(TileWeighOp weigh) {
  auto sum = cast<RankedTensorType>(weigh.getType());
  if (!isNarrowBlock(weigh.getWeights()) || sum.getRank() != 2 ||
      !sum.getElementType().isF32() || sum.isDynamicDim(1) ||
      !isWidening(weigh.getBody()) || !isMatrixOperand(weigh.getMaps()[0], 1))
    return {};
  Value values = weigh.getInputs()[0];
  // They may have been converted apart.
  if (auto map = values.getDefiningOp<TileMapOp>();
      map && map.getInputs().size() == 1 && isWidening(map.getBody()) &&
      cast<AffineMapAttr>(map.getMaps()[0]).getValue().isIdentity())
    values = map.getInputs()[0];
  auto load = values.getDefiningOp<TileLoadOp>();
  if (!load ||
      !cast<RankedTensorType>(load.getType()).getElementType().isBF16() ||
      !TileCode::isContiguous(load, 1) ||
      !hasRoomFor(
          load,
          cast<RankedTensorType>(weigh.getWeights().getType()).getDimSize(1)))
    return {};
  return load;
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

namespace {
/// Vectors side by side, element by element, and taken apart again. Their
/// number is a power of two.
struct Zip {
  OpBuilder &builder;
  Location loc;

  Value together(ArrayRef<Value> vectors) {
    if (vectors.size() == 1)
      return vectors.front();
    // Of what is interleaved last neighbours are a half apart.
    SmallVector<Value> even, odd;
    for (auto [k, vector] : llvm::enumerate(vectors))
      (k % 2 ? odd : even).push_back(vector);
    return vector::InterleaveOp::create(builder, loc, together(even),
                                        together(odd));
  }
  SmallVector<Value> apart(Value vector, size_t count) {
    if (count == 1)
      return {vector};
    auto halves = vector::DeinterleaveOp::create(builder, loc, vector);
    SmallVector<Value> even = apart(halves.getRes1(), count / 2),
                       odd = apart(halves.getRes2(), count / 2), all;
    for (auto [a, b] : llvm::zip(even, odd))
      all.append({a, b});
    return all;
  }
};
} // namespace

/// The rows of a tile of pairs as a right operand, [pair][row]; rows that the
/// tile lacks are zero.
Value TileVectorizer::fillPairColumns(Location loc, Value tile,
                                      int64_t columns) {
  constexpr int64_t side = MatrixUnit::rows;
  auto type = cast<RankedTensorType>(tile.getType());
  int64_t pairs = type.getDimSize(1);
  Value buffer =
      code.createBuffer(loc, {pairs * columns}, type.getElementType());
  Value none = arith::ConstantOp::create(
      builder, loc,
      builder.getZeroAttr(VectorType::get(side, type.getElementType())));
  for (int64_t pair = 0; pair < pairs; pair += side) {
    SmallVector<Value> rows(columns, none);
    for (int64_t row = 0; row < type.getDimSize(0); ++row)
      rows[row] = code.readRow(
          loc, tile, {code.index(loc, row), code.index(loc, pair)}, side);
    vector::StoreOp::create(builder, loc, Zip{builder, loc}.together(rows),
                            buffer, code.index(loc, pair * columns));
  }
  return memref::ExpandShapeOp::create(
      builder, loc, ArrayRef<int64_t>{pairs, columns}, buffer,
      ArrayRef<ReassociationIndices>{{0, 1}});
}

/// Where the keys [begin, end) of a block are rows of a left operand: in memory
/// as they are, if they are all there, side by side; else copies of them.
MatrixUnit::Place TileVectorizer::placeKeys(TileLoadOp load, int64_t keys,
                                            Value begin, Value end) {
  constexpr int64_t side = MatrixUnit::rows;
  Location loc = load.getLoc();
  auto type = cast<RankedTensorType>(load.getType());
  MatrixUnit unit(builder);
  Value zero = code.index(loc, 0);
  auto placeCopies = [&] {
    int64_t pairs = type.getDimSize(1);
    Value buffer = code.createBuffer(loc, {keys, pairs}, type.getElementType());
    auto loop =
        scf::ForOp::create(builder, loc, begin, end, code.index(loc, 1));
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      Value key = loop.getInductionVar();
      for (int64_t pair = 0; pair < pairs; pair += side) {
        Value column = code.index(loc, pair);
        code.writeSpan(loc, buffer, {key, column},
                       code.readRow(loc, load, {key, column}, side), Value());
      }
    }
    return unit.locate(loc, buffer, {zero, zero});
  };
  std::optional<TileCode::Rows> rows = code.locateRows(load);
  if (!rows)
    return placeCopies();
  auto placeRows = [&] {
    return unit.locate(loc, load.getSource(), rows->indices, rows->dim);
  };
  if (!type.isDynamicDim(0))
    return placeRows();
  Value isWhole =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                            code.getExtents(load)[0], code.index(loc, keys));
  Type index = builder.getIndexType();
  auto branch = scf::IfOp::create(builder, loc, {index, index}, isWhole,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  auto fill = [&](Block *block, function_ref<MatrixUnit::Place()> build) {
    builder.setInsertionPointToStart(block);
    MatrixUnit::Place place = build();
    scf::YieldOp::create(builder, loc, ValueRange{place.address, place.stride});
  };
  fill(branch.thenBlock(), placeRows);
  fill(branch.elseBlock(), placeCopies);
  return {branch.getResult(0), branch.getResult(1)};
}

LogicalResult
TileVectorizer::processNarrowMatrixContract(TileContractOp contract) {
  constexpr int64_t side = MatrixUnit::rows;
  Location loc = contract.getLoc();
  replaced.push_back(contract);
  auto type = cast<RankedTensorType>(contract.getType());
  int64_t numRows = type.getDimSize(0), numKeys = type.getDimSize(1),
          columns = llvm::bit_ceil<uint64_t>(numRows);
  unsigned keysAt = isMatrixOperand(contract.getMaps()[0], 1) ? 0 : 1;
  auto load = contract.getInputs()[keysAt].getDefiningOp<TileLoadOp>();
  Value queries =
      fillPairColumns(loc, contract.getInputs()[1 - keysAt], columns);
  auto [begin, end] = getVisited(contract);
  RowsAhead ahead(builder, code, load);
  MatrixUnit::Place keys = placeKeys(load, numKeys, begin, end);

  // All positions one after the other: few enough to be written out.
  MatrixUnit unit(builder);
  MatrixUnit::Shape shape{side, columns};
  int64_t pairs = cast<RankedTensorType>(load.getType()).getDimSize(1);
  auto add = [&](Value a, Value b) {
    return builder.createOrFold<arith::AddIOp>(loc, a, b);
  };
  SmallVector<Value> sums(numKeys / side);
  for (Value &sum : sums)
    sum = unit.zero(loc, shape);
  SmallVector<Value> starts;
  for (int64_t pair = 0; pair < pairs; pair += side)
    starts.push_back(code.index(loc, pair));
  for (int64_t pair = 0; pair < pairs; pair += side) {
    // While these keys are multiplied, some of the next step's are on their
    // way: all of them at once would have to wait for each other.
    ahead.fetch(code.index(loc, pair * numKeys / pairs),
                code.index(loc, (pair + side) * numKeys / pairs), {begin, end},
                starts, side);
    Value right = unit.load(loc, queries,
                            {code.index(loc, pair), code.index(loc, 0)}, shape);
    for (auto [k, sum] : llvm::enumerate(sums)) {
      Value offset = arith::MulIOp::create(builder, loc, keys.stride,
                                           code.index(loc, k * side));
      offset = add(offset, code.index(loc, 4 * pair));
      Value left = unit.load(loc, {add(keys.address, offset), keys.stride});
      sum = unit.addProducts(loc, sum, left, right, shape);
    }
  }
  // Each tile is [key][row], and the panel has keys along its rows.
  Value panel = createPanelFor(contract);
  Value buffer =
      code.createBuffer(loc, {numKeys * columns}, type.getElementType());
  Value tiles = memref::ExpandShapeOp::create(
      builder, loc, ArrayRef<int64_t>{numKeys, columns}, buffer,
      ArrayRef<ReassociationIndices>{{0, 1}});
  auto flat = VectorType::get(side * columns, type.getElementType());
  for (auto [k, sum] : llvm::enumerate(sums))
    unit.store(loc, sum, tiles, {code.index(loc, k * side), code.index(loc, 0)},
               shape);
  for (int64_t key = 0; key < numKeys; key += side) {
    Value scores = vector::LoadOp::create(builder, loc, flat, buffer,
                                          code.index(loc, key * columns));
    SmallVector<Value> rows = Zip{builder, loc}.apart(scores, columns);
    for (int64_t row = 0; row < numRows; ++row)
      code.writeSpan(loc, panel,
                     ValueRange{code.index(loc, row), code.index(loc, key)},
                     rows[row], Value());
  }
  code.setPanel(contract, panel);
  return success();
}
