//===- LayerPairs.cpp - operands of a linear layer in pairs ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Columns of bf16 are multiplied in pairs: the input is read with all columns
// in one dimension, whose neighbours are a pair, and the weights as they are
// packed, with the pairs of a panel's features side by side.
//
//===----------------------------------------------------------------------===//

#include "passes/tile/LayerTiler.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace fovea::attn;

/// `source` with its last `count` dimensions as one; a copy, where they do not
/// lie side by side.
static Value collapseLast(OpBuilder &builder, Location loc, Value source,
                          unsigned count) {
  auto type = cast<MemRefType>(source.getType());
  SmallVector<ReassociationIndices> groups;
  for (unsigned dim = 0; dim < type.getRank(); ++dim) {
    if (dim + count <= type.getRank())
      groups.emplace_back();
    groups.back().push_back(dim);
  }
  if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups)) {
    SmallVector<Value> extents;
    for (unsigned dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        extents.push_back(
            builder.createOrFold<memref::DimOp>(loc, source, dim));
    Value copy = memref::AllocOp::create(
        builder, loc, MemRefType::get(type.getShape(), type.getElementType()),
        extents);
    memref::CopyOp::create(builder, loc, source, copy);
    source = copy;
  }
  return memref::CollapseShapeOp::create(builder, loc, source, groups);
}

void LayerTiler::prepare() {
  if (!layer.pairs)
    return;
  flatInput = layer.getInput();
  if (layer.columns.size() > 1)
    flatInput = collapseLast(rewriter, loc, flatInput, layer.columns.size());
  flatWeights = collapseLast(rewriter, loc, layer.getWeights(), 2);
}

/// A tile [rows x pairs], filled up with zeros to the pairs that weights have.
Value LayerTiler::loadInputPairs(SmallVectorImpl<AffineMap> &maps) {
  MLIRContext *context = op.getContext();
  AffineMap map = op.getIndexingMapsArray()[1 - layer.weight];
  std::optional<unsigned> blocked = layer.getBlockedRow();
  bool row = blocked && map.isFunctionOfDim(*blocked);
  AffineMap whole = toTile(map, false, row, false);
  SmallVector<AffineExpr> results(
      whole.getResults().drop_back(layer.columns.size()));
  unsigned last = row ? 1 : 0;
  results.push_back(getAffineDimExpr(last, context) * 2);
  int64_t pairs = cast<MemRefType>(flatWeights.getType()).getDimSize(1);
  SmallVector<int64_t> shape = {pairs};
  SmallVector<AffineExpr> axes = {getAffineDimExpr(2, context)};
  SmallVector<Value> extents;
  if (row) {
    shape.insert(shape.begin(), ShapedType::kDynamic);
    axes.insert(axes.begin(), getAffineDimExpr(1, context));
    extents.push_back(rowCount);
  }
  maps.push_back(AffineMap::get(3, 0, axes, context));
  SmallVector<bool> inBounds(results.size(), true);
  inBounds.back() =
      cast<MemRefType>(flatInput.getType()).getShape().back() == 2 * pairs;
  TileAccess place = getAccess(
      AffineMap::get(last + 1, whole.getNumSymbols(), results, context));
  return TileLoadOp::create(
      rewriter, loc, RankedTensorType::get(shape, rewriter.getI32Type()),
      flatInput, place.symbols, ValueRange(), extents,
      AffineMapAttr::get(place.map), rewriter.getDenseBoolArrayAttr(inBounds),
      rewriter.getAffineMapArrayAttr({}));
}

/// A tile [features x pairs].
Value LayerTiler::loadWeightPairs(SmallVectorImpl<AffineMap> &maps) {
  MLIRContext *context = op.getContext();
  AffineExpr feature = getAffineDimExpr(0, context),
             pair = getAffineDimExpr(1, context);
  maps.push_back(
      AffineMap::get(3, 0, {feature, getAffineDimExpr(2, context)}, context));
  TileAccess place = getAccess(AffineMap::get(
      2, sizes.size() + 2,
      {getAffineSymbolExpr(sizes.size(), context), pair, feature * 2},
      context));
  auto type = cast<MemRefType>(flatWeights.getType());
  return TileLoadOp::create(
      rewriter, loc,
      RankedTensorType::get({layer.width, type.getDimSize(1)},
                            rewriter.getI32Type()),
      flatWeights, place.symbols, ValueRange(), ValueRange(),
      AffineMapAttr::get(place.map),
      rewriter.getDenseBoolArrayAttr({true, true, true}),
      rewriter.getAffineMapArrayAttr({}));
}
