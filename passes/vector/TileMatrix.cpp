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

/// Collects the numbers of the arguments whose products as pairs `sum` is made
/// of; fails where it is made of anything else.
static LogicalResult
collectProducts(Value sum,
                llvm::SmallDenseSet<std::pair<unsigned, unsigned>> &products) {
  if (auto add = sum.getDefiningOp<arith::AddFOp>())
    return success(succeeded(collectProducts(add.getLhs(), products)) &&
                   succeeded(collectProducts(add.getRhs(), products)));
  auto product = sum.getDefiningOp<TilePairProductOp>();
  auto a = product ? dyn_cast<BlockArgument>(product.getA()) : nullptr;
  auto b = product ? dyn_cast<BlockArgument>(product.getB()) : nullptr;
  return success(a && b &&
                 products.insert({a.getArgNumber(), b.getArgNumber()}).second);
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
  if (auto load = tile.getDefiningOp<TileLoadOp>())
    return TileCode::getRoom(load.getExtents()[0]);
  if (auto map = tile.getDefiningOp<TileMapOp>())
    return TileCode::getRoom(map.getExtents()[0]);
  if (auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>())
    if (!slice.getSizes().empty())
      return TileCode::getRoom(slice.getSizes()[0]);
  return std::nullopt;
}

namespace {
/// The pieces of what is contracted, as numbers of inputs.
struct ContractedPieces {
  SmallVector<unsigned> queries, keys;

  static std::optional<ContractedPieces> get(TileContractOp contract);
};
} // namespace

/// Nothing, where a contraction is not the sum of all products of pieces that
/// matter.
std::optional<ContractedPieces> ContractedPieces::get(TileContractOp contract) {
  ContractedPieces pieces;
  for (auto [number, map] : llvm::enumerate(contract.getMaps())) {
    if (isMatrixOperand(map, 0))
      pieces.queries.push_back(number);
    else if (isMatrixOperand(map, 1))
      pieces.keys.push_back(number);
  }
  unsigned count = pieces.queries.size();
  llvm::SmallDenseSet<std::pair<unsigned, unsigned>> found;
  Value sum = contract.getBody().front().getTerminator()->getOperand(0);
  if (count == 0 || pieces.keys.size() != count ||
      contract.getInputs().size() != 2 * count ||
      failed(collectProducts(sum, found)))
    return std::nullopt;
  auto wanted = TilePiecesOp::getProducts(count);
  bool isWhole =
      found.size() == wanted.size() && llvm::all_of(wanted, [&](auto product) {
        unsigned query = pieces.queries[product.first],
                 key = pieces.keys[product.second];
        return found.contains({query, key}) || found.contains({key, query});
      });
  return isWhole ? std::optional(pieces) : std::nullopt;
}

bool fovea::attn::isMatrixContract(TileContractOp contract) {
  auto type = cast<RankedTensorType>(contract.getType());
  if (contract.getNumDims() != 3 || !type.getElementType().isF32() ||
      !areWholeBlocks(type.getShape()))
    return false;
  for (Value input : contract.getInputs()) {
    int64_t pairs = cast<RankedTensorType>(input.getType()).getDimSize(1);
    if (ShapedType::isDynamic(pairs) || pairs == 0 ||
        pairs % MatrixUnit::rows != 0)
      return false;
  }
  std::optional<ContractedPieces> pieces = ContractedPieces::get(contract);
  return pieces && llvm::all_of(pieces->keys, [&](unsigned input) {
           return getRoom(contract.getInputs()[input]) == type.getDimSize(1);
         });
}

/// Whether a map rounds its only input to bf16.
static bool isRounding(TileMapOp map) {
  Block &body = map.getBody().front();
  auto rounded =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::TruncFOp>();
  return rounded && rounded.getType().isBF16() && body.getNumArguments() == 1 &&
         rounded.getIn() == body.getArgument(0) &&
         rounded.getIn().getType().isF32() &&
         cast<AffineMapAttr>(map.getMaps()[0]).getValue().isIdentity();
}

bool fovea::attn::isMatrixWeights(TileMapOp map) {
  auto type = cast<RankedTensorType>(map.getType());
  if (type.getRank() != 2 || !areWholeBlocks(type.getShape()))
    return false;
  auto isWeight = [](OpOperand &use) {
    auto weigh = dyn_cast<TileWeighOp>(use.getOwner());
    return weigh && use.getOperandNumber() == 0 && isMatrixWeigh(weigh);
  };
  return type.getElementType().isF32()
             ? llvm::any_of(map->getUses(), isWeight)
             : isRounding(map) && llvm::all_of(map->getUses(), isWeight);
}

bool fovea::attn::isMatrixWeigh(TileWeighOp weigh) {
  auto sum = cast<RankedTensorType>(weigh.getType());
  auto weights = cast<RankedTensorType>(weigh.getWeights().getType());
  Block &body = weigh.getBody().front();
  if (!(weights.getElementType().isBF16() ||
        weights.getElementType().isF32()) ||
      !areWholeBlocks(weights.getShape()) ||
      !weigh.getWeights().getDefiningOp<TileMapOp>() || sum.getRank() != 2 ||
      !sum.getElementType().isF32() || sum.isDynamicDim(1) ||
      body.getNumArguments() != 1 ||
      body.getTerminator()->getOperand(0) != body.getArgument(0) ||
      !isMatrixOperand(weigh.getMaps()[0], 1))
    return false;
  Value values = weigh.getInputs()[0];
  if (auto load = values.getDefiningOp<TileLoadOp>();
      load && (!TileCode::isContiguous(load, 1) || !load.getLookups().empty()))
    return false;
  return isa_and_nonnull<TileLoadOp, TileMapOp>(values.getDefiningOp()) &&
         getRoom(values) == weights.getDimSize(1);
}

unsigned fovea::attn::getNumPieces(TileWeighOp weigh) {
  return getElementTypeOrSelf(weigh.getWeights().getType()).isF32()
             ? TilePiecesOp::maxPieces
             : 1;
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
  ContractedPieces pieces = *ContractedPieces::get(contract);
  for (Value input : contract.getInputs())
    holdInPanel(input);
  auto getPanel = [&](unsigned input) {
    return code.getPanel(contract.getInputs()[input]);
  };
  auto type = cast<RankedTensorType>(contract.getType());
  int64_t lanes = type.getDimSize(0);
  Value panel = code.createBuffer(loc, {type.getDimSize(1), lanes},
                                  type.getElementType());
  auto [begin, end] = getVisited(contract);
  MatrixUnit unit(builder);
  unsigned count = pieces.keys.size();
  int64_t numKeys = MatrixUnit::getRowsAtATime(count);
  for (int64_t lane = 0; lane < lanes; lane += MatrixUnit::block) {
    auto laneAt = [&](int64_t column) {
      return code.index(loc, lane + column);
    };
    auto start = [&](Value) {
      groupsAhead.fetch(loc);
      MatrixUnit::Tiles sums;
      for (int64_t k = 0; k < 2 * numKeys / MatrixUnit::rows; ++k)
        sums.push_back(unit.zero(loc));
      return sums;
    };
    auto loadKeys = [&](Value key, Value pair, unsigned piece) {
      return unit.load(loc, getPanel(pieces.keys[piece]), {key, pair});
    };
    auto loadQueries = [&](Value pair, int64_t column, unsigned piece) {
      return unit.load(loc, getPanel(pieces.queries[piece]),
                       {pair, laneAt(column)});
    };
    auto finish = [&](Value key, const MatrixUnit::Tiles &sums) {
      MatrixUnit::forEachTile(sums.size(), [&](size_t k, int64_t row,
                                               int64_t column) {
        Value keyAt =
            builder.createOrFold<arith::AddIOp>(loc, key, code.index(loc, row));
        unit.store(loc, sums[k], panel, {keyAt, laneAt(column)});
      });
    };
    unit.buildRowSums(
        loc, {roundDown(builder, loc, begin, numKeys),
              roundUp(builder, loc, end, numKeys), code.index(loc, 0),
              code.getExtents(contract.getInputs()[0])[1], MatrixUnit::rows,
              count, numKeys, start, loadKeys, loadQueries, finish});
  }
  code.setPanel(contract, panel);
  return success();
}
