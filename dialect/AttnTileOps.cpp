//===- AttnTileOps.cpp - verification of the tile form -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace fovea::attn;

/// The maps of `inputs`: projections of the dimensions of `extents`, which they
/// agree with wherever both are static. `covered` are the dimensions that some
/// input has.
static LogicalResult verifyMaps(Operation *op, ValueRange inputs,
                                ArrayAttr maps, SmallVector<int64_t> extents,
                                llvm::SmallBitVector *covered = nullptr) {
  if (maps.size() != inputs.size())
    return op->emitOpError() << "expects a map for each of " << inputs.size()
                             << " inputs, but got " << maps.size();
  for (auto [k, input, attr] : llvm::enumerate(inputs, maps)) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    auto type = cast<RankedTensorType>(input.getType());
    if (!map.isProjectedPermutation() || map.getNumSymbols() != 0)
      return op->emitOpError()
             << "expects map " << k << " to be a projection, but got " << attr;
    if (map.getNumDims() != extents.size())
      return op->emitOpError()
             << "expects map " << k << " to be over " << extents.size()
             << " dimensions, but got " << attr;
    if (map.getNumResults() != type.getRank())
      return op->emitOpError()
             << "expects map " << k << " to give " << type.getRank()
             << " coordinates, but got " << map.getNumResults();
    for (auto [pos, expr] : llvm::enumerate(map.getResults())) {
      unsigned dim = cast<AffineDimExpr>(expr).getPosition();
      int64_t size = type.getDimSize(pos);
      if (covered)
        covered->set(dim);
      if (ShapedType::isDynamic(size))
        continue;
      if (ShapedType::isDynamic(extents[dim]))
        extents[dim] = size;
      if (extents[dim] != size)
        return op->emitOpError()
               << "expects extent " << extents[dim] << " along dimension "
               << dim << ", but input " << k << " has " << size;
    }
  }
  return success();
}

/// The body: one argument for each of `inputs`, scalar and pure ops over
/// `numDims` dimensions, yielding `yielded`.
static LogicalResult verifyBody(Operation *op, Region &region,
                                ValueRange inputs, unsigned numDims,
                                Type yielded) {
  if (!region.hasOneBlock() || region.front().empty())
    return op->emitOpError("expects a region of one block that is not empty");
  Block &body = region.front();
  if (body.getNumArguments() != inputs.size())
    return op->emitOpError()
           << "expects " << inputs.size() << " block arguments, but got "
           << body.getNumArguments();
  for (auto [k, arg, input] : llvm::enumerate(body.getArguments(), inputs)) {
    Type element = getElementTypeOrSelf(input.getType());
    if (arg.getType() != element)
      return op->emitOpError() << "expects argument " << k << " to be "
                               << element << ", but it is " << arg.getType();
  }
  auto yield = dyn_cast<YieldOp>(body.back());
  if (!yield || yield.getValue().getType() != yielded)
    return op->emitOpError() << "expects the region to yield " << yielded;
  auto isScalar = [](Type type) { return type.isIntOrIndexOrFloat(); };
  for (Operation &inner : body) {
    if (!isMemoryEffectFree(&inner) || inner.getNumRegions() != 0 ||
        !llvm::all_of(inner.getOperandTypes(), isScalar) ||
        !llvm::all_of(inner.getResultTypes(), isScalar))
      return inner.emitOpError("is not scalar and pure, as a tile's elements "
                               "are computed");
    auto index = dyn_cast<TileIndexOp>(inner);
    if (index && index.getDim() >= numDims)
      return index.emitOpError()
             << "names dimension " << index.getDim() << " of " << numDims;
  }
  return success();
}

static SmallVector<int64_t> shapeOf(Value tile) {
  return llvm::to_vector(cast<RankedTensorType>(tile.getType()).getShape());
}

LogicalResult TileLoadOp::verify() {
  auto tile = cast<RankedTensorType>(getType());
  auto source = cast<MemRefType>(getSource().getType());
  size_t rank = tile.getRank() + getLookups().size();
  if (getLookupMaps().size() != getLookups().size())
    return emitOpError() << "expects a map for each of " << getLookups().size()
                         << " lookups, but got " << getLookupMaps().size();
  if (getMap().getNumDims() != rank ||
      getMap().getNumSymbols() != getSymbols().size())
    return emitOpError() << "expects a map over " << rank << " dimensions and "
                         << getSymbols().size() << " symbols, but got "
                         << getMapAttr();
  if (getMap().getNumResults() != source.getRank())
    return emitOpError() << "expects a map to " << source.getRank()
                         << " coordinates, but got " << getMapAttr();
  if (static_cast<int64_t>(getInBounds().size()) != source.getRank())
    return emitOpError() << "expects inBounds for " << source.getRank()
                         << " coordinates, but got " << getInBounds().size();
  if (tile.getElementType() != source.getElementType() && !readsPairs())
    return emitOpError() << "expects a tile of " << source.getElementType()
                         << ", but got " << tile.getElementType();
  if (readsPairs() && source.getRank() == 0)
    return emitOpError("expects pairs to lie along a dimension of memory, but "
                       "it has none");
  for (unsigned k = tile.getRank(); readsPairs() && k < rank; ++k)
    if (getMap().getResults().back().isFunctionOfDim(k))
      return emitOpError("expects pairs at a last coordinate that uses no "
                         "lookup, but got ")
             << getMapAttr();
  if (getExtents().size() != static_cast<size_t>(tile.getNumDynamicDims()))
    return emitOpError() << "expects " << tile.getNumDynamicDims()
                         << " extents, but got " << getExtents().size();
  for (auto [lookup, attr] : llvm::zip(getLookups(), getLookupMaps())) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    auto type = cast<RankedTensorType>(lookup.getType());
    if (!type.getElementType().isIndex() || !map.isProjectedPermutation() ||
        map.getNumDims() != tile.getRank() ||
        map.getNumResults() != type.getRank())
      return emitOpError()
             << "expects lookups to be tiles of indices read at a "
                "projection of the tile's coordinates, but got "
             << type << " at " << attr;
  }
  return success();
}

bool TileLoadOp::readsPairs() {
  return getElementTypeOrSelf(getType()).isInteger(32) &&
         cast<MemRefType>(getSource().getType()).getElementType().isBF16();
}

void TileLoadOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
}

LogicalResult TileStoreOp::verify() {
  auto tile = cast<RankedTensorType>(getTile().getType());
  auto dest = cast<MemRefType>(getDest().getType());
  AffineMap map = getMap();
  if (map.getNumDims() != tile.getRank() ||
      map.getNumSymbols() != getSymbols().size() ||
      map.getNumResults() != dest.getRank())
    return emitOpError() << "expects a map from " << tile.getRank()
                         << " dimensions and " << getSymbols().size()
                         << " symbols to " << dest.getRank()
                         << " coordinates, but got " << getMapAttr();
  if (tile.getElementType() != dest.getElementType())
    return emitOpError() << "expects a tile of " << dest.getElementType()
                         << ", but got " << tile.getElementType();
  return success();
}

void TileStoreOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), &getDestMutable());
}

LogicalResult TileContractOp::verify() {
  SmallVector<int64_t> extents = shapeOf(getResult());
  if (extents.size() != 2)
    return emitOpError() << "expects a result of rank 2, but got " << getType();
  if (getNumDims() < 2)
    return emitOpError() << "expects maps over rows, keys and what is summed, "
                            "but got "
                         << getMaps();
  llvm::SmallBitVector known(getNumDims());
  for (auto [dim, size] : llvm::enumerate(extents))
    known[dim] = !ShapedType::isDynamic(size);
  extents.resize(getNumDims(), ShapedType::kDynamic);
  if (failed(verifyMaps(*this, getInputs(), getMaps(), extents, &known)))
    return failure();
  if (!known.all())
    return emitOpError() << "expects an input along dimension "
                         << known.find_first_unset()
                         << ", whose extent is not known otherwise";
  return verifyBody(*this, getBody(), getInputs(), getNumDims(),
                    getElementTypeOrSelf(getType()));
}

Value TilePairProductOp::buildArithmetic(OpBuilder &builder, Location loc,
                                         Value a, Value b) {
  Type integers = a.getType();
  auto vector = dyn_cast<VectorType>(integers);
  Type floats = builder.getF32Type();
  if (vector)
    floats = vector.clone(floats);
  auto constant = [&](uint32_t bits) -> Value {
    TypedAttr attr = builder.getI32IntegerAttr(static_cast<int32_t>(bits));
    if (vector)
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(builder, loc, attr);
  };
  // A bf16 is the upper half of the f32 of the same number.
  auto lower = [&](Value pair) -> Value {
    Value bits = arith::ShLIOp::create(builder, loc, pair, constant(16));
    return arith::BitcastOp::create(builder, loc, floats, bits);
  };
  auto upper = [&](Value pair) -> Value {
    Value bits =
        arith::AndIOp::create(builder, loc, pair, constant(0xFFFF0000));
    return arith::BitcastOp::create(builder, loc, floats, bits);
  };
  Value first = arith::MulFOp::create(builder, loc, lower(a), lower(b));
  Value second = arith::MulFOp::create(builder, loc, upper(a), upper(b));
  return arith::AddFOp::create(builder, loc, first, second);
}

LogicalResult TilePiecesOp::verify() {
  auto tile = cast<RankedTensorType>(getTile().getType());
  auto result = cast<RankedTensorType>(getType());
  if (tile.getRank() != 2 || !tile.getElementType().isF32())
    return emitOpError() << "expects a tile of rank 2 of f32, but got " << tile;
  if (result.getRank() != 3 || !result.getElementType().isInteger(32) ||
      result.getDimSize(0) != tile.getDimSize(0) || result.isDynamicDim(1) ||
      result.getDimSize(1) == 0 || result.isDynamicDim(2) ||
      tile.isDynamicDim(1) || 2 * result.getDimSize(2) < tile.getDimSize(1))
    return emitOpError()
           << "expects pairs [rows x pieces x columns / 2] of i32 "
              "for "
           << tile << ", but got " << result;
  return success();
}

bool TilePiecesOp::isOnePiece(Type type) {
  constexpr unsigned pieceBits = 8;
  if (auto floats = dyn_cast<FloatType>(type))
    return floats.getFPMantissaWidth() <= pieceBits;
  return type.isInteger(pieceBits); // -128 is a power of two
}

SmallVector<Value> TilePiecesOp::buildArithmetic(OpBuilder &builder,
                                                 Location loc, Value lower,
                                                 Value upper, int64_t count) {
  Type floats = lower.getType(), integers = builder.getI32Type();
  auto vector = dyn_cast<VectorType>(floats);
  if (vector)
    integers = vector.clone(integers);
  auto constant = [&](uint32_t bits) -> Value {
    TypedAttr attr = builder.getI32IntegerAttr(static_cast<int32_t>(bits));
    if (vector)
      attr =
          DenseElementsAttr::get(cast<ShapedType>(integers), Attribute(attr));
    return arith::ConstantOp::create(builder, loc, attr);
  };
  // A bf16 is the upper half of the f32 of the same number.
  Value mask = constant(0xFFFF0000), half = constant(0x8000),
        places = constant(16);
  Value left[] = {lower, upper};
  SmallVector<Value> pairs;
  for (int64_t piece = 0; piece < count; ++piece) {
    Value bits[2];
    for (int k : {0, 1}) {
      bits[k] = arith::BitcastOp::create(builder, loc, integers, left[k]);
      if (piece + 1 == count) {
        // Three pieces have room for all bits.
        if (count < maxPieces)
          bits[k] = arith::AddIOp::create(builder, loc, bits[k], half);
        continue;
      }
      Value leading = arith::AndIOp::create(builder, loc, bits[k], mask);
      left[k] = arith::SubFOp::create(
          builder, loc, left[k],
          arith::BitcastOp::create(builder, loc, floats, leading));
    }
    pairs.push_back(arith::OrIOp::create(
        builder, loc, arith::ShRUIOp::create(builder, loc, bits[0], places),
        arith::AndIOp::create(builder, loc, bits[1], mask)));
  }
  return pairs;
}

SmallVector<std::pair<unsigned, unsigned>>
TilePiecesOp::getProducts(unsigned count) {
  SmallVector<std::pair<unsigned, unsigned>> products;
  // Down two diagonals at a time, small products first.
  for (int last = static_cast<int>(count) - 1; last >= 0; last -= 2)
    for (int a = 0; a <= last; ++a) {
      products.emplace_back(a, last - a);
      if (a < last)
        products.emplace_back(a, last - a - 1);
    }
  return products;
}

LogicalResult TileMapOp::verify() {
  SmallVector<int64_t> extents = shapeOf(getResult());
  auto type = cast<RankedTensorType>(getType());
  if (getExtents().size() != static_cast<size_t>(type.getNumDynamicDims()))
    return emitOpError() << "expects " << type.getNumDynamicDims()
                         << " extents, but got " << getExtents().size();
  if (failed(verifyMaps(*this, getInputs(), getMaps(), extents)))
    return failure();
  return verifyBody(*this, getBody(), getInputs(), type.getRank(),
                    type.getElementType());
}

LogicalResult TileMaskOp::verify() {
  SmallVector<int64_t> extents = shapeOf(getScore());
  if (extents.size() != 2)
    return emitOpError() << "expects a score of rank 2, but got "
                         << getScore().getType();
  if (failed(verifyMaps(*this, getInputs(), getMaps(), extents)))
    return failure();
  if (getBody().empty())
    return getInputs().empty() ? success()
                               : emitOpError("has inputs, but no region");
  return verifyBody(*this, getBody(), getInputs(), /*numDims=*/2,
                    IntegerType::get(getContext(), 1));
}

/// A tile of rows [r, x] beside a statistic [r] of the same element type.
static LogicalResult verifyRows(Operation *op, Value tile, Value rows) {
  SmallVector<int64_t> shape = shapeOf(tile), stat = shapeOf(rows);
  if (shape.size() != 2 || stat.size() != 1 || shape[0] != stat[0] ||
      getElementTypeOrSelf(tile.getType()) !=
          getElementTypeOrSelf(rows.getType()))
    return op->emitOpError() << "expects a tile of rank 2 and a statistic of "
                                "its rows, of one element type, but got "
                             << tile.getType() << " and " << rows.getType();
  return success();
}

LogicalResult TileReduceOp::verify() {
  return verifyRows(*this, getTile(), getInit());
}

LogicalResult TileRescaleOp::verify() {
  return verifyRows(*this, getTile(), getFactor());
}

LogicalResult TileWeighOp::verify() {
  SmallVector<int64_t> weights = shapeOf(getWeights()),
                       sum = shapeOf(getInit());
  if (weights.size() != 2 || sum.empty() || weights[0] != sum[0])
    return emitOpError() << "expects weights [rows x keys] and a sum [rows x "
                            "values], but got "
                         << getWeights().getType() << " and "
                         << getInit().getType();
  SmallVector<int64_t> extents = weights;
  llvm::append_range(extents, ArrayRef(sum).drop_front());
  Type element = getElementTypeOrSelf(getInit().getType());
  Type weight = getElementTypeOrSelf(getWeights().getType());
  if (weight != element &&
      weight.getIntOrFloatBitWidth() >= element.getIntOrFloatBitWidth())
    return emitOpError() << "expects weights of " << element
                         << ", or narrower ones, but got "
                         << getWeights().getType();
  if (failed(verifyMaps(*this, getInputs(), getMaps(), extents)))
    return failure();
  return verifyBody(*this, getBody(), getInputs(), extents.size(), weight);
}

LogicalResult TileIndexOp::verify() {
  Operation *parent = (*this)->getParentOp();
  if (!isa_and_nonnull<TileContractOp, TileMapOp, TileMaskOp, TileWeighOp>(
          parent))
    return emitOpError("expects to stand in a region of a tile op");
  return success();
}
