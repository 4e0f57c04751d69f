//===- TileMemory.cpp - tiles between memory and vectors ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

static Value buildZero(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

static Value buildAnd(OpBuilder &builder, Location loc, Value a, Value b) {
  return a ? arith::AndIOp::create(builder, loc, a, b).getResult() : b;
}

namespace {
/// The coordinates of an element of an operand, and whether it exists.
struct Element {
  SmallVector<Value> indices;
  /// i1, or null where it always exists; otherwise the indices may be out of
  /// range.
  Value exists;
};
} // namespace

/// Evaluates an access. `usesLookup[k]`: coordinate k is clamped; `checked[k]`:
/// it may be out of range.
static Element buildElement(OpBuilder &builder, Location loc, Value memref,
                            AffineMap map, ValueRange dims, ValueRange symbols,
                            ArrayRef<bool> usesLookup, ArrayRef<bool> checked) {
  Element element;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  for (auto [k, expr] : llvm::enumerate(map.getResults())) {
    Value coordinate =
        affine::expandAffineExpr(builder, loc, expr, dims, symbols);
    if (usesLookup[k] || checked[k]) {
      Value size = memref::DimOp::create(builder, loc, memref, k);
      if (usesLookup[k]) {
        Value one = arith::ConstantIndexOp::create(builder, loc, 1);
        Value last = arith::SubIOp::create(builder, loc, size, one);
        coordinate = arith::MinSIOp::create(builder, loc, coordinate, last);
        coordinate = arith::MaxSIOp::create(builder, loc, coordinate, zero);
      }
      // One unsigned comparison covers both ends (and an operand of size 0).
      Value inRange = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::ult, coordinate, size);
      element.exists = buildAnd(builder, loc, element.exists, inRange);
    }
    element.indices.push_back(coordinate);
  }
  return element;
}

/// Which coordinates of a load use a lookup, and which need a check.
static std::pair<SmallVector<bool>, SmallVector<bool>>
classify(TileLoadOp load) {
  SmallVector<bool> usesLookup, checked;
  unsigned rank = cast<RankedTensorType>(load.getType()).getRank();
  for (auto [expr, known] :
       llvm::zip(load.getMap().getResults(), load.getInBounds())) {
    bool looked = false;
    for (unsigned k = rank; k < load.getMap().getNumDims(); ++k)
      looked |= expr.isFunctionOfDim(k);
    usesLookup.push_back(looked);
    checked.push_back(!known && !looked);
  }
  return {usesLookup, checked};
}

bool TileCode::isContiguous(AffineMap map, MemRefType type, unsigned lane,
                            int64_t step) {
  // Truth values are bytes in memory, and bits in a vector.
  if (type.getRank() == 0 || type.getElementType().isInteger(1))
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) || strides.back() != 1)
    return false;
  AffineExpr dim = getAffineDimExpr(lane, map.getContext());
  for (AffineExpr expr : map.getResults().drop_back())
    if (expr.isFunctionOfDim(lane))
      return false;
  AffineExpr last = map.getResults().back();
  if (!last.isFunctionOfDim(lane))
    return false;
  AffineExpr rest = simplifyAffineExpr(last - dim * step, map.getNumDims(),
                                       map.getNumSymbols());
  return !rest.isFunctionOfDim(lane);
}

std::optional<unsigned> TileCode::getMemoryDim(AffineMap map, unsigned along) {
  AffineExpr step = getAffineDimExpr(along, map.getContext());
  std::optional<unsigned> dim;
  for (auto [k, expr] : llvm::enumerate(map.getResults())) {
    if (!expr.isFunctionOfDim(along))
      continue;
    AffineExpr rest =
        simplifyAffineExpr(expr - step, map.getNumDims(), map.getNumSymbols());
    if (dim || rest.isFunctionOfDim(along))
      return std::nullopt;
    dim = k;
  }
  return dim;
}

SmallVector<Value> TileCode::locateFirst(TileLoadOp load, ValueRange symbols) {
  Location loc = load.getLoc();
  AffineMap map = load.getMap();
  SmallVector<Value> origin(map.getNumDims(), index(loc, 0));
  SmallVector<bool> unchecked(map.getNumResults(), false);
  return buildElement(builder, loc, load.getSource(), map, origin, symbols,
                      unchecked, unchecked)
      .indices;
}

std::optional<TileCode::Rows> TileCode::locateRows(TileLoadOp load,
                                                   ValueRange symbols) {
  if (getPanel(load) || !load.getLookups().empty() ||
      llvm::is_contained(load.getInBounds(), false))
    return std::nullopt;
  std::optional<unsigned> dim = getMemoryDim(load.getMap(), 0);
  if (!dim)
    return std::nullopt;
  return Rows{locateFirst(load, symbols), *dim};
}

/// The pair of an element of bf16 and the next in memory, as i32. `checked`:
/// the next may be out of range.
static Value buildPair(OpBuilder &builder, Location loc, Value memref,
                       ArrayRef<Value> indices, bool checked) {
  Type half = builder.getI16Type(), whole = builder.getI32Type();
  auto read = [&](ValueRange at) -> Value {
    Value element = memref::LoadOp::create(builder, loc, memref, at);
    Value bits = arith::BitcastOp::create(builder, loc, half, element);
    return arith::ExtUIOp::create(builder, loc, whole, bits);
  };
  Value lower = read(indices);
  SmallVector<Value> next(indices);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  next.back() = arith::AddIOp::create(builder, loc, next.back(), one);
  Value upper;
  if (checked) {
    Value size = memref::DimOp::create(builder, loc, memref, next.size() - 1);
    Value exists = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ult, next.back(), size);
    auto branch = scf::IfOp::create(builder, loc, whole, exists,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(builder, loc, read(next));
    builder.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(builder, loc, buildZero(builder, loc, whole));
    upper = branch.getResult(0);
  } else {
    upper = read(next);
  }
  Value places =
      arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(16));
  Value shifted = arith::ShLIOp::create(builder, loc, upper, places);
  return arith::OrIOp::create(builder, loc, lower, shifted);
}

Value TileCode::loadElement(TileLoadOp load, ArrayRef<Value> coordinates,
                            ValueRange lookupValues) {
  Location loc = load.getLoc();
  SmallVector<Value> dims(coordinates);
  llvm::append_range(dims, lookupValues);
  auto [usesLookup, checked] = classify(load);
  Element element = buildElement(builder, loc, load.getSource(), load.getMap(),
                                 dims, load.getSymbols(), usesLookup, checked);
  bool nextChecked = checked.empty() || checked.back();
  auto read = [&]() -> Value {
    if (load.readsPairs())
      return buildPair(builder, loc, load.getSource(), element.indices,
                       nextChecked);
    return memref::LoadOp::create(builder, loc, load.getSource(),
                                  element.indices);
  };
  if (!element.exists)
    return read();
  Type type = cast<RankedTensorType>(load.getType()).getElementType();
  auto branch = scf::IfOp::create(builder, loc, type, element.exists,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(builder, loc, read());
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, buildZero(builder, loc, type));
  return branch.getResult(0);
}

Value TileCode::readLoad(TileLoadOp load, ArrayRef<Value> coordinates) {
  Location loc = load.getLoc();
  SmallVector<Value> lookupValues =
      readInputs(loc, load.getLookups(), load.getLookupMaps(), coordinates);
  std::optional<unsigned> lane = getLane(load);
  if (!lane || coordinates[*lane])
    return loadElement(load, coordinates, lookupValues);
  auto type = cast<RankedTensorType>(load.getType());
  bool vectorLookup = llvm::any_of(
      lookupValues, [](Value v) { return isa<VectorType>(v.getType()); });
  if (!vectorLookup && isContiguous(load, *lane)) {
    SmallVector<Value> start(coordinates);
    start[*lane] = index(loc, 0);
    return readContiguous(load, *lane, type.getDimSize(*lane), start,
                          lookupValues);
  }
  return readScattered(load, coordinates, lookupValues, type.getDimSize(*lane));
}

/// The lanes of `base + lane` that are in [0, size), as a mask.
static Value buildLaneMask(OpBuilder &builder, Location loc, Value base,
                           Value size, int64_t width) {
  auto indexVector = VectorType::get({width}, builder.getIndexType());
  Value lanes = vector::StepOp::create(builder, loc, indexVector);
  Value bases = vector::BroadcastOp::create(builder, loc, indexVector, base);
  Value sizes = vector::BroadcastOp::create(builder, loc, indexVector, size);
  Value places = arith::AddIOp::create(builder, loc, bases, lanes);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, places,
                               sizes);
}

/// Which of the `width` elements of `memref` from `element` on, along its last
/// dimension, exist: all of them or none, unless that dimension is checked.
static Value buildRowMask(OpBuilder &builder, Location loc, Value memref,
                          const Element &element, int64_t width,
                          bool lastChecked) {
  Value all;
  if (element.exists)
    all = vector::BroadcastOp::create(
        builder, loc, VectorType::get({width}, builder.getI1Type()),
        element.exists);
  if (!lastChecked)
    return all;
  Value size =
      memref::DimOp::create(builder, loc, memref, element.indices.size() - 1);
  return buildAnd(
      builder, loc, all,
      buildLaneMask(builder, loc, element.indices.back(), size, width));
}

Value TileCode::readContiguous(TileLoadOp load, unsigned dim, int64_t width,
                               ArrayRef<Value> coordinates,
                               ValueRange lookupValues, Value count) {
  Location loc = load.getLoc();
  auto tile = cast<RankedTensorType>(load.getType());
  auto pairs = VectorType::get({width}, tile.getElementType());
  // Pairs are twice as many elements of memory.
  auto type = pairs;
  if (load.readsPairs())
    type = VectorType::get({2 * width}, builder.getBF16Type());
  auto toTile = [&](Value value) -> Value {
    return type == pairs
               ? value
               : vector::BitCastOp::create(builder, loc, pairs, value);
  };

  SmallVector<Value> dims(coordinates);
  llvm::append_range(dims, lookupValues);
  auto [usesLookup, checked] = classify(load);
  bool lastChecked = checked.back();
  checked.back() = false;
  Element element = buildElement(builder, loc, load.getSource(), load.getMap(),
                                 dims, load.getSymbols(), usesLookup, checked);
  if (!lastChecked && !element.exists && !count)
    return toTile(vector::LoadOp::create(builder, loc, type, load.getSource(),
                                         element.indices));
  Value mask = buildRowMask(builder, loc, load.getSource(), element,
                            type.getDimSize(0), lastChecked);
  if (count) {
    if (load.readsPairs())
      count = arith::MulIOp::create(builder, loc, count, index(loc, 2));
    mask =
        buildAnd(builder, loc, mask, spanMask(loc, count, type.getDimSize(0)));
  }
  return toTile(vector::MaskedLoadOp::create(
      builder, loc, type, load.getSource(), element.indices, mask,
      buildZero(builder, loc, type)));
}

/// Gathers lane by lane through a line of scratch memory.
Value TileCode::readScattered(TileLoadOp load, ArrayRef<Value> coordinates,
                              ValueRange lookupValues, int64_t width) {
  Location loc = load.getLoc();
  Type element = cast<RankedTensorType>(load.getType()).getElementType();
  // Lookups that differ by lane are read back one by one.
  SmallVector<Value> lines;
  for (Value value : lookupValues) {
    Value line;
    if (isa<VectorType>(value.getType())) {
      line = createBuffer(loc, {width}, builder.getIndexType());
      vector::StoreOp::create(builder, loc, value, line, index(loc, 0));
    }
    lines.push_back(line);
  }
  return collect(loc, element, width, index(loc, width), [&](Value place) {
    Coordinates at(coordinates);
    at[*getLane(load)] = place;
    SmallVector<Value> lookups(lookupValues);
    for (auto [lookup, line] : llvm::zip(lookups, lines))
      if (line)
        lookup = memref::LoadOp::create(builder, loc, line, place);
    return loadElement(load, at, lookups);
  });
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

/// A coordinate of a store is in range without a check where its expression is
/// a bare tile coordinate that starts at 0 or a bare offset; lanes and sums of
/// an offset and a coordinate are checked.
static SmallVector<bool> classify(TileStoreOp store) {
  SmallVector<bool> checked;
  for (AffineExpr expr : store.getMap().getResults())
    checked.push_back(
        !isa<AffineDimExpr, AffineSymbolExpr, AffineConstantExpr>(expr));
  return checked;
}

void TileCode::storeElements(TileStoreOp store) {
  Location loc = store.getLoc();
  Value tile = store.getTile();
  SmallVector<bool> checked = classify(store);
  SmallVector<bool> noLookups(checked.size(), false);
  Value held = getRegister(tile);
  std::optional<unsigned> lane = getLane(tile);
  Value line;
  if (held && lane) {
    auto type = cast<VectorType>(held.getType());
    line = createBuffer(loc, type.getShape(), type.getElementType());
    vector::StoreOp::create(builder, loc, held, line, index(loc, 0));
  }
  buildLoops(loc, getExtents(tile), [&](ValueRange ivs) {
    Element element =
        buildElement(builder, loc, store.getDest(), store.getMap(), ivs,
                     store.getSymbols(), noLookups, checked);
    if (element.exists) {
      auto branch = scf::IfOp::create(builder, loc, element.exists,
                                      /*withElseRegion=*/false);
      builder.setInsertionPointToStart(branch.thenBlock());
    }
    Value value;
    if (line)
      value = memref::LoadOp::create(builder, loc, line, ivs);
    else if (held)
      value = held;
    else if (Value panel = getPanel(tile))
      value = memref::LoadOp::create(
          builder, loc, panel,
          panelIndices(loc, tile, llvm::to_vector_of<Value>(ivs)));
    else
      value = read(loc, tile, llvm::to_vector_of<Value>(ivs));
    memref::StoreOp::create(builder, loc, value, store.getDest(),
                            element.indices);
  });
}

void TileCode::storeVector(TileStoreOp store, ArrayRef<Value> coordinates,
                           Value value) {
  SmallVector<Value> start(coordinates);
  unsigned lane = *getLane(store.getTile());
  start[lane] = index(store.getLoc(), 0);
  storeRow(store, lane, start, value);
}

void TileCode::prefetch(Location loc, Value memory, ValueRange indices,
                        int64_t count, bool isWritten, Near near) {
  auto type = cast<MemRefType>(memory.getType());
  int64_t line = getLineElements(type.getElementType());
  SmallVector<Value> at(indices);
  for (int64_t offset = 0; offset < count; offset += line) {
    if (offset)
      at.back() = builder.createOrFold<arith::AddIOp>(loc, indices.back(),
                                                      index(loc, offset));
    memref::PrefetchOp::create(builder, loc, memory, at, isWritten,
                               near == Near::level1 ? 3 : 2,
                               /*isDataCache=*/true);
  }
}

void TileCode::prefetchVector(TileStoreOp store, ArrayRef<Value> coordinates) {
  Location loc = store.getLoc();
  SmallVector<Value> start(coordinates);
  auto tile = cast<RankedTensorType>(store.getTile().getType());
  unsigned lane = *getLane(store.getTile());
  start[lane] = index(loc, 0);
  SmallVector<bool> unchecked(store.getMap().getNumResults(), false);
  Element element =
      buildElement(builder, loc, store.getDest(), store.getMap(), start,
                   store.getSymbols(), unchecked, unchecked);
  prefetch(loc, store.getDest(), element.indices, tile.getDimSize(lane),
           /*isWritten=*/true, Near::level1);
}

/// Writes a vector along dimension `dim` of the tile, which is contiguous in
/// memory.
void TileCode::storeRow(TileStoreOp store, unsigned dim,
                        ArrayRef<Value> coordinates, Value value, Value count) {
  Location loc = store.getLoc();
  int64_t width = cast<VectorType>(value.getType()).getDimSize(0);
  SmallVector<Value> dims(coordinates);
  SmallVector<bool> checked = classify(store);
  SmallVector<bool> noLookups(checked.size(), false);
  // A tile has all its lanes, also where memory ends before them; along other
  // dimensions it has what memory has, if it starts where that does.
  bool lastChecked = checked.back() || getLane(store.getTile()) == dim;
  checked.back() = false;
  Element element = buildElement(builder, loc, store.getDest(), store.getMap(),
                                 dims, store.getSymbols(), noLookups, checked);
  if (!lastChecked && !element.exists && !count) {
    vector::StoreOp::create(builder, loc, value, store.getDest(),
                            element.indices);
    return;
  }
  Value mask =
      buildRowMask(builder, loc, store.getDest(), element, width, lastChecked);
  if (count)
    mask = buildAnd(builder, loc, mask, spanMask(loc, count, width));
  vector::MaskedStoreOp::create(builder, loc, store.getDest(), element.indices,
                                mask, value);
}
