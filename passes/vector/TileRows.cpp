//===- TileRows.cpp - tiles along memory, and across it -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

bool TileCode::repeatsRows(TileLoadOp load, int64_t width) {
  AffineMap map = load.getMap();
  if (map.getNumResults() == 0)
    return false;
  auto mod = dyn_cast<AffineBinaryOpExpr>(map.getResults().back());
  if (!mod || mod.getKind() != AffineExprKind::Mod)
    return false;
  unsigned last = cast<RankedTensorType>(load.getType()).getRank() - 1;
  auto modulus = dyn_cast<AffineConstantExpr>(mod.getRHS());
  if (!modulus || modulus.getValue() % width != 0 ||
      mod.getLHS() != getAffineDimExpr(last, map.getContext()))
    return false;
  SmallVector<AffineExpr> once(map.getResults());
  once.back() = mod.getLHS();
  return isContiguous(AffineMap::get(map.getNumDims(), map.getNumSymbols(),
                                     once, map.getContext()),
                      cast<MemRefType>(load.getSource().getType()), last);
}

bool TileCode::canReadRow(Value tile) const {
  auto type = cast<RankedTensorType>(tile.getType());
  if (type.getRank() == 0 || getRegister(tile) || columnPanels.contains(tile))
    return false;
  unsigned last = type.getRank() - 1;
  std::optional<unsigned> lane = getLane(tile);
  if (lane == last)
    return false;
  if (getPanel(tile))
    return !lane; // else its lanes lie side by side
  if (auto load = tile.getDefiningOp<TileLoadOp>()) {
    for (auto [lookup, map] :
         llvm::zip(load.getLookups(), load.getLookupMaps()))
      if (getLane(lookup) ||
          cast<AffineMapAttr>(map).getValue().isFunctionOfDim(last))
        return false;
    return isContiguous(load, last) || repeatsRows(load, longestRow);
  }
  auto map = tile.getDefiningOp<TileMapOp>();
  if (!map)
    return false;
  for (auto [input, attr] : llvm::zip(map.getInputs(), map.getMaps())) {
    AffineMap projection = cast<AffineMapAttr>(attr).getValue();
    if (!projection.isFunctionOfDim(last)) {
      if (getLane(input))
        return false; // it is read for all lanes at a time
      continue;
    }
    bool isLast =
        projection.getDimPosition(projection.getNumResults() - 1) == last;
    if (!isLast || !canReadRow(input))
      return false;
  }
  return true;
}

Value TileCode::readRow(Location loc, Value tile, ArrayRef<Value> coordinates,
                        int64_t width, Value count) {
  auto type = cast<RankedTensorType>(tile.getType());
  auto rowType = VectorType::get({width}, type.getElementType());
  if (Value panel = getPanel(tile)) {
    SmallVector<Value> indices = panelIndices(loc, tile, coordinates);
    if (!count)
      return vector::LoadOp::create(builder, loc, rowType, panel, indices);
    return vector::MaskedLoadOp::create(
        builder, loc, rowType, panel, indices, spanMask(loc, count, width),
        arith::ConstantOp::create(builder, loc, builder.getZeroAttr(rowType)));
  }
  unsigned last = type.getRank() - 1;
  if (auto load = tile.getDefiningOp<TileLoadOp>())
    return readContiguous(
        load, last, width, coordinates,
        readInputs(loc, load.getLookups(), load.getLookupMaps(), coordinates),
        count);
  return computeSpan(loc, tile, last, coordinates, width, count);
}

//===----------------------------------------------------------------------===//
// Squares
//===----------------------------------------------------------------------===//

/// Halves, then quarters, … are exchanged across the diagonal.
void TileCode::transposeSquare(Location loc, SmallVectorImpl<Value> &rows) {
  size_t size = rows.size();
  for (size_t half = size / 2; half > 0; half /= 2)
    for (size_t row = 0; row < size; ++row) {
      if (row & half)
        continue;
      SmallVector<int64_t> upper, lower;
      for (size_t k = 0; k < size; ++k) {
        upper.push_back(k & half ? size + k - half : k);
        lower.push_back(k & half ? size + k : k + half);
      }
      Value first = rows[row], second = rows[row + half];
      rows[row] = vector::ShuffleOp::create(builder, loc, first, second, upper);
      rows[row + half] =
          vector::ShuffleOp::create(builder, loc, first, second, lower);
    }
}

/// The side of the squares that a tile of `lanes` lanes is cut into: one
/// register of 32-bit elements where two are a tile.
static int64_t getSquare(int64_t lanes) {
  return std::min<int64_t>(16, lanes / 2);
}

/// Whether a tile's lanes and last dimension can be cut into squares.
static bool hasSquares(RankedTensorType tile, unsigned lane) {
  int64_t lanes = tile.getDimSize(lane);
  return lane != tile.getRank() - 1 && lanes >= 4 && llvm::isPowerOf2_64(lanes);
}

bool TileCode::isTransposed(AffineMap map, MemRefType type,
                            RankedTensorType tile, unsigned lane) {
  return hasSquares(tile, lane) && isContiguous(map, type, tile.getRank() - 1);
}

bool TileCode::canTranspose(Value tile) const {
  std::optional<unsigned> lane = getLane(tile);
  return lane && hasSquares(cast<RankedTensorType>(tile.getType()), *lane) &&
         canReadRow(tile);
}

void TileCode::transposeInto(Value tile, Value panel) {
  Location loc = tile.getLoc();
  auto type = cast<RankedTensorType>(tile.getType());
  unsigned lane = *getLane(tile), last = type.getRank() - 1;
  SmallVector<Value> extents = getExtents(tile);
  Value lanes = index(loc, type.getDimSize(lane));
  Value columns = extents[last];
  SmallVector<Value> outer;
  for (unsigned dim = 0; dim < last; ++dim)
    if (dim != lane)
      outer.push_back(extents[dim]);

  auto buildSquare = [&](ValueRange ivs, Value firstLane, Value column,
                         int64_t side) {
    SmallVector<Value> rows;
    for (int64_t k = 0; k < side; ++k) {
      Coordinates point(ivs);
      point.insert(
          point.begin() + lane,
          arith::AddIOp::create(builder, loc, firstLane, index(loc, k)));
      point.push_back(column);
      rows.push_back(readRow(loc, tile, point, side));
    }
    transposeSquare(loc, rows);
    for (auto [k, row] : llvm::enumerate(rows)) {
      SmallVector<Value> indices(ivs);
      indices.push_back(
          arith::AddIOp::create(builder, loc, column, index(loc, k)));
      indices.push_back(firstLane);
      vector::StoreOp::create(builder, loc, row, panel, indices);
    }
  };
  buildLoops(loc, outer, [&](ValueRange ivs) {
    // Smaller squares for the columns that fill no large one.
    int64_t side = getSquare(type.getDimSize(lane));
    for (auto [from, to, width] : buildSteps(loc, columns, side)) {
      Value size = index(loc, width);
      auto across = scf::ForOp::create(builder, loc, from, to, size);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(across.getBody());
      auto bands = scf::ForOp::create(builder, loc, index(loc, 0), lanes, size);
      builder.setInsertionPointToStart(bands.getBody());
      buildSquare(ivs, bands.getInductionVar(), across.getInductionVar(),
                  width);
    }
  });
}

/// Pairs of columns are put side by side within each 128 bits, which costs one
/// instruction, and are then elements of twice the size.
void TileCode::transposePairs(
    Location loc, ArrayRef<Value> columns,
    function_ref<void(int64_t lane, Value row)> store) {
  auto type = cast<VectorType>(columns.front().getType());
  int64_t lanes = type.getDimSize(0);
  constexpr int64_t kTogether = 8; // elements of 128 bits
  auto pairs = VectorType::get(lanes / 2, builder.getI32Type());
  auto row = VectorType::get(columns.size(), type.getElementType());
  for (int64_t half : {0, 1}) {
    // The lanes of this half, in the order that they come out in.
    SmallVector<int64_t> order, both;
    for (int64_t lane = 0; lane < lanes; ++lane)
      if (lane % kTogether / (kTogether / 2) == half)
        order.push_back(lane);
    for (int64_t lane : order)
      both.append({lane, lanes + lane});
    SmallVector<Value> square;
    for (size_t k = 0; k < columns.size(); k += 2)
      square.push_back(vector::BitCastOp::create(
          builder, loc, pairs,
          vector::ShuffleOp::create(builder, loc, columns[k], columns[k + 1],
                                    both)));
    transposeSquare(loc, square);
    for (auto [lane, value] : llvm::zip(order, square))
      store(lane, vector::BitCastOp::create(builder, loc, row, value));
  }
}

void TileCode::storeTransposed(TileStoreOp store) {
  Location loc = store.getLoc();
  Value tile = store.getTile();
  auto type = cast<RankedTensorType>(tile.getType());
  unsigned lane = *getLane(tile), last = type.getRank() - 1;
  int64_t width = type.getDimSize(lane), side = getSquare(width);
  bool hasPairs =
      type.getElementTypeBitWidth() == 16 && width == 2 * side && width >= 8;
  SmallVector<Value> extents = getExtents(tile);
  Value columns = extents[last];
  SmallVector<Value> outer;
  for (unsigned dim = 0; dim < last; ++dim)
    if (dim != lane)
      outer.push_back(extents[dim]);
  buildLoops(loc, outer, [&](ValueRange ivs) {
    Coordinates point(ivs);
    point.insert(point.begin() + lane, Value());
    point.push_back(Value());
    auto readColumns = [&](Value first, int64_t count) {
      SmallVector<Value> vectors;
      for (int64_t k = 0; k < count; ++k) {
        Coordinates at = point;
        at[last] = arith::AddIOp::create(builder, loc, first, index(loc, k));
        vectors.push_back(broadcast(loc, read(loc, tile, at), width));
      }
      return vectors;
    };
    auto storeLane = [&](int64_t at, Value column, Value row) {
      point[lane] = index(loc, at);
      point[last] = column;
      storeRow(store, last, point, row);
      point[lane] = Value();
    };
    auto extract = [&](Value vector, int64_t first, int64_t count) -> Value {
      return vector::ExtractStridedSliceOp::create(builder, loc, vector, first,
                                                   count, /*strides=*/1);
    };
    auto buildColumns = [&](Value column, int64_t count) {
      SmallVector<Value> vectors = readColumns(column, count);
      if (count == 2 * side) {
        transposePairs(loc, vectors, [&](int64_t at, Value row) {
          storeLane(at, column, row);
        });
        return;
      }
      for (int64_t first = 0; first < width; first += count) {
        SmallVector<Value> rows;
        for (Value vector : vectors)
          rows.push_back(extract(vector, first, count));
        transposeSquare(loc, rows);
        for (auto [k, row] : llvm::enumerate(rows))
          storeLane(first + k, column, row);
      }
    };
    // As many columns at a time as fill squares, then single ones.
    Value from = index(loc, 0);
    SmallVector<int64_t> counts = {side, 1};
    if (hasPairs)
      counts.insert(counts.begin(), 2 * side);
    for (int64_t count : counts) {
      Value left =
          builder.createOrFold<arith::RemSIOp>(loc, columns, index(loc, count));
      Value to = builder.createOrFold<arith::SubIOp>(loc, columns, left);
      auto loop = scf::ForOp::create(builder, loc, from, to, index(loc, count));
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      buildColumns(loop.getInductionVar(), count);
      from = to;
    }
  });
}
