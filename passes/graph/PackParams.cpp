//===- PackParams.cpp - weights of linear layers in panels ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"

#include "passes/graph/Contractions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"

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

/// Rewrites a layer over packed weights; null where its form has no panels.
static bool packLayer(RewriterBase &rewriter, SymbolTable &symbols,
                      Layer &layer, int64_t width) {
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
    } else {
      row = row * size + expr;
      numRows *= size;
    }
  }
  if (rows.empty() || columns.empty())
    return false;

  auto packed = RankedTensorType::get(
      {static_cast<int64_t>(llvm::divideCeil(numRows, width)), numColumns,
       width},
      paramType.getElementType());
  auto panel = PanelAttr::get(context, rows, columns, width);
  std::string name = (param.getSymName() + ".panels").str();
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

  rewriter.setInsertionPoint(op);
  Value weights = ParamRefOp::create(rewriter, layer.ref.getLoc(), packed,
                                     FlatSymbolRefAttr::get(context, name),
                                     layer.ref.getMember());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps[layer.weight] = AffineMap::get(
      map.getNumDims(), 0, {row.floorDiv(width), column, row % width}, context);
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
      packLayer(rewriter, symbols, layer, panelWidth);
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
          symbols.lookup((param.getSymName() + ".panels").str()))
        rewriter.eraseOp(param);
  }
};
} // namespace
