//===- AttentionResults.cpp - the results of one tile of queries
//-----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/AttentionTiler.h"
#include "passes/tile/TileOperands.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace fovea::attn;

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
