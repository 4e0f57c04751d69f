//===- AttentionResults.cpp - the results of one tile of queries ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/AttentionTiler.h"
#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace fovea::attn;

AttentionTiler::RowState AttentionTiler::splitState(ValueRange parts) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  auto normalizer = op.getNormalizer();
  RowState state;
  for (unsigned k = 0; k < self.getNumValues(); ++k)
    state.sums.push_back(parts[k]);
  unsigned next = self.getNumValues();
  if (normalizer.hasShift())
    state.shift = parts[next++];
  if (normalizer.hasMass())
    state.mass = parts[next++];
  if (hasStatistic(ResultKind::max))
    state.max = parts[next++];
  if (hasStatistic(ResultKind::argmax))
    state.argMax = parts[next + 1];
  return state;
}

/// Adds one more key, of score `sink` and value 0, to the state of each row:
/// to its shift and mass. Returns what the weighted sums are multiplied by;
/// null for 1.
Value AttentionTiler::addSink(Value sink, RowState &state) {
  auto normalizer = op.getNormalizer();
  auto self = cast<AttentionOpInterface>(op.getOperation());
  auto buildRows = [&](ValueRange inputs, auto &&build) -> Value {
    return buildTileMap(rewriter, loc, rowsType(), inputs, {}, build);
  };
  Value rescale;
  if (Value older = state.shift) {
    state.shift = buildRows({older, sink}, [&](OpBuilder &b, ValueRange args) {
      return arith::MaximumFOp::create(b, loc, args[0], args[1]).getResult();
    });
    rescale =
        buildRows({older, state.shift}, [&](OpBuilder &b, ValueRange args) {
          return normalizer.buildRescale(b, loc, args[0], args[1]);
        });
    for (auto [k, sum] : llvm::enumerate(state.sums))
      if (self.isLogWeight(k))
        sum = buildLogWeightRescale(rewriter, loc, normalizer, sum, state.mass,
                                    older, state.shift);
    state.mass =
        buildRows({state.mass, rescale}, [&](OpBuilder &b, ValueRange args) {
          return arith::MulFOp::create(b, loc, args[0], args[1]).getResult();
        });
  }
  SmallVector<Value> inputs = {state.mass, sink};
  if (state.shift)
    inputs.push_back(state.shift);
  state.keysMass = state.mass;
  state.mass = buildRows(inputs, [&](OpBuilder &b, ValueRange args) {
    Value weight = normalizer.buildWeight(b, loc, args[1],
                                          state.shift ? args[2] : Value());
    return arith::AddFOp::create(b, loc, args[0], weight).getResult();
  });
  return rescale;
}

/// Divides sums of w * log w: with weights w / L they are
/// (sum of w * log w - sum of w * log L) / L.
void AttentionTiler::finishLogWeights(RowState &state, Value factor) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  for (auto [k, sum] : llvm::enumerate(state.sums)) {
    if (!self.isLogWeight(k))
      continue;
    sum = buildTileMap(
        rewriter, loc, rowsType(), {sum, state.keysMass, state.mass, factor},
        {}, [&](OpBuilder &b, ValueRange args) -> Value {
          Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
          Value empty = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ,
                                              args[1], zero);
          Value log = math::LogOp::create(b, loc, args[2]);
          Value total = arith::MulFOp::create(b, loc, args[1], log);
          total = arith::SelectOp::create(b, loc, empty, zero, total);
          Value rest = arith::SubFOp::create(b, loc, args[0], total);
          return arith::MulFOp::create(b, loc, rest, args[3]);
        });
  }
}

void AttentionTiler::buildResults(ValueRange parts) {
  auto normalizer = op.getNormalizer();
  RowState state = splitState(parts);
  state.keysMass = state.mass;
  auto self = cast<AttentionOpInterface>(op.getOperation());
  TileOperands operands(rewriter, self, schedule, offsets, ends);
  Value rescale;
  if (!op.getSink().empty())
    rescale = addSink(operands.buildRows(op.getSink()), state);

  // The factor of each row; null where the normalizer divides by nothing.
  SmallVector<Value> statistics;
  if (state.shift)
    statistics.push_back(state.shift);
  if (state.mass)
    statistics.push_back(state.mass);
  auto buildRows = [&](auto &&build) -> Value {
    return buildTileMap(rewriter, loc, rowsType(), statistics, {},
                        [&](OpBuilder &b, ValueRange args) {
                          Value s = state.shift ? args.front() : Value();
                          Value m = state.mass ? args.back() : Value();
                          return build(b, s, m);
                        });
  };
  Value factor;
  if (state.mass)
    factor = buildRows([&](OpBuilder &b, Value s, Value m) {
      return normalizer.buildFinalFactor(b, loc, s, m);
    });
  finishLogWeights(state, factor);

  Value outputFactor = factor;
  if (rescale)
    outputFactor =
        buildTileMap(rewriter, loc, rowsType(), {factor, rescale}, {},
                     [&](OpBuilder &b, ValueRange args) -> Value {
                       return arith::MulFOp::create(b, loc, args[0], args[1]);
                     });

  for (unsigned k = 0; k < op.getOuts().size(); ++k) {
    AffineMap access = self.getOutAccess(k);
    Value out = destinations[k];
    switch (op.getResultKind(k)) {
    case ResultKind::output:
      operands.storeOutput(out, access, op.getOutputNumber(k), state.sums,
                           outputFactor);
      break;
    case ResultKind::logsumexp: {
      Value log = buildRows([&](OpBuilder &b, Value s, Value m) {
        return normalizer.buildLogMass(b, loc, s, m);
      });
      operands.storeRows(out, access, log);
      break;
    }
    case ResultKind::weights:
      buildWeights(out, access, state.shift, factor);
      break;
    case ResultKind::max:
      operands.storeRows(out, access, state.max);
      break;
    case ResultKind::argmax:
      operands.storeRows(out, access, state.argMax);
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
