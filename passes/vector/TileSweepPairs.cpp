//===- TileSweepPairs.cpp - weights in pairs of keys ----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace fovea::attn;

bool TileSweep::isPaired(Operation *op) const {
  auto map = dyn_cast<TileMapOp>(op);
  return hasPairs && map && isMatrixWeights(map);
}

bool TileSweep::preparePairPanel(TileMapOp map) {
  auto type = cast<RankedTensorType>(map.getType());
  int64_t count = type.getElementType().isF32() ? TilePiecesOp::maxPieces : 1;
  code.setPairPanel(map, code.createBuffer(map.getLoc(),
                                           {count, type.getDimSize(1) / 2,
                                            type.getDimSize(0)},
                                           builder.getI32Type()));
  return llvm::all_of(map->getUses(), [&](OpOperand &use) {
    auto weigh = dyn_cast<TileWeighOp>(use.getOwner());
    return llvm::is_contained(ops, use.getOwner()) ||
           (weigh && use.getOperandNumber() == 0 && isMatrixWeigh(weigh));
  });
}

/// Lanes of a conversion to bf16.
static constexpr int64_t registerLanes = 16;

/// The bf16 that two vectors of f32 are rounded to, in pairs, as i32.
static Value buildPairs(OpBuilder &builder, Location loc, Value lower,
                        Value upper) {
  int64_t width = cast<VectorType>(lower.getType()).getDimSize(0);
  auto halves = VectorType::get(2 * registerLanes, builder.getBF16Type());
  auto pairs = VectorType::get(registerLanes, builder.getI32Type());
  Value result = arith::ConstantOp::create(
      builder, loc,
      builder.getZeroAttr(VectorType::get(width, builder.getI32Type())));
  SmallVector<int64_t> order;
  for (int64_t lane = 0; lane < registerLanes; ++lane)
    order.append({lane, lane + registerLanes});
  for (int64_t first = 0; first < width; first += registerLanes) {
    auto slice = [&](Value vector) -> Value {
      return vector::ExtractStridedSliceOp::create(
          builder, loc, vector, first, registerLanes, /*strides=*/1);
    };
    // The second operand is the lower half of the result.
    Value rounded =
        LLVM::CallIntrinsicOp::create(
            builder, loc, halves,
            builder.getStringAttr("llvm.x86.avx512bf16.cvtne2ps2bf16.512"),
            {slice(upper), slice(lower)})
            .getResult(0);
    rounded = vector::ShuffleOp::create(builder, loc, rounded, rounded, order);
    result = vector::InsertStridedSliceOp::create(
        builder, loc, vector::BitCastOp::create(builder, loc, pairs, rounded),
        result, first, /*strides=*/1);
  }
  return result;
}

void TileSweep::emitPairs(TileMapOp map, ArrayRef<Value> rows, Half half,
                          ArrayRef<DenseMap<Value, Value>> known) {
  Location loc = map.getLoc();
  Value panel = code.getPairPanel(map);
  int64_t count = cast<MemRefType>(panel.getType()).getDimSize(0);
  // What rounds its input leaves that to the instruction for pairs.
  Value weights = count == 1 ? map.getInputs()[0] : map.getResult();
  auto read = [&](size_t row) {
    Value value = known[row].lookup(weights);
    return value ? value : code.read(loc, weights, {Value(), rows[row]});
  };
  auto write = [&](Value row, Value lower, Value upper) {
    Value pair = arith::DivUIOp::create(builder, loc, row, code.index(loc, 2));
    SmallVector<Value> pairs;
    if (count == 1)
      pairs.push_back(buildPairs(builder, loc, lower, upper));
    else
      pairs = TilePiecesOp::buildArithmetic(builder, loc, lower, upper, count);
    for (auto [piece, value] : llvm::enumerate(pairs))
      vector::StoreOp::create(
          builder, loc, value, panel,
          ValueRange{code.index(loc, piece), pair, code.index(loc, 0)});
  };
  if (rows.size() == 1) {
    Value value = read(0);
    Value zero = arith::ConstantOp::create(
        builder, loc, builder.getZeroAttr(value.getType()));
    if (half == Half::lower)
      write(rows[0], value, zero);
    else
      write(rows[0], zero, value);
    return;
  }
  for (size_t row = 0; row < rows.size(); row += 2)
    write(rows[row], read(row), read(row + 1));
}

/// Pairs begin at even keys: the first and the last may have one key alone.
void TileSweep::emitPairLoops(Value begin, Value end,
                              SmallVectorImpl<Value> &totals) {
  Location loc = ops.front()->getLoc();
  auto remainder = [&](Value value, int64_t size) {
    return builder.createOrFold<arith::RemSIOp>(loc, value,
                                                code.index(loc, size));
  };
  if (!matchPattern(begin, m_Zero())) {
    Value even =
        builder.createOrFold<arith::AddIOp>(loc, begin, remainder(begin, 2));
    even = builder.createOrFold<arith::MinSIOp>(loc, even, end);
    emitLoop(begin, even, 1, /*clamp=*/false, totals, Half::upper);
    begin = even;
  }
  Value count = builder.createOrFold<arith::SubIOp>(loc, end, begin);
  for (unsigned rows : {4, 2}) {
    Value to =
        builder.createOrFold<arith::SubIOp>(loc, end, remainder(count, rows));
    emitLoop(begin, to, rows, /*clamp=*/false, totals);
    begin = to;
  }
  emitLoop(begin, end, 1, /*clamp=*/false, totals, Half::lower);
}
