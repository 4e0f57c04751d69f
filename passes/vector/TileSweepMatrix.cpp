//===- TileSweepMatrix.cpp - linear layers by a matrix unit ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Output features lie along lanes. So a product is
//
//   sums [rows x features] += inputs [rows x pairs] * weights [pairs x
//   features]
//
// where inputs are left operands as they lie in memory, and weights right ones,
// packed so. A block of two tiles by two is followed by all else that the sweep
// computes of its rows, while the sums are in a near cache. Rows and pairs that
// fill no tile are copied.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

namespace {
/// What a linear layer multiplies.
struct Layer {
  TileLoadOp inputs, weights;
  int64_t pairs;
};
} // namespace

static std::optional<Layer> getLayer(TileContractOp contract) {
  auto type = cast<RankedTensorType>(contract.getType());
  if (!isPairProduct(contract.getBody()) || contract.getNumDims() != 3 ||
      !type.getElementType().isF32() || type.getDimSize(0) != MatrixUnit::block)
    return std::nullopt;
  unsigned weightsAt = isMatrixOperand(contract.getMaps()[0], 0) ? 0 : 1;
  if (!isMatrixOperand(contract.getMaps()[weightsAt], 0) ||
      !isMatrixOperand(contract.getMaps()[1 - weightsAt], 1))
    return std::nullopt;
  Layer layer{contract.getInputs()[1 - weightsAt].getDefiningOp<TileLoadOp>(),
              contract.getInputs()[weightsAt].getDefiningOp<TileLoadOp>(), 0};
  for (TileLoadOp load : {layer.inputs, layer.weights})
    if (!load || !load.readsPairs() || !load.getLookups().empty() ||
        llvm::is_contained(load.getInBounds().drop_back(), false) ||
        ShapedType::isDynamic(
            cast<MemRefType>(load.getSource().getType()).getShape().back()))
      return std::nullopt;
  layer.pairs = cast<RankedTensorType>(layer.inputs.getType()).getDimSize(1);
  bool fits = !ShapedType::isDynamic(layer.pairs) &&
              layer.pairs % MatrixUnit::rows == 0 &&
              layer.weights.getInBounds().back() &&
              TileCode::isContiguous(layer.weights, 0) &&
              TileCode::getMemoryDim(layer.weights, 1) &&
              TileCode::isContiguous(layer.inputs, 1) &&
              TileCode::getMemoryDim(layer.inputs, 0);
  return fits ? std::optional(layer) : std::nullopt;
}

bool fovea::attn::isMatrixLayer(TileContractOp contract) {
  return getLayer(contract).has_value();
}

bool TileSweep::canUseMatrixUnit(TileContractOp contract) const {
  return target.matrixUnit && isMatrixLayer(contract) &&
         llvm::none_of(contract.getInputs(),
                       [&](Value tile) { return code.getPanel(tile); });
}

namespace {
/// Builds the sums of blocks of rows.
class MatrixBlocks {
public:
  MatrixBlocks(OpBuilder &builder, TileCode &code, TileContractOp contract)
      : builder(builder), code(code), loc(contract.getLoc()), unit(builder),
        layer(*getLayer(contract)) {
    auto place = [&](TileLoadOp load, unsigned along) {
      return unit.locate(loc, load.getSource(),
                         code.locateFirst(load, load.getSymbols()),
                         TileCode::getMemoryDim(load, along));
    };
    inputs = place(layer.inputs, 0);
    weights = place(layer.weights, 1);
    int64_t elements =
        cast<MemRefType>(layer.inputs.getSource().getType()).getShape().back();
    whole = layer.inputs.getInBounds().back() ? layer.pairs
                                              : elements / (2 * side) * side;
    sums = code.createBuffer(loc, {MatrixUnit::block, MatrixUnit::block},
                             builder.getF32Type());
  }

  /// The sums of `MatrixUnit::block` rows from `row` on, all of them there.
  void buildBlock(Value row);
  /// The sums of `count` rows from `row` on, as many as a tile has at most.
  void buildRows(Value row, Value count);
  Value getSums() const { return sums; }

private:
  static constexpr int64_t side = MatrixUnit::rows;
  Value index(int64_t value) { return code.index(loc, value); }
  Value add(Value a, Value b) {
    return builder.createOrFold<arith::AddIOp>(loc, a, b);
  }
  Value multiply(Value a, Value b) {
    return builder.createOrFold<arith::MulIOp>(loc, a, b);
  }
  /// `row` rows, and `pair` pairs, behind the beginning of a place.
  MatrixUnit::Place move(MatrixUnit::Place place, Value row, Value pair) {
    Value offset = add(multiply(row, place.stride), multiply(pair, index(4)));
    return {add(place.address, offset), place.stride};
  }
  /// Copies the pairs from `firstPair` on of `count` rows from `row` on, zeros
  /// beyond the last.
  MatrixUnit::Place copy(Value row, Value count, int64_t rows,
                         int64_t firstPair);
  /// Adds the products of all pairs to `numTiles` tiles of sums, and stores
  /// them. The first pairs are at `rows`, those that memory has only a part of
  /// at `rest`.
  void build(size_t numTiles, MatrixUnit::Place rows, MatrixUnit::Place rest);

  OpBuilder &builder;
  TileCode &code;
  Location loc;
  MatrixUnit unit;
  Layer layer;
  MatrixUnit::Place inputs, weights;
  /// Pairs that memory has in whole tiles.
  int64_t whole;
  Value sums;
};
} // namespace

MatrixUnit::Place MatrixBlocks::copy(Value row, Value count, int64_t rows,
                                     int64_t firstPair) {
  Value buffer = code.createBuffer(loc, {rows, layer.pairs - firstPair},
                                   builder.getI32Type());
  code.buildLoops(loc, count, [&](ValueRange ivs) {
    auto loop = scf::ForOp::create(builder, loc, index(firstPair),
                                   index(layer.pairs), index(side));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value pair = loop.getInductionVar();
    Value pairs =
        code.readRow(loc, layer.inputs, {add(row, ivs[0]), pair}, side);
    Value at = builder.createOrFold<arith::SubIOp>(loc, pair, index(firstPair));
    vector::StoreOp::create(builder, loc, pairs, buffer,
                            ValueRange{ivs[0], at});
  });
  return unit.locate(loc, buffer, {index(0), index(0)});
}

void MatrixBlocks::build(size_t numTiles, MatrixUnit::Place rows,
                         MatrixUnit::Place rest) {
  MatrixUnit::Tiles tiles;
  for (size_t k = 0; k < numTiles; ++k)
    tiles.push_back(unit.zero(loc));
  auto addProducts = [&](int64_t from, int64_t to, MatrixUnit::Place left) {
    if (from == to)
      return;
    tiles = unit.addProducts(
        loc, index(from), index(to), side, tiles,
        [&](Value pair, int64_t row) {
          Value at =
              builder.createOrFold<arith::SubIOp>(loc, pair, index(from));
          return unit.load(loc, move(left, index(row), at));
        },
        [&](Value pair, int64_t column) {
          return unit.load(loc, move(weights, pair, index(column)));
        });
  };
  addProducts(0, whole, rows);
  addProducts(whole, layer.pairs, rest);
  MatrixUnit::forEachTile(numTiles, [&](size_t k, int64_t row, int64_t column) {
    unit.store(loc, tiles[k], sums, {index(row), index(column)});
  });
}

void MatrixBlocks::buildBlock(Value row) {
  MatrixUnit::Place rows = move(inputs, row, index(0)), rest = rows;
  if (whole < layer.pairs)
    rest = copy(row, index(MatrixUnit::block), MatrixUnit::block, whole);
  build(4, rows, rest);
}

void MatrixBlocks::buildRows(Value row, Value count) {
  // Rows of a tile that do not exist hold anything: nothing reads their sums.
  MatrixUnit::Place rows = copy(row, count, side, 0);
  build(2, rows, move(rows, index(0), index(whole)));
}

void TileSweep::emitMatrixBlocks(Value begin, Value end) {
  constexpr int64_t side = MatrixUnit::rows, block = MatrixUnit::block;
  /// Rows that are finished together: as many as keep the multipliers busy.
  constexpr unsigned together = 4;
  auto contract = cast<TileContractOp>(ops.front());
  Location loc = contract.getLoc();
  MatrixBlocks blocks(builder, code, contract);
  SmallVector<Value> none;
  auto walk = [&](Value from, Value to, int64_t step,
                  function_ref<void(Value row)> build) {
    auto loop =
        scf::ForOp::create(builder, loc, from, to, code.index(loc, step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    made = {blocks.getSums(), loop.getInductionVar()};
    build(loop.getInductionVar());
    made = {};
  };
  Value count = builder.createOrFold<arith::SubIOp>(loc, end, begin);
  Value rest =
      builder.createOrFold<arith::RemSIOp>(loc, count, code.index(loc, block));
  Value whole = builder.createOrFold<arith::SubIOp>(loc, end, rest);
  walk(begin, whole, block, [&](Value row) {
    blocks.buildBlock(row);
    Value next =
        arith::AddIOp::create(builder, loc, row, code.index(loc, block));
    emitLoop(row, next, together, /*clamp=*/false, none);
  });
  walk(whole, end, side, [&](Value row) {
    Value left = arith::SubIOp::create(builder, loc, end, row);
    Value rows =
        arith::MinSIOp::create(builder, loc, left, code.index(loc, side));
    blocks.buildRows(row, rows);
    emitLoop(row, arith::AddIOp::create(builder, loc, row, rows), 1,
             /*clamp=*/false, none);
  });
}
