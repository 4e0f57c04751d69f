//===- TilePanels.cpp - tiles brought into scratch memory -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace fovea::attn;

/// Elements of a row that are brought into a panel at a time.
static constexpr int64_t rowWidth = 16;

Value TileVectorizer::createPanelFor(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<Value> extents;
  if (type.getNumDynamicDims())
    for (auto [dim, extent] : llvm::enumerate(code.getExtents(tile)))
      if (type.isDynamicDim(dim))
        extents.push_back(extent);
  return code.createPanel(tile.getLoc(), type, code.getLane(tile), extents);
}

/// Copies all elements of `from` into the panel of `tile`.
void TileVectorizer::copyToPanel(Location loc, Value from, Value tile) {
  std::optional<unsigned> lane = code.getLane(from);
  SmallVector<Value> extents;
  for (auto [dim, extent] : llvm::enumerate(code.getExtents(from)))
    if (lane != dim)
      extents.push_back(extent);
  code.buildLoops(loc, extents, [&](ValueRange ivs) {
    TileCode::Coordinates point(ivs.begin(), ivs.end());
    if (lane)
      point.insert(point.begin() + *lane, Value());
    code.write(loc, tile, point, code.read(loc, from, point));
  });
}

/// Whether a tile is read in a loop that it is not made in, so that each of its
/// elements is needed more than once.
static bool isReadInLoop(Value tile) {
  Operation *home = tile.getParentBlock()->getParentOp();
  return llvm::any_of(tile.getUsers(), [&](Operation *user) {
    for (Operation *op = user->getParentOp(); op && op != home;
         op = op->getParentOp())
      if (isa<LoopLikeOpInterface>(op))
        return true;
    return false;
  });
}

/// Whether a sum over pairs reads a tile, which it does again for every row, or
/// every key.
static bool isContracted(Value tile) {
  return llvm::any_of(tile.getUsers(), [&](Operation *user) {
    if (auto weigh = dyn_cast<TileWeighOp>(user))
      return llvm::is_contained(weigh.getInputs(), tile);
    return isa<TileContractOp>(user);
  });
}

/// Whether a tile with lanes is read along them as its pieces are made.
static bool isSplit(Value tile) {
  return llvm::any_of(tile.getUsers(), llvm::IsaPred<TilePiecesOp>);
}

/// Whether a tile becomes a part of another, in memory.
static bool isInserted(Value tile) {
  return llvm::any_of(tile.getUsers(), llvm::IsaPred<tensor::InsertSliceOp>);
}

/// Whether a map of lanes is brought into a panel: each of its elements is
/// needed more than once, or in memory.
static bool needsPanel(TileMapOp map) {
  return isReadInLoop(map) || isContracted(map) || isSplit(map) ||
         isInserted(map);
}

/// Whether a tile is loaded from memory along its last dimension, across the
/// lanes, and for maps alone that are held.
static bool isLoadedAcross(Value tile, const TileCode &code) {
  auto load = tile.getDefiningOp<TileLoadOp>();
  return load && code.canTranspose(tile) && !TileCode::isOverwritten(load) &&
         llvm::all_of(tile.getUsers(), [](Operation *user) {
           auto map = dyn_cast<TileMapOp>(user);
           return map && needsPanel(map);
         });
}

/// Whether tiles with lanes that are read from memory across them can be read
/// by what is computed of them, which is transposed instead.
static bool isReadThrough(TileLoadOp load, const TileCode &code) {
  return isLoadedAcross(load, code) &&
         llvm::all_of(load->getUsers(), [&](Operation *user) {
           auto map = cast<TileMapOp>(user);
           return code.canTranspose(map) &&
                  llvm::all_of(map.getInputs(), [&](Value input) {
                    return !code.getLane(input) || isLoadedAcross(input, code);
                  });
         });
}

/// The panel that a tile is to be built in: the place in a larger one that it
/// is put into and that nothing else reads till then, or a new one.
Value TileVectorizer::createTarget(Value tile) {
  if (tile.hasOneUse())
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(*tile.getUsers().begin()))
      if (insert.getSource() == tile &&
          insert->getBlock() == tile.getParentBlock() &&
          code.getPanel(insert.getDest()) &&
          TileCode::isLastUse(insert.getDest(), insert))
        return createView(insert.getLoc(), insert.getDest(),
                          insert.getMixedOffsets(), insert.getMixedSizes(),
                          insert.getDroppedDims());
  return createPanelFor(tile);
}

LogicalResult TileVectorizer::processLoad(TileLoadOp load) {
  Location loc = load.getLoc();
  auto type = cast<RankedTensorType>(load.getType());
  std::optional<unsigned> lane = code.getLane(load);
  replaced.push_back(load);
  if (type.getRank() == (lane ? 1 : 0)) {
    code.setRegister(
        load, code.read(loc, load, TileCode::Coordinates(type.getRank())));
    return success();
  }
  // Truth values are bytes in memory and bits in a vector: no panel holds them.
  if (type.getElementType().isInteger(1))
    return success();
  bool overwritten = TileCode::isOverwritten(load);
  if (!lane) {
    if (transposeValues(load) || isMatrixInput(load))
      return success();
    // Pairs that may lack their second half are put together once.
    bool isCut =
        load.readsPairs() && !load.getInBounds().back() && isContracted(load);
    if (overwritten || isReadInLoop(load) || isCut)
      fillRowPanel(load);
    return success();
  }
  // What is read again for every key is brought into lanes once; what memory
  // has along the lanes already, or is read once, is read where it is used.
  bool isTransposed = code.canTranspose(load);
  if (isReadThrough(load, code))
    return success();
  bool isContiguous = TileCode::isContiguous(load, *lane);
  bool reread = isContracted(load) || isSplit(load) || isInserted(load) ||
                isReadInLoop(load);
  if (!overwritten && !isTransposed && (!reread || isContiguous))
    return success();
  Value panel = createTarget(load);
  fillLanePanel(load, panel);
  code.setPanel(load, panel);
  return success();
}

/// Computes a tile of lanes into a panel: in squares that are transposed where
/// memory has its last dimension side by side, else vector by vector.
void TileVectorizer::fillLanePanel(Value tile, Value panel) {
  if (code.canTranspose(tile))
    return code.transposeInto(tile, panel);
  Location loc = tile.getLoc();
  unsigned lane = *code.getLane(tile);
  SmallVector<Value> extents = code.getExtents(tile);
  extents.erase(extents.begin() + lane);
  code.buildLoops(loc, extents, [&](ValueRange ivs) {
    TileCode::Coordinates point(ivs);
    point.insert(point.begin() + lane, Value());
    Value value = code.read(loc, tile, point);
    SmallVector<Value> indices(ivs);
    indices.push_back(code.index(loc, 0));
    vector::StoreOp::create(builder, loc, value, panel, indices);
  });
}

/// Brings a tile without lanes into a panel, row by row: columns in blocks if
/// it is only weighed.
void TileVectorizer::fillRowPanel(Value tile) {
  Location loc = tile.getLoc();
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<Value> extents = code.getExtents(tile);
  bool isWeighed = type.getRank() == 2 &&
                   llvm::all_of(tile.getUsers(), [&](Operation *user) {
                     auto weigh = dyn_cast<TileWeighOp>(user);
                     return weigh && weigh.getInit() != tile;
                   });
  Value panel;
  if (isWeighed) {
    panel = code.createColumnPanel(loc, type, extents);
  } else {
    panel = createPanelFor(tile);
  }
  auto setPanel = [&] {
    if (isWeighed)
      code.setColumnPanel(tile, panel);
    else
      code.setPanel(tile, panel);
  };
  int64_t width =
      isWeighed ? llvm::MinAlign(code.columnBlock, rowWidth) : rowWidth;
  auto store = [&](ValueRange leading, Value column, Value value) {
    SmallVector<Value> indices(leading);
    if (isWeighed) {
      Value size = code.index(loc, code.columnBlock);
      indices = {arith::DivUIOp::create(builder, loc, column, size), leading[0],
                 arith::RemUIOp::create(builder, loc, column, size)};
    } else {
      indices.push_back(column);
    }
    if (isa<VectorType>(value.getType()))
      vector::StoreOp::create(builder, loc, value, panel, indices);
    else
      memref::StoreOp::create(builder, loc, value, panel, indices);
  };
  // Smaller pieces for the columns that fill no large one.
  if (!code.canReadRow(tile))
    width = 1;
  auto steps = code.buildSteps(loc, extents.back(), width);
  code.buildLoops(loc, ArrayRef(extents).drop_back(), [&](ValueRange ivs) {
    TileCode::Coordinates point(ivs);
    point.push_back(Value());
    for (TileCode::Steps step : steps)
      code.buildColumnLoop(loc, tile, step, [&](Value column) {
        point.back() = column;
        store(ivs, column,
              step.width == 1 ? code.read(loc, tile, point)
                              : code.readRow(loc, tile, point, step.width));
      });
  });
  setPanel();
}

LogicalResult TileVectorizer::processMap(TileMapOp map) {
  auto type = cast<RankedTensorType>(map.getType());
  std::optional<unsigned> lane = code.getLane(map);
  replaced.push_back(map);
  if (!isWide(map)) {
    code.setRegister(map, code.read(map.getLoc(), map,
                                    TileCode::Coordinates(type.getRank())));
    return success();
  }
  // What is computed from other elements is computed where it is read, unless
  // that is often. A fill is no more than a constant there.
  if (map.getInputs().empty() || type.getElementType().isInteger(1))
    return success();
  if (!lane) {
    if (!transposeValues(map) && (isReadInLoop(map) || isContracted(map)))
      fillRowPanel(map);
    return success();
  }
  if (!needsPanel(map))
    return success();
  Value panel = createTarget(map);
  fillLanePanel(map, panel);
  code.setPanel(map, panel);
  return success();
}

//===----------------------------------------------------------------------===//
// Parts of tiles
//===----------------------------------------------------------------------===//

/// The part of a tile's panel that a slice is; lanes are never cut.
Value TileVectorizer::createView(Location loc, Value whole,
                                 ArrayRef<OpFoldResult> offsets,
                                 ArrayRef<OpFoldResult> sizes,
                                 const llvm::SmallBitVector &dropped) {
  Value panel = code.getPanel(whole);
  auto type = cast<MemRefType>(panel.getType());
  unsigned rank = offsets.size();
  // A panel has the lanes last.
  SmallVector<unsigned> order;
  std::optional<unsigned> lane = code.getLane(whole);
  for (unsigned dim = 0; dim < rank; ++dim)
    if (lane != dim)
      order.push_back(dim);
  if (lane)
    order.push_back(*lane);
  SmallVector<OpFoldResult> panelOffsets, panelSizes,
      strides(rank, builder.getIndexAttr(1));
  SmallVector<int64_t> shape;
  for (unsigned dim : order) {
    panelOffsets.push_back(offsets[dim]);
    panelSizes.push_back(sizes[dim]);
    if (!dropped.test(dim))
      shape.push_back(
          getConstantIntValue(sizes[dim]).value_or(ShapedType::kDynamic));
  }
  MemRefType view = memref::SubViewOp::inferRankReducedResultType(
      shape, type, panelOffsets, panelSizes, strides);
  return memref::SubViewOp::create(builder, loc, view, panel, panelOffsets,
                                   panelSizes, strides);
}

/// What parts are taken of and put into is in memory, also where it would be
/// computed as it is read.
void TileVectorizer::holdInPanel(Value tile) {
  if (code.getPanel(tile))
    return;
  if (code.getLane(tile)) {
    Value panel = createPanelFor(tile);
    fillLanePanel(tile, panel);
    code.setPanel(tile, panel);
  } else {
    fillRowPanel(tile);
  }
}

LogicalResult TileVectorizer::processEmpty(tensor::EmptyOp empty) {
  replaced.push_back(empty);
  auto type = empty.getType();
  code.setPanel(empty,
                code.createPanel(empty.getLoc(), type, code.getLane(empty),
                                 empty.getDynamicSizes()));
  return success();
}

LogicalResult TileVectorizer::processExtract(tensor::ExtractSliceOp slice) {
  Location loc = slice.getLoc();
  replaced.push_back(slice);
  holdInPanel(slice.getSource());
  Value view = createView(loc, slice.getSource(), slice.getMixedOffsets(),
                          slice.getMixedSizes(), slice.getDroppedDims());
  code.setPanel(slice, view);
  if (isWide(slice))
    return success();
  // A single vector is taken now: its place may be written before it is read.
  code.setRegister(slice, readWhole(loc, slice));
  return success();
}

LogicalResult TileVectorizer::processInsert(tensor::InsertSliceOp insert) {
  Location loc = insert.getLoc();
  replaced.push_back(insert);
  Value dest = insert.getDest(), source = insert.getSource();
  holdInPanel(dest);
  if (TileCode::isLastUse(dest, insert)) {
    code.setPanel(insert, code.getPanel(dest));
  } else {
    code.setPanel(insert, createPanelFor(insert));
    copyToPanel(loc, dest, insert);
  }
  // Nothing to do for a part that was updated in its place.
  auto view = code.getPanel(source)
                  ? code.getPanel(source).getDefiningOp<memref::SubViewOp>()
                  : memref::SubViewOp();
  Value place = createView(loc, insert, insert.getMixedOffsets(),
                           insert.getMixedSizes(), insert.getDroppedDims());
  auto placeView = place.getDefiningOp<memref::SubViewOp>();
  if (!code.getRegister(source) && view &&
      view.getSource() == placeView.getSource() &&
      view.getMixedOffsets() == placeView.getMixedOffsets()) {
    placeView.erase();
    return success();
  }
  if (!isWide(source)) {
    Value value = readWhole(loc, source);
    if (isa<VectorType>(value.getType()))
      vector::StoreOp::create(builder, loc, value, place, code.index(loc, 0));
    else
      memref::StoreOp::create(builder, loc, value, place, ValueRange());
    return success();
  }
  std::optional<unsigned> lane = code.getLane(source);
  SmallVector<Value> extents = code.getExtents(source);
  if (lane)
    extents.erase(extents.begin() + *lane);
  code.buildLoops(loc, extents, [&](ValueRange ivs) {
    TileCode::Coordinates point(ivs);
    if (lane)
      point.insert(point.begin() + *lane, Value());
    Value value = code.read(loc, source, point);
    SmallVector<Value> indices(ivs);
    if (lane) {
      indices.push_back(code.index(loc, 0));
      vector::StoreOp::create(builder, loc, value, place, indices);
    } else {
      memref::StoreOp::create(builder, loc, value, place, indices);
    }
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Rescaling and stores
//===----------------------------------------------------------------------===//

LogicalResult TileVectorizer::processRescale(TileRescaleOp rescale) {
  replaced.push_back(rescale);
  bool onlyWeighed =
      rescale->hasOneUse() && isa<TileWeighOp>(*rescale->user_begin());
  if (onlyWeighed && TileCode::isLastUse(rescale.getTile(), rescale))
    return success();
  Value panel = createPanelFor(rescale);
  Value source = rescale.getTile();
  Location loc = rescale.getLoc();
  Value columns = code.getExtents(source)[1];
  code.buildLoops(loc, columns, [&](ValueRange ivs) {
    Value value = code.read(loc, rescale, {Value(), ivs[0]});
    vector::StoreOp::create(builder, loc, value, panel,
                            ValueRange{ivs[0], code.index(loc, 0)});
  });
  code.setPanel(rescale, panel);
  return success();
}

LogicalResult TileVectorizer::processStore(TileStoreOp store) {
  replaced.push_back(store);
  Value value = code.getRegister(store.getTile());
  if (value && isa<VectorType>(value.getType()) &&
      TileCode::isContiguous(store.getMap(),
                             cast<MemRefType>(store.getDest().getType()), 0)) {
    code.storeVector(store, {Value()}, value);
    return success();
  }
  std::optional<unsigned> lane = code.getLane(store.getTile());
  if (!value && lane &&
      TileCode::isTransposed(
          store.getMap(), cast<MemRefType>(store.getDest().getType()),
          cast<RankedTensorType>(store.getTile().getType()), *lane)) {
    code.storeTransposed(store);
    return success();
  }
  code.storeElements(store);
  return success();
}
