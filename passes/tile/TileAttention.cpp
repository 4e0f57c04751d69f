//===- TileAttention.cpp - attn.attention to loops over tiles -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One scf.forall over the parallel dimensions, the query dimension in groups of
// tiles; inside it the key range, walked in blocks that every tile of the group
// visits by attn.online; then, for each tile, the final division, the epilogue
// and the stores.
//
// A block is the unit in which keys and values are brought near: what is made
// of them is made once for all tiles of a group. Each tile visits its own part
// of the block, with the mask only where the block has keys that the mask may
// drop.
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/KeyPieces.h"
#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

#include <limits>

namespace fovea::attn {
#define GEN_PASS_DEF_TILEATTENTIONPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

/// Rewrites one attention on memory.
class AttentionTiler {
public:
  AttentionTiler(RewriterBase &rewriter, AttentionOp op)
      : rewriter(rewriter), op(op), loc(op.getLoc()), domain(op.getDomain()),
        schedule(*op.getSchedule()) {}

  LogicalResult run();

private:
  LogicalResult check();
  void buildGroup(ValueRange ivs);
  SmallVector<Value> buildState();
  SmallVector<Value> buildKeys(SmallVector<Value> state);
  SmallVector<Value> buildBlocks(Value begin, Value end, ValueRange state);
  SmallVector<Value> buildVisit(Value block, Value count, ValueRange state);
  SmallVector<Value> buildOnline(Value block, Value count, ValueRange visit,
                                 bool masked, ValueRange state);
  void buildResults(ValueRange state);
  Value addSink(Value sink, Value &shift, Value &mass);
  void buildWeights(Value out, AffineMap access, Value shift, Value factor);

  /// Runs `body` for each tile of the group, on its part of the state.
  void forEachTile(ValueRange state, function_ref<void(ValueRange)> body);
  /// The same, where `body` returns what its part of the state becomes.
  SmallVector<Value>
  updateEachTile(ValueRange state,
                 function_ref<SmallVector<Value>(ValueRange)> body);
  scf::ForOp beginTileLoop(ValueRange carried);
  SmallVector<Value> extractParts(ValueRange state);

  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  RankedTensorType rowsType() {
    return RankedTensorType::get({schedule.getQueryTile()},
                                 rewriter.getF32Type());
  }
  bool isGrouped() { return schedule.getQueryGroup() > 1; }
  int64_t groupSize() {
    return schedule.getQueryTile() * schedule.getQueryGroup();
  }
  bool hasValue() { return !op.getValue().empty(); }

  RewriterBase &rewriter;
  AttentionOp op;
  Location loc;
  DomainAttr domain;
  ScheduleAttr schedule;

  /// Offset and end of every dimension of the whole domain.
  SmallVector<Value> begins, ends;
  /// Offset of every dimension of the current tile; those of keys vary.
  SmallVector<Value> offsets;
  /// First query of the current group, and how many tiles it has.
  Value groupOffset, numTiles;
  /// The number of the current tile in its group.
  Value tile;
  /// The extent of the value dimension, if there is one.
  Value numValues;
  /// The one value dimension, or -1.
  int64_t valueDim = -1;
};

} // namespace

LogicalResult AttentionTiler::check() {
  for (Value operand : op->getOperands())
    if (isa<TensorType>(operand.getType()))
      return op.emitOpError("expects to be on memory before it is tiled");
  SmallVector<unsigned> values = domain.getDims(DimKind::value);
  if (values.size() > 1)
    return op.emitOpError()
           << "expects at most one value dimension, but has " << values.size();
  if (!values.empty())
    valueDim = values.front();
  return success();
}

LogicalResult AttentionTiler::run() {
  if (failed(check()))
    return failure();
  rewriter.setInsertionPoint(op);
  for (auto [bound, offset] :
       llvm::zip(op.getMixedBounds(), op.getMixedOffsets())) {
    Value begin = getValueOrCreateConstantIndexOp(rewriter, loc, offset);
    Value size = getValueOrCreateConstantIndexOp(rewriter, loc, bound);
    begins.push_back(begin);
    ends.push_back(rewriter.createOrFold<arith::AddIOp>(loc, begin, size));
  }

  if (valueDim >= 0)
    numValues = rewriter.createOrFold<arith::SubIOp>(loc, ends[valueDim],
                                                     begins[valueDim]);
  SmallVector<OpFoldResult> counts;
  for (unsigned dim : domain.getDims(DimKind::parallel)) {
    Value size =
        rewriter.createOrFold<arith::SubIOp>(loc, ends[dim], begins[dim]);
    if (dim == schedule.getQueryDim())
      size = rewriter.createOrFold<arith::CeilDivSIOp>(loc, size,
                                                       index(groupSize()));
    counts.push_back(size);
  }
  auto forall =
      scf::ForallOp::create(rewriter, loc, counts, ValueRange(), std::nullopt);
  rewriter.setInsertionPointToStart(forall.getBody());
  buildGroup(forall.getInductionVars());
  rewriter.eraseOp(op);
  return success();
}

void AttentionTiler::buildGroup(ValueRange ivs) {
  offsets = begins;
  for (auto [iv, dim] : llvm::zip(ivs, domain.getDims(DimKind::parallel))) {
    Value step = iv;
    if (dim == schedule.getQueryDim())
      step = arith::MulIOp::create(rewriter, loc, iv, index(groupSize()));
    offsets[dim] = rewriter.createOrFold<arith::AddIOp>(loc, begins[dim], step);
  }
  int64_t query = schedule.getQueryDim();
  groupOffset = offsets[query];
  if (isGrouped()) {
    Value left =
        rewriter.createOrFold<arith::SubIOp>(loc, ends[query], groupOffset);
    Value tiles = rewriter.createOrFold<arith::CeilDivSIOp>(
        loc, left, index(schedule.getQueryTile()));
    numTiles = rewriter.createOrFold<arith::MinSIOp>(
        loc, tiles, index(schedule.getQueryGroup()));
  }
  SmallVector<Value> state = buildKeys(buildState());
  forEachTile(state, [&](ValueRange parts) { buildResults(parts); });
}

//===----------------------------------------------------------------------===//
// The tiles of a group
//===----------------------------------------------------------------------===//

namespace {
/// Places of the part of a group's state that belongs to one tile.
struct Part {
  SmallVector<OpFoldResult> offsets, sizes, strides;

  /// `numValues`: the extent of the value dimension, where that is dynamic.
  Part(OpBuilder &builder, Value state, Value tile, Value numValues) {
    auto type = cast<RankedTensorType>(state.getType());
    offsets.assign(type.getRank(), builder.getIndexAttr(0));
    strides.assign(type.getRank(), builder.getIndexAttr(1));
    for (int64_t size : type.getShape())
      sizes.push_back(ShapedType::isDynamic(size) ? OpFoldResult(numValues)
                                                  : builder.getIndexAttr(size));
    offsets.front() = tile;
    sizes.front() = builder.getIndexAttr(1);
  }
};
} // namespace

/// Starts a loop over the tiles of the group and sets the offset of each.
scf::ForOp AttentionTiler::beginTileLoop(ValueRange carried) {
  auto loop =
      scf::ForOp::create(rewriter, loc, index(0), numTiles, index(1), carried);
  rewriter.setInsertionPointToStart(loop.getBody());
  Value step = arith::MulIOp::create(rewriter, loc, loop.getInductionVar(),
                                     index(schedule.getQueryTile()));
  offsets[schedule.getQueryDim()] =
      rewriter.createOrFold<arith::AddIOp>(loc, groupOffset, step);
  tile = loop.getInductionVar();
  return loop;
}

SmallVector<Value> AttentionTiler::extractParts(ValueRange state) {
  SmallVector<Value> parts;
  for (Value whole : state) {
    auto type = cast<RankedTensorType>(whole.getType());
    Part part(rewriter, whole, tile, numValues);
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
  beginTileLoop({});
  body(extractParts(state));
  offsets[schedule.getQueryDim()] = groupOffset;
}

SmallVector<Value> AttentionTiler::updateEachTile(
    ValueRange state, function_ref<SmallVector<Value>(ValueRange)> body) {
  if (!isGrouped())
    return body(state);
  OpBuilder::InsertionGuard guard(rewriter);
  scf::ForOp loop = beginTileLoop(state);
  SmallVector<Value> updated = body(extractParts(loop.getRegionIterArgs()));
  for (auto [value, whole] : llvm::zip(updated, loop.getRegionIterArgs())) {
    Part part(rewriter, whole, tile, numValues);
    value = tensor::InsertSliceOp::create(
        rewriter, loc, value, whole, part.offsets, part.sizes, part.strides);
  }
  scf::YieldOp::create(rewriter, loc, updated);
  offsets[schedule.getQueryDim()] = groupOffset;
  return llvm::to_vector_of<Value>(loop.getResults());
}

//===----------------------------------------------------------------------===//
// State and keys
//===----------------------------------------------------------------------===//

/// A tile filled with one value.
static Value buildFill(OpBuilder &builder, Location loc, RankedTensorType type,
                       ValueRange extents, double value) {
  auto fill = TileMapOp::create(builder, loc, type, ValueRange(), extents,
                                builder.getAffineMapArrayAttr({}));
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&fill.getBody());
  Value constant = arith::ConstantOp::create(
      builder, loc, builder.getFloatAttr(type.getElementType(), value));
  YieldOp::create(builder, loc, constant);
  return fill;
}

SmallVector<Value> AttentionTiler::buildState() {
  auto stateType = [&](ArrayRef<int64_t> shape) {
    SmallVector<int64_t> whole(shape);
    if (isGrouped())
      whole.insert(whole.begin(), schedule.getQueryGroup());
    return RankedTensorType::get(whole, rewriter.getF32Type());
  };
  SmallVector<Value> state;
  if (hasValue()) {
    int64_t extent = valueDim < 0 ? 1 : domain.getBounds()[valueDim];
    SmallVector<Value> extents;
    if (ShapedType::isDynamic(extent))
      extents.push_back(numValues);
    state.push_back(buildFill(rewriter, loc,
                              stateType({schedule.getQueryTile(), extent}),
                              extents, 0.0));
  }
  RankedTensorType rows = stateType(schedule.getQueryTile());
  if (op.getNormalizer().hasShift())
    state.push_back(buildFill(rewriter, loc, rows, {},
                              -std::numeric_limits<double>::infinity()));
  if (op.getNormalizer().hasMass())
    state.push_back(buildFill(rewriter, loc, rows, {}, 0.0));
  return state;
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

  int64_t key = schedule.getKeyDim();
  if (!op.getSegments() || op.getMask().empty()) {
    state = buildBlocks(begins[key], ends[key], state);
  } else {
    // The blocks that any tile of the group visits.
    KeyPieces pieces = buildKeyPieces(rewriter, op, offsets, groupSize(),
                                      begins[key], ends[key], ends);
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
  KeyVisit visit =
      buildKeyVisit(rewriter, loc,
                    buildKeyPieces(rewriter, op, offsets,
                                   schedule.getQueryTile(), block, end, ends),
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
        return buildIf(
            visit.isMasked, [&] { return online(true); },
            [&] { return online(false); });
      },
      [&] { return llvm::to_vector_of<Value>(state); });
}

/// The same computation on a tile and a block: another domain, a state, no
/// epilogue.
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

  // Inputs and accesses, without those of the epilogue and a mask that is
  // known to hold; the state goes by local coordinates.
  auto self = cast<AttentionOpInterface>(op.getOperation());
  SmallVector<Value> inputs;
  SmallVector<AffineMap> accesses;
  SmallVector<int32_t> segments;
  SmallVector<Region *> regions = {&op.getScore(), &op.getMask(),
                                   &op.getValue()};
  for (Region &inner : op.getInner())
    regions.push_back(&inner);
  auto addInputs = [&](Region &region) {
    bool dropped = !masked && &region == &op.getMask();
    segments.push_back(0);
    if (dropped)
      return;
    llvm::append_range(inputs, self.getInputsOf(region));
    llvm::append_range(accesses, self.getAccessesOf(region));
    segments.back() = self.getInputsOf(region).size();
  };
  for (Region &inner : op.getInner())
    addInputs(inner);
  for (Region *region : ArrayRef(regions).take_front(3))
    addInputs(*region);

  unsigned numDims = domain.getNumDims() + op.getNumLookups();
  AffineExpr row = getAffineDimExpr(schedule.getQueryDim(), op.getContext());
  AffineExpr value = valueDim < 0 ? getAffineConstantExpr(0, op.getContext())
                                  : getAffineDimExpr(valueDim, op.getContext());
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(numDims, op.getSymbols().size(), exprs,
                          op.getContext());
  };
  for (Value part : state)
    accesses.push_back(cast<RankedTensorType>(part.getType()).getRank() == 2
                           ? mapOf({row, value})
                           : mapOf({row}));

  auto online = OnlineOp::create(
      rewriter, loc, ValueRange(state).getTypes(), blockDomain, boundValues,
      offsetValues, op.getSymbols(), inputs, segments,
      rewriter.getAffineMapArrayAttr(accesses), op.getContractionDims(),
      op.getNumLookups(), op.getNormalizer(), SegmentsAttr(), schedule, visit,
      state, op.getInner().size());
  IRMapping mapping;
  SmallVector<Region *> targets = {&online.getScore(), &online.getMask(),
                                   &online.getValue()};
  for (Region &inner : online.getInner())
    targets.push_back(&inner);
  for (auto [from, to] : llvm::zip(regions, targets))
    if (masked || from != &op.getMask())
      from->cloneInto(to, mapping);
  return llvm::to_vector_of<Value>(online.getResults());
}

/// Adds one more key, of score `sink` and value 0, to the state of each row.
/// Returns what the weighted sum is multiplied by; null for 1.
Value AttentionTiler::addSink(Value sink, Value &shift, Value &mass) {
  auto normalizer = op.getNormalizer();
  auto buildRows = [&](ValueRange inputs, auto &&build) -> Value {
    return buildTileMap(rewriter, loc, rowsType(), inputs, {}, build);
  };
  Value rescale;
  if (Value older = shift) {
    shift = buildRows({older, sink}, [&](OpBuilder &b, ValueRange args) {
      return arith::MaximumFOp::create(b, loc, args[0], args[1]).getResult();
    });
    rescale = buildRows({older, shift}, [&](OpBuilder &b, ValueRange args) {
      return normalizer.buildRescale(b, loc, args[0], args[1]);
    });
    mass = buildRows({mass, rescale}, [&](OpBuilder &b, ValueRange args) {
      return arith::MulFOp::create(b, loc, args[0], args[1]).getResult();
    });
  }
  SmallVector<Value> inputs = {mass, sink};
  if (shift)
    inputs.push_back(shift);
  mass = buildRows(inputs, [&](OpBuilder &b, ValueRange args) {
    Value weight =
        normalizer.buildWeight(b, loc, args[1], shift ? args[2] : Value());
    return arith::AddFOp::create(b, loc, args[0], weight).getResult();
  });
  return rescale;
}

void AttentionTiler::buildResults(ValueRange state) {
  auto normalizer = op.getNormalizer();
  Value acc, shift, mass;
  unsigned next = 0;
  if (hasValue())
    acc = state[next++];
  if (normalizer.hasShift())
    shift = state[next++];
  if (normalizer.hasMass())
    mass = state[next++];

  auto self = cast<AttentionOpInterface>(op.getOperation());
  TileOperands operands(rewriter, self, schedule, offsets, ends);
  Value rescale;
  if (!op.getSink().empty())
    rescale = addSink(operands.buildRows(op.getSink()), shift, mass);

  // The factor of each row; null where the normalizer divides by nothing.
  SmallVector<Value> statistics;
  if (shift)
    statistics.push_back(shift);
  if (mass)
    statistics.push_back(mass);
  auto buildRows = [&](auto &&build) -> Value {
    return buildTileMap(rewriter, loc, rowsType(), statistics, {},
                        [&](OpBuilder &b, ValueRange args) {
                          Value s = shift ? args.front() : Value();
                          Value m = mass ? args.back() : Value();
                          return build(b, s, m);
                        });
  };
  Value factor;
  if (mass)
    factor = buildRows([&](OpBuilder &b, Value s, Value m) {
      return normalizer.buildFinalFactor(b, loc, s, m);
    });

  Value outputFactor = factor;
  if (rescale)
    outputFactor =
        buildTileMap(rewriter, loc, rowsType(), {factor, rescale}, {},
                     [&](OpBuilder &b, ValueRange args) -> Value {
                       return arith::MulFOp::create(b, loc, args[0], args[1]);
                     });

  for (unsigned k = 0; k < op.getOuts().size(); ++k) {
    AffineMap access = self.getOutAccess(k);
    Value out = op.getOuts()[k];
    switch (op.getResultKind(k)) {
    case ResultKind::output:
      operands.storeOutput(out, access, op.getEpilogue(), acc, outputFactor);
      break;
    case ResultKind::logsumexp: {
      Value log = buildRows([&](OpBuilder &b, Value s, Value m) {
        return normalizer.buildLogMass(b, loc, s, m);
      });
      operands.storeRows(out, access, log);
      break;
    }
    case ResultKind::weights:
      buildWeights(out, access, shift, factor);
      break;
    }
  }
}

/// A second walk over all keys: the weights themselves.
void AttentionTiler::buildWeights(Value out, AffineMap access, Value shift,
                                  Value factor) {
  SmallVector<scf::ForOp> loops;
  for (unsigned dim : domain.getDims(DimKind::key)) {
    bool isKey = dim == schedule.getKeyDim();
    auto loop = scf::ForOp::create(rewriter, loc, begins[dim], ends[dim],
                                   index(isKey ? schedule.getKeyBlock() : 1),
                                   ValueRange());
    offsets[dim] = loop.getInductionVar();
    rewriter.setInsertionPointToStart(loop.getBody());
    loops.push_back(loop);
  }
  auto self = cast<AttentionOpInterface>(op.getOperation());
  TileOperands operands(rewriter, self, schedule, offsets, ends);
  operands.storeWeights(out, access, shift, factor);
  rewriter.setInsertionPointAfter(loops.front());
}

namespace {
struct TileAttentionPass
    : fovea::attn::impl::TileAttentionPassBase<TileAttentionPass> {
  void runOnOperation() override {
    SmallVector<AttentionOp> ops;
    getOperation()->walk([&](AttentionOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (AttentionOp op : ops) {
      if (!op.getSchedule()) {
        op.emitOpError("expects a schedule before it is tiled");
        return signalPassFailure();
      }
      if (failed(AttentionTiler(rewriter, op).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
