//===- TileControlFlow.cpp - loops and branches that carry tiles ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rebuilt around registers and panels: what a loop carries in a panel is
// updated there, and is no value of the loop any more.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileVectorizer.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult TileVectorizer::processFor(scf::ForOp loop) {
  if (llvm::none_of(loop.getResults(), [&](Value v) { return isTile(v); })) {
    return processBlock(*loop.getBody());
  }
  Location loc = loop.getLoc();
  SmallVector<Value> inits;
  SmallVector<Value> args(loop.getRegionIterArgs());
  // Two arguments may start from one tile: only the first goes on in its place.
  llvm::SmallDenseSet<Value> taken;
  for (auto [init, arg] : llvm::zip(loop.getInits(), args)) {
    if (!isTile(init)) {
      inits.push_back(init);
    } else if (!isWide(init)) {
      inits.push_back(readWhole(loc, init));
    } else if (code.getPanel(init) && TileCode::isLastUse(init, loop) &&
               taken.insert(code.getPanel(init)).second) {
      code.setPanel(arg, code.getPanel(init));
    } else {
      code.setPanel(arg, createPanelFor(init));
      if (!init.getDefiningOp<tensor::EmptyOp>())
        copyToPanel(loc, init, arg);
    }
  }
  auto rebuilt =
      scf::ForOp::create(builder, loc, loop.getLowerBound(),
                         loop.getUpperBound(), loop.getStep(), inits);
  // The body moves with its arguments; those that stand for tiles leave it
  // when nothing refers to them any more.
  rebuilt.getRegion().takeBody(loop.getRegion());
  Block *body = rebuilt.getBody();
  unsigned next = 0;
  for (auto [arg, result] : llvm::zip(args, loop.getResults())) {
    if (isTile(arg) && isWide(arg)) {
      code.setPanel(result, code.getPanel(arg));
      continue;
    }
    Value inner = body->addArgument(inits[next].getType(), loc);
    Value outer = rebuilt.getResults()[next++];
    if (isTile(arg)) {
      code.setRegister(arg, inner);
      code.setRegister(result, outer);
    } else {
      arg.replaceAllUsesWith(inner);
      result.replaceAllUsesWith(outer);
    }
  }
  replacedArguments.emplace_back(body, args.size());
  if (failed(processBlock(*body)))
    return failure();

  Operation *terminator = body->getTerminator();
  builder.setInsertionPoint(terminator);
  SmallVector<Value> yields;
  struct Copy {
    Value from, argument, result;
  };
  SmallVector<Copy> copies;
  for (auto [arg, yielded, result] :
       llvm::zip(args, terminator->getOperands(), loop.getResults())) {
    if (!isTile(arg))
      yields.push_back(yielded);
    else if (!isWide(arg))
      yields.push_back(readWhole(loc, yielded));
    else if (code.getPanel(yielded) != code.getPanel(arg))
      copies.push_back({yielded, arg, result});
  }
  // Each may be made of what any argument holds, as it is read: none is
  // overwritten until all have been read.
  if (copies.size() > 1)
    for (Copy &copy : copies) {
      code.setPanel(copy.result, createPanelFor(copy.argument));
      copyToPanel(loc, copy.from, copy.result);
      copy.from = copy.result;
    }
  for (const Copy &copy : copies)
    copyToPanel(loc, copy.from, copy.argument);
  for (const Copy &copy : copies)
    code.setPanel(copy.result, code.getPanel(copy.argument));
  scf::YieldOp::create(builder, loc, yields);
  terminator->erase();
  replaced.push_back(loop);
  builder.setInsertionPointAfter(rebuilt);
  return success();
}

/// `tile`, or the tile that its last few changes started from, if that is made
/// outside of `op`; null when none is.
static Value findBefore(Value tile, Operation *op) {
  while (op->isAncestor(tile.getParentBlock()->getParentOp())) {
    if (auto weigh = tile.getDefiningOp<TileWeighOp>())
      tile = weigh.getInit();
    else if (auto rescale = tile.getDefiningOp<TileRescaleOp>())
      tile = rescale.getTile();
    else
      return {};
  }
  return tile;
}

LogicalResult TileVectorizer::processIf(scf::IfOp branch) {
  if (llvm::none_of(branch.getResults(), [&](Value v) { return isTile(v); })) {
    for (Region &region : branch->getRegions())
      for (Block &block : region)
        if (failed(processBlock(block)))
          return failure();
    return success();
  }
  Location loc = branch.getLoc();
  SmallVector<Type> types;
  for (Value result : branch.getResults()) {
    if (!isTile(result)) {
      types.push_back(result.getType());
    } else if (!isWide(result)) {
      auto type = cast<RankedTensorType>(result.getType());
      types.push_back(
          code.getLane(result)
              ? VectorType::get(type.getShape(), type.getElementType())
              : type.getElementType());
    }
  }
  auto rebuilt = scf::IfOp::create(builder, loc, types, branch.getCondition(),
                                   /*withElseRegion=*/true);
  Block *oldBlocks[] = {branch.thenBlock(), branch.elseBlock()};
  Block *newBlocks[] = {rebuilt.thenBlock(), rebuilt.elseBlock()};
  for (auto [from, to] : llvm::zip(oldBlocks, newBlocks)) {
    to->getOperations().clear();
    to->getOperations().splice(to->end(), from->getOperations());
  }
  for (Block *block : newBlocks)
    if (failed(processBlock(*block)))
      return failure();
  // A wide result stays in the panel that both sides have it in, else in its
  // own.
  for (auto [k, result] : llvm::enumerate(branch.getResults())) {
    if (!isTile(result) || !isWide(result))
      continue;
    Value first = code.getPanel(newBlocks[0]->getTerminator()->getOperand(k));
    Value second = code.getPanel(newBlocks[1]->getTerminator()->getOperand(k));
    if (first && first == second) {
      code.setPanel(result, first);
      continue;
    }
    // What one side continues is as large, and there before.
    Value like =
        findBefore(newBlocks[0]->getTerminator()->getOperand(k), rebuilt);
    if (!like)
      like = findBefore(newBlocks[1]->getTerminator()->getOperand(k), rebuilt);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(rebuilt);
    code.setPanel(result, createPanelFor(like ? like : result));
  }
  for (Block *block : newBlocks) {
    Operation *terminator = block->getTerminator();
    builder.setInsertionPoint(terminator);
    SmallVector<Value> yields;
    for (auto [result, yielded] :
         llvm::zip(branch.getResults(), terminator->getOperands())) {
      if (!isTile(result))
        yields.push_back(yielded);
      else if (!isWide(result))
        yields.push_back(readWhole(loc, yielded));
      else if (code.getPanel(yielded) != code.getPanel(result))
        copyToPanel(loc, yielded, result);
    }
    scf::YieldOp::create(builder, loc, yields);
    terminator->erase();
  }
  unsigned next = 0;
  for (Value result : branch.getResults()) {
    if (isTile(result) && isWide(result))
      continue;
    Value value = rebuilt.getResult(next++);
    if (isTile(result))
      code.setRegister(result, value);
    else
      result.replaceAllUsesWith(value);
  }
  replaced.push_back(branch);
  builder.setInsertionPointAfter(rebuilt);
  return success();
}
