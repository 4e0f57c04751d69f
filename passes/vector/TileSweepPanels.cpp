//===- TileSweepPanels.cpp - what a sweep leaves in memory ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileSweep.h"

using namespace mlir;
using namespace fovea::attn;

/// The panel of a tile that nothing reads any more once the sweep has made the
/// elements at the same places of `op`, which may take its memory over.
Value TileSweep::findFreePanel(Operation *op, const DenseSet<Value> &taken) {
  Type type = op->getResult(0).getType();
  auto isFree = [&](Value input, Operation *reader) {
    Value panel = code.getPanel(input);
    return panel && input.getType() == type && !isMember(input) &&
           !taken.contains(panel) && (reader == op || input.hasOneUse()) &&
           TileCode::isLastUse(input, reader);
  };
  if (hasContract)
    return {};
  for (Operation *member : ops) {
    if (auto map = dyn_cast<TileMapOp>(member)) {
      for (auto [input, attr] : llvm::zip(map.getInputs(), map.getMaps()))
        if (cast<AffineMapAttr>(attr).getValue().isIdentity() &&
            isFree(input, map))
          return code.getPanel(input);
    } else if (auto mask = dyn_cast<TileMaskOp>(member)) {
      if (isFree(mask.getScore(), mask))
        return code.getPanel(mask.getScore());
    }
    if (member == op)
      break;
  }
  return {};
}

/// Members that are used later get a panel: one that is read for the last time,
/// if there is one.
void TileSweep::preparePanels() {
  DenseSet<Value> taken;
  for (Operation *op : ops) {
    if (op->getNumResults() != 1 || !isScoreTile(op->getResult(0)))
      continue;
    Value result = op->getResult(0);
    bool usedLater = llvm::any_of(result.getUsers(), [&](Operation *user) {
      return !llvm::is_contained(ops, user);
    });
    if (!usedLater)
      continue;
    auto type = cast<RankedTensorType>(result.getType());
    if (isPaired(op) && preparePairPanel(cast<TileMapOp>(op)))
      continue;
    Value panel = findFreePanel(op, taken);
    if (!panel) {
      SmallVector<Value> extents;
      for (auto [dim, extent] : llvm::enumerate(code.getExtents(result)))
        if (type.isDynamicDim(dim))
          extents.push_back(extent);
      panel = code.createPanel(op->getLoc(), type, 0, extents);
    }
    taken.insert(panel);
    code.setPanel(result, panel);
  }
}
