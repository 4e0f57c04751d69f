//===- ProductPieces.cpp - contractions of f32 in pieces of bf16 ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/NarrowResults.h"
#include "passes/tile/TileBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_PRODUCTPIECESPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Pieces that hold what storing as bf16 shows of a number.
static constexpr int64_t fewPieces = 2;

/// Whether a region is the product of its two arguments, of f32.
static bool isProduct(Region &region) {
  Block &body = region.front();
  auto product =
      body.getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  return product && body.getNumArguments() == 2 && product.getType().isF32() &&
         product->getOperands() == ValueRange(body.getArguments());
}

/// Whether one piece holds each number of a tile of f32: what it was converted
/// from has no more bits.
static bool isOnePiece(Value tile) {
  auto map = tile.getDefiningOp<TileMapOp>();
  if (!map)
    return false;
  Operation *number =
      map.getBody().front().getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::ExtFOp, arith::SIToFPOp>(number))
    return false;
  Value narrow = number->getOperand(0);
  while (isa_and_nonnull<arith::ExtSIOp, arith::IndexCastOp>(
      narrow.getDefiningOp()))
    narrow = narrow.getDefiningOp()->getOperand(0);
  return TilePiecesOp::isOnePiece(narrow.getType());
}

static OpFoldResult getRows(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  if (!type.isDynamicDim(0))
    return Builder(tile.getContext()).getIndexAttr(type.getDimSize(0));
  Operation *def = tile.getDefiningOp();
  if (auto load = dyn_cast<TileLoadOp>(def))
    return getAsOpFoldResult(load.getExtents()[0]);
  return getAsOpFoldResult(cast<TileMapOp>(def).getExtents()[0]);
}

namespace {
class PieceBuilder {
public:
  PieceBuilder(RewriterBase &rewriter, int64_t unit)
      : rewriter(rewriter), unit(unit) {}

  LogicalResult contractPieces(TileContractOp contract);

private:
  /// The pieces of a tile, [rows x pieces x pairs], once for each tile.
  Value getPieces(Value tile, int64_t count);
  Value getPiece(Value tile, int64_t count, int64_t piece);

  RewriterBase &rewriter;
  int64_t unit;
  DenseMap<std::pair<Value, int64_t>, Value> pieces;
};
} // namespace

Value PieceBuilder::getPieces(Value tile, int64_t count) {
  Value &known = pieces[{tile, count}];
  if (known)
    return known;
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(tile);
  auto type = cast<RankedTensorType>(tile.getType());
  int64_t pairs = llvm::alignTo(llvm::divideCeil(type.getDimSize(1), 2), unit);
  known = TilePiecesOp::create(
      rewriter, tile.getLoc(),
      RankedTensorType::get({type.getDimSize(0), count, pairs},
                            rewriter.getI32Type()),
      tile);
  return known;
}

Value PieceBuilder::getPiece(Value tile, int64_t count, int64_t piece) {
  Value all = getPieces(tile, count);
  auto type = cast<RankedTensorType>(all.getType());
  OpFoldResult rows = getRows(tile);
  // A constant, where there is one: simplification would make it a cast.
  int64_t numRows = getConstantIntValue(rows).value_or(ShapedType::kDynamic);
  OpFoldResult zero = rewriter.getIndexAttr(0), one = rewriter.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(
      rewriter, tile.getLoc(),
      RankedTensorType::get({numRows, type.getDimSize(2)},
                            type.getElementType()),
      all, {zero, rewriter.getIndexAttr(piece), zero},
      {rows, one, rewriter.getIndexAttr(type.getDimSize(2))}, {one, one, one});
}

LogicalResult PieceBuilder::contractPieces(TileContractOp contract) {
  auto type = cast<RankedTensorType>(contract.getType());
  if (!fitsMatrixUnit(type.getShape(), unit) || contract.getNumDims() != 3 ||
      contract.getInputs().size() != 2 || !isProduct(contract.getBody()))
    return failure();
  for (auto [input, map] :
       llvm::zip(contract.getInputs(),
                 contract.getMaps().getAsValueRange<AffineMapAttr>())) {
    Operation *def = input.getDefiningOp();
    if (!isa_and_nonnull<TileLoadOp, TileMapOp>(def) ||
        map.getNumResults() != 2 || map.getDimPosition(1) != 2 ||
        cast<RankedTensorType>(input.getType()).isDynamicDim(1) ||
        cast<RankedTensorType>(input.getType()).getDimSize(1) == 0)
      return failure();
    // A block that never has all of its keys is not worth the rest.
    std::optional<int64_t> rows = getConstantIntValue(getRows(input));
    if (rows && *rows != type.getDimSize(map.getDimPosition(0)))
      return failure();
  }
  int64_t count = TilePiecesOp::maxPieces;
  if (llvm::all_of(contract.getInputs(), isOnePiece))
    count = 1;
  else if (endsInBf16(contract.getResult()))
    count = fewPieces;
  rewriter.setInsertionPoint(contract);
  SmallVector<Value> inputs;
  SmallVector<Attribute> maps;
  for (auto [input, map] : llvm::zip(contract.getInputs(), contract.getMaps()))
    for (int64_t piece = 0; piece < count; ++piece) {
      inputs.push_back(getPiece(input, count, piece));
      maps.push_back(map);
    }
  Location loc = contract.getLoc();
  auto paired = TileContractOp::create(rewriter, loc, contract.getType(),
                                       inputs, rewriter.getArrayAttr(maps));
  {
    OpBuilder::InsertionGuard guard(rewriter);
    Block *body = createTileBody(rewriter, loc, paired.getBody(), inputs);
    Value sum;
    for (auto [a, b] : TilePiecesOp::getProducts(count)) {
      Value product = TilePairProductOp::create(
          rewriter, loc, rewriter.getF32Type(), body->getArgument(a),
          body->getArgument(count + b));
      sum = sum ? arith::AddFOp::create(rewriter, loc, sum, product).getResult()
                : product;
    }
    YieldOp::create(rewriter, loc, sum);
  }
  rewriter.replaceOp(contract, paired);
  return success();
}

namespace {
struct ProductPiecesPass
    : fovea::attn::impl::ProductPiecesPassBase<ProductPiecesPass> {
  using ProductPiecesPassBase::ProductPiecesPassBase;
  void runOnOperation() override {
    SmallVector<TileContractOp> ops;
    getOperation()->walk([&](TileContractOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    PieceBuilder builder(rewriter, unit);
    for (TileContractOp op : ops)
      (void)builder.contractPieces(op); // or vectors multiply f32
  }
};
} // namespace
