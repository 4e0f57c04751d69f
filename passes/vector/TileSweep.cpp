//===- TileSweep.cpp - one pass over the keys of a score tile -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileSweep.h"

#include "passes/vector/TileMatrix.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

/// Keys of a register tile for those that are left over: as few as keep the
/// multipliers busy.
static constexpr unsigned remainderRows = 4;

//===----------------------------------------------------------------------===//
// Membership
//===----------------------------------------------------------------------===//

bool TileSweep::isScoreTile(Value tile) const {
  auto type = dyn_cast<RankedTensorType>(tile.getType());
  return type && type.getRank() == 2 && code.getLane(tile) == 0u;
}

/// Whether a map looks like a tile of scores, but is one that scores are made
/// of, or that a weighted sum begins with.
static bool isOperand(TileMapOp map) {
  return llvm::all_of(map->getUses(), [](OpOperand &use) {
    if (auto weigh = dyn_cast<TileWeighOp>(use.getOwner()))
      return &use == &weigh.getInitMutable();
    return isa<TileContractOp, TilePiecesOp, tensor::InsertSliceOp>(
        use.getOwner());
  });
}

bool TileSweep::isMember(Value value) const {
  Operation *def = value.getDefiningOp();
  return def && llvm::is_contained(ops, def);
}

/// Whether some input is a reduction of this sweep, complete only at its end,
/// or an element of a member at another place.
bool TileSweep::readsFinished(ValueRange inputs) const {
  return llvm::any_of(inputs, [&](Value input) {
    return isMember(input) && !isScoreTile(input);
  });
}

static bool isIdentity(Attribute map) {
  return cast<AffineMapAttr>(map).getValue().isIdentity();
}

bool TileSweep::tryAdd(Operation *op) {
  auto sameKeys = [&](Value tile) {
    if (ops.empty())
      return true;
    int64_t keys = ShapedType::kDynamic;
    for (Operation *member : ops)
      for (Value value : member->getOperands())
        if (isScoreTile(value))
          keys = cast<RankedTensorType>(value.getType()).getDimSize(1);
    for (Operation *member : ops)
      for (Value value : member->getResults())
        if (isScoreTile(value))
          keys = cast<RankedTensorType>(value.getType()).getDimSize(1);
    if (cast<RankedTensorType>(tile.getType()).getDimSize(1) != keys)
      return false;
    // Sizes that only a run knows are equal where one tile comes from the
    // other.
    return !ShapedType::isDynamic(keys) ||
           (isa<TileContractOp>(op) ? hasContract : feeds(op));
  };
  auto membersInPlace = [&](ValueRange inputs, ArrayAttr maps) {
    for (auto [input, map] : llvm::zip(inputs, maps))
      if (isMember(input) && !isIdentity(map))
        return false;
    return !readsFinished(inputs);
  };

  if (auto contract = dyn_cast<TileContractOp>(op)) {
    if (!sameKeys(contract) || hasSum || hasPairs || hasMade ||
        (target.matrixUnit && isMatrixContract(contract)) ||
        llvm::any_of(contract.getInputs(),
                     [&](Value v) { return isMember(v); }))
      return false;
    hasContract = true;
  } else if (auto map = dyn_cast<TileMapOp>(op)) {
    if (!isScoreTile(map) || isOperand(map) || !sameKeys(map) ||
        !membersInPlace(map.getInputs(), map.getMaps()))
      return false;
    bool isPaired = target.matrixUnit && isMatrixWeights(map);
    // Contractions visit the last keys twice, which then are no pairs.
    if (isPaired && hasContract)
      return false;
    hasPairs |= isPaired;
  } else if (auto mask = dyn_cast<TileMaskOp>(op)) {
    if (!sameKeys(mask) || readsFinished(mask.getScore()) ||
        !membersInPlace(mask.getInputs(), mask.getMaps()))
      return false;
  } else if (auto reduce = dyn_cast<TileReduceOp>(op)) {
    bool isSum = reduce.getKind() == TileReduction::sum;
    // Contractions visit the last keys twice; that is no harm to a maximum.
    if (!sameKeys(reduce.getTile()) || readsFinished(reduce.getTile()) ||
        isMember(reduce.getInit()) || (isSum && hasContract) || hasMade)
      return false;
    for (TileReduceOp other : reductions)
      if (other.getBegin() != reduce.getBegin() ||
          other.getEnd() != reduce.getEnd())
        return false;
    hasSum |= isSum;
    reductions.push_back(reduce);
  } else if (auto store = dyn_cast<TileStoreOp>(op)) {
    if (!isMember(store.getTile()) || !isScoreTile(store.getTile()) ||
        !TileCode::isContiguous(store.getMap(),
                                cast<MemRefType>(store.getDest().getType()), 0))
      return false;
  } else {
    return false;
  }
  ops.push_back(op);
  return true;
}

void TileSweep::addMade(TileContractOp contract) {
  ops.push_back(contract);
  hasContract = hasMade = true;
}

bool TileSweep::feeds(Operation *op) const {
  bool found = false;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      found |= isMember(operand);
  });
  return found;
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

/// Which keys are visited: what the reductions say, else all of the tile. A
/// null begin is the first key.
std::pair<Value, Value> TileSweep::getRange() {
  for (TileReduceOp reduce : reductions)
    if (reduce.getEnd())
      return {reduce.getBegin(), reduce.getEnd()};
  // A result that goes into weighted sums alone counts as far as they do.
  TileWeighOp reader;
  bool onlyWeighed = true;
  for (Operation *op : ops)
    for (Operation *user : op->getUsers()) {
      if (llvm::is_contained(ops, user))
        continue;
      auto weigh = dyn_cast<TileWeighOp>(user);
      onlyWeighed &= weigh && weigh.getEnd() &&
                     (!reader || (reader.getEnd() == weigh.getEnd() &&
                                  reader.getBegin() == weigh.getBegin()));
      if (weigh)
        reader = weigh;
    }
  if (reader && onlyWeighed)
    return {reader.getBegin(), reader.getEnd()};
  // What a contraction reads may look like a score tile; what it makes is one.
  for (Operation *op : ops) {
    for (Value value : op->getResults())
      if (isScoreTile(value))
        return {Value(), code.getExtents(value)[1]};
    if (auto reduce = dyn_cast<TileReduceOp>(op))
      return {reduce.getBegin(), code.getExtents(reduce.getTile())[1]};
  }
  llvm_unreachable("a sweep without a score tile");
}

SmallVector<Value> TileSweep::emitContract(TileContractOp contract,
                                           ArrayRef<Value> rows) {
  Location loc = contract.getLoc();
  auto type = cast<RankedTensorType>(contract.getType());
  int64_t width = type.getDimSize(0);
  auto vectorType = VectorType::get({width}, type.getElementType());
  SmallVector<Value> sums(
      rows.size(),
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vectorType)));
  bool isDot = hasPairDots(target, contract, width);
  // Where to read ahead goes on from term to term, as the sums do.
  Value place = getPlaceAhead(contract, rows);
  if (place)
    sums.push_back(place);
  SmallVector<Value> results = code.buildSumLoops(
      loc, code.getSummedExtents(contract), sums,
      [&](ValueRange ivs, ValueRange carried) {
        SmallVector<Value> next;
        Value after = place ? readAhead(contract, carried.back()) : Value();
        for (auto [row, sum] : llvm::zip(rows, carried)) {
          SmallVector<Value> point = {Value(), row};
          llvm::append_range(point, ivs);
          SmallVector<Value> inputs = code.readInputs(
              loc, contract.getInputs(), contract.getMaps(), point);
          if (isDot)
            next.push_back(addPairDots(builder, loc, target, sum,
                                       code.broadcast(loc, inputs[0], width),
                                       code.broadcast(loc, inputs[1], width)));
          else
            next.push_back(code.addTerm(contract, inputs, point, width, sum));
        }
        if (place)
          next.push_back(after);
        return next;
      });
  results.truncate(rows.size());
  return results;
}

Value TileSweep::emitElement(Operation *op, Value row,
                             const DenseMap<Value, Value> &known) {
  Location loc = op->getLoc();
  SmallVector<Value> point = {Value(), row};
  auto readAll = [&](ValueRange inputs, ArrayAttr maps) {
    SmallVector<Value> values;
    for (auto [input, map] : llvm::zip(inputs, maps)) {
      if (Value value = known.lookup(input))
        values.push_back(value);
      else
        values.push_back(
            code.readInputs(loc, input, builder.getArrayAttr(map), point)[0]);
    }
    return values;
  };
  if (auto map = dyn_cast<TileMapOp>(op)) {
    auto type = cast<RankedTensorType>(map.getType());
    Value value =
        code.compute(map.getBody(), readAll(map.getInputs(), map.getMaps()),
                     point, type.getDimSize(0));
    return code.broadcast(loc, value, type.getDimSize(0));
  }
  auto mask = cast<TileMaskOp>(op);
  int64_t width = cast<RankedTensorType>(mask.getType()).getDimSize(0);
  Value score = known.lookup(mask.getScore());
  if (!score)
    score = code.read(loc, mask.getScore(), point);
  if (masksHold)
    return score;
  return code.applyMask(mask, score, readAll(mask.getInputs(), mask.getMaps()),
                        point, width);
}

SmallVector<Value> TileSweep::emitRows(ArrayRef<Value> rows,
                                       ValueRange reductionValues, Half half) {
  SmallVector<DenseMap<Value, Value>> known(rows.size());
  SmallVector<Value> running(reductionValues);
  storeAhead(rows);
  if (hasContract && rows.size() > remainderRows)
    groupsAhead.fetch(ops.front()->getLoc());
  for (Operation *op : ops) {
    Location loc = op->getLoc();
    if (auto contract = dyn_cast<TileContractOp>(op); contract && made.sums) {
      auto type = cast<RankedTensorType>(contract.getType());
      auto line = VectorType::get(type.getDimSize(0), type.getElementType());
      for (auto [row, values] : llvm::zip(rows, known)) {
        Value place = arith::SubIOp::create(builder, loc, row, made.first);
        values[contract] =
            vector::LoadOp::create(builder, loc, line, made.sums,
                                   ValueRange{place, code.index(loc, 0)});
      }
    } else if (contract) {
      for (auto [values, sum] : llvm::zip(known, emitContract(contract, rows)))
        values[contract] = sum;
    } else if (auto reduce = dyn_cast<TileReduceOp>(op)) {
      Value &total =
          running[llvm::find(reductions, reduce) - reductions.begin()];
      for (auto [row, values] : llvm::zip(rows, known)) {
        Value element = values.lookup(reduce.getTile());
        if (!element)
          element = code.read(loc, reduce.getTile(), {Value(), row});
        if (reduce.getKind() == TileReduction::sum) {
          total = arith::AddFOp::create(builder, loc, total, element);
          continue;
        }
        if (reduce.getKind() == TileReduction::maximum) {
          total = arith::MaximumFOp::create(builder, loc, total, element);
          continue;
        }
        // Compare and select: one instruction, and a NaN is passed over.
        Value greater = arith::CmpFOp::create(
            builder, loc, arith::CmpFPredicate::OGT, element, total);
        total = arith::SelectOp::create(builder, loc, greater, element, total);
      }
    } else if (auto store = dyn_cast<TileStoreOp>(op)) {
      for (auto [row, values] : llvm::zip(rows, known))
        code.storeVector(store, {Value(), row}, values.lookup(store.getTile()));
    } else {
      bool isRounded =
          isPaired(op) && !getElementTypeOrSelf(op->getResult(0)).isF32();
      for (auto [row, values] : llvm::zip(rows, known))
        if (!isRounded)
          values[op->getResult(0)] = emitElement(op, row, values);
      if (isPaired(op))
        emitPairs(cast<TileMapOp>(op), rows, half, known);
    }
    if (op->getNumResults() != 1 || !isScoreTile(op->getResult(0)) ||
        !code.getPanel(op->getResult(0)))
      continue;
    for (auto [row, values] : llvm::zip(rows, known))
      code.write(loc, op->getResult(0), {Value(), row},
                 values.lookup(op->getResult(0)));
  }
  return running;
}

void TileSweep::emitLoop(Value from, Value to, unsigned rows, bool clamp,
                         SmallVectorImpl<Value> &totals, Half half) {
  Location loc = ops.front()->getLoc();
  auto loop = scf::ForOp::create(builder, loc, from, to, code.index(loc, rows),
                                 ValueRange(totals));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> indices;
  Value last;
  if (clamp)
    last = arith::SubIOp::create(builder, loc, to, code.index(loc, 1));
  for (unsigned k = 0; k < rows; ++k) {
    Value row = loop.getInductionVar();
    if (k)
      row = arith::AddIOp::create(builder, loc, row, code.index(loc, k));
    if (clamp && k)
      row = arith::MinSIOp::create(builder, loc, row, last);
    indices.push_back(row);
  }
  SmallVector<Value> next = emitRows(indices, loop.getRegionIterArgs(), half);
  builder.setInsertionPointToEnd(loop.getBody());
  if (loop.getNumResults())
    scf::YieldOp::create(builder, loc, next);
  totals.assign(loop.getResults().begin(), loop.getResults().end());
}

void TileSweep::emitMade(Value sums, Value first, ArrayRef<Value> rows) {
  made = {sums, first};
  emitRows(rows, {}, Half::lower);
  made = {};
}

void TileSweep::emit() {
  if (ops.empty())
    return;
  Location loc = ops.front()->getLoc();
  auto [first, end] = getRange();
  Value begin = first ? first : code.index(loc, 0);
  preparePanels();
  SmallVector<Value> totals;
  for (TileReduceOp reduce : reductions)
    totals.push_back(code.read(loc, reduce.getInit(), {Value()}));

  if (hasPairs) {
    emitPairLoops(begin, end, totals);
  } else {
    unsigned contracts = llvm::count_if(
        ops, [](Operation *op) { return isa<TileContractOp>(op); });
    unsigned rows =
        std::max(1u, target.registerRows / (hasContract ? contracts : 3));
    // Whole register tiles, then what is left.
    std::optional<int64_t> known = getConstantIntValue(end);
    bool isWhole = known && !first && *known % rows == 0;
    Value whole = end;
    if (!isWhole) {
      Value count =
          first ? arith::SubIOp::create(builder, loc, end, begin) : end;
      Value left =
          arith::RemSIOp::create(builder, loc, count, code.index(loc, rows));
      whole = arith::SubIOp::create(builder, loc, end, left);
    }
    if (!first)
      prepareAhead(end, rows);
    if (!known || first || *known >= rows) {
      if (hasContract)
        emitLoop(begin, whole, rows, /*clamp=*/false, totals);
      else
        emitWithoutContract(begin, whole, rows, totals);
    }
    ahead.clear();
    // The last register tile repeats the last key: what it computes again is
    // equal, and is stored in the same place. A sum would count it twice.
    if (!isWhole)
      emitLoop(whole, end, hasContract ? std::min(rows, remainderRows) : 1,
               /*clamp=*/hasContract, totals);
  }

  for (auto [reduce, total] : llvm::zip(reductions, totals))
    code.setRegister(reduce.getResult(), total);
  ops.clear();
  reductions.clear();
  hasContract = hasSum = hasPairs = hasMade = false;
}
