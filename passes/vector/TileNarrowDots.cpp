//===- TileNarrowDots.cpp - scores of few rows ----------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is contracted lies along lanes if memory has it so: a register tile of
// rows and keys is as many vectors of partial sums as there are lanes, and
// these become one vector of scores by adding halves, then quarters, ….
// Otherwise keys lie along lanes.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace fovea::attn;

/// The keys of a tile of scores that anything uses: those that all reductions
/// and weighted sums which it leads to visit, or all of them.
std::pair<Value, Value> TileVectorizer::getVisited(Value score) {
  Value begin, end;
  bool found = false, same = true;
  SmallVector<Value> reached = {score};
  auto visit = [&](Value from, Value to) {
    same &= !found || (from == begin && to == end);
    found = true;
    begin = from;
    end = to;
  };
  for (size_t k = 0; k < reached.size(); ++k)
    for (Operation *user : reached[k].getUsers()) {
      if (auto reduce = dyn_cast<TileReduceOp>(user))
        visit(reduce.getBegin(), reduce.getEnd());
      else if (auto weigh = dyn_cast<TileWeighOp>(user))
        visit(weigh.getBegin(), weigh.getEnd());
      else if (isa<TileMapOp, TileMaskOp>(user))
        reached.push_back(user->getResult(0));
      else
        same = false;
    }
  Location loc = score.getLoc();
  if (!found || !same)
    begin = end = Value();
  return {begin ? begin : code.index(loc, 0),
          end ? end : code.getExtents(score)[1]};
}

/// Whether the innermost of what is summed over lies along memory.
bool TileVectorizer::canSumAlongLanes(TileContractOp contract) {
  unsigned last = contract.getNumDims() - 1;
  if (last < 2)
    return false;
  for (auto [input, attr] :
       llvm::zip(contract.getInputs(), contract.getMaps())) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    if (map.isFunctionOfDim(last) &&
        (map.getDimPosition(map.getNumResults() - 1) != last ||
         !code.canReadRow(input)))
      return false;
  }
  return true;
}

/// The scores of all rows with some keys, one vector: those of the first row,
/// then those of the second, …. Asks for keys of the next step as these are
/// read.
Value TileVectorizer::buildDots(TileContractOp contract, ValueRange keys,
                                MutableArrayRef<RowsAhead> ahead) {
  Location loc = contract.getLoc();
  auto type = cast<RankedTensorType>(contract.getType());
  int64_t rows = type.getDimSize(0);
  unsigned last = contract.getNumDims() - 1;
  auto vectorType = VectorType::get({spanWidth}, type.getElementType());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType));
  bool isDot = hasPairDots(target, contract, spanWidth);
  SmallVector<Value> extents = code.getSummedExtents(contract);
  SmallVector<Value> sums = code.buildSumLoops(
      loc, ArrayRef(extents).drop_back(),
      SmallVector<Value>(rows * keys.size(), zero),
      [&](ValueRange ivs, ValueRange outer) {
        return code.buildSpans(
            loc, code.index(loc, 0), extents.back(), spanWidth, outer,
            [&](Value start, Value count, ValueRange carried) {
              SpanReader reader(code, contract.getInputs(), contract.getMaps(),
                                last, spanWidth, count);
              Value exists = code.spanMask(loc, count, spanWidth);
              SmallVector<Value> next;
              for (int64_t row = 0; row < rows; ++row)
                for (Value key : keys) {
                  SmallVector<Value> point = {code.index(loc, row), key};
                  llvm::append_range(point, ivs);
                  point.push_back(start);
                  SmallVector<Value> inputs = reader.read(loc, point);
                  point.back() = code.spanIndices(loc, start, spanWidth);
                  // Pairs that do not exist are zero.
                  next.push_back(
                      isDot ? addPairDots(
                                  builder, loc, target, carried[next.size()],
                                  code.broadcast(loc, inputs[0], spanWidth),
                                  code.broadcast(loc, inputs[1], spanWidth))
                            : code.addTerm(contract, inputs, point, spanWidth,
                                           carried[next.size()], exists));
                }
              for (RowsAhead &rows : ahead)
                for (Value key : keys)
                  rows.fetch(key, start, spanWidth);
              return next;
            });
      });
  sums.resize(llvm::bit_ceil(sums.size()), zero);
  return code.combineEach(loc, sums, [&](Value a, Value b) -> Value {
    return arith::AddFOp::create(builder, loc, a, b);
  });
}

LogicalResult TileVectorizer::processDots(TileContractOp contract) {
  Location loc = contract.getLoc();
  auto type = cast<RankedTensorType>(contract.getType());
  int64_t rows = type.getDimSize(0);
  auto [begin, end] = getVisited(contract);
  Value panel = createPanelFor(contract);
  code.setPanel(contract, panel);
  replaced.push_back(contract);
  auto write = [&](int64_t row, Value key, Value scores, Value count) {
    code.writeSpan(loc, panel, ValueRange{code.index(loc, row), key}, scores,
                   count);
  };

  if (canSumAlongLanes(contract)) {
    int64_t numKeys = llvm::bit_floor<uint64_t>(spanWidth / rows);
    Value last = arith::SubIOp::create(builder, loc, end, code.index(loc, 1));
    SmallVector<RowsAhead> ahead =
        findRowsAhead(builder, code, contract.getInputs(), contract.getMaps(),
                      contract.getNumDims() - 1);
    code.buildSpans(loc, begin, end, numKeys, {},
                    [&](Value start, Value count, ValueRange) {
                      SmallVector<Value> keys = {start};
                      for (int64_t k = 1; k < numKeys; ++k) {
                        Value key = arith::AddIOp::create(builder, loc, start,
                                                          code.index(loc, k));
                        // Beyond the last key the last is read again.
                        if (count)
                          key = arith::MinSIOp::create(builder, loc, key, last);
                        keys.push_back(key);
                      }
                      Value scores = buildDots(contract, keys, ahead);
                      for (int64_t row = 0; row < rows; ++row)
                        write(row, start,
                              vector::ExtractStridedSliceOp::create(
                                  builder, loc, scores, row * numKeys, numKeys,
                                  /*strides=*/1),
                              count);
                      return SmallVector<Value>();
                    });
    return success();
  }

  auto vectorType = VectorType::get({spanWidth}, type.getElementType());
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType));
  SmallVector<Value> extents = code.getSummedExtents(contract);
  code.buildSpans(
      loc, begin, end, spanWidth, {},
      [&](Value start, Value count, ValueRange) {
        SmallVector<Value> sums = code.buildSumLoops(
            loc, extents, SmallVector<Value>(rows, zero),
            [&](ValueRange ivs, ValueRange carried) {
              SpanReader reader(code, contract.getInputs(), contract.getMaps(),
                                /*along=*/1, spanWidth, count);
              SmallVector<Value> next;
              for (int64_t row = 0; row < rows; ++row) {
                SmallVector<Value> point = {code.index(loc, row), start};
                llvm::append_range(point, ivs);
                SmallVector<Value> inputs = reader.read(loc, point);
                point[1] = code.spanIndices(loc, start, spanWidth);
                next.push_back(code.addTerm(contract, inputs, point, spanWidth,
                                            carried[row]));
              }
              return next;
            });
        for (auto [row, sum] : llvm::enumerate(sums))
          write(row, start, sum, count);
        return SmallVector<Value>();
      });
  return success();
}
