//===- AttentionGroups.cpp - blocks of keys and the tiles that visit them -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/AttentionTiler.h"
#include "passes/tile/KeyPieces.h"
#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// The tiles of a group
//===----------------------------------------------------------------------===//

namespace {
/// Places of the part of a group's state that belongs to one tile.
struct Part {
  SmallVector<OpFoldResult> offsets, sizes, strides;

  /// `columns`: the extent of the value dimension, where that is dynamic.
  Part(OpBuilder &builder, Value state, Value tile, Value columns) {
    auto type = cast<RankedTensorType>(state.getType());
    offsets.assign(type.getRank(), builder.getIndexAttr(0));
    strides.assign(type.getRank(), builder.getIndexAttr(1));
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? OpFoldResult(columns)
                                                  : builder.getIndexAttr(size));
    offsets.front() = tile;
    sizes.front() = builder.getIndexAttr(1);
  }
};
} // namespace

/// Starts loops over the tiles of the group, head by head, and sets the offsets
/// of each.
SmallVector<scf::ForOp, 2> AttentionTiler::beginTileLoops(ValueRange carried) {
  SmallVector<scf::ForOp, 2> loops;
  auto begin = [&](Value count) {
    ValueRange inits =
        loops.empty() ? carried : ValueRange(loops.back().getRegionIterArgs());
    loops.push_back(
        scf::ForOp::create(rewriter, loc, index(0), count, index(1), inits));
    rewriter.setInsertionPointToStart(loops.back().getBody());
    return loops.back().getInductionVar();
  };
  auto advance = [&](int64_t dim, Value step) {
    offsets[dim] =
        rewriter.createOrFold<arith::AddIOp>(loc, groupOffsets[dim], step);
  };
  Value before;
  if (hasHeads()) {
    Value head = begin(numHeads);
    advance(schedule.getHeadDim(), head);
    before = arith::MulIOp::create(rewriter, loc, head, groupTiles);
  }
  tile = begin(numTiles);
  advance(schedule.getQueryDim(),
          arith::MulIOp::create(rewriter, loc, tile,
                                index(schedule.getQueryTile())));
  if (before)
    tile = arith::AddIOp::create(rewriter, loc, before, tile);
  return loops;
}

SmallVector<Value> AttentionTiler::extractParts(ValueRange state) {
  SmallVector<Value> parts;
  for (auto [k, whole] : llvm::enumerate(state)) {
    auto type = cast<RankedTensorType>(whole.getType());
    Part part(rewriter, whole, tile, buildColumns(k));
    parts.push_back(tensor::ExtractSliceOp::create(
        rewriter, loc,
        RankedTensorType::get(type.getShape().drop_front(),
                              type.getElementType()),
        whole, part.offsets, part.sizes, part.strides));
  }
  return parts;
}

void AttentionTiler::forEachTile(ValueRange state,
                                 function_ref<void(ValueRange)> body) {
  if (!isGrouped())
    return body(state);
  OpBuilder::InsertionGuard guard(rewriter);
  SmallVector<Value> outside = offsets;
  beginTileLoops({});
  body(extractParts(state));
  offsets = outside;
}

SmallVector<Value> AttentionTiler::updateEachTile(
    ValueRange state, function_ref<SmallVector<Value>(ValueRange)> body) {
  if (!isGrouped())
    return body(state);
  OpBuilder::InsertionGuard guard(rewriter);
  SmallVector<Value> outside = offsets;
  SmallVector<scf::ForOp, 2> loops = beginTileLoops(state);
  ValueRange wholes = loops.back().getRegionIterArgs();
  SmallVector<Value> updated = body(extractParts(wholes));
  for (auto [k, value, whole] : llvm::enumerate(updated, wholes)) {
    Part part(rewriter, whole, tile, buildColumns(k));
    value = tensor::InsertSliceOp::create(
        rewriter, loc, value, whole, part.offsets, part.sizes, part.strides);
  }
  for (scf::ForOp loop : llvm::reverse(loops)) {
    scf::YieldOp::create(rewriter, loc, updated);
    rewriter.setInsertionPointAfter(loop);
    updated = llvm::to_vector_of<Value>(loop.getResults());
  }
  offsets = outside;
  return updated;
}

//===----------------------------------------------------------------------===//
// State and keys
//===----------------------------------------------------------------------===//

/// A tile filled with one value.
static Value buildFill(OpBuilder &builder, Location loc, RankedTensorType type,
                       ValueRange extents, TypedAttr value) {
  auto fill = TileMapOp::create(builder, loc, type, ValueRange(), extents,
                                builder.getAffineMapArrayAttr({}));
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&fill.getBody());
  YieldOp::create(builder, loc, arith::ConstantOp::create(builder, loc, value));
  return fill;
}

Value AttentionTiler::buildColumns(unsigned part) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  if (part >= self.getNumValues() || getValueDim(part) < 0)
    return {};
  int64_t dim = getValueDim(part);
  return rewriter.createOrFold<arith::SubIOp>(loc, ends[dim], begins[dim]);
}

SmallVector<Value> AttentionTiler::buildExtents(unsigned part,
                                                RankedTensorType type) {
  if (type.hasStaticShape())
    return {};
  return {buildColumns(part)};
}

SmallVector<AttentionTiler::StatePiece> AttentionTiler::getInitialState() {
  SmallVector<StatePiece> pieces;
  auto add = [&](ArrayRef<int64_t> shape, TypedAttr value) {
    auto type = RankedTensorType::get(shape, value.getType());
    pieces.push_back({type, value});
  };
  int64_t rows = schedule.getQueryTile();
  TypedAttr zero = rewriter.getF32FloatAttr(0.0);
  TypedAttr lowest =
      rewriter.getF32FloatAttr(-std::numeric_limits<float>::infinity());
  auto self = cast<AttentionOpInterface>(op.getOperation());
  for (unsigned k = 0; k < self.getNumValues(); ++k) {
    int64_t dim = getValueDim(k);
    if (self.isLogWeight(k))
      add({rows}, zero);
    else
      add({rows, dim < 0 ? 1 : domain.getBounds()[dim]}, zero);
  }
  if (op.getNormalizer().hasShift())
    add({rows}, lowest);
  if (op.getNormalizer().hasMass())
    add({rows}, zero);
  if (hasStatistic(ResultKind::max))
    add({rows}, lowest);
  if (hasStatistic(ResultKind::argmax)) {
    add({rows}, lowest);
    add({rows}, rewriter.getI64IntegerAttr(-1));
  }
  return pieces;
}

SmallVector<Value> AttentionTiler::buildTileState() {
  SmallVector<Value> tiles;
  for (auto [k, piece] : llvm::enumerate(getInitialState()))
    tiles.push_back(buildFill(rewriter, loc, piece.type,
                              buildExtents(k, piece.type), piece.value));
  return tiles;
}

SmallVector<Value> AttentionTiler::buildState() {
  // Of a whole group only the tiles that it has are filled.
  SmallVector<Value> wholes;
  for (auto [k, piece] : llvm::enumerate(getInitialState())) {
    SmallVector<int64_t> shape(piece.type.getShape());
    shape.insert(shape.begin(), schedule.getQueryGroup());
    if (isGrouped())
      wholes.push_back(tensor::EmptyOp::create(rewriter, loc, shape,
                                               piece.type.getElementType(),
                                               buildExtents(k, piece.type)));
  }
  return updateEachTile(wholes, [&](ValueRange) { return buildTileState(); });
}

SmallVector<Value> AttentionTiler::buildKeys(SmallVector<Value> state) {
  // The other key dimensions are walked one by one, outside.
  SmallVector<Value> outside = offsets;
  SmallVector<scf::ForOp> loops;
  for (unsigned dim : domain.getDims(DimKind::key)) {
    if (dim == schedule.getKeyDim())
      continue;
    auto loop = scf::ForOp::create(rewriter, loc, begins[dim], ends[dim],
                                   index(1), state);
    offsets[dim] = loop.getInductionVar();
    rewriter.setInsertionPointToStart(loop.getBody());
    state = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
    loops.push_back(loop);
  }

  if (!op.getSegments() || op.getMask().empty()) {
    state = buildBlocks(keyBegin, keyEnd, state);
  } else {
    // The blocks that any tile of the group visits: the mask is the same for
    // all of its heads.
    KeyPieces pieces = buildKeyPieces(rewriter, op, offsets, groupSize,
                                      keyBegin, keyEnd, ends);
    state = buildVisitLoop(rewriter, loc, pieces, state,
                           [&](Value begin, Value end, ValueRange inner) {
                             return buildBlocks(begin, end, inner);
                           });
  }

  for (scf::ForOp loop : llvm::reverse(loops)) {
    scf::YieldOp::create(rewriter, loc, state);
    rewriter.setInsertionPointAfter(loop);
    state = llvm::to_vector_of<Value>(loop.getResults());
  }
  offsets = outside;
  return state;
}

SmallVector<Value> AttentionTiler::buildBlocks(Value begin, Value end,
                                               ValueRange state) {
  Value size = index(schedule.getKeyBlock());
  auto loop = scf::ForOp::create(rewriter, loc, begin, end, size, state);
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(loop.getBody());
  Value block = loop.getInductionVar();
  Value left = arith::SubIOp::create(rewriter, loc, end, block);
  Value count = arith::MinSIOp::create(rewriter, loc, left, size);
  scf::YieldOp::create(
      rewriter, loc,
      updateEachTile(loop.getRegionIterArgs(), [&](ValueRange parts) {
        return buildVisit(block, count, parts);
      }));
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// What a tile does with a block: nothing, all of its part of it without the
/// mask, or with the mask.
SmallVector<Value> AttentionTiler::buildVisit(Value block, Value count,
                                              ValueRange state) {
  if (op.getMask().empty())
    return buildOnline(block, count, {}, /*masked=*/false, state);
  if (!op.getSegments())
    return buildOnline(block, count, {}, /*masked=*/true, state);
  Value end = arith::AddIOp::create(rewriter, loc, block, count);
  KeyVisit visit = buildKeyVisit(rewriter, loc,
                                 buildKeyPieces(rewriter, op, offsets,
                                                index(schedule.getQueryTile()),
                                                block, end, ends),
                                 block, end);

  auto buildIf = [&](Value condition, function_ref<SmallVector<Value>()> then,
                     function_ref<SmallVector<Value>()> otherwise) {
    auto branch = scf::IfOp::create(rewriter, loc, state.getTypes(), condition,
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(rewriter, loc, then());
    rewriter.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(rewriter, loc, otherwise());
    return llvm::to_vector_of<Value>(branch.getResults());
  };
  auto online = [&](bool masked) {
    return buildOnline(block, count, {visit.begin, visit.end}, masked, state);
  };
  return buildIf(
      visit.isVisited,
      [&] {
        if (!visit.isMasked) // no key of a visited interval is ever dropped
          return online(false);
        // Few queries wait for memory, not for the mask: one program is enough.
        if (isInParts())
          return online(true);
        return buildIf(
            visit.isMasked, [&] { return online(true); },
            [&] { return online(false); });
      },
      [&] { return llvm::to_vector_of<Value>(state); });
}

/// The same computation on a tile and a block: another domain, a state, no
/// epilogues.
SmallVector<Value> AttentionTiler::buildOnline(Value block, Value count,
                                               ValueRange visit, bool masked,
                                               ValueRange state) {
  SmallVector<int64_t> bounds, tileOffsets;
  SmallVector<Value> boundValues, offsetValues;
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
    bool isKey = dim == schedule.getKeyDim();
    DimKind kind = domain.getKinds()[dim];
    int64_t bound = domain.getBounds()[dim];
    if (kind == DimKind::parallel)
      bound = dim == schedule.getQueryDim() ? schedule.getQueryTile() : 1;
    if (kind == DimKind::key)
      bound = isKey ? ShapedType::kDynamic : 1;
    bounds.push_back(bound);
    if (ShapedType::isDynamic(bound))
      boundValues.push_back(isKey ? count
                                  : rewriter.createOrFold<arith::SubIOp>(
                                        loc, ends[dim], begins[dim]));
    std::optional<int64_t> known =
        isKey ? std::nullopt : getConstantIntValue(offsets[dim]);
    tileOffsets.push_back(known.value_or(ShapedType::kDynamic));
    if (!known)
      offsetValues.push_back(isKey ? block : offsets[dim]);
  }
  auto blockDomain =
      DomainAttr::get(op.getContext(), llvm::to_vector(domain.getNames()),
                      llvm::to_vector(domain.getKinds()), bounds, tileOffsets);

  // Inputs and accesses, without those of epilogues and a mask that is known to
  // hold; the state goes by local coordinates.
  auto self = cast<AttentionOpInterface>(op.getOperation());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> accesses;
  SmallVector<int32_t> segments;
  auto inner = op.getInner().drop_back(self.getNumEpilogues());
  auto addInputs = [&](Region &region) {
    bool dropped = !masked && &region == &op.getMask();
    segments.push_back(0);
    if (dropped)
      return;
    llvm::append_range(inputs, self.getInputsOf(region));
    llvm::append_range(accesses, self.getAccessesOf(region));
    segments.back() = self.getInputsOf(region).size();
  };
  for (Region &region : inner.drop_back(self.getNumValues()))
    addInputs(region);
  addInputs(op.getScore());
  addInputs(op.getMask());
  for (Region &region : inner.take_back(self.getNumValues()))
    addInputs(region);

  unsigned numDims = domain.getNumDims() + op.getNumLookups();
  AffineExpr row = getAffineDimExpr(schedule.getQueryDim(), op.getContext());
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(numDims, op.getSymbols().size(), exprs,
                          op.getContext());
  };
  for (auto [k, part] : llvm::enumerate(state)) {
    if (cast<RankedTensorType>(part.getType()).getRank() == 1) {
      accesses.push_back(mapOf({row}));
      continue;
    }
    int64_t dim = getValueDim(k);
    accesses.push_back(
        mapOf({row, dim < 0 ? getAffineConstantExpr(0, op.getContext())
                            : getAffineDimExpr(dim, op.getContext())}));
  }
  SmallVector<Attribute> statistics;
  for (ResultKind kind : {ResultKind::max, ResultKind::argmax})
    if (hasStatistic(kind))
      statistics.push_back(ResultKindAttr::get(op.getContext(), kind));

  auto online = OnlineOp::create(
      rewriter, loc, ValueRange(state).getTypes(), blockDomain, boundValues,
      offsetValues, op.getSymbols(), inputs, segments,
      rewriter.getAffineMapArrayAttr(accesses), op.getContractionDims(),
      op.getValueDims(), op.getNumLookups(), op.getNormalizer(), SegmentsAttr(),
      schedule, rewriter.getArrayAttr(statistics), visit, state, inner.size());
  IRMapping mapping;
  op.getScore().cloneInto(&online.getScore(), mapping);
  if (masked)
    op.getMask().cloneInto(&online.getMask(), mapping);
  for (auto [from, to] : llvm::zip(inner, online.getInner()))
    from.cloneInto(&to, mapping);
  return llvm::to_vector_of<Value>(online.getResults());
}
