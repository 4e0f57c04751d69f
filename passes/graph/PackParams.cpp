//===- PackParams.cpp - weights of linear layers in panels ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "passes/graph/Contractions.h"

#include "runtime/fovea_abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"

namespace fovea::attn {
#define GEN_PASS_DEF_PACKPARAMSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {
/// A linear layer: a contraction one of whose factors is a weight.
struct Layer {
  linalg::GenericOp op;
  unsigned weight; // 0 or 1: which input is the weight
  ParamRefOp ref;
  /// The dimensions of the parameter behind each dimension of the weight.
  SmallVector<unsigned> paramDims;
};
} // namespace

/// The parameter that a weight is, through a grouping of its dimensions.
static std::optional<Layer> matchLayer(linalg::GenericOp op) {
  if (!isProductSum(op))
    return std::nullopt;
  for (unsigned weight : {0u, 1u}) {
    Value value = op.getInputs()[weight];
    Layer layer{op, weight, {}, {}};
    auto expand = value.getDefiningOp<tensor::ExpandShapeOp>();
    Value source = expand ? expand.getSrc() : value;
    layer.ref = source.getDefiningOp<ParamRefOp>();
    auto type = cast<RankedTensorType>(value.getType());
    if (!layer.ref || !type.hasStaticShape())
      continue;
    layer.paramDims.resize(type.getRank());
    for (unsigned dim = 0; dim < type.getRank(); ++dim)
      layer.paramDims[dim] = dim;
    if (expand)
      for (auto [dim, group] :
           llvm::enumerate(expand.getReassociationIndices()))
        for (int64_t position : group)
          layer.paramDims[position] = dim;
    return layer;
  }
  return std::nullopt;
}

/// Whether the other factor of a layer has the layer's columns, which are
/// `loops` of these sizes, side by side in pairs.
static bool hasPairs(const Layer &layer, ArrayRef<unsigned> loops,
                     int64_t lastSize) {
  linalg::GenericOp op = layer.op;
  AffineMap other = op.getIndexingMapsArray()[1 - layer.weight];
  if (!llvm::all_of(op.getInputs(), [](Value input) {
        return getElementTypeOrSelf(input.getType()).isBF16();
      }))
    return false;
  if (loops.size() > 1 && lastSize % 2 != 0)
    return false; // a pair of elements that are no neighbours
  auto last = other.getResults().take_back(loops.size());
  return llvm::equal(last, loops, [](AffineExpr expr, unsigned loop) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    return dim && dim.getPosition() == loop;
  });
}

/// Converts the other factor of a layer to f32, once for all panels.
static void widenInput(RewriterBase &rewriter, const Layer &layer) {
  linalg::GenericOp op = layer.op;
  OpOperand &operand = op->getOpOperand(1 - layer.weight);
  auto type = cast<RankedTensorType>(operand.get().getType());
  Type wide = rewriter.getF32Type();
  if (type.getElementType() == wide)
    return;
  Location loc = op.getLoc();
  rewriter.setInsertionPoint(op);
  Value place = tensor::EmptyOp::create(
      rewriter, loc, tensor::getMixedSizes(rewriter, loc, operand.get()), wide);
  SmallVector<AffineMap> maps(2,
                              rewriter.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  auto widened = linalg::GenericOp::create(
      rewriter, loc, place.getType(), operand.get(), place, maps, loops,
      [&](OpBuilder &b, Location, ValueRange args) {
        linalg::YieldOp::create(
            b, loc, arith::ExtFOp::create(b, loc, wide, args[0]).getResult());
      });
  BlockArgument element = op.getMatchingBlockArgument(&operand);
  rewriter.modifyOpInPlace(op, [&] {
    operand.set(widened.getResult(0));
    element.setType(wide);
  });
  for (Operation *user : llvm::make_early_inc_range(element.getUsers()))
    rewriter.replaceOp(user, element); // its conversion
}

/// Rewrites a layer over packed weights; false where its form has no panels.
static bool packLayer(RewriterBase &rewriter, SymbolTable &symbols,
                      Layer &layer, int64_t width, bool pairs) {
  linalg::GenericOp op = layer.op;
  MLIRContext *context = op.getContext();
  AffineMap map = op.getIndexingMapsArray()[layer.weight];
  AffineMap other = op.getIndexingMapsArray()[1 - layer.weight];
  auto type = cast<RankedTensorType>(op.getInputs()[layer.weight].getType());
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();

  // Rows are what the layer puts out, columns what it sums over; a parameter
  // dimension is one or the other as a whole.
  auto param = symbols.lookup<ParamOp>(layer.ref.getParam());
  if (!param || param.getPanel())
    return false;
  auto paramType = cast<RankedTensorType>(param.getType());
  SmallVector<int64_t> rows, columns;
  SmallVector<unsigned> columnLoops;
  int64_t lastColumns = 1;
  AffineExpr row = getAffineConstantExpr(0, context);
  AffineExpr column = row;
  int64_t numRows = 1, numColumns = 1;
  DenseMap<unsigned, bool> isColumn;
  for (unsigned position = 0; position < map.getNumResults(); ++position) {
    unsigned dim = map.getDimPosition(position);
    bool summed = iterators[dim] == utils::IteratorType::reduction;
    if (summed != other.isFunctionOfDim(dim))
      return false; // a batch of weights, or a sum of the weight alone
    unsigned paramDim = layer.paramDims[position];
    auto [it, first] = isColumn.try_emplace(paramDim, summed);
    if (it->second != summed)
      return false;
    if (first)
      (summed ? columns : rows).push_back(paramDim);
    int64_t size = type.getDimSize(position);
    AffineExpr expr = getAffineDimExpr(dim, context);
    if (summed) {
      column = column * size + expr;
      numColumns *= size;
      columnLoops.push_back(dim);
      lastColumns = size;
    } else {
      row = row * size + expr;
      numRows *= size;
    }
  }
  if (rows.empty() || columns.empty())
    return false;

  pairs &= hasPairs(layer, columnLoops, lastColumns);
  SmallVector<int64_t> shape = {
      static_cast<int64_t>(llvm::divideCeil(numRows, width)), numColumns,
      width};
  SmallVector<AffineExpr> place = {row.floorDiv(width), column, row % width};
  if (pairs) {
    shape[1] =
        llvm::alignTo(llvm::divideCeil(numColumns, 2), FOVEA_PANEL_PAIRS);
    shape.push_back(2);
    place[1] = column.floorDiv(2);
    place.push_back(column % 2);
  }
  auto packed = RankedTensorType::get(shape, paramType.getElementType());
  auto panel = PanelAttr::get(context, rows, columns, width);
  std::string name =
      (param.getSymName() + (pairs ? ".pairs" : ".panels")).str();
  auto packedParam = symbols.lookup<ParamOp>(name);
  if (packedParam && packedParam.getPanel() != panel)
    return false; // used in another orientation too: that one stays plain
  if (!packedParam) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointAfter(param);
    packedParam =
        ParamOp::create(rewriter, param.getLoc(), rewriter.getStringAttr(name),
                        param.getFamilyAttr(), param.getSourceAttr(),
                        TypeAttr::get(packed), TypeAttr::get(paramType), panel);
    symbols.insert(packedParam);
  }

  if (!pairs)
    widenInput(rewriter, layer);
  rewriter.setInsertionPoint(op);
  Value weights = ParamRefOp::create(rewriter, layer.ref.getLoc(), packed,
                                     FlatSymbolRefAttr::get(context, name),
                                     layer.ref.getMember());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps[layer.weight] = AffineMap::get(map.getNumDims(), 0, place, context);
  rewriter.modifyOpInPlace(op, [&] {
    op.getInputsMutable()[layer.weight].set(weights);
    op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  });
  return true;
}

namespace {
struct PackParamsPass : fovea::attn::impl::PackParamsPassBase<PackParamsPass> {
  using PackParamsPassBase::PackParamsPassBase;
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    IRRewriter rewriter(&getContext());
    SmallVector<Layer> layers;
    getOperation().walk([&](linalg::GenericOp op) {
      if (std::optional<Layer> layer = matchLayer(op))
        layers.push_back(*layer);
    });
    for (Layer &layer : layers)
      packLayer(rewriter, symbols, layer, panelWidth, pairs);
    // A parameter that only layers used is not kept a second time.
    SmallVector<Operation *> refs;
    getOperation().walk([&](ParamRefOp ref) { refs.push_back(ref); });
    for (Operation *ref : refs) {
      for (Operation *user : llvm::make_early_inc_range(ref->getUsers()))
        if (isa<tensor::ExpandShapeOp>(user) && user->use_empty())
          rewriter.eraseOp(user);
      if (ref->use_empty())
        rewriter.eraseOp(ref);
    }
    for (ParamOp param :
         llvm::make_early_inc_range(getOperation().getOps<ParamOp>()))
      if (SymbolTable::symbolKnownUseEmpty(param, getOperation()) &&
          (symbols.lookup((param.getSymName() + ".panels").str()) ||
           symbols.lookup((param.getSymName() + ".pairs").str())))
        rewriter.eraseOp(param);
  }
};
} // namespace
