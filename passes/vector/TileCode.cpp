//===- TileCode.cpp - the elements of tiles as vector code ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileCode.h"
#include "passes/vector/LaneIndices.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;

Value TileCode::index(Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

std::optional<int64_t> TileCode::getRoom(Value extent) {
  if (std::optional<int64_t> known = getConstantIntValue(extent))
    return known;
  if (auto least = extent.getDefiningOp<arith::MinSIOp>())
    for (Value operand : least->getOperands())
      if (std::optional<int64_t> known = getConstantIntValue(operand))
        return known;
  return std::nullopt;
}

Value TileCode::createPanel(Location loc, RankedTensorType type,
                            std::optional<unsigned> lane, ValueRange extents) {
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  unsigned next = 0;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (lane == dim)
      continue;
    shape.push_back(size);
    if (!ShapedType::isDynamic(size))
      continue;
    Value extent = extents[next++];
    if (std::optional<int64_t> room = getRoom(extent))
      shape.back() = *room;
    else
      dynamic.push_back(extent);
  }
  if (lane)
    shape.push_back(type.getDimSize(*lane));
  return allocate(loc, MemRefType::get(shape, type.getElementType()), dynamic);
}

Value TileCode::createColumnPanel(Location loc, RankedTensorType type,
                                  ValueRange extents) {
  SmallVector<int64_t> shape = {ShapedType::kDynamic, ShapedType::kDynamic,
                                columnBlock};
  SmallVector<Value> dynamic;
  if (std::optional<int64_t> columns = getRoom(extents[1])) {
    shape[0] = llvm::divideCeil(*columns, columnBlock);
  } else {
    OpBuilder::InsertionGuard guard(builder);
    setInsertionPointForScratch(extents[1]);
    Value size = index(loc, columnBlock);
    dynamic.push_back(
        arith::CeilDivUIOp::create(builder, loc, extents[1], size));
  }
  if (std::optional<int64_t> keys = getRoom(extents[0]))
    shape[1] = *keys;
  else
    dynamic.push_back(extents[0]);
  return allocate(loc, MemRefType::get(shape, type.getElementType()), dynamic);
}

/// Scratch memory belongs to a whole iteration: it is taken at its start, where
/// the extents, being sizes of operands, are known.
void TileCode::setInsertionPointForScratch(ValueRange extents) {
  builder.setInsertionPointToStart(scratchBlock);
  for (Value extent : extents)
    if (Operation *def = extent.getDefiningOp();
        def && def->getBlock() == scratchBlock)
      builder.setInsertionPointAfter(def);
}

Value TileCode::allocate(Location loc, MemRefType type, ValueRange extents) {
  OpBuilder::InsertionGuard guard(builder);
  setInsertionPointForScratch(extents);
  return memref::AllocOp::create(builder, loc, type, extents,
                                 builder.getI64IntegerAttr(64));
}

Value TileCode::createBuffer(Location loc, ArrayRef<int64_t> shape,
                             Type element) {
  return allocate(loc, MemRefType::get(shape, element), {});
}

SmallVector<Value> TileCode::panelIndices(Location loc, Value tile,
                                          ArrayRef<Value> coordinates) {
  SmallVector<Value> indices;
  if (columnPanels.contains(tile)) {
    auto [block, rest] = columns.lookup(coordinates[1]);
    if (!block) {
      Value size = index(loc, columnBlock);
      block = arith::DivUIOp::create(builder, loc, coordinates[1], size);
      rest = arith::RemUIOp::create(builder, loc, coordinates[1], size);
    }
    return {block, coordinates[0], rest};
  }
  std::optional<unsigned> lane = getLane(tile);
  for (auto [dim, coordinate] : llvm::enumerate(coordinates))
    if (lane != dim)
      indices.push_back(coordinate);
  if (lane)
    indices.push_back(coordinates[*lane] ? coordinates[*lane] : index(loc, 0));
  return indices;
}

//===----------------------------------------------------------------------===//
// Reading and writing
//===----------------------------------------------------------------------===//

Value TileCode::broadcast(Location loc, Value value, int64_t width) {
  if (width == 0 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(
      builder, loc, VectorType::get({width}, value.getType()), value);
}

Value TileCode::read(Location loc, Value tile, ArrayRef<Value> coordinates) {
  auto type = cast<RankedTensorType>(tile.getType());
  std::optional<unsigned> lane = getLane(tile);
  // A coordinate along lanes picks one of them.
  Value picked = lane ? coordinates[*lane] : Value();
  if (picked)
    lane = std::nullopt;
  if (Value value = getRegister(tile)) {
    if (!picked)
      return value;
    return vector::ExtractOp::create(builder, loc, value, picked);
  }
  if (Value panel = getPanel(tile)) {
    SmallVector<Value> indices = panelIndices(loc, tile, coordinates);
    if (!lane)
      return memref::LoadOp::create(builder, loc, panel, indices);
    return vector::LoadOp::create(
        builder, loc,
        VectorType::get({type.getDimSize(*lane)}, type.getElementType()), panel,
        indices);
  }
  Value value;
  if (auto load = tile.getDefiningOp<TileLoadOp>()) {
    value = readLoad(load, coordinates);
  } else if (auto map = tile.getDefiningOp<TileMapOp>()) {
    SmallVector<Value> inputs =
        readInputs(loc, map.getInputs(), map.getMaps(), coordinates);
    value = compute(map.getBody(), inputs, coordinates,
                    lane ? type.getDimSize(*lane) : 0);
  } else if (auto mask = tile.getDefiningOp<TileMaskOp>()) {
    value = applyMask(
        mask, read(loc, mask.getScore(), coordinates),
        readInputs(loc, mask.getInputs(), mask.getMaps(), coordinates),
        coordinates, lane ? type.getDimSize(*lane) : 0);
  } else if (auto rescale = tile.getDefiningOp<TileRescaleOp>()) {
    Value element = read(loc, rescale.getTile(), coordinates);
    Value factor = read(loc, rescale.getFactor(), coordinates.take_front());
    value = arith::MulFOp::create(builder, loc, element, factor);
  } else {
    llvm_unreachable("a tile that is neither held nor computable");
  }
  return lane ? broadcast(loc, value, type.getDimSize(*lane)) : value;
}

void TileCode::write(Location loc, Value tile, ArrayRef<Value> coordinates,
                     Value value) {
  SmallVector<Value> indices = panelIndices(loc, tile, coordinates);
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(builder, loc, value, getPanel(tile), indices);
  else
    memref::StoreOp::create(builder, loc, value, getPanel(tile), indices);
}

SmallVector<Value> TileCode::readInputs(Location loc, ValueRange inputs,
                                        ArrayAttr maps, ArrayRef<Value> point) {
  SmallVector<Value> values;
  for (auto [input, attr] : llvm::zip(inputs, maps)) {
    Coordinates coordinates;
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    for (unsigned k = 0; k < map.getNumResults(); ++k)
      coordinates.push_back(point[map.getDimPosition(k)]);
    values.push_back(read(loc, input, coordinates));
  }
  return values;
}

Value TileCode::applyMask(TileMaskOp mask, Value score, ArrayRef<Value> inputs,
                          ArrayRef<Value> point, int64_t width) {
  Location loc = mask.getLoc();
  Value keep;
  if (!mask.getBody().empty())
    keep = broadcast(loc, compute(mask.getBody(), inputs, point, width), width);
  if (Value end = mask.getEnd()) {
    Value key = point[1];
    if (auto keys = dyn_cast<VectorType>(key.getType()))
      end = vector::BroadcastOp::create(builder, loc, keys, end);
    Value exists =
        broadcast(loc,
                  arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                        key, end),
                  width);
    keep = keep ? arith::AndIOp::create(builder, loc, keep, exists).getResult()
                : exists;
  }
  if (!keep)
    return score;
  TypedAttr lowest =
      builder.getFloatAttr(getElementTypeOrSelf(score.getType()),
                           -std::numeric_limits<double>::infinity());
  if (auto type = dyn_cast<VectorType>(score.getType()))
    lowest = DenseElementsAttr::get(type, lowest);
  Value dropped = arith::ConstantOp::create(builder, loc, lowest);
  return arith::SelectOp::create(builder, loc, keep, score, dropped);
}

Value TileCode::compute(Region &region, ArrayRef<Value> arguments,
                        ArrayRef<Value> point, int64_t width) {
  Block &body = region.front();
  DenseMap<Value, Value> mapping;
  for (auto [arg, value] : llvm::zip(body.getArguments(), arguments))
    mapping[arg] = value;
  SmallVector<Value> coordinates;
  if (isa<TileMapOp, TileMaskOp>(region.getParentOp()))
    coordinates = getSmallCoordinates(
        cast<RankedTensorType>(region.getParentOp()->getResult(0).getType()),
        point);
  auto lookup = [&](Value value) {
    Value mapped = mapping.lookup(value);
    return mapped ? mapped : value;
  };
  for (Operation &op : body.without_terminator()) {
    if (auto coordinate = dyn_cast<TileIndexOp>(op)) {
      Value value = point[coordinate.getDim()];
      if (!value)
        value = vector::StepOp::create(
            builder, op.getLoc(),
            VectorType::get({width}, builder.getIndexType()));
      mapping[coordinate] = value;
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(lookup(operand));
    if (isa<TilePairProductOp>(op)) {
      if (isa<VectorType>(operands[0].getType()) ||
          isa<VectorType>(operands[1].getType()))
        for (Value &operand : operands)
          operand = broadcast(op.getLoc(), operand, width);
      mapping[op.getResult(0)] = TilePairProductOp::buildArithmetic(
          builder, op.getLoc(), operands[0], operands[1]);
      continue;
    }
    bool isVector = llvm::any_of(
        operands, [](Value v) { return isa<VectorType>(v.getType()); });
    // What all lanes are divided by they are multiplied with the reciprocal of:
    // one division for all vectors of a loop, and within one unit in the last
    // place.
    if (isa<arith::DivFOp>(op) && isVector &&
        !isa<VectorType>(operands[1].getType())) {
      Value one = arith::ConstantOp::create(
          builder, op.getLoc(),
          builder.getFloatAttr(operands[1].getType(), 1.0));
      Value inverse =
          arith::DivFOp::create(builder, op.getLoc(), one, operands[1]);
      mapping[op.getResult(0)] =
          arith::MulFOp::create(builder, op.getLoc(), operands[0],
                                broadcast(op.getLoc(), inverse, width));
      continue;
    }
    if (auto compare = dyn_cast<arith::CmpIOp>(op); compare && isVector)
      if (Value result = compareLaneIndices(builder, op.getLoc(),
                                            compare.getPredicate(), operands[0],
                                            operands[1], width, coordinates)) {
        mapping[compare] = result;
        continue;
      }
    if (auto convert = dyn_cast<arith::SIToFPOp>(op); convert && isVector)
      if (Value result = convertLaneIndices(builder, op.getLoc(),
                                            cast<FloatType>(convert.getType()),
                                            operands[0], width, coordinates)) {
        mapping[convert] = result;
        continue;
      }
    SmallVector<Type> types(op.getResultTypes());
    if (isVector) {
      for (Value &operand : operands)
        operand = broadcast(op.getLoc(), operand, width);
      for (Type &type : types)
        type = VectorType::get({width}, type);
    }
    OperationState state(op.getLoc(), op.getName(), operands, types,
                         op.getDiscardableAttrDictionary().getValue());
    state.propertiesAttr = op.getPropertiesAsAttribute();
    Operation *created = builder.create(state);
    for (auto [from, to] : llvm::zip(op.getResults(), created->getResults()))
      mapping[from] = to;
  }
  return lookup(cast<YieldOp>(body.getTerminator()).getValue());
}

bool TileCode::isUpdatedPart(tensor::ExtractSliceOp slice) {
  return llvm::all_of(slice.getSource().getUsers(),
                      [&](Operation *user) {
                        if (user == slice)
                          return true;
                        auto insert = dyn_cast<tensor::InsertSliceOp>(user);
                        return insert &&
                               insert.getDest() == slice.getSource() &&
                               insert->getBlock() == slice->getBlock() &&
                               slice->isBeforeInBlock(insert) &&
                               insert.getMixedOffsets() ==
                                   slice.getMixedOffsets() &&
                               insert.getMixedSizes() == slice.getMixedSizes();
                      }) &&
         llvm::any_of(slice.getSource().getUsers(),
                      llvm::IsaPred<tensor::InsertSliceOp>);
}

bool TileCode::isOverwritten(TileLoadOp load) {
  return llvm::any_of(load.getSource().getUsers(), [&](Operation *user) {
    auto store = dyn_cast<TileStoreOp>(user);
    return store && store.getDest() == load.getSource();
  });
}

bool TileCode::isLastUse(Value tile, Operation *user) {
  // A part that is put back into the same place of its whole is the whole's;
  // any other is only a view of memory that is read again.
  if (auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>();
      slice && !isUpdatedPart(slice))
    return false;
  // In a loop that the tile comes from outside of, the next iteration reads it
  // again.
  for (Operation *parent = user->getParentOp();
       parent && parent != tile.getParentBlock()->getParentOp();
       parent = parent->getParentOp())
    if (isa<LoopLikeOpInterface>(parent))
      return false;
  return llvm::all_of(tile.getUses(), [&](OpOperand &use) {
    Operation *other = use.getOwner();
    if (other == user || insideMutuallyExclusiveRegions(other, user))
      return true;
    Block *block = user->getBlock();
    Operation *ancestor = block->findAncestorOpInBlock(*other);
    return ancestor && ancestor != user && ancestor->isBeforeInBlock(user);
  });
}

//===----------------------------------------------------------------------===//
// Extents and loops
//===----------------------------------------------------------------------===//

/// The extent of a part along its dimension `dim`.
static Value getSliceExtent(OpBuilder &builder, tensor::ExtractSliceOp slice,
                            unsigned dim) {
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  unsigned next = 0;
  for (auto [k, size] : llvm::enumerate(slice.getMixedSizes()))
    if (!dropped.test(k) && next++ == dim)
      return getValueOrCreateConstantIndexOp(builder, slice.getLoc(), size);
  llvm_unreachable("a slice without this dimension");
}

SmallVector<Value> TileCode::getExtents(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  Location loc = tile.getLoc();
  ValueRange dynamic;
  if (auto load = tile.getDefiningOp<TileLoadOp>())
    dynamic = load.getExtents();
  else if (auto map = tile.getDefiningOp<TileMapOp>())
    dynamic = map.getExtents();
  else if (auto empty = tile.getDefiningOp<tensor::EmptyOp>())
    dynamic = empty.getDynamicSizes();
  Value panel = getPanel(tile);
  std::optional<unsigned> lane = getLane(tile);
  SmallVector<Value> extents;
  unsigned next = 0;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      extents.push_back(index(loc, size));
    } else if (next < dynamic.size()) {
      extents.push_back(dynamic[next++]);
    } else if (auto slice = tile.getDefiningOp<tensor::ExtractSliceOp>()) {
      extents.push_back(getSliceExtent(builder, slice, dim));
    } else if (auto rescale = tile.getDefiningOp<TileRescaleOp>()) {
      extents.push_back(getExtents(rescale.getTile())[dim]);
    } else if (auto pieces = tile.getDefiningOp<TilePiecesOp>()) {
      extents.push_back(getExtents(pieces.getTile())[dim]);
    } else if (auto contract = tile.getDefiningOp<TileContractOp>()) {
      // The extent of whichever input has this dimension.
      for (auto [input, attr] :
           llvm::zip(contract.getInputs(), contract.getMaps())) {
        std::optional<unsigned> position =
            cast<AffineMapAttr>(attr).getValue().getResultPosition(
                builder.getAffineDimExpr(dim));
        if (position) {
          extents.push_back(getExtents(input)[*position]);
          break;
        }
      }
    } else if (panel) {
      unsigned position = dim - (lane && *lane < dim ? 1 : 0);
      extents.push_back(memref::DimOp::create(builder, loc, panel, position));
    } else {
      llvm_unreachable("a dynamic extent that nothing gives");
    }
  }
  return extents;
}

SmallVector<TileCode::Steps> TileCode::buildSteps(Location loc, Value extent,
                                                  int64_t width) {
  SmallVector<int64_t> widths = {width};
  for (int64_t smaller : {4, 1})
    if (smaller < width)
      widths.push_back(smaller);
  SmallVector<Steps> steps;
  Value from = index(loc, 0);
  std::optional<int64_t> left = getConstantIntValue(extent);
  for (int64_t size : widths) {
    if (left && *left < size)
      continue;
    Value to = extent;
    if (size > 1) {
      Value rest =
          builder.createOrFold<arith::RemSIOp>(loc, extent, index(loc, size));
      to = builder.createOrFold<arith::SubIOp>(loc, extent, rest);
    }
    steps.push_back({from, to, size});
    from = to;
    if (left)
      left = *left % size;
  }
  return steps;
}

/// Whether a tile is computed from elements that exist in some columns alone.
static bool isCutByColumns(Value tile) {
  auto map = tile.getDefiningOp<TileMapOp>();
  return map && llvm::any_of(map.getInputs(), [](Value input) {
           auto load = input.getDefiningOp<TileLoadOp>();
           return load && !load.getInBounds().empty() &&
                  !load.getInBounds().back();
         });
}

void TileCode::buildColumnLoop(Location loc, Value tile, Steps steps,
                               function_ref<void(Value)> body) {
  constexpr int64_t maxPasses = 8;
  std::optional<int64_t> from = getConstantIntValue(steps.from),
                         to = getConstantIntValue(steps.to);
  if (from && to && *to - *from <= maxPasses * steps.width &&
      isCutByColumns(tile)) {
    for (int64_t column = *from; column < *to; column += steps.width)
      body(index(loc, column));
    return;
  }
  auto loop = scf::ForOp::create(builder, loc, steps.from, steps.to,
                                 index(loc, steps.width));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void TileCode::buildLoops(Location loc, ValueRange extents,
                          function_ref<void(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Value> ivs;
  Value zero = index(loc, 0), one = index(loc, 1);
  for (Value extent : extents) {
    auto loop = scf::ForOp::create(builder, loc, zero, extent, one);
    ivs.push_back(loop.getInductionVar());
    builder.setInsertionPointToStart(loop.getBody());
  }
  body(ivs);
}
