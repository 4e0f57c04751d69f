//===- TileNarrow.cpp - tiles with fewer rows than lanes ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Few queries would leave most lanes empty. So what is weighed has its columns
// along lanes, scores and weights have their keys there, and what is contracted
// the dimension that is summed over (TileNarrowDots.cpp). Keys and values are
// read where they are, each element once for all rows: the rows' code is
// written out, row by row, in loops over spans of what lies along lanes.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

#include <limits>

using namespace mlir;
using namespace fovea::attn;

LogicalResult TileVectorizer::processNarrow(Operation *op) {
  if (auto contract = dyn_cast<TileContractOp>(op))
    return target.matrixUnit && isNarrowMatrixContract(contract)
               ? processNarrowMatrixContract(contract)
               : processDots(contract);
  if (auto pieces = dyn_cast<TilePiecesOp>(op))
    return processPieces(pieces);
  if (auto reduce = dyn_cast<TileReduceOp>(op))
    return processNarrowReduce(reduce);
  if (auto weigh = dyn_cast<TileWeighOp>(op))
    return target.matrixUnit && getNarrowMatrixValues(weigh)
               ? processNarrowMatrixWeigh(weigh)
               : processNarrowWeigh(weigh);
  if (auto store = dyn_cast<TileStoreOp>(op))
    return processNarrowStore(store);
  if (auto rescale = dyn_cast<TileRescaleOp>(op)) {
    bool isTaken = rescale->hasOneUse() &&
                   isa<TileWeighOp>(*rescale->user_begin()) &&
                   TileCode::isLastUse(rescale.getTile(), rescale);
    if (!isTaken)
      fillSpans(rescale);
  } else {
    Value tile = op->getResult(0);
    if (!isWide(tile))
      code.setRegister(tile, readWhole(op->getLoc(), tile));
    else if (isHeld(tile))
      fillSpans(tile);
  }
  replaced.push_back(op);
  return success();
}

/// Whether a map does no more than convert.
static bool isConversion(TileMapOp map) {
  return llvm::all_of(map.getBody().front().without_terminator(),
                      [](Operation &op) { return isa<CastOpInterface>(op); });
}

/// Whether a tile is computed or collected into memory, and not where it is
/// read: what is read more than once, and is more than a load.
bool TileVectorizer::isHeld(Value tile) {
  Operation *op = tile.getDefiningOp();
  // Truth values are bytes in memory and bits in a vector: no panel holds them.
  if (cast<RankedTensorType>(tile.getType()).getElementType().isInteger(1))
    return false;
  // For each key again what does not depend on it; each row for itself.
  auto isReread = [&](bool evenPerTile) {
    Operation *home = op->getParentOp();
    return llvm::any_of(tile.getUses(), [&](OpOperand &use) {
      Operation *user = use.getOwner();
      if (auto contract = dyn_cast<TileContractOp>(user))
        if (!cast<AffineMapAttr>(contract.getMaps()[use.getOperandNumber()])
                 .getValue()
                 .isFunctionOfDim(1))
          return true;
      for (Operation *parent = user->getParentOp();
           evenPerTile && parent && parent != home;
           parent = parent->getParentOp())
        if (isa<LoopLikeOpInterface>(parent))
          return true;
      return false;
    });
  };
  if (auto load = dyn_cast<TileLoadOp>(op)) {
    bool isAlongMemory = false;
    for (int64_t dim = 0;
         dim < cast<RankedTensorType>(tile.getType()).getRank(); ++dim)
      isAlongMemory |= TileCode::isContiguous(load, dim);
    return TileCode::isOverwritten(load) ||
           (!isAlongMemory && isReread(/*evenPerTile=*/true));
  }
  // The matrix unit reads what is converted, not what it is converted to.
  auto isUnread = [&](OpOperand &use) {
    auto weigh = dyn_cast<TileWeighOp>(use.getOwner());
    return weigh && weigh.getInputs().front() == use.get() &&
           getNarrowMatrixValues(weigh);
  };
  if (target.matrixUnit && isa<TileMapOp>(op) &&
      llvm::all_of(tile.getUses(), isUnread))
    return false;
  if (auto map = dyn_cast<TileMapOp>(op)) {
    if (map.getInputs().empty())
      return false;
    if (isReread(/*evenPerTile=*/!isConversion(map)))
      return true;
  }
  return !tile.hasOneUse() || llvm::any_of(tile.getUses(), [](OpOperand &use) {
    auto weigh = dyn_cast<TileWeighOp>(use.getOwner());
    return weigh && weigh.getWeights() == use.get();
  });
}

/// Runs `body` at the start of each span along the last dimension of a tile.
/// Narrow rows are written out.
void TileVectorizer::forEachSpan(
    Value tile, function_ref<void(ArrayRef<Value>, Value)> body) {
  Location loc = tile.getLoc();
  SmallVector<Value> extents = code.getExtents(tile);
  auto type = cast<RankedTensorType>(tile.getType());
  bool hasRows = type.getRank() == 2 && !type.isDynamicDim(0) &&
                 type.getDimSize(0) < TileLanes::fewestRows;
  ArrayRef<Value> outer = ArrayRef(extents).drop_back();
  code.buildLoops(
      loc, hasRows ? ValueRange() : ValueRange(outer), [&](ValueRange ivs) {
        code.buildSpans(loc, code.index(loc, 0), extents.back(), spanWidth, {},
                        [&](Value start, Value count, ValueRange) {
                          if (!hasRows) {
                            TileCode::Coordinates point(ivs);
                            point.push_back(start);
                            body(point, count);
                          } else {
                            for (int64_t row = 0; row < type.getDimSize(0);
                                 ++row)
                              body({code.index(loc, row), start}, count);
                          }
                          return SmallVector<Value>();
                        });
      });
}

/// Computes a tile without lanes into a panel.
void TileVectorizer::fillSpans(Value tile) {
  Location loc = tile.getLoc();
  unsigned last = cast<RankedTensorType>(tile.getType()).getRank() - 1;
  Value panel = createPanelFor(tile);
  forEachSpan(tile, [&](ArrayRef<Value> point, Value count) {
    code.writeSpan(loc, panel, point,
                   code.readSpan(loc, tile, last, point, spanWidth, count),
                   count);
  });
  code.setPanel(tile, panel);
}

LogicalResult TileVectorizer::processNarrowReduce(TileReduceOp reduce) {
  Location loc = reduce.getLoc();
  auto type = cast<RankedTensorType>(reduce.getTile().getType());
  bool isSum = reduce.getKind() == TileReduction::sum;
  auto combine = [&](Value a, Value b) -> Value {
    if (isSum)
      return arith::AddFOp::create(builder, loc, a, b);
    if (reduce.getKind() == TileReduction::maximum)
      return arith::MaximumFOp::create(builder, loc, a, b);
    // Compare and select: one instruction, and a NaN in b is passed over.
    Value greater =
        arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, b, a);
    return arith::SelectOp::create(builder, loc, greater, b, a);
  };
  auto vectorType = VectorType::get({spanWidth}, type.getElementType());
  Value neutral = arith::ConstantOp::create(
      builder, loc,
      DenseElementsAttr::get(
          vectorType,
          builder.getFloatAttr(
              type.getElementType(),
              isSum ? 0.0 : -std::numeric_limits<double>::infinity())));
  Value begin = reduce.getBegin(), end = reduce.getEnd();
  if (!begin)
    begin = code.index(loc, 0);
  if (!end)
    end = code.getExtents(reduce.getTile())[1];
  SmallVector<Value> totals = code.buildSpans(
      loc, begin, end, spanWidth,
      SmallVector<Value>(type.getDimSize(0), neutral),
      [&](Value start, Value count, ValueRange carried) {
        SmallVector<Value> next;
        for (auto [row, total] : llvm::enumerate(carried)) {
          Value span =
              code.readSpan(loc, reduce.getTile(), 1,
                            {code.index(loc, row), start}, spanWidth, count);
          if (Value mask = code.spanMask(loc, count, spanWidth))
            span = arith::SelectOp::create(builder, loc, mask, span, neutral);
          next.push_back(combine(total, span));
        }
        return next;
      });
  int64_t rows = totals.size();
  totals.resize(llvm::bit_ceil(totals.size()), neutral);
  Value total = code.combineEach(loc, totals, combine);
  if (cast<VectorType>(total.getType()).getDimSize(0) != rows)
    total = vector::ExtractStridedSliceOp::create(builder, loc, total, 0, rows,
                                                  /*strides=*/1);
  Value init = code.read(loc, reduce.getInit(), {Value()});
  code.setRegister(reduce.getResult(), combine(init, total));
  replaced.push_back(reduce);
  return success();
}

LogicalResult TileVectorizer::processNarrowWeigh(TileWeighOp weigh) {
  Location loc = weigh.getLoc();
  FailureOr<Sum> sum = takeSum(weigh);
  if (failed(sum))
    return failure();
  int64_t rows = cast<RankedTensorType>(weigh.getType()).getDimSize(0);
  replaced.push_back(weigh);
  SmallVector<RowsAhead> ahead = findRowsAhead(builder, code, weigh.getInputs(),
                                               weigh.getMaps(), /*along=*/2);

  // `vectors` of columns at a time, of all rows.
  auto buildColumns = [&](Value start, Value count, int64_t vectors) {
    SmallVector<Value> columns, sums;
    for (int64_t k = 0; k < vectors; ++k)
      columns.push_back(arith::AddIOp::create(builder, loc, start,
                                              code.index(loc, k * spanWidth)));
    auto vectorType = VectorType::get(
        {spanWidth}, cast<RankedTensorType>(weigh.getType()).getElementType());
    sums.assign(rows * vectors,
                arith::ConstantOp::create(builder, loc,
                                          builder.getZeroAttr(vectorType)));
    auto loop = scf::ForOp::create(builder, loc, sum->begin, sum->end,
                                   code.index(loc, 1), sums);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(loop.getBody());
      Value key = loop.getInductionVar();
      SmallVector<Value> next;
      SpanReader reader(code, weigh.getInputs(), weigh.getMaps(), /*along=*/2,
                        spanWidth, count);
      for (int64_t row = 0; row < rows; ++row) {
        Value rowIndex = code.index(loc, row);
        Value weight = code.broadcast(
            loc, code.read(loc, weigh.getWeights(), {rowIndex, key}),
            spanWidth);
        for (Value column : columns) {
          SmallVector<Value> point = {rowIndex, key, column};
          SmallVector<Value> inputs = reader.read(loc, point);
          point[2] = code.spanIndices(loc, column, spanWidth);
          Value value = code.compute(weigh.getBody(), inputs, point, spanWidth);
          next.push_back(math::FmaOp::create(
              builder, loc, weight, code.broadcast(loc, value, spanWidth),
              loop.getRegionIterArgs()[next.size()]));
        }
      }
      for (RowsAhead &rows : ahead)
        rows.fetch(key, columns, spanWidth);
      scf::YieldOp::create(builder, loc, next);
    }
    // A sum of sums of blocks: its error does not grow with the keys' number.
    for (auto [k, value] : llvm::enumerate(loop.getResults())) {
      Value row = code.index(loc, k / vectors), column = columns[k % vectors];
      Value total =
          arith::AddFOp::create(builder, loc,
                                code.readSpan(loc, weigh.getInit(), 1,
                                              {row, column}, spanWidth, count),
                                value);
      code.writeSpan(loc, sum->panel, ValueRange{row, column}, total, count);
    }
  };
  // As many sums as lanes: enough to keep the multipliers busy, and few enough
  // for the registers.
  int64_t vectors = std::clamp<int64_t>(spanWidth / rows, 1, 8);
  Value columns = code.getExtents(sum->base)[1], zero = code.index(loc, 0);
  std::optional<int64_t> known = getConstantIntValue(columns);
  int64_t wide = vectors * spanWidth;
  Value whole = zero;
  if (!known || *known >= wide) {
    whole = arith::SubIOp::create(
        builder, loc, columns,
        arith::RemSIOp::create(builder, loc, columns, code.index(loc, wide)));
    auto loop =
        scf::ForOp::create(builder, loc, zero, whole, code.index(loc, wide));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    buildColumns(loop.getInductionVar(), Value(), vectors);
  }
  if (!known || *known % wide != 0)
    code.buildSpans(loc, known ? code.index(loc, *known / wide * wide) : whole,
                    columns, spanWidth, {},
                    [&](Value start, Value count, ValueRange) {
                      buildColumns(start, count, 1);
                      return SmallVector<Value>();
                    });
  code.setPanel(weigh, sum->panel);
  return success();
}

LogicalResult TileVectorizer::processNarrowStore(TileStoreOp store) {
  Value tile = store.getTile();
  unsigned rank = cast<RankedTensorType>(tile.getType()).getRank();
  if (code.getLane(tile) || rank == 0 ||
      !TileCode::isContiguous(store.getMap(),
                              cast<MemRefType>(store.getDest().getType()),
                              rank - 1))
    return processStore(store);
  replaced.push_back(store);
  forEachSpan(tile, [&](ArrayRef<Value> point, Value count) {
    code.storeSpan(
        store, point,
        code.readSpan(store.getLoc(), tile, rank - 1, point, spanWidth, count),
        count);
  });
  return success();
}
