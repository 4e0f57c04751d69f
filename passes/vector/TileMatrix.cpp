//===- TileMatrix.cpp - products by a matrix unit -------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums have their queries along lanes, as everywhere. So a product is
//
//   scores [keys x queries]    += keys [keys x pairs] * queries [pairs x
//   queries] sum    [columns x queries] += values [columns x pairs of keys]
//                                 * weights [pairs of keys x queries]
//
// The left operands lie in memory row by row, the values transposed once for
// each block of keys; the right ones have their pairs side by side, as vector
// code makes them with queries along lanes.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// What it can do
//===----------------------------------------------------------------------===//

bool fovea::attn::isPairProduct(Region &region) {
  Block &body = region.front();
  auto product = body.getTerminator()->getOperand(0).getDefiningOp();
  return isa_and_nonnull<TilePairProductOp>(product) &&
         body.getNumArguments() == 2 &&
         product->getOperands() == ValueRange(body.getArguments());
}

bool fovea::attn::isMatrixOperand(Attribute map, unsigned first) {
  AffineMap projection = cast<AffineMapAttr>(map).getValue();
  return projection.getNumResults() == 2 &&
         projection.getDimPosition(0) == first &&
         projection.getDimPosition(1) == 2;
}

static bool areWholeBlocks(ArrayRef<int64_t> extents) {
  return llvm::all_of(extents, [](int64_t size) {
    return ShapedType::isStatic(size) && size % MatrixUnit::block == 0;
  });
}

/// The most rows that a tile without lanes has, if that is known.
static std::optional<int64_t> getRoom(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  if (!type.isDynamicDim(0))
    return type.getDimSize(0);
  auto load = tile.getDefiningOp<TileLoadOp>();
  return load ? TileCode::getRoom(load.getExtents()[0]) : std::nullopt;
}

bool fovea::attn::isMatrixContract(TileContractOp contract) {
  auto type = cast<RankedTensorType>(contract.getType());
  if (!isPairProduct(contract.getBody()) || contract.getNumDims() != 3 ||
      !type.getElementType().isF32() || !areWholeBlocks(type.getShape()))
    return false;
  ArrayAttr maps = contract.getMaps();
  unsigned keys = isMatrixOperand(maps[0], 1) ? 0 : 1;
  if (!isMatrixOperand(maps[keys], 1) || !isMatrixOperand(maps[1 - keys], 0))
    return false;
  for (Value input : contract.getInputs()) {
    int64_t pairs = cast<RankedTensorType>(input.getType()).getDimSize(1);
    if (ShapedType::isDynamic(pairs) || pairs % MatrixUnit::rows != 0)
      return false;
  }
  return getRoom(contract.getInputs()[keys]) == type.getDimSize(1);
}

bool fovea::attn::isMatrixWeights(TileMapOp map) {
  auto type = cast<RankedTensorType>(map.getType());
  Block &body = map.getBody().front();
  auto rounded =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::TruncFOp>();
  return type.getRank() == 2 && type.getElementType().isBF16() &&
         areWholeBlocks(type.getShape()) && rounded &&
         body.getNumArguments() == 1 &&
         rounded.getIn() == body.getArgument(0) &&
         rounded.getIn().getType().isF32() &&
         cast<AffineMapAttr>(map.getMaps()[0]).getValue().isIdentity() &&
         llvm::all_of(map->getUses(), [&](OpOperand &use) {
           auto weigh = dyn_cast<TileWeighOp>(use.getOwner());
           return weigh && use.getOperandNumber() == 0 && isMatrixWeigh(weigh);
         });
}

bool fovea::attn::isMatrixWeigh(TileWeighOp weigh) {
  auto sum = cast<RankedTensorType>(weigh.getType());
  auto weights = cast<RankedTensorType>(weigh.getWeights().getType());
  Block &body = weigh.getBody().front();
  if (!weights.getElementType().isBF16() ||
      !areWholeBlocks(weights.getShape()) ||
      !weigh.getWeights().getDefiningOp<TileMapOp>() || sum.getRank() != 2 ||
      !sum.getElementType().isF32() || sum.isDynamicDim(1) ||
      body.getNumArguments() != 1 ||
      body.getTerminator()->getOperand(0) != body.getArgument(0) ||
      !isMatrixOperand(weigh.getMaps()[0], 1))
    return false;
  auto load = weigh.getInputs()[0].getDefiningOp<TileLoadOp>();
  return load && TileCode::isContiguous(load, 1) && load.getLookups().empty() &&
         getRoom(load) == weights.getDimSize(1);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// `value` rounded down, or up, to a multiple of `unit`.
static Value roundDown(OpBuilder &builder, Location loc, Value value,
                       int64_t unit) {
  Value size = arith::ConstantIndexOp::create(builder, loc, unit);
  return builder.createOrFold<arith::SubIOp>(
      loc, value, builder.createOrFold<arith::RemSIOp>(loc, value, size));
}
static Value roundUp(OpBuilder &builder, Location loc, Value value,
                     int64_t unit) {
  Value most = arith::ConstantIndexOp::create(builder, loc, unit - 1);
  return roundDown(builder, loc,
                   builder.createOrFold<arith::AddIOp>(loc, value, most), unit);
}

LogicalResult TileVectorizer::processMatrixContract(TileContractOp contract) {
  Location loc = contract.getLoc();
  replaced.push_back(contract);
  unsigned keysAt = isMatrixOperand(contract.getMaps()[0], 1) ? 0 : 1;
  for (Value input : contract.getInputs())
    holdInPanel(input);
  Value keys = code.getPanel(contract.getInputs()[keysAt]);
  Value queries = code.getPanel(contract.getInputs()[1 - keysAt]);
  auto type = cast<RankedTensorType>(contract.getType());
  int64_t lanes = type.getDimSize(0);
  Value panel = code.createBuffer(loc, {type.getDimSize(1), lanes},
                                  type.getElementType());
  auto [begin, end] = getVisited(contract);
  begin = roundDown(builder, loc, begin, MatrixUnit::block);
  end = roundUp(builder, loc, end, MatrixUnit::block);

  auto loop = scf::ForOp::create(builder, loc, begin, end,
                                 code.index(loc, MatrixUnit::block));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  groupsAhead.fetch(loc);
  MatrixUnit unit(builder);
  auto keyAt = [&](int64_t row) -> Value {
    return arith::AddIOp::create(builder, loc, loop.getInductionVar(),
                                 code.index(loc, row));
  };
  Value pairs = code.getExtents(contract.getInputs()[keysAt])[1];
  for (int64_t lane = 0; lane < lanes; lane += MatrixUnit::block) {
    MatrixUnit::Tiles sums;
    for (int k = 0; k < 4; ++k)
      sums.push_back(unit.zero(loc));
    sums = unit.addProducts(
        loc, code.index(loc, 0), pairs, MatrixUnit::rows, sums,
        [&](Value pair, int64_t row) {
          return unit.load(loc, keys, {keyAt(row), pair});
        },
        [&](Value pair, int64_t column) {
          return unit.load(loc, queries,
                           {pair, code.index(loc, lane + column)});
        });
    MatrixUnit::forEachTile(
        sums.size(), [&](size_t number, int64_t row, int64_t column) {
          unit.store(loc, sums[number], panel,
                     {keyAt(row), code.index(loc, lane + column)});
        });
  }
  code.setPanel(contract, panel);
  return success();
}
