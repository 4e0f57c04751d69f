//===- LayerTiler.cpp - panels of a linear layer as tiles -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/LayerTiler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

int64_t LayerTiler::numFeatures() const {
  int64_t count = 1;
  for (unsigned loop : layer.features)
    count *= sizes[loop];
  return count;
}

int64_t LayerTiler::countPanels() const {
  return llvm::divideCeil(numFeatures(), layer.width);
}

Value LayerTiler::buildSize(unsigned loop) {
  for (auto [operand, map] :
       llvm::zip(op->getOperands(), op.getIndexingMapsArray()))
    if (std::optional<unsigned> position =
            map.getResultPosition(getAffineDimExpr(loop, op.getContext())))
      return rewriter.createOrFold<memref::DimOp>(loc, operand, *position);
  llvm_unreachable("a loop that no operand ranges over");
}

/// Symbols are the starts of the loops, then the panel and its first feature.
AffineMap LayerTiler::toTile(AffineMap map, bool lane, bool row, bool column) {
  MLIRContext *context = op.getContext();
  unsigned numLoops = sizes.size(), next = 0;
  AffineExpr laneExpr = lane ? getAffineDimExpr(next++, context)
                             : getAffineConstantExpr(0, context);
  AffineExpr rowExpr = row ? getAffineDimExpr(next++, context)
                           : getAffineConstantExpr(0, context);
  SmallVector<AffineExpr> loops(numLoops);
  for (unsigned loop : layer.rows) {
    loops[loop] = getAffineSymbolExpr(loop, context);
    if (loop == layer.getBlockedRow())
      loops[loop] = loops[loop] + rowExpr;
  }
  for (unsigned loop : layer.columns)
    loops[loop] = column ? getAffineDimExpr(next++, context)
                         : getAffineConstantExpr(0, context);
  // Features by their number; where a panel stays within the last loop, all
  // others are the same throughout and lanes are neighbours.
  AffineExpr number = getAffineSymbolExpr(numLoops + 1, context) + laneExpr;
  int64_t stride = numFeatures();
  for (unsigned loop : layer.features) {
    stride /= sizes[loop];
    if (panelsDivideLast()) {
      loops[loop] = getAffineSymbolExpr(loop, context);
      if (loop == layer.features.back())
        loops[loop] = loops[loop] + laneExpr;
    } else {
      // What is beyond the last feature stays out of range.
      loops[loop] = number.floorDiv(stride);
      if (loop != layer.features.front())
        loops[loop] = loops[loop] % sizes[loop];
    }
  }
  return AffineMap::get(next, numLoops + 2, map.getResults(), context)
      .replaceDimsAndSymbols(loops, {}, next, numLoops + 2);
}

TileAccess LayerTiler::getAccess(AffineMap map) {
  SmallVector<Value> symbols = starts; // null for columns, which start at 0
  symbols.append({panel, firstFeature});
  return TileAccess(op.getContext(), map.getNumDims(), map.getResults(),
                    symbols);
}

/// Loads an operand that is read at `map` of the loops; its projection of the
/// axes (lane, row, columns...) is added to `maps`.
Value LayerTiler::load(Value source, AffineMap map,
                       SmallVectorImpl<AffineMap> &maps, unsigned numAxes) {
  MLIRContext *context = op.getContext();
  bool lane = usesFeatures(map);
  std::optional<unsigned> blocked = layer.getBlockedRow();
  bool row = blocked && map.isFunctionOfDim(*blocked);
  bool column = llvm::any_of(
      layer.columns, [&](unsigned loop) { return map.isFunctionOfDim(loop); });
  auto type = cast<MemRefType>(source.getType());
  SmallVector<AffineExpr> axes;
  SmallVector<int64_t> shape;
  SmallVector<Value> extents;
  if (lane) {
    shape.push_back(layer.width);
    axes.push_back(getAffineDimExpr(0, context));
  }
  if (row) {
    shape.push_back(ShapedType::kDynamic);
    extents.push_back(rowCount);
    axes.push_back(getAffineDimExpr(1, context));
  }
  if (column)
    for (auto [k, loop] : llvm::enumerate(layer.columns)) {
      shape.push_back(sizes[loop]);
      axes.push_back(getAffineDimExpr(2 + k, context));
    }
  maps.push_back(AffineMap::get(numAxes, 0, axes, context));

  AffineMap tileMap = toTile(map, lane, row, column);
  if (map.getNumResults() == 3 && source == layer.getWeights()) {
    // Panels are read as they lie.
    AffineExpr results[] = {getAffineSymbolExpr(sizes.size(), context),
                            tileMap.getResult(1), getAffineDimExpr(0, context)};
    tileMap = AffineMap::get(tileMap.getNumDims(), tileMap.getNumSymbols(),
                             results, context);
  }
  // The last panel may go past the last feature.
  bool whole = numFeatures() % layer.width == 0;
  SmallVector<bool> inBounds;
  for (AffineExpr expr : map.getResults()) {
    bool feature = llvm::any_of(layer.features, [&](unsigned loop) {
      return expr.isFunctionOfDim(loop);
    });
    inBounds.push_back(!feature || whole || source == layer.getWeights());
  }
  TileAccess place = getAccess(tileMap);
  return TileLoadOp::create(
      rewriter, loc, RankedTensorType::get(shape, type.getElementType()),
      source, place.symbols, ValueRange(), extents,
      AffineMapAttr::get(place.map), rewriter.getDenseBoolArrayAttr(inBounds),
      rewriter.getAffineMapArrayAttr({}));
}

Value LayerTiler::buildEpilogue(Value sum) {
  linalg::GenericOp epilogue = layer.epilogue;
  OpOperand *read = findRead(epilogue, op.getOutputs()[0]);
  SmallVector<AffineExpr> loops = getLayerLoops(op, epilogue, read);
  SmallVector<Value> inputs, scalars;
  SmallVector<AffineMap> maps;
  for (OpOperand *input : epilogue.getDpsInputOperands()) {
    AffineMap map =
        epilogue.getMatchingIndexingMap(input).replaceDimsAndSymbols(
            loops, {}, op.getNumLoops(), 0);
    if (input->get() == read->get()) {
      inputs.push_back(sum);
      maps.push_back(AffineMap::getMultiDimIdentityMap(2, op.getContext()));
    } else if (isa<MemRefType>(input->get().getType())) {
      inputs.push_back(load(input->get(), map, maps, 2));
    }
  }
  Type element = getElementTypeOrSelf(epilogue.getOutputs()[0].getType());
  auto map = TileMapOp::create(rewriter, loc, sumType.clone(element), inputs,
                               sumType.hasStaticShape() ? ValueRange()
                                                        : ValueRange(rowCount),
                               rewriter.getAffineMapArrayAttr(maps));
  OpBuilder::InsertionGuard guard(rewriter);
  Block *body = createTileBody(rewriter, loc, map.getBody(), inputs);
  IRMapping mapping;
  unsigned next = 0;
  for (OpOperand *input : epilogue.getDpsInputOperands()) {
    Value argument = epilogue.getMatchingBlockArgument(input);
    bool isTile = isa<MemRefType>(input->get().getType());
    mapping.map(argument,
                isTile ? Value(body->getArgument(next++)) : input->get());
  }
  for (Operation &inner : epilogue.getBody()->without_terminator())
    rewriter.clone(inner, mapping);
  YieldOp::create(rewriter, loc,
                  mapping.lookupOrDefault(
                      epilogue.getBody()->getTerminator()->getOperand(0)));
  return map;
}

//===----------------------------------------------------------------------===//
// A task
//===----------------------------------------------------------------------===//

Value LayerTiler::loadInput(SmallVectorImpl<AffineMap> &maps) {
  if (layer.pairs)
    return loadInputPairs(maps);
  return load(layer.getInput(), op.getIndexingMapsArray()[1 - layer.weight],
              maps, 2 + layer.columns.size());
}

Value LayerTiler::loadWeights(SmallVectorImpl<AffineMap> &maps) {
  if (layer.pairs)
    return loadWeightPairs(maps);
  return load(layer.getWeights(), op.getIndexingMapsArray()[layer.weight], maps,
              2 + layer.columns.size());
}

Value LayerTiler::buildSum() {
  SmallVector<AffineMap> maps = {inputMap};
  SmallVector<Value> inputs = {input, loadWeights(maps)};
  ArrayAttr projections = rewriter.getAffineMapArrayAttr(maps);
  if (layer.pairs)
    return buildPairContract(rewriter, loc, sumType, inputs, projections);
  auto contract =
      TileContractOp::create(rewriter, loc, sumType, inputs, projections);
  OpBuilder::InsertionGuard guard(rewriter);
  Block *body = createTileBody(rewriter, loc, contract.getBody(), inputs);
  Type f32 = rewriter.getF32Type();
  Value product = arith::MulFOp::create(
      rewriter, loc, buildFloatCast(rewriter, loc, body->getArgument(0), f32),
      buildFloatCast(rewriter, loc, body->getArgument(1), f32));
  YieldOp::create(rewriter, loc, product);
  return contract;
}

void LayerTiler::beginPanel(Value number) {
  panel = number;
  firstFeature =
      arith::MulIOp::create(rewriter, loc, panel, index(layer.width));
  Value rest = firstFeature;
  for (unsigned loop : llvm::reverse(layer.features)) {
    Value size = index(sizes[loop]);
    starts[loop] =
        loop == layer.features.front()
            ? rest
            : arith::RemSIOp::create(rewriter, loc, rest, size).getResult();
    rest = arith::DivSIOp::create(rewriter, loc, rest, size);
  }
}

void LayerTiler::buildPanel(Value number) {
  beginPanel(number);
  Value result = buildSum();
  Value out = op.getOutputs()[0];
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (linalg::GenericOp epilogue = layer.epilogue) {
    result = buildEpilogue(result);
    SmallVector<AffineExpr> loops =
        getLayerLoops(op, epilogue, findRead(epilogue, out));
    out = epilogue.getOutputs()[0];
    outMap = epilogue.getMatchingIndexingMap(epilogue.getDpsInitOperand(0))
                 .replaceDimsAndSymbols(loops, {}, op.getNumLoops(), 0);
  }
  TileAccess place = getAccess(toTile(outMap, true, true, false));
  TileStoreOp::create(rewriter, loc, result, out, place.symbols,
                      AffineMapAttr::get(place.map));
}

void LayerTiler::build(ValueRange rowStarts, Value numRows, Value first,
                       Value count) {
  starts.assign(sizes.size(), Value());
  for (auto [loop, start] : llvm::zip_equal(layer.rows, rowStarts))
    starts[loop] = start;
  rowCount = numRows;
  // A vector is one row, that nothing counts.
  int64_t rows = layer.getBlockedRow() ? ShapedType::kDynamic : 1;
  sumType = RankedTensorType::get({layer.width, rows}, rewriter.getF32Type());
  SmallVector<AffineMap> maps;
  input = loadInput(maps);
  inputMap = maps.front();
  auto loop = scf::ParallelOp::create(rewriter, loc, index(0), count, index(1));
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(loop.getBody());
  buildPanel(
      arith::AddIOp::create(rewriter, loc, first, loop.getInductionVars()[0]));
}
