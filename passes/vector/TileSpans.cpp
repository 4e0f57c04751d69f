//===- TileSpans.cpp - neighbours along one dimension of a tile -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <numeric>

using namespace mlir;
using namespace fovea::attn;

Value TileCode::spanIndices(Location loc, Value start, int64_t width) {
  auto type = VectorType::get({width}, builder.getIndexType());
  return arith::AddIOp::create(
      builder, loc, vector::BroadcastOp::create(builder, loc, type, start),
      vector::StepOp::create(builder, loc, type));
}

Value TileCode::spanMask(Location loc, Value count, int64_t width) {
  if (!count)
    return Value();
  return vector::CreateMaskOp::create(
      builder, loc, VectorType::get({width}, builder.getI1Type()), count);
}

/// A number that a coordinate is known to be a multiple of; 0 of 0. Of powers
/// of two that holds also where the coordinate, or this, overflows.
static uint64_t getFactor(Value coordinate) {
  if (std::optional<int64_t> constant = getConstantIntValue(coordinate))
    return *constant;
  if (auto sum = coordinate.getDefiningOp<arith::AddIOp>())
    return std::gcd(getFactor(sum.getLhs()), getFactor(sum.getRhs()));
  if (auto product = coordinate.getDefiningOp<arith::MulIOp>())
    return getFactor(product.getLhs()) * getFactor(product.getRhs());
  auto argument = dyn_cast<BlockArgument>(coordinate);
  auto loop = argument
                  ? dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp())
                  : scf::ForOp();
  if (loop && loop.getInductionVar() == coordinate)
    return std::gcd(getFactor(loop.getLowerBound()), getFactor(loop.getStep()));
  return 1;
}

/// Whether a coordinate is known to be a multiple of `width`, a power of two.
static bool isMultiple(Value coordinate, int64_t width) {
  return getFactor(coordinate) % static_cast<uint64_t>(width) == 0;
}

Value TileCode::readSpan(Location loc, Value tile, unsigned dim,
                         ArrayRef<Value> coordinates, int64_t width,
                         Value count) {
  bool isComputed =
      !getPanel(tile) && !getLane(tile) && !tile.getDefiningOp<TileLoadOp>();
  if (isComputed)
    return computeSpan(loc, tile, dim, coordinates, width, count);
  unsigned rank = cast<RankedTensorType>(tile.getType()).getRank();
  auto load = tile.getDefiningOp<TileLoadOp>();
  bool isBroken =
      load && !getPanel(tile) && !isContiguous(load, dim) &&
      !(repeatsRows(load, width) && isMultiple(coordinates[dim], width));
  if (dim + 1 == rank && canReadRow(tile) && !isBroken)
    return readRow(loc, tile, coordinates, width, count);
  bool isAlongMemory =
      load && !getPanel(tile) && isContiguous(load, dim) &&
      llvm::none_of(load.getLookupMaps(), [&](Attribute map) {
        return cast<AffineMapAttr>(map).getValue().isFunctionOfDim(dim);
      });
  if (isAlongMemory)
    return readContiguous(
        load, dim, width, coordinates,
        readInputs(loc, load.getLookups(), load.getLookupMaps(), coordinates),
        count);
  return gatherSpan(loc, tile, dim, coordinates, width, count);
}

Value TileCode::computeSpan(Location loc, Value tile, unsigned dim,
                            ArrayRef<Value> coordinates, int64_t width,
                            Value count) {
  if (auto rescale = tile.getDefiningOp<TileRescaleOp>()) {
    Value factor = read(loc, rescale.getFactor(), coordinates.take_front());
    return arith::MulFOp::create(
        builder, loc,
        readSpan(loc, rescale.getTile(), dim, coordinates, width, count),
        broadcast(loc, factor, width));
  }
  // The coordinate along the span differs from element to element.
  Coordinates point(coordinates);
  point[dim] = spanIndices(loc, coordinates[dim], width);
  auto readAll = [&](ValueRange inputs, ArrayAttr maps) {
    return SpanReader(*this, inputs, maps, dim, width, count)
        .read(loc, coordinates);
  };
  if (auto mask = tile.getDefiningOp<TileMaskOp>())
    return applyMask(
        mask, readSpan(loc, mask.getScore(), dim, coordinates, width, count),
        readAll(mask.getInputs(), mask.getMaps()), point, width);
  auto map = cast<TileMapOp>(tile.getDefiningOp());
  return broadcast(loc,
                   compute(map.getBody(),
                           readAll(map.getInputs(), map.getMaps()), point,
                           width),
                   width);
}

Value TileCode::collect(Location loc, Type element, int64_t width, Value count,
                        function_ref<Value(Value)> read) {
  // Truth values are bytes in memory, and bits in a vector.
  bool isTruth = element.isInteger(1);
  Type stored = isTruth ? builder.getI8Type() : element;
  Value line = createBuffer(loc, {width}, stored);
  buildLoops(loc, count, [&](ValueRange ivs) {
    Value value = read(ivs[0]);
    if (isTruth)
      value = arith::ExtUIOp::create(builder, loc, stored, value);
    memref::StoreOp::create(builder, loc, value, line, ivs[0]);
  });
  Value vector = vector::LoadOp::create(
      builder, loc, VectorType::get({width}, stored), line, index(loc, 0));
  return isTruth ? arith::TruncIOp::create(
                       builder, loc, VectorType::get({width}, element), vector)
                 : vector;
}

Value TileCode::gatherSpan(Location loc, Value tile, unsigned dim,
                           ArrayRef<Value> coordinates, int64_t width,
                           Value count) {
  Type element = cast<RankedTensorType>(tile.getType()).getElementType();
  return collect(
      loc, element, width, count ? count : index(loc, width), [&](Value place) {
        Coordinates at(coordinates);
        at[dim] = arith::AddIOp::create(builder, loc, at[dim], place);
        return read(loc, tile, at);
      });
}

void TileCode::writeSpan(Location loc, Value memref, ValueRange indices,
                         Value value, Value count) {
  if (!count) {
    vector::StoreOp::create(builder, loc, value, memref, indices);
    return;
  }
  int64_t width = cast<VectorType>(value.getType()).getDimSize(0);
  vector::MaskedStoreOp::create(builder, loc, memref, indices,
                                spanMask(loc, count, width), value);
}

void TileCode::storeSpan(TileStoreOp store, ArrayRef<Value> coordinates,
                         Value value, Value count) {
  auto tile = cast<RankedTensorType>(store.getTile().getType());
  storeRow(store, tile.getRank() - 1, coordinates, value, count);
}

SmallVector<Value> TileCode::buildSpans(
    Location loc, Value begin, Value end, int64_t width, ValueRange carried,
    function_ref<SmallVector<Value>(Value, Value, ValueRange)> body) {
  SmallVector<Value> values(carried);
  auto buildLoop = [&](Value from, Value to, bool isWhole) {
    auto loop =
        scf::ForOp::create(builder, loc, from, to, index(loc, width), values);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value start = loop.getInductionVar(), count;
    if (!isWhole)
      count = arith::SubIOp::create(builder, loc, to, start);
    SmallVector<Value> next = body(start, count, loop.getRegionIterArgs());
    builder.setInsertionPointToEnd(loop.getBody());
    if (loop.getNumResults())
      scf::YieldOp::create(builder, loc, next);
    values = llvm::to_vector_of<Value>(loop.getResults());
  };
  std::optional<int64_t> first = getConstantIntValue(begin),
                         last = getConstantIntValue(end);
  std::optional<int64_t> known;
  if (first && last)
    known = *last - *first;
  Value whole = end;
  if (!known || *known % width != 0) {
    Value left = arith::RemSIOp::create(
        builder, loc, arith::SubIOp::create(builder, loc, end, begin),
        index(loc, width));
    whole = arith::SubIOp::create(builder, loc, end, left);
  }
  if (!known || *known >= width)
    buildLoop(begin, whole, /*isWhole=*/true);
  if (!known || *known % width != 0)
    buildLoop(whole, end, /*isWhole=*/false);
  return values;
}

Value TileCode::combineEach(Location loc, SmallVector<Value> vectors,
                            function_ref<Value(Value, Value)> combine) {
  int64_t width = cast<VectorType>(vectors.front().getType()).getDimSize(0);
  auto shuffle = [&](Value first, Value second, ArrayRef<int64_t> places) {
    return vector::ShuffleOp::create(builder, loc, first, second, places);
  };
  // Each vector is a list of groups of `size` elements that belong together, at
  // first one. Two vectors become one with twice the groups of half the size.
  int64_t size = width;
  while (vectors.size() > 1) {
    size_t half = vectors.size() / 2;
    size /= 2;
    SmallVector<int64_t> lower, upper;
    for (int64_t group = 0; group < width; group += 2 * size)
      for (int64_t side : {group, width + group})
        for (int64_t k = 0; k < size; ++k) {
          lower.push_back(side + k);
          upper.push_back(side + size + k);
        }
    for (size_t k = 0; k < half; ++k)
      vectors[k] = combine(shuffle(vectors[k], vectors[k + half], lower),
                           shuffle(vectors[k], vectors[k + half], upper));
    vectors.truncate(half);
  }
  Value result = vectors.front();
  while (size > 1) {
    size /= 2;
    SmallVector<int64_t> lower, upper;
    for (int64_t group = 0; group < width; group += 2 * size)
      for (int64_t k = 0; k < size; ++k) {
        lower.push_back(group + k);
        upper.push_back(group + size + k);
      }
    result =
        combine(shuffle(result, result, lower), shuffle(result, result, upper));
    width /= 2;
  }
  return result;
}

SmallVector<Value> SpanReader::read(Location loc, ArrayRef<Value> point) {
  // Constants are equal when their values are.
  auto same = [](ArrayRef<Value> a, ArrayRef<Value> b) {
    return llvm::all_of(llvm::zip(a, b), [](auto pair) {
      auto [x, y] = pair;
      std::optional<int64_t> constant = getConstantIntValue(x);
      return x == y || (constant && constant == getConstantIntValue(y));
    });
  };
  SmallVector<Value> values;
  for (auto [k, input] : llvm::enumerate(inputs)) {
    AffineMap map = cast<AffineMapAttr>(maps[k]).getValue();
    TileCode::Coordinates coordinates;
    for (unsigned result = 0; result < map.getNumResults(); ++result)
      coordinates.push_back(point[map.getDimPosition(result)]);
    auto &list = known[k];
    auto *found = llvm::find_if(
        list, [&](auto &entry) { return same(entry.first, coordinates); });
    if (found != list.end()) {
      values.push_back(found->second);
      continue;
    }
    std::optional<unsigned> dim =
        map.getResultPosition(getAffineDimExpr(along, map.getContext()));
    Value value =
        dim ? code.readSpan(loc, input, *dim, coordinates, width, count)
            : code.read(loc, input, coordinates);
    list.emplace_back(coordinates, value);
    values.push_back(value);
  }
  return values;
}
