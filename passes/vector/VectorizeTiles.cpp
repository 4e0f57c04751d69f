//===- VectorizeTiles.cpp - the tile form to vector code ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/vector/TileChecks.h"
#include "passes/vector/TileMatrix.h"
#include "passes/vector/TileSweep.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Dialect/X86Vector/X86VectorDialect.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_VECTORIZETILESPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

LogicalResult TileVectorizer::run(Block &block) {
  if (failed(checkTiles(root, lanes)))
    return failure();
  if (auto iteration = dyn_cast<scf::ForallOp>(root);
      iteration && !lanes.isNarrow())
    groupsAhead.prepare(iteration);
  if (failed(processBlock(block)))
    return failure();
  eraseReplaced();
  return success();
}

void TileVectorizer::eraseReplaced() {
  for (Operation *op : replaced)
    op->dropAllUses();
  for (Operation *op : replaced)
    op->erase();
  // The first argument of a loop's body is its induction variable.
  for (auto [body, count] : replacedArguments)
    body->eraseArguments(1, count);
}

LogicalResult TileVectorizer::processBlock(Block &block) {
  TileSweep sweep(builder, code, target, groupsAhead);
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops) {
    if (lanes.isNarrow()) {
      builder.setInsertionPoint(op);
      if (failed(isTileOp(op) ? processNarrow(op) : process(op)))
        return failure();
      continue;
    }
    bool added = sweep.tryAdd(op);
    bool needsSweep = isa<TileContractOp, TileMaskOp, TileReduceOp>(op);
    if (!added && !sweep.empty() &&
        (needsSweep || sweep.feeds(op) ||
         op->hasTrait<OpTrait::IsTerminator>())) {
      builder.setInsertionPoint(op);
      sweep.emit();
      added = sweep.tryAdd(op);
    }
    if (added) {
      replaced.push_back(op);
      continue;
    }
    builder.setInsertionPoint(op);
    if (failed(process(op)))
      return failure();
  }
  return success();
}

LogicalResult TileVectorizer::process(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](TileLoadOp load) { return processLoad(load); })
      .Case([&](TileMapOp map) { return processMap(map); })
      .Case([&](TilePiecesOp pieces) { return processPieces(pieces); })
      .Case([&](TileRescaleOp rescale) { return processRescale(rescale); })
      .Case([&](TileWeighOp weigh) {
        bool isMatrix = target.matrixUnit && isMatrixWeigh(weigh) &&
                        code.getPairPanel(weigh.getWeights());
        return isMatrix ? processMatrixWeigh(weigh) : processWeigh(weigh);
      })
      .Case([&](TileContractOp contract) -> LogicalResult {
        assert(target.matrixUnit && isMatrixContract(contract) &&
               "an empty sweep takes each other one");
        return processMatrixContract(contract);
      })
      .Case([&](TileStoreOp store) { return processStore(store); })
      .Case<TileMaskOp, TileReduceOp>([](Operation *) -> LogicalResult {
        llvm_unreachable("an empty sweep takes each of these");
      })
      .Case([&](tensor::FromElementsOp list) {
        auto type = cast<RankedTensorType>(list.getType());
        Value buffer = code.createBuffer(op->getLoc(), type.getShape(),
                                         type.getElementType());
        for (auto [k, element] : llvm::enumerate(list.getElements()))
          memref::StoreOp::create(builder, op->getLoc(), element, buffer,
                                  code.index(op->getLoc(), k));
        code.setPanel(list, buffer);
        replaced.push_back(op);
        return success();
      })
      .Case([&](tensor::ExtractOp extract) -> LogicalResult {
        Value buffer = code.getPanel(extract.getTensor());
        if (!buffer)
          return op->emitOpError("reads a tensor that is not a tile");
        extract.replaceAllUsesWith(memref::LoadOp::create(builder, op->getLoc(),
                                                          buffer,
                                                          extract.getIndices())
                                       .getResult());
        replaced.push_back(op);
        return success();
      })
      .Case([&](tensor::EmptyOp empty) { return processEmpty(empty); })
      .Case([&](tensor::ExtractSliceOp slice) { return processExtract(slice); })
      .Case([&](tensor::InsertSliceOp insert) { return processInsert(insert); })
      .Case([&](scf::ForOp loop) { return processFor(loop); })
      .Case([&](scf::IfOp branch) { return processIf(branch); })
      .Case([&](scf::ParallelOp loop) {
        return isMatrixLayer(loop) ? processMatrixLayer(loop)
                                   : processBlock(*loop.getBody());
      })
      .Default([&](Operation *other) -> LogicalResult {
        for (Region &region : other->getRegions())
          for (Block &block : region)
            if (failed(processBlock(block)))
              return failure();
        return success();
      });
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// A branch that only chooses between tiles is a select after simplification.
static void branchInsteadOfSelect(Operation *root) {
  SmallVector<arith::SelectOp> selects;
  root->walk([&](arith::SelectOp select) {
    if (isa<RankedTensorType>(select.getType()))
      selects.push_back(select);
  });
  for (arith::SelectOp select : selects) {
    OpBuilder builder(select);
    auto yield = [](Value value) {
      return [value](OpBuilder &builder, Location loc) {
        scf::YieldOp::create(builder, loc, value);
      };
    };
    auto branch = scf::IfOp::create(
        builder, select.getLoc(), select.getCondition(),
        yield(select.getTrueValue()), yield(select.getFalseValue()));
    select.replaceAllUsesWith(branch.getResult(0));
    select.erase();
  }
}

namespace {
struct VectorizeTilesPass
    : fovea::attn::impl::VectorizeTilesPassBase<VectorizeTilesPass> {
  using VectorizeTilesPassBase::VectorizeTilesPassBase;
  void runOnOperation() override {
    // A root is the innermost parallel iteration, or the function where there
    // is none.
    llvm::SetVector<Operation *> roots;
    getOperation()->walk([&](Operation *op) {
      if (!isTileOp(op))
        return;
      Operation *root = op->getParentOfType<scf::ForallOp>();
      if (!root)
        root = op->getParentOfType<FunctionOpInterface>();
      if (root)
        roots.insert(root);
    });
    // Functions last: of their tiles only those outside of iterations are left.
    SmallVector<Operation *> ordered;
    for (bool isIteration : {true, false})
      llvm::append_range(ordered, llvm::make_filter_range(roots, [&](auto *op) {
                           return isa<scf::ForallOp>(op) == isIteration;
                         }));
    for (Operation *root : ordered) {
      if (!root->getRegion(0).hasOneBlock()) {
        root->emitOpError("expects tiles in structured control flow, but has "
                          "several blocks");
        return signalPassFailure();
      }
      branchInsteadOfSelect(root);
      Block &body = root->getRegion(0).front();
      TileVectorizer vectorizer(
          root, &body, {registerRows, bf16Dots, matrixUnit, registerLanes});
      if (failed(vectorizer.run(body)))
        return signalPassFailure();
    }
  }
};
} // namespace
