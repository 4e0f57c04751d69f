//===- TileLinear.cpp - linear layers to the tile form --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer is a product sum over packed weights (see PackParams), and the
// elementwise computation that alone reads its result. One task is a block of
// rows by one panel of output features:
//
//   attn.tile.contract   [features x rows], summed over the columns
//   attn.tile.map        the elementwise computation, if there is one
//   attn.tile.store
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/LinearLayers.h"
#include "passes/tile/TileBuilder.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

namespace fovea::attn {
#define GEN_PASS_DEF_TILELINEARPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Rows of a block are a multiple of this where there are several blocks: few
/// register tiles are left over.
static constexpr int64_t rowStep = 4;

namespace {
/// Builds the tile program of one layer.
class LayerTiler {
public:
  LayerTiler(RewriterBase &rewriter, LinearLayer layer, int64_t rowBlock)
      : rewriter(rewriter), layer(layer), op(layer.op), loc(op.getLoc()),
        rowBlock(rowBlock), sizes(op.getStaticLoopRanges()) {}
  void run();

private:
  enum : unsigned { none = ~0u };
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  Value buildSize(unsigned loop);
  /// How many blocks `size` rows are cut into, and the rows of each but the
  /// last: as few as have no more than `rowBlock`, and as equal as can be.
  std::pair<Value, Value> cutRows(Value size);
  /// The row loop that is tiled, or `none`.
  unsigned tiledRow() const {
    return layer.rows.empty() ? none : layer.rows.back();
  }
  int64_t numFeatures() const {
    int64_t count = 1;
    for (unsigned loop : layer.features)
      count *= sizes[loop];
    return count;
  }
  /// Whether the features of a panel are neighbours of the last feature loop.
  bool panelsDivideLast() const {
    return layer.features.size() == 1 ||
           sizes[layer.features.back()] % layer.width == 0;
  }
  bool usesFeatures(AffineMap map) const {
    return llvm::any_of(layer.features, [&](unsigned loop) {
      return map.isFunctionOfDim(loop);
    });
  }
  /// A map over the loops, over tile coordinates (lane, row, columns...)
  /// instead; `position` of each or none.
  AffineMap toTile(AffineMap map, bool lane, bool row, bool column);
  /// `map` is what toTile() gave.
  TileAccess getAccess(AffineMap map);
  Value load(Value source, AffineMap map, SmallVectorImpl<AffineMap> &maps,
             unsigned numAxes);
  Value buildEpilogue(Value sum, RankedTensorType type);

  RewriterBase &rewriter;
  LinearLayer layer;
  linalg::GenericOp op;
  Location loc;
  int64_t rowBlock;
  SmallVector<int64_t> sizes;
  /// The start of each loop in the current task; null for columns.
  SmallVector<Value> starts;
  Value panel, firstFeature, rowCount;
};
} // namespace

Value LayerTiler::buildSize(unsigned loop) {
  for (auto [operand, map] :
       llvm::zip(op->getOperands(), op.getIndexingMapsArray()))
    if (std::optional<unsigned> position =
            map.getResultPosition(getAffineDimExpr(loop, op.getContext())))
      return rewriter.createOrFold<memref::DimOp>(loc, operand, *position);
  llvm_unreachable("a loop that no operand ranges over");
}

std::pair<Value, Value> LayerTiler::cutRows(Value size) {
  auto divide = [&](Value a, Value b) {
    return rewriter.createOrFold<arith::CeilDivSIOp>(loc, a, b);
  };
  Value count = divide(size, index(rowBlock));
  // There may be no rows.
  Value atLeastOne =
      rewriter.createOrFold<arith::MaxSIOp>(loc, count, index(1));
  Value step = index(rowStep);
  Value block = divide(divide(size, atLeastOne), step);
  block = rewriter.createOrFold<arith::MulIOp>(loc, block, step);
  return {count, block};
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
    if (loop == tiledRow())
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
      loops[loop] = number.floorDiv(stride) % sizes[loop];
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
  bool row = tiledRow() != none && map.isFunctionOfDim(tiledRow());
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
  if (map.getNumResults() == 3 && source == op.getInputs()[layer.weight]) {
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
    inBounds.push_back(!feature || whole ||
                       source == op.getInputs()[layer.weight]);
  }
  TileAccess place = getAccess(tileMap);
  return TileLoadOp::create(
      rewriter, loc, RankedTensorType::get(shape, type.getElementType()),
      source, place.symbols, ValueRange(), extents,
      AffineMapAttr::get(place.map), rewriter.getDenseBoolArrayAttr(inBounds),
      rewriter.getAffineMapArrayAttr({}));
}

Value LayerTiler::buildEpilogue(Value sum, RankedTensorType type) {
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
  auto map = TileMapOp::create(rewriter, loc, type.clone(element), inputs,
                               rowCount, rewriter.getAffineMapArrayAttr(maps));
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

void LayerTiler::run() {
  rewriter.setInsertionPoint(layer.epilogue ? layer.epilogue : op);
  SmallVector<OpFoldResult> counts;
  Value block;
  for (unsigned loop : layer.rows) {
    Value count = buildSize(loop);
    if (loop == tiledRow())
      std::tie(count, block) = cutRows(count);
    counts.push_back(count);
  }
  counts.push_back(
      rewriter.getIndexAttr(llvm::divideCeil(numFeatures(), layer.width)));
  auto forall =
      scf::ForallOp::create(rewriter, loc, counts, ValueRange(), std::nullopt);
  rewriter.setInsertionPointToStart(forall.getBody());

  starts.assign(sizes.size(), Value());
  rowCount = index(1);
  for (auto [loop, iv] : llvm::zip(layer.rows, forall.getInductionVars())) {
    starts[loop] = iv;
    if (loop != tiledRow())
      continue;
    starts[loop] = arith::MulIOp::create(rewriter, loc, iv, block);
    Value left =
        arith::SubIOp::create(rewriter, loc, buildSize(loop), starts[loop]);
    rowCount = arith::MinSIOp::create(rewriter, loc, left, block);
    // Scratch memory is as large as the largest block.
    rowCount = arith::MinSIOp::create(rewriter, loc, rowCount,
                                      index(llvm::alignTo(rowBlock, rowStep)));
  }
  panel = forall.getInductionVars().back();
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

  auto type = RankedTensorType::get({layer.width, ShapedType::kDynamic},
                                    rewriter.getF32Type());
  SmallVector<AffineMap> maps;
  SmallVector<Value> inputs;
  unsigned numAxes = 2 + layer.columns.size();
  for (OpOperand *input : op.getDpsInputOperands())
    inputs.push_back(
        load(input->get(), op.getMatchingIndexingMap(input), maps, numAxes));
  auto contract = TileContractOp::create(rewriter, loc, type, inputs,
                                         rewriter.getAffineMapArrayAttr(maps));
  {
    OpBuilder::InsertionGuard guard(rewriter);
    Block *body = createTileBody(rewriter, loc, contract.getBody(), inputs);
    Value product = arith::MulFOp::create(rewriter, loc, body->getArgument(0),
                                          body->getArgument(1));
    YieldOp::create(rewriter, loc, product);
  }

  Value result = contract;
  Value out = op.getOutputs()[0];
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (layer.epilogue) {
    result = buildEpilogue(contract, type);
    linalg::GenericOp epilogue = layer.epilogue;
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

namespace {
struct TileLinearPass : fovea::attn::impl::TileLinearPassBase<TileLinearPass> {
  using TileLinearPassBase::TileLinearPassBase;
  void runOnOperation() override {
    SmallVector<LinearLayer> layers;
    getOperation()->walk([&](linalg::GenericOp op) {
      if (std::optional<LinearLayer> layer = matchLinearLayer(op))
        layers.push_back(*layer);
    });
    IRRewriter rewriter(&getContext());
    for (LinearLayer &layer : layers) {
      linalg::FillOp fill = findFill(layer.op);
      if (!fill)
        continue; // the sum goes on from something else: plain loops do that
      layer.epilogue = findEpilogue(layer.op, fill);
      LayerTiler(rewriter, layer, rowBlock).run();
      Value buffer = layer.op.getOutputs()[0];
      if (layer.epilogue)
        rewriter.eraseOp(layer.epilogue);
      rewriter.eraseOp(layer.op);
      rewriter.eraseOp(fill);
      if (auto alloc = buffer.getDefiningOp<memref::AllocOp>();
          alloc && alloc->use_empty())
        rewriter.eraseOp(alloc);
    }
  }
};
} // namespace
