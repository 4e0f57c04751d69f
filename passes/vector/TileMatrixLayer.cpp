//===- TileMatrixLayer.cpp - linear layers by a matrix unit ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop over the panels of a layer becomes blocks of sums that the unit makes
// (TileLayerBlocks.cpp); what is computed of them follows, a few rows at a
// time.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileChecks.h"
#include "passes/vector/TileLayerBlocks.h"
#include "passes/vector/TileVectorizer.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace fovea::attn;

std::optional<MatrixLayer>
fovea::attn::getMatrixLayer(TileContractOp contract) {
  auto type = cast<RankedTensorType>(contract.getType());
  if (!isPairProduct(contract.getBody()) || contract.getNumDims() != 3 ||
      !type.getElementType().isF32() || type.getDimSize(0) != MatrixUnit::block)
    return std::nullopt;
  unsigned weightsAt = isMatrixOperand(contract.getMaps()[0], 0) ? 0 : 1;
  if (!isMatrixOperand(contract.getMaps()[weightsAt], 0) ||
      !isMatrixOperand(contract.getMaps()[1 - weightsAt], 1))
    return std::nullopt;
  MatrixLayer layer{
      contract.getInputs()[1 - weightsAt].getDefiningOp<TileLoadOp>(),
      contract.getInputs()[weightsAt].getDefiningOp<TileLoadOp>(), 0};
  for (TileLoadOp load : {layer.inputs, layer.weights})
    if (!load || !load.readsPairs() || !load.getLookups().empty() ||
        llvm::is_contained(load.getInBounds().drop_back(), false) ||
        ShapedType::isDynamic(
            cast<MemRefType>(load.getSource().getType()).getShape().back()))
      return std::nullopt;
  layer.pairs = cast<RankedTensorType>(layer.inputs.getType()).getDimSize(1);
  bool fits = !ShapedType::isDynamic(layer.pairs) &&
              layer.pairs % MatrixUnit::rows == 0 &&
              layer.weights.getInBounds().back() &&
              TileCode::isContiguous(layer.weights, 0) &&
              TileCode::getMemoryDim(layer.weights.getMap(), 1) &&
              TileCode::isContiguous(layer.inputs, 1) &&
              TileCode::getMemoryDim(layer.inputs.getMap(), 0);
  return fits ? std::optional(layer) : std::nullopt;
}

bool TileVectorizer::isMatrixLayer(scf::ParallelOp loop) {
  if (!target.matrixUnit || loop.getNumLoops() != 1 ||
      !loop.getInitVals().empty() ||
      !isConstantIntValue(loop.getLowerBound()[0], 0) ||
      !isConstantIntValue(loop.getStep()[0], 1))
    return false;
  auto contracts = loop.getBody()->getOps<TileContractOp>();
  if (!llvm::hasSingleElement(contracts))
    return false;
  TileContractOp contract = *contracts.begin();
  std::optional<MatrixLayer> layer = getMatrixLayer(contract);
  if (!layer || !loop.isDefinedOutsideOfLoop(layer->inputs) ||
      code.getPanel(layer->inputs))
    return false;
  TileSweep sweep(builder, code, target, groupsAhead);
  sweep.addMade(contract);
  return llvm::all_of(loop.getBody()->without_terminator(), [&](Operation &op) {
    if (isa<TileContractOp, TileLoadOp>(op) || sweep.tryAdd(&op))
      return true;
    bool isWideTile =
        isTileOp(&op) && (op.getNumResults() != 1 || isWide(op.getResult(0)));
    return !isWideTile && isPure(&op) && !sweep.feeds(&op);
  });
}

bool TileVectorizer::isMatrixInput(TileLoadOp load) {
  return !load.use_empty() && llvm::all_of(load->getUsers(), [&](auto *user) {
    auto loop = dyn_cast<scf::ParallelOp>(user->getParentOp());
    return isa<TileContractOp>(user) && loop && isMatrixLayer(loop);
  });
}

LogicalResult TileVectorizer::processMatrixLayer(scf::ParallelOp loop) {
  LayerBlocks blocks(builder, code, loop);
  blocks.prepare();
  blocks.buildFirstParts();
  TileSweep sweep(builder, code, target, groupsAhead);
  LogicalResult result = success();
  auto begin = [&](Value panel) {
    // The body moves to where its panel is finished.
    SmallVector<Operation *> ops;
    for (Operation &op : loop.getBody()->without_terminator())
      ops.push_back(&op);
    loop.getInductionVars()[0].replaceAllUsesWith(panel);
    for (Operation *op : ops)
      op->moveBefore(builder.getInsertionBlock(), builder.getInsertionPoint());
    for (Operation *op : ops) {
      if (auto contract = dyn_cast<TileContractOp>(op)) {
        sweep.addMade(contract);
        replaced.push_back(op);
      } else if (sweep.tryAdd(op)) {
        replaced.push_back(op);
      } else if (isTileOp(op) && failed(process(op))) {
        result = failure();
      }
    }
  };
  blocks.buildLastPart(begin,
                       [&](Value sums, Value first, ArrayRef<Value> rows) {
                         sweep.emitMade(sums, first, rows);
                       });
  replaced.push_back(loop);
  return result;
}
