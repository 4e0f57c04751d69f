//===- TileOperands.cpp - an attention's regions on one tile --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea::attn;

TileOperands::TileOperands(OpBuilder &builder, AttentionOpInterface op,
                           ScheduleAttr schedule, ValueRange offsets,
                           ValueRange ends)
    : builder(builder), op(op), loc(op.getLoc()), domain(op.getDomain()),
      schedule(schedule), offsets(offsets), ends(ends) {}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

bool TileOperands::isTiled(unsigned dim) const {
  switch (domain.getKinds()[dim]) {
  case DimKind::parallel:
    return dim == schedule.getQueryDim();
  case DimKind::key:
    return dim == schedule.getKeyDim();
  case DimKind::contraction:
  case DimKind::value:
    return true;
  }
  llvm_unreachable("unknown kind");
}

int64_t TileOperands::getExtent(unsigned dim) const {
  if (dim == schedule.getQueryDim())
    return schedule.getQueryTile();
  if (dim == schedule.getKeyDim())
    return schedule.getKeyBlock();
  return domain.getBounds()[dim];
}

Value TileOperands::buildExtent(unsigned dim) {
  Value left =
      builder.createOrFold<arith::SubIOp>(loc, ends[dim], offsets[dim]);
  if (dim != schedule.getKeyDim())
    return left;
  Value block =
      arith::ConstantIndexOp::create(builder, loc, schedule.getKeyBlock());
  return builder.createOrFold<arith::MinSIOp>(loc, left, block);
}

/// Scores have a place for every key of a block; a tile of keys alone has those
/// that exist.
bool TileOperands::isDynamic(unsigned dim, ArrayRef<unsigned> dims) const {
  if (dim == schedule.getKeyDim())
    return !llvm::is_contained(dims, schedule.getQueryDim());
  return ShapedType::isDynamic(getExtent(dim));
}

SmallVector<Value> TileOperands::buildExtents(ArrayRef<unsigned> dims) {
  SmallVector<Value> extents;
  for (unsigned dim : dims)
    if (isDynamic(dim, dims))
      extents.push_back(buildExtent(dim));
  return extents;
}

RankedTensorType TileOperands::getTileType(ArrayRef<unsigned> dims,
                                           Type element) {
  SmallVector<int64_t> shape;
  for (unsigned dim : dims)
    shape.push_back(isDynamic(dim, dims) ? ShapedType::kDynamic
                                         : getExtent(dim));
  return RankedTensorType::get(shape, element);
}

/// Rows first, then keys, then contraction and value dimensions.
SmallVector<unsigned> TileOperands::inOrder(SmallVector<unsigned> dims) {
  auto rank = [&](unsigned dim) {
    return std::pair(static_cast<unsigned>(domain.getKinds()[dim]), dim);
  };
  llvm::sort(dims, [&](unsigned a, unsigned b) { return rank(a) < rank(b); });
  dims.erase(llvm::unique(dims), dims.end());
  return dims;
}

SmallVector<unsigned> TileOperands::getUsedDims(AffineMap access) {
  SmallVector<unsigned> dims;
  for (unsigned dim = 0; dim < access.getNumDims(); ++dim) {
    if (!access.isFunctionOfDim(dim))
      continue;
    if (dim >= domain.getNumDims())
      llvm::append_range(dims, lookups[dim - domain.getNumDims()].dims);
    else if (isTiled(dim))
      dims.push_back(dim);
  }
  return inOrder(dims);
}

SmallVector<unsigned> TileOperands::getUsedDims(Region &region) {
  SmallVector<unsigned> dims;
  for (AffineMap access : op.getAccessesOf(region))
    llvm::append_range(dims, getUsedDims(access));
  region.walk([&](IndexOp index) {
    if (isTiled(index.getDim()))
      dims.push_back(index.getDim());
  });
  return inOrder(dims);
}

AffineMap TileOperands::getProjection(ArrayRef<unsigned> axes,
                                      ArrayRef<unsigned> dims) {
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : dims)
    exprs.push_back(
        builder.getAffineDimExpr(llvm::find(axes, dim) - axes.begin()));
  return AffineMap::get(axes.size(), 0, exprs, builder.getContext());
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The symbols of tile accesses: the tile's offset along each dimension, then
/// the op's symbols.
SmallVector<Value> TileOperands::getSymbols() {
  SmallVector<Value> symbols = offsets;
  llvm::append_range(symbols, op.getSymbols());
  return symbols;
}

/// An expression over index values and lookups, over tile coordinates instead.
AffineExpr TileOperands::toTile(AffineExpr expr, ArrayRef<unsigned> dims,
                                ArrayRef<unsigned> usedLookups) {
  MLIRContext *context = builder.getContext();
  SmallVector<AffineExpr> dimExprs, symbolExprs;
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
    AffineExpr value = getAffineSymbolExpr(dim, context);
    if (std::optional<int64_t> known = getConstantIntValue(offsets[dim]))
      value = getAffineConstantExpr(*known, context);
    auto it = llvm::find(dims, dim);
    if (it != dims.end())
      value = value + getAffineDimExpr(it - dims.begin(), context);
    dimExprs.push_back(value);
  }
  for (unsigned lookup = 0; lookup < op.getNumLookups(); ++lookup) {
    auto it = llvm::find(usedLookups, lookup);
    dimExprs.push_back(
        it == usedLookups.end()
            ? getAffineConstantExpr(0, context)
            : getAffineDimExpr(dims.size() + (it - usedLookups.begin()),
                               context));
  }
  for (unsigned k = 0; k < op.getSymbols().size(); ++k)
    symbolExprs.push_back(
        getAffineSymbolExpr(domain.getNumDims() + k, context));
  return expr.replaceDimsAndSymbols(dimExprs, symbolExprs);
}

TileOperands::Operand TileOperands::load(Value source, AffineMap access) {
  auto memref = dyn_cast<MemRefType>(source.getType());
  if (!memref)
    return {source, {}, /*isTile=*/false};

  SmallVector<unsigned> dims = getUsedDims(access), usedLookups;
  SmallVector<Value> tiles;
  SmallVector<AffineMap> lookupMaps;
  for (unsigned k = 0; k < op.getNumLookups(); ++k)
    if (access.isFunctionOfDim(domain.getNumDims() + k)) {
      usedLookups.push_back(k);
      tiles.push_back(lookups[k].value);
      lookupMaps.push_back(getProjection(dims, lookups[k].dims));
    }

  SmallVector<AffineExpr> exprs;
  SmallVector<bool> inBounds;
  for (auto [k, expr] : llvm::enumerate(access.getResults())) {
    exprs.push_back(toTile(expr, dims, usedLookups));
    // A bare dimension is in range for every index value of the domain. Rows
    // run past its end, and so do keys where a tile has all that a block can
    // have. So is a remainder by what the operand extends.
    auto dim = dyn_cast<AffineDimExpr>(expr);
    bool known = dim && dim.getPosition() < domain.getNumDims() &&
                 dim.getPosition() != schedule.getQueryDim() &&
                 (dim.getPosition() != schedule.getKeyDim() ||
                  (!wholeBlocks && isDynamic(schedule.getKeyDim(), dims)));
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    int64_t size = memref.getDimSize(k);
    if (constant && !ShapedType::isDynamic(size))
      known = constant.getValue() >= 0 && constant.getValue() < size;
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (binary && binary.getKind() == AffineExprKind::Mod)
      if (auto modulus = dyn_cast<AffineConstantExpr>(binary.getRHS()))
        known = !ShapedType::isDynamic(size) && modulus.getValue() <= size;
    inBounds.push_back(known);
  }
  TileAccess place(builder.getContext(), dims.size() + usedLookups.size(),
                   exprs, getSymbols());
  Value tile = TileLoadOp::create(
      builder, loc, getTileType(dims, memref.getElementType()), source,
      place.symbols, tiles, buildExtents(dims), AffineMapAttr::get(place.map),
      builder.getDenseBoolArrayAttr(inBounds),
      builder.getAffineMapArrayAttr(lookupMaps));
  return {tile, dims};
}

void TileOperands::buildLookups() {
  if (std::exchange(lookupsBuilt, true))
    return;
  for (unsigned k = 0; k < op.getNumLookups(); ++k) {
    Region &region = op.getLookup(k);
    SmallVector<unsigned> axes = getUsedDims(region);
    Value tile = buildRegionMap(region, axes, {}, builder.getIndexType());
    lookups.push_back({tile, axes});
  }
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

TileOperands::Part TileOperands::buildPart(Region &region,
                                           ArrayRef<unsigned> axes,
                                           ArrayRef<Operand> leading) {
  Part part;
  llvm::append_range(part.operands, leading);
  for (auto [input, access] :
       llvm::zip(op.getInputsOf(region), op.getAccessesOf(region)))
    part.operands.push_back(load(input, access));
  for (Operand &operand : part.operands)
    if (operand.isTile) {
      part.inputs.push_back(operand.value);
      part.maps.push_back(getProjection(axes, operand.dims));
    }
  return part;
}

void TileOperands::addExtents(Part &part, ArrayRef<unsigned> axes,
                              ArrayRef<int64_t> dims) {
  for (unsigned dim : dims) {
    AffineExpr axis =
        builder.getAffineDimExpr(llvm::find(axes, dim) - axes.begin());
    if (llvm::any_of(part.maps, [&](AffineMap map) {
          return map.getResultPosition(axis).has_value();
        }))
      continue;
    Type type = builder.getI1Type();
    part.inputs.push_back(
        buildTileMap(builder, loc, getTileType(dim, type), {},
                     buildExtents(dim), [&](OpBuilder &b, ValueRange) -> Value {
                       return arith::ConstantIntOp::create(b, loc, 1, 1);
                     }));
    part.maps.push_back(getProjection(axes, dim));
  }
}

Value TileOperands::buildBody(Region &body, Region &region, const Part &part,
                              ArrayRef<unsigned> axes) {
  Block *block = createTileBody(builder, loc, body, part.inputs);
  SmallVector<Value> arguments;
  unsigned next = 0;
  for (const Operand &operand : part.operands)
    arguments.push_back(operand.isTile ? Value(block->getArgument(next++))
                                       : operand.value);
  SmallVector<Value> indices(offsets);
  llvm::SmallSetVector<unsigned, 4> used;
  region.walk([&](IndexOp index) { used.insert(index.getDim()); });
  for (unsigned dim : used)
    if (auto it = llvm::find(axes, dim); it != axes.end()) {
      Value local = TileIndexOp::create(builder, loc, it - axes.begin());
      indices[dim] =
          builder.createOrFold<arith::AddIOp>(loc, offsets[dim], local);
    }
  return inlineRegion(builder, region, arguments, indices);
}

Value TileOperands::buildRegionMap(Region &region, ArrayRef<unsigned> axes,
                                   ArrayRef<Operand> leading, Type element) {
  Part part = buildPart(region, axes, leading);
  auto map = TileMapOp::create(builder, loc, getTileType(axes, element),
                               part.inputs, buildExtents(axes),
                               builder.getAffineMapArrayAttr(part.maps));
  OpBuilder::InsertionGuard guard(builder);
  YieldOp::create(builder, loc, buildBody(map.getBody(), region, part, axes));
  return map;
}

Value TileOperands::buildScores() {
  buildLookups();
  unsigned row = schedule.getQueryDim(), key = schedule.getKeyDim();
  SmallVector<unsigned> axes = {row, key};
  RankedTensorType type = getTileType(axes, builder.getF32Type());

  SmallVector<Operand> contractions;
  for (unsigned k = 0; k < op.getNumContractions(); ++k) {
    SmallVector<unsigned> all = axes;
    llvm::append_range(all, op.getDimsOfContraction(k));
    Region &region = op.getContraction(k);
    Part part = buildPart(region, all, {});
    addExtents(part, all, op.getDimsOfContraction(k));
    auto contract =
        TileContractOp::create(builder, loc, type, part.inputs,
                               builder.getAffineMapArrayAttr(part.maps));
    OpBuilder::InsertionGuard guard(builder);
    YieldOp::create(builder, loc,
                    buildBody(contract.getBody(), region, part, all));
    contractions.push_back({contract, axes});
  }

  Value score = op.getScore().empty()
                    ? contractions.front().value
                    : buildRegionMap(op.getScore(), axes, contractions,
                                     builder.getF32Type());
  if (op.getMask().empty())
    return score;
  Part part = buildPart(op.getMask(), axes, {});
  auto mask =
      TileMaskOp::create(builder, loc, type, score, Value(), part.inputs,
                         builder.getAffineMapArrayAttr(part.maps));
  OpBuilder::InsertionGuard guard(builder);
  YieldOp::create(builder, loc,
                  buildBody(mask.getBody(), op.getMask(), part, axes));
  return mask;
}

Value TileOperands::buildWeigh(unsigned number, Value weights, Value scores,
                               Value init, Value begin, Value end) {
  buildLookups();
  SmallVector<unsigned> axes = {static_cast<unsigned>(schedule.getQueryDim()),
                                static_cast<unsigned>(schedule.getKeyDim())};
  SmallVector<Operand> leading;
  if (op.usesScore(number))
    leading.push_back({scores, axes});
  llvm::append_range(axes, op.getDimsOfValue(number));
  Region &value = op.getValue(number);
  Part part = buildPart(value, axes, leading);
  // Without a value dimension the sum still has a column.
  unsigned rank = cast<RankedTensorType>(init.getType()).getRank() + 1;
  for (AffineMap &map : part.maps)
    map = AffineMap::get(rank, 0, map.getResults(), builder.getContext());
  auto weigh = TileWeighOp::create(builder, loc, init.getType(), weights, init,
                                   begin, end, part.inputs,
                                   builder.getAffineMapArrayAttr(part.maps));
  OpBuilder::InsertionGuard guard(builder);
  YieldOp::create(builder, loc, buildBody(weigh.getBody(), value, part, axes));
  return weigh;
}
