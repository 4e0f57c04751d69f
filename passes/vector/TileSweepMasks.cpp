//===- TileSweepMasks.cpp - keys that a mask is known to keep -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/LaneIndices.h"
#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

void TileSweep::emitWithoutContract(Value begin, Value end, unsigned rows,
                                    SmallVectorImpl<Value> &totals) {
  SmallVector<TileMaskOp> masks;
  for (Operation *op : ops)
    if (auto mask = dyn_cast<TileMaskOp>(op))
      masks.push_back(mask);
  if (masks.size() != 1)
    return emitLoop(begin, end, rows, /*clamp=*/false, totals);
  TileMaskOp mask = masks.front();
  Location loc = mask.getLoc();
  auto kept = findKeptKeys(builder, mask,
                           cast<RankedTensorType>(mask.getType()).getDimSize(0),
                           begin, end);
  if (!kept)
    return emitLoop(begin, end, rows, /*clamp=*/false, totals);
  // As many keys before them as are whole steps, and of them too.
  Value step = code.index(loc, rows), zero = code.index(loc, 0);
  auto subtract = [&](Value a, Value b) {
    return builder.createOrFold<arith::SubIOp>(loc, a, b);
  };
  auto atLeast = [&](Value value, Value least) {
    return builder.createOrFold<arith::MaxSIOp>(loc, value, least);
  };
  auto place = [&](Value steps) {
    return builder.createOrFold<arith::AddIOp>(
        loc, begin, builder.createOrFold<arith::MulIOp>(loc, steps, step));
  };
  Value before = builder.createOrFold<arith::CeilDivUIOp>(
      loc, subtract(kept->first, begin), step);
  Value until = builder.createOrFold<arith::DivUIOp>(
      loc, atLeast(subtract(kept->second, begin), zero), step);
  Value all =
      builder.createOrFold<arith::DivUIOp>(loc, subtract(end, begin), step);
  before = builder.createOrFold<arith::MinSIOp>(loc, before, all);
  Value from = place(before), to = place(atLeast(until, before));
  emitLoop(begin, from, rows, /*clamp=*/false, totals);
  masksHold = true;
  emitLoop(from, to, rows, /*clamp=*/false, totals);
  masksHold = false;
  emitLoop(to, end, rows, /*clamp=*/false, totals);
}
