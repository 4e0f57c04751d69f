//===- TileContract.cpp - the sums of contractions as vector code ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileCode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace fovea::attn;

Value TileCode::addTerm(TileContractOp contract, ArrayRef<Value> inputs,
                        ArrayRef<Value> point, int64_t width, Value sum,
                        Value exists) {
  Location loc = contract.getLoc();
  Value term = compute(contract.getBody(), inputs, point, width);
  // A product is fused into the sum; anything else is added to it.
  auto factors = contract.getBody()
                         .front()
                         .getTerminator()
                         ->getOperand(0)
                         .getDefiningOp<arith::MulFOp>()
                     ? term.getDefiningOp<arith::MulFOp>()
                     : arith::MulFOp();
  Value next;
  if (factors && isa<VectorType>(term.getType())) {
    next = math::FmaOp::create(builder, loc, factors.getLhs(), factors.getRhs(),
                               sum);
    factors.erase();
  } else {
    next =
        arith::AddFOp::create(builder, loc, sum, broadcast(loc, term, width));
  }
  if (!exists)
    return next;
  return arith::SelectOp::create(builder, loc, exists, next, sum);
}

SmallVector<Value> TileCode::getSummedExtents(TileContractOp contract) {
  SmallVector<Value> extents;
  for (unsigned dim = 2; dim < contract.getNumDims(); ++dim)
    for (auto [input, attr] :
         llvm::zip(contract.getInputs(), contract.getMaps())) {
      std::optional<unsigned> position =
          cast<AffineMapAttr>(attr).getValue().getResultPosition(
              builder.getAffineDimExpr(dim));
      if (!position)
        continue;
      extents.push_back(getExtents(input)[*position]);
      break;
    }
  return extents;
}

SmallVector<Value> TileCode::buildSumLoops(
    Location loc, ValueRange extents, ValueRange sums,
    function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  SmallVector<scf::ForOp> loops;
  SmallVector<Value> ivs, values(sums);
  OpBuilder::InsertionGuard guard(builder);
  for (Value extent : extents) {
    auto loop = scf::ForOp::create(builder, loc, index(loc, 0), extent,
                                   index(loc, 1), values);
    builder.setInsertionPointToStart(loop.getBody());
    ivs.push_back(loop.getInductionVar());
    values = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
    loops.push_back(loop);
  }
  values = body(ivs, values);
  for (scf::ForOp loop : llvm::reverse(loops)) {
    builder.setInsertionPointToEnd(loop.getBody());
    scf::YieldOp::create(builder, loc, values);
    values = llvm::to_vector_of<Value>(loop.getResults());
  }
  return values;
}
