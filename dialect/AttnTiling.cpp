//===- AttnTiling.cpp - tiles of attentions -------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile of an attention is the same op with smaller bounds and larger offsets,
// over the same operands: index values are what they were, and so is each
// access. The destinations alone are slices, whose coordinates start at 0.
//
//===----------------------------------------------------------------------===//

#include "dialect/AttnTiling.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace fovea::attn;

static OpFoldResult buildSum(OpBuilder &builder, Location loc, OpFoldResult a,
                             OpFoldResult b) {
  AffineExpr x, y;
  bindSymbols(builder.getContext(), x, y);
  return affine::makeComposedFoldedAffineApply(builder, loc, x + y, {a, b});
}

/// The place of a tile in result `k`: where a coordinate is a tiled dimension
/// it is that of the tile, else all there is. Fails where a coordinate is a
/// formula of tiled dimensions.
static LogicalResult findResultTile(AttentionOp op, OpBuilder &builder,
                                    unsigned k, ArrayRef<OpFoldResult> offsets,
                                    ArrayRef<OpFoldResult> sizes,
                                    SmallVectorImpl<OpFoldResult> &outOffsets,
                                    SmallVectorImpl<OpFoldResult> &outSizes) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  SmallVector<unsigned> loops = op.getDomain().getDims(DimKind::parallel);
  SmallVector<OpFoldResult> starts = self.getMixedOffsets();
  AffineMap access = self.getOutAccess(k);
  for (auto [coordinate, expr] : llvm::enumerate(access.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim)
      if (auto it = llvm::find(loops, dim.getPosition()); it != loops.end()) {
        unsigned loop = it - loops.begin();
        outOffsets.push_back(buildSum(
            builder, op.getLoc(), starts[dim.getPosition()], offsets[loop]));
        outSizes.push_back(sizes[loop]);
        continue;
      }
    if (llvm::any_of(loops,
                     [&](unsigned loop) { return expr.isFunctionOfDim(loop); }))
      return failure();
    outOffsets.push_back(builder.getIndexAttr(0));
    outSizes.push_back(tensor::getMixedSize(builder, op.getLoc(),
                                            op.getOuts()[k], coordinate));
  }
  return success();
}

namespace {
struct TilingModel : TilingInterface::ExternalModel<TilingModel, AttentionOp> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    auto attention = cast<AttentionOp>(op);
    return SmallVector<utils::IteratorType>(
        attention.getDomain().getDims(DimKind::parallel).size(),
        utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *op,
                                        OpBuilder &builder) const {
    auto self = cast<AttentionOpInterface>(op);
    SmallVector<OpFoldResult> bounds = self.getMixedBounds();
    SmallVector<Range> ranges;
    for (unsigned dim : self.getDomain().getDims(DimKind::parallel))
      ranges.push_back(
          {builder.getIndexAttr(0), bounds[dim], builder.getIndexAttr(1)});
    return ranges;
  }

  FailureOr<TilingResult>
  getTiledImplementation(Operation *op, OpBuilder &builder,
                         ArrayRef<OpFoldResult> offsets,
                         ArrayRef<OpFoldResult> sizes) const;

  LogicalResult
  getResultTilePosition(Operation *op, OpBuilder &builder, unsigned k,
                        ArrayRef<OpFoldResult> offsets,
                        ArrayRef<OpFoldResult> sizes,
                        SmallVector<OpFoldResult> &outOffsets,
                        SmallVector<OpFoldResult> &outSizes) const {
    return findResultTile(cast<AttentionOp>(op), builder, k, offsets, sizes,
                          outOffsets, outSizes);
  }
};
} // namespace

FailureOr<TilingResult>
TilingModel::getTiledImplementation(Operation *op, OpBuilder &builder,
                                    ArrayRef<OpFoldResult> offsets,
                                    ArrayRef<OpFoldResult> sizes) const {
  auto attention = cast<AttentionOp>(op);
  auto self = cast<AttentionOpInterface>(op);
  Location loc = op->getLoc();
  MLIRContext *context = builder.getContext();
  DomainAttr domain = attention.getDomain();
  if (llvm::any_of(attention.getOuts(), [](Value out) {
        return !isa<RankedTensorType>(out.getType());
      }))
    return failure();

  SmallVector<OpFoldResult> tileBounds = self.getMixedBounds();
  SmallVector<OpFoldResult> tileStarts = self.getMixedOffsets();
  for (auto [loop, dim] : llvm::enumerate(domain.getDims(DimKind::parallel))) {
    tileBounds[dim] = sizes[loop];
    tileStarts[dim] = buildSum(builder, loc, tileStarts[dim], offsets[loop]);
  }

  // A destination's coordinates are index values less where its slice starts:
  // a constant, or one more symbol.
  SmallVector<Value> symbols(attention.getSymbols()), outs;
  SmallVector<AffineMap> accesses(
      attention.getAccesses().getAsValueRange<AffineMapAttr>());
  unsigned numInputs = attention.getInputs().size();
  SmallVector<Operation *> slices;
  for (auto [k, out] : llvm::enumerate(attention.getOuts())) {
    SmallVector<OpFoldResult> outOffsets, outSizes;
    if (failed(findResultTile(attention, builder, k, offsets, sizes, outOffsets,
                              outSizes)))
      return failure();
    SmallVector<OpFoldResult> strides(outOffsets.size(),
                                      builder.getIndexAttr(1));
    auto slice = tensor::ExtractSliceOp::create(builder, loc, out, outOffsets,
                                                outSizes, strides);
    slices.push_back(slice);
    outs.push_back(slice);
    SmallVector<AffineExpr> exprs;
    for (auto [expr, start] :
         llvm::zip(accesses[numInputs + k].getResults(), outOffsets)) {
      if (std::optional<int64_t> known = getConstantIntValue(start)) {
        exprs.push_back(expr - *known);
        continue;
      }
      exprs.push_back(expr - getAffineSymbolExpr(symbols.size(), context));
      symbols.push_back(cast<Value>(start));
    }
    accesses[numInputs + k] =
        AffineMap::get(accesses[numInputs + k].getNumDims(), 0, exprs, context);
  }
  for (AffineMap &access : accesses)
    access = AffineMap::get(access.getNumDims(), symbols.size(),
                            access.getResults(), context);

  SmallVector<int64_t> bounds, starts;
  SmallVector<Value> boundValues, startValues;
  dispatchIndexOpFoldResults(tileBounds, boundValues, bounds);
  dispatchIndexOpFoldResults(tileStarts, startValues, starts);
  auto tileDomain =
      DomainAttr::get(context, llvm::to_vector(domain.getNames()),
                      llvm::to_vector(domain.getKinds()), bounds, starts);
  // Segments are over the ends of the whole domain, which a tile does not know.
  auto tile = AttentionOp::create(
      builder, loc, ValueRange(outs).getTypes(), tileDomain, boundValues,
      startValues, symbols, attention.getInputs(), attention.getInputSegments(),
      builder.getAffineMapArrayAttr(accesses), attention.getContractionDims(),
      attention.getValueDims(), attention.getNumLookups(),
      attention.getNormalizer(), SegmentsAttr(), attention.getScheduleAttr(),
      attention.getResultKinds(), outs, attention.getInner().size());
  IRMapping mapping;
  for (auto [from, to] : llvm::zip(attention->getRegions(), tile->getRegions()))
    from.cloneInto(&to, mapping);
  return TilingResult{{tile}, SmallVector<Value>(tile.getResults()), slices};
}

void fovea::attn::registerTilingModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    AttentionOp::attachInterface<TilingModel>(*context);
    context->loadDialect<affine::AffineDialect, tensor::TensorDialect>();
  });
}
