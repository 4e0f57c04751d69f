//===- TileCode.cpp - the elements of tiles as vector code ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace fovea::attn;

Value TileCode::index(Location loc, int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

//===----------------------------------------------------------------------===//
// Scratch memory
//===----------------------------------------------------------------------===//

Value TileCode::createPanel(Location loc, RankedTensorType type,
                            std::optional<unsigned> lane, ValueRange extents) {
  // An extent that is what is left of a block takes the room of the block.
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
    std::optional<int64_t> bound;
    if (auto least = extent.getDefiningOp<arith::MinSIOp>())
      for (Value operand : least->getOperands())
        if (std::optional<int64_t> known = getConstantIntValue(operand))
          bound = known;
    if (bound)
      shape.back() = *bound;
    else
      dynamic.push_back(extent);
  }
  if (lane)
    shape.push_back(type.getDimSize(*lane));
  // Scratch memory belongs to a whole iteration: it is taken at its start,
  // where the extents, being sizes of operands, are known.
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(scratchBlock);
  for (Value extent : dynamic)
    if (Operation *def = extent.getDefiningOp();
        def && def->getBlock() == scratchBlock)
      builder.setInsertionPointAfter(def);
  return memref::AllocOp::create(builder, loc,
                                 MemRefType::get(shape, type.getElementType()),
                                 dynamic, builder.getI64IntegerAttr(64));
}

Value TileCode::createBuffer(Location loc, ArrayRef<int64_t> shape,
                             Type element) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(scratchBlock);
  return memref::AllocOp::create(builder, loc, MemRefType::get(shape, element),
                                 ValueRange(), builder.getI64IntegerAttr(64));
}

SmallVector<Value> TileCode::panelIndices(Location loc, Value tile,
                                          ArrayRef<Value> coordinates) {
  SmallVector<Value> indices;
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
  if (isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(
      builder, loc, VectorType::get({width}, value.getType()), value);
}

Value TileCode::read(Location loc, Value tile, ArrayRef<Value> coordinates) {
  if (Value value = getRegister(tile))
    return value;
  auto type = cast<RankedTensorType>(tile.getType());
  std::optional<unsigned> lane = getLane(tile);
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

void TileCode::fillPanel(Location loc, Value tile, ArrayRef<Value> extents) {
  // Read as what it is computed by, not from the panel that it is to be in.
  Value panel = std::exchange(panels[tile], Value());
  std::optional<unsigned> lane = getLane(tile);
  SmallVector<Value> loops(extents);
  if (lane)
    loops.erase(loops.begin() + *lane);
  buildLoops(loc, loops, [&](ValueRange ivs) {
    Coordinates point(ivs.begin(), ivs.end());
    if (lane)
      point.insert(point.begin() + *lane, Value());
    Value value = read(loc, tile, point);
    panels[tile] = panel;
    write(loc, tile, point, value);
  });
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

Value TileCode::compute(Region &region, ArrayRef<Value> arguments,
                        ArrayRef<Value> point, int64_t width) {
  Block &body = region.front();
  DenseMap<Value, Value> mapping;
  for (auto [arg, value] : llvm::zip(body.getArguments(), arguments))
    mapping[arg] = value;
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
    bool isVector = llvm::any_of(
        operands, [](Value v) { return isa<VectorType>(v.getType()); });
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

bool TileCode::isLastUse(Value tile, Operation *user) {
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

SmallVector<Value> TileCode::getExtents(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  Location loc = tile.getLoc();
  ValueRange dynamic;
  if (auto load = tile.getDefiningOp<TileLoadOp>())
    dynamic = load.getExtents();
  else if (auto map = tile.getDefiningOp<TileMapOp>())
    dynamic = map.getExtents();
  Value panel = getPanel(tile);
  std::optional<unsigned> lane = getLane(tile);
  SmallVector<Value> extents;
  unsigned next = 0;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(size)) {
      extents.push_back(index(loc, size));
    } else if (next < dynamic.size()) {
      extents.push_back(dynamic[next++]);
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
