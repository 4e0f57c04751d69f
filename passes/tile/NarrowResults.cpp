//===- NarrowResults.cpp - what is rounded in the end ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/NarrowResults.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea::attn;

/// Adds what `use` makes of a tile; failure where that is unknown.
static LogicalResult follow(OpOperand &use, llvm::SetVector<Value> &tiles) {
  Operation *user = use.getOwner();
  if (auto yield = dyn_cast<scf::YieldOp>(user)) {
    unsigned number = use.getOperandNumber();
    tiles.insert(yield->getParentOp()->getResult(number));
    if (auto loop = dyn_cast<scf::ForOp>(yield->getParentOp()))
      tiles.insert(loop.getRegionIterArg(number));
    return success();
  }
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    tiles.insert(loop.getTiedLoopRegionIterArg(&use));
    tiles.insert(loop.getTiedLoopResult(&use));
    return success();
  }
  if (!isa<TileContractOp, TileMapOp, TileMaskOp, TileReduceOp, TileRescaleOp,
           TileWeighOp, tensor::ExtractSliceOp, tensor::InsertSliceOp>(user))
    return failure();
  tiles.insert(user->getResult(0));
  return success();
}

bool fovea::attn::endsInBf16(Value tile) {
  llvm::SetVector<Value> tiles;
  tiles.insert(tile);
  for (size_t next = 0; next < tiles.size(); ++next)
    for (OpOperand &use : tiles[next].getUses()) {
      if (auto store = dyn_cast<TileStoreOp>(use.getOwner())) {
        if (!getElementTypeOrSelf(store.getDest().getType()).isBF16())
          return false;
      } else if (failed(follow(use, tiles))) {
        return false;
      }
    }
  return true;
}
