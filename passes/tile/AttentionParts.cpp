//===- AttentionParts.cpp - keys in parts, computed in parallel -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Few queries are little work for many threads, however many keys there are
// ("split keys", Dao et al. 2023). Each part of the keys leaves the state of
// its rows in memory, and the states of all parts are merged in order: a state
// is all that later keys need to know of earlier ones.
//
//===----------------------------------------------------------------------===//

#include "passes/tile/AttentionTiler.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace fovea::attn;

/// Tasks to be had in all, and so the most parts: enough for many threads,
/// whose number has no part in it, so that results do not depend on it.
static constexpr int64_t kTasks = 64;

/// Decides how many parts there are, beside `counts` iterations for other
/// reasons: whole blocks of keys each.
void AttentionTiler::measureParts(ArrayRef<OpFoldResult> counts) {
  Value others = index(1);
  for (OpFoldResult count : counts)
    others =
        rewriter.createOrFold<arith::MulIOp>(loc, others, cast<Value>(count));
  others = rewriter.createOrFold<arith::MaxSIOp>(loc, others, index(1));
  Value keys = rewriter.createOrFold<arith::SubIOp>(loc, keyEnd, keyBegin);
  Value most = rewriter.createOrFold<arith::CeilDivSIOp>(
      loc, keys, index(schedule.getKeyPart()));
  most = rewriter.createOrFold<arith::MaxSIOp>(loc, most, index(1));
  Value wanted =
      rewriter.createOrFold<arith::CeilDivSIOp>(loc, index(kTasks), others);
  wanted = rewriter.createOrFold<arith::MinSIOp>(loc, wanted, most);
  Value blocks = rewriter.createOrFold<arith::CeilDivSIOp>(
      loc, keys, index(schedule.getKeyBlock()));
  blocks = rewriter.createOrFold<arith::CeilDivSIOp>(loc, blocks, wanted);
  blocks = rewriter.createOrFold<arith::MaxSIOp>(loc, blocks, index(1));
  partSize = rewriter.createOrFold<arith::MulIOp>(
      loc, blocks, index(schedule.getKeyBlock()));
  numParts = rewriter.createOrFold<arith::CeilDivSIOp>(loc, keys, partSize);
}

void AttentionTiler::beginPart(Value part) {
  int64_t key = schedule.getKeyDim();
  Value step = arith::MulIOp::create(rewriter, loc, part, partSize);
  keyBegin = rewriter.createOrFold<arith::AddIOp>(loc, begins[key], step);
  Value end = arith::AddIOp::create(rewriter, loc, keyBegin, partSize);
  keyEnd = arith::MinSIOp::create(rewriter, loc, end, ends[key]);
}

/// Memory for the states that all parts leave: none where the op does not run,
/// which is decided before the branch that it is in.
void AttentionTiler::createPartials() {
  OpBuilder::InsertionGuard guard(rewriter);
  if (isRun)
    rewriter.setInsertionPointAfterValue(isRun);
  auto self = cast<AttentionOpInterface>(op.getOperation());
  SmallVector<OpFoldResult> bounds = self.getMixedBounds();
  auto boundOf = [&](int64_t dim) {
    return getValueOrCreateConstantIndexOp(rewriter, loc, bounds[dim]);
  };
  Value most = rewriter.createOrFold<arith::CeilDivSIOp>(
      loc, boundOf(schedule.getKeyDim()), index(schedule.getKeyPart()));
  most = rewriter.createOrFold<arith::MinSIOp>(loc, most, index(kTasks));
  if (isRun)
    most = arith::SelectOp::create(rewriter, loc, isRun, most, index(0));
  SmallVector<int64_t> shape = {ShapedType::kDynamic};
  SmallVector<Value> sizes = {most};
  for (unsigned dim : domain.getDims(DimKind::parallel)) {
    shape.push_back(ShapedType::kDynamic);
    sizes.push_back(boundOf(dim));
  }
  for (auto [k, piece] : llvm::enumerate(getInitialState())) {
    SmallVector<int64_t> ownShape(shape);
    SmallVector<Value> ownSizes(sizes);
    llvm::append_range(ownShape, piece.type.getShape().drop_front());
    if (!piece.type.hasStaticShape())
      ownSizes.push_back(boundOf(getValueDim(k)));
    partials.push_back(memref::AllocOp::create(
        rewriter, loc, MemRefType::get(ownShape, piece.type.getElementType()),
        ownSizes));
  }
}

/// Where piece `k` of the states of the current tile's rows lies: at
/// `coordinates` of part, row and column, over `numDims` dimensions and a
/// symbol that is `part`.
TileAccess AttentionTiler::getPlaceOfPartial(unsigned k, unsigned numDims,
                                             ArrayRef<AffineExpr> coordinates,
                                             Value part) {
  MLIRContext *context = rewriter.getContext();
  SmallVector<Value> symbols = {part};
  SmallVector<AffineExpr> positions = {coordinates[0]};
  for (unsigned dim : domain.getDims(DimKind::parallel)) {
    AffineExpr position = getAffineSymbolExpr(symbols.size(), context);
    symbols.push_back(
        rewriter.createOrFold<arith::SubIOp>(loc, offsets[dim], begins[dim]));
    if (dim == schedule.getQueryDim())
      position = position + coordinates[1];
    positions.push_back(position);
  }
  auto type = cast<MemRefType>(partials[k].getType());
  if (static_cast<int64_t>(positions.size()) < type.getRank())
    positions.push_back(coordinates[2]);
  return TileAccess(context, numDims, positions, symbols);
}

void AttentionTiler::storePartials(Value part, ValueRange state) {
  AffineExpr row, column;
  bindDims(rewriter.getContext(), row, column);
  AffineExpr number = getAffineSymbolExpr(0, rewriter.getContext());
  for (auto [k, piece] : llvm::enumerate(state)) {
    TileAccess place =
        getPlaceOfPartial(k, cast<RankedTensorType>(piece.getType()).getRank(),
                          {number, row, column}, part);
    TileStoreOp::create(rewriter, loc, piece, partials[k], place.symbols,
                        AffineMapAttr::get(place.map));
  }
}

namespace {
/// The state of rows after all parts of the keys, from the states that the
/// parts leave: an attention whose keys are the parts, whose scores are their
/// shifts.
class PartsMerge {
public:
  /// `parts`: pieces of the state, as tiles `[rows x parts]`, sums also `[... x
  /// columns]`; there are `count` parts.
  PartsMerge(OpBuilder &builder, AttentionOp op, int64_t rows, ValueRange parts,
             Value count)
      : builder(builder), loc(op.getLoc()), op(op),
        normalizer(op.getNormalizer()), rows(rows), parts(parts), count(count) {
  }

  /// `initial`: the state of rows without keys.
  SmallVector<Value> build(ValueRange initial);

  /// The place of the first part with the greatest score of a key.
  Value first;

private:
  Value buildMap(ValueRange inputs,
                 function_ref<Value(OpBuilder &, ValueRange)> build) {
    return buildTileMap(builder, loc,
                        cast<RankedTensorType>(inputs.front().getType()),
                        inputs, {}, build);
  }
  Value buildReduce(TileReduction kind, Value tile, Value init) {
    return TileReduceOp::create(builder, loc, init.getType(), kind, tile, init,
                                /*begin=*/Value(), count);
  }
  Value buildWeights(Value shift, Value newShift);
  Value buildSum(Value weights, Value values, Value init);

  OpBuilder &builder;
  Location loc;
  AttentionOp op;
  NormalizerAttrInterface normalizer;
  int64_t rows;
  ValueRange parts;
  Value count;
};
} // namespace

/// What the sums of each part are multiplied by, `[rows x parts]`.
Value PartsMerge::buildWeights(Value shift, Value newShift) {
  if (shift)
    return buildMap({shift, newShift}, [&](OpBuilder &b, ValueRange args) {
      return normalizer.buildRescale(b, loc, args[0], args[1]);
    });
  auto type = RankedTensorType::get({rows, kTasks}, builder.getF32Type());
  return buildTileMap(
      builder, loc, type, {}, {}, [&](OpBuilder &b, ValueRange) -> Value {
        return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(1));
      });
}

/// `init` plus the weighted sum of `values`, `[rows x parts x columns]`.
Value PartsMerge::buildSum(Value weights, Value values, Value init) {
  auto weigh = TileWeighOp::create(
      builder, loc, init.getType(), weights, init, /*begin=*/Value(), count,
      values,
      builder.getAffineMapArrayAttr(
          AffineMap::getMultiDimIdentityMap(3, builder.getContext())));
  OpBuilder::InsertionGuard guard(builder);
  Block *body = createTileBody(builder, loc, weigh.getBody(), values);
  YieldOp::create(builder, loc, body->getArgument(0));
  return weigh;
}

SmallVector<Value> PartsMerge::build(ValueRange initial) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  unsigned next = self.getNumValues();
  unsigned shiftAt = next, massAt = shiftAt + normalizer.hasShift();
  next = massAt + normalizer.hasMass();

  Value shift;
  if (normalizer.hasShift())
    shift = buildReduce(TileReduction::max, parts[shiftAt], initial[shiftAt]);
  Value weights = buildWeights(shift ? parts[shiftAt] : Value(), shift);
  SmallVector<Value> merged;
  for (unsigned k = 0; k < self.getNumValues(); ++k) {
    if (!self.isLogWeight(k)) {
      merged.push_back(buildSum(weights, parts[k], initial[k]));
      continue;
    }
    Value terms = parts[k];
    if (shift)
      terms = buildLogWeightRescale(builder, loc, normalizer, terms,
                                    parts[massAt], parts[shiftAt], shift);
    merged.push_back(buildReduce(TileReduction::sum, terms, initial[k]));
  }
  if (shift)
    merged.push_back(shift);
  if (normalizer.hasMass()) {
    Value terms = buildMap(
        {parts[massAt], weights}, [&](OpBuilder &b, ValueRange args) -> Value {
          return arith::MulFOp::create(b, loc, args[0], args[1]);
        });
    merged.push_back(buildReduce(TileReduction::sum, terms, initial[massAt]));
  }
  if (op.findResult(ResultKind::max)) {
    merged.push_back(
        buildReduce(TileReduction::maximum, parts[next], initial[next]));
    ++next;
  }
  if (op.findResult(ResultKind::argmax)) {
    Value greatest =
        buildReduce(TileReduction::max, parts[next], initial[next]);
    merged.push_back(greatest);
    first =
        buildFirstPlace(builder, loc, parts[next], greatest, Value(), count);
  }
  return merged;
}

/// The state of the current tile after all parts.
SmallVector<Value> AttentionTiler::buildMergedState() {
  AffineExpr row, part, column;
  bindDims(rewriter.getContext(), row, part, column);
  Value none = index(0);
  SmallVector<Value> initial = buildTileState(), parts;
  for (auto [k, piece] : llvm::enumerate(getInitialState())) {
    if (!isa<FloatType>(piece.type.getElementType()))
      continue; // an index is looked up
    SmallVector<int64_t> shape(piece.type.getShape());
    shape.insert(shape.begin() + 1, kTasks);
    TileAccess place =
        getPlaceOfPartial(k, shape.size(), {part, row, column}, none);
    SmallVector<bool> inBounds(place.map.getNumResults(), false);
    parts.push_back(TileLoadOp::create(
        rewriter, loc,
        RankedTensorType::get(shape, piece.type.getElementType()), partials[k],
        place.symbols, ValueRange(), buildExtents(k, piece.type),
        AffineMapAttr::get(place.map), rewriter.getDenseBoolArrayAttr(inBounds),
        rewriter.getAffineMapArrayAttr({})));
  }
  PartsMerge merge(rewriter, op, schedule.getQueryTile(), parts, numParts);
  SmallVector<Value> state = merge.build(initial);
  if (merge.first)
    state.push_back(lookUpPartial(state.size(), merge.first, initial.back()));
  return state;
}

/// Piece `k`, a list of integers, of the part that each row chooses;
/// `otherwise` where it chooses none.
Value AttentionTiler::lookUpPartial(unsigned k, Value chosen, Value otherwise) {
  MLIRContext *context = rewriter.getContext();
  auto lookupType =
      RankedTensorType::get(schedule.getQueryTile(), rewriter.getIndexType());
  Value lookup = buildTileMap(rewriter, loc, lookupType, chosen, {},
                              [&](OpBuilder &b, ValueRange args) -> Value {
                                return arith::IndexCastOp::create(
                                    b, loc, b.getIndexType(), args[0]);
                              });
  TileAccess place = getPlaceOfPartial(
      k, 2, {getAffineDimExpr(1, context), getAffineDimExpr(0, context)},
      index(0));
  SmallVector<bool> inBounds(place.map.getNumResults(), false);
  Value found = TileLoadOp::create(
      rewriter, loc, otherwise.getType(), partials[k], place.symbols, lookup,
      ValueRange(), AffineMapAttr::get(place.map),
      rewriter.getDenseBoolArrayAttr(inBounds),
      rewriter.getAffineMapArrayAttr(
          AffineMap::getMultiDimIdentityMap(1, context)));
  return buildTileMap(
      rewriter, loc, cast<RankedTensorType>(otherwise.getType()),
      {chosen, found, otherwise}, {},
      [&](OpBuilder &b, ValueRange args) -> Value {
        Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
        Value isNone = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                             args[0], zero);
        return arith::SelectOp::create(b, loc, isNone, args[2], args[1]);
      });
}
