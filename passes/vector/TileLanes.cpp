//===- TileLanes.cpp - which dimension of a tile lies along lanes ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileLanes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fovea::attn;

/// Whether there are tiles of scores, and all have few rows.
static bool hasNarrowRows(Operation *root) {
  bool any = false, all = true;
  root->walk([&](Operation *op) {
    if (!isa<TileContractOp, TileMaskOp, TileReduceOp, TileWeighOp>(op))
      return;
    Value tile = op->getResult(0);
    int64_t rows = cast<RankedTensorType>(tile.getType()).getDimSize(0);
    any = true;
    all &= rows > 0 && rows < TileLanes::fewestRows;
  });
  return any && all;
}

TileLanes::TileLanes(Operation *root) : narrow(hasNarrowRows(root)) {
  // Facts only grow, and each tile has at most one: a fixed point exists.
  bool changed = true;
  while (changed) {
    changed = false;
    root->walk([&](Operation *op) { changed |= propagate(op); });
  }
}

std::optional<unsigned> TileLanes::get(Value tile) const {
  auto it = lanes.find(tile);
  if (it == lanes.end())
    return std::nullopt;
  return it->second;
}

bool TileLanes::set(Value tile, std::optional<unsigned> dim) {
  if (!dim || !isa<RankedTensorType>(tile.getType()))
    return false;
  return lanes.try_emplace(tile, *dim).second;
}

/// Inputs at projections of an iteration space whose dimension `lane` lies
/// along lanes.
bool TileLanes::propagateMaps(Operation *op, ValueRange inputs, ArrayAttr maps,
                              std::optional<unsigned> lane) {
  bool changed = false;
  if (!lane)
    return false;
  for (auto [input, attr] : llvm::zip(inputs, maps)) {
    AffineMap map = cast<AffineMapAttr>(attr).getValue();
    changed |=
        set(input,
            map.getResultPosition(getAffineDimExpr(*lane, op->getContext())));
  }
  return changed;
}

/// A tile and a part of it that lacks the dropped dimensions.
bool TileLanes::propagateSlice(Value whole, Value part,
                               const llvm::SmallBitVector &dropped) {
  bool changed = false;
  unsigned next = 0;
  for (unsigned dim = 0; dim < dropped.size(); ++dim) {
    if (dropped.test(dim))
      continue;
    if (get(whole) == dim)
      changed |= set(part, next);
    if (get(part) == next)
      changed |= set(whole, dim);
    ++next;
  }
  return changed;
}

/// Whether anything changed; all of the changes are made.
static bool any(std::initializer_list<bool> changes) {
  return llvm::is_contained(changes, true);
}

bool TileLanes::propagateNarrow(Operation *op) {
  auto isList = [](Value tile) {
    return cast<RankedTensorType>(tile.getType()).getRank() == 1;
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](TileReduceOp reduce) {
        return any({set(reduce.getInit(), 0), set(reduce.getResult(), 0)});
      })
      .Case([&](TileRescaleOp rescale) { return set(rescale.getFactor(), 0); })
      .Case([&](TileMapOp map) {
        if (!isList(map))
          return false;
        bool changed = false;
        for (Value input : map.getInputs())
          if (get(input))
            changed |= set(map.getResult(), 0);
        return any({changed, propagateMaps(op, map.getInputs(), map.getMaps(),
                                           get(map.getResult()))});
      })
      .Default([](Operation *) { return false; });
}

bool TileLanes::propagate(Operation *op) {
  if (narrow && isa<TileContractOp, TileMapOp, TileMaskOp, TileReduceOp,
                    TileRescaleOp, TileWeighOp>(op))
    return propagateNarrow(op);
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](TileContractOp contract) {
        return any(
            {set(contract.getResult(), 0),
             propagateMaps(op, contract.getInputs(), contract.getMaps(), 0)});
      })
      .Case([&](TileMapOp map) {
        bool changed = false;
        for (auto [input, attr] : llvm::zip(map.getInputs(), map.getMaps()))
          if (std::optional<unsigned> lane = get(input))
            changed |=
                set(map.getResult(),
                    cast<AffineMapAttr>(attr).getValue().getDimPosition(*lane));
        return any({changed, propagateMaps(op, map.getInputs(), map.getMaps(),
                                           get(map.getResult()))});
      })
      .Case([&](TilePiecesOp pieces) {
        // Columns become pairs: rows alone stay what they are.
        auto propagateRows = [&](Value from, Value to) {
          return get(from) == 0u && set(to, 0);
        };
        return any({propagateRows(pieces.getTile(), pieces.getResult()),
                    propagateRows(pieces.getResult(), pieces.getTile())});
      })
      .Case([&](TileMaskOp mask) {
        return any({set(mask.getScore(), 0), set(mask.getResult(), 0),
                    propagateMaps(op, mask.getInputs(), mask.getMaps(), 0)});
      })
      .Case([&](TileReduceOp reduce) {
        return any({set(reduce.getTile(), 0), set(reduce.getInit(), 0),
                    set(reduce.getResult(), 0)});
      })
      .Case([&](TileRescaleOp rescale) {
        return any({set(rescale.getTile(), 0), set(rescale.getFactor(), 0),
                    set(rescale.getResult(), 0)});
      })
      .Case([&](TileWeighOp weigh) {
        return any({set(weigh.getWeights(), 0), set(weigh.getInit(), 0),
                    set(weigh.getResult(), 0),
                    propagateMaps(op, weigh.getInputs(), weigh.getMaps(), 0)});
      })
      .Case([&](TileLoadOp load) {
        bool changed = propagateMaps(op, load.getLookups(),
                                     load.getLookupMaps(), get(load));
        for (auto [lookup, attr] :
             llvm::zip(load.getLookups(), load.getLookupMaps()))
          if (std::optional<unsigned> lane = get(lookup))
            changed |=
                set(load.getResult(),
                    cast<AffineMapAttr>(attr).getValue().getDimPosition(*lane));
        return changed;
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        return propagateSlice(slice.getSource(), slice.getResult(),
                              slice.getDroppedDims());
      })
      .Case([&](tensor::InsertSliceOp insert) {
        llvm::SmallBitVector dropped = insert.getDroppedDims();
        return any(
            {propagateSlice(insert.getDest(), insert.getSource(), dropped),
             set(insert.getDest(), get(insert.getResult())),
             set(insert.getResult(), get(insert.getDest()))});
      })
      .Case([&](scf::ForOp loop) {
        bool changed = false;
        for (auto [init, arg, yielded, result] :
             llvm::zip(loop.getInits(), loop.getRegionIterArgs(),
                       loop.getYieldedValues(), loop.getResults())) {
          for (Value from : {init, Value(arg), yielded, Value(result)})
            for (Value to : {init, Value(arg), yielded, Value(result)})
              changed |= set(to, get(from));
        }
        return changed;
      })
      .Case([&](scf::IfOp branch) {
        bool changed = false;
        if (branch.getNumResults() == 0)
          return false;
        for (auto [k, result] : llvm::enumerate(branch.getResults()))
          for (Block *block : {branch.thenBlock(), branch.elseBlock()}) {
            Value yielded = block->getTerminator()->getOperand(k);
            changed |=
                any({set(yielded, get(result)), set(result, get(yielded))});
          }
        return changed;
      })
      .Default([](Operation *) { return false; });
}
