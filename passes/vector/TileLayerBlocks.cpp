//===- TileLayerBlocks.cpp - sums of a layer by a matrix unit -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Output features lie along lanes. So a product is
//
//   sums [rows x features] += inputs [rows x pairs] * weights [pairs x
//   features]
//
// where inputs are left operands as they lie in memory, and weights right ones,
// packed so. A task has some panels of features and some blocks of rows, and
// walks them so:
//
//   for (part of the pairs)        what a block reads stays in the nearest
//   cache
//     for (block of rows)
//       for (panel)                weights come from the next cache
//         sums += the products of two tiles by two
//         finish the rows of the block before    in the last part
//
// While the unit multiplies, vectors compute all else of the rows of the block
// before, a few at each step. A last block without all of its rows is copied,
// and so are pairs that fill no tile.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileLayerBlocks.h"

#include "passes/vector/TileChecks.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace fovea::attn;

static constexpr int64_t side = MatrixUnit::rows, block = MatrixUnit::block;

/// Pairs of a part, at most: a block of rows and a panel, with as many pairs,
/// have 24 KiB each, of which the first stay in a cache of 48 KiB as the others
/// pass through.
static constexpr int64_t partPairs = 192;

/// Rows that are finished at a step: as many as keep the vector units busy.
static constexpr int64_t finishedRows = 4;

/// Lines of weights that are asked for at a step: with the rows of a task, 256,
/// the next part of a panel.
static constexpr int64_t linesAhead = 4, lineBytes = 64,
                         bytesAhead = linesAhead * lineBytes;

void LayerBlocks::buildLoop(Value count, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(builder, loc, index(0), count, index(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

MatrixUnit::Place LayerBlocks::copy(Value row, Value count, Value buffer,
                                    int64_t firstPair) {
  buildLoop(count, [&](Value k) {
    auto loop = scf::ForOp::create(builder, loc, index(firstPair),
                                   index(layer.pairs), index(side));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value pair = loop.getInductionVar();
    Value pairs = code.readRow(loc, layer.inputs, {add(row, k), pair}, side);
    vector::StoreOp::create(builder, loc, pairs, buffer,
                            ValueRange{k, subtract(pair, index(firstPair))});
  });
  return unit.locate(loc, buffer, {index(0), index(0)});
}

void LayerBlocks::prepare() {
  rows = code.getExtents(contract)[1];
  panels = loop.getUpperBound()[0];
  blocks = create<arith::CeilDivSIOp>(rows, index(block));
  count = multiply(blocks, panels);
  inputs =
      unit.locate(loc, layer.inputs.getSource(),
                  code.locateFirst(layer.inputs, layer.inputs.getSymbols()),
                  TileCode::getMemoryDim(layer.inputs.getMap(), 0));
  int64_t columns =
      cast<MemRefType>(layer.inputs.getSource().getType()).getShape().back();
  whole = layer.inputs.getInBounds().back() ? layer.pairs
                                            : columns / (2 * side) * side;
  Type pair = builder.getI32Type();
  rest = inputs;
  if (whole < layer.pairs) {
    auto type = RankedTensorType::get(
        {ShapedType::kDynamic, layer.pairs - whole}, pair);
    rest = copy(index(0), rows, code.createPanel(loc, type, std::nullopt, rows),
                whole);
  }
  Value left = create<arith::RemSIOp>(rows, index(block));
  // Rows that do not exist hold anything: nothing reads their sums.
  last = copy(subtract(rows, left), left,
              code.createBuffer(loc, {block, layer.pairs}, pair), 0);

  std::optional<int64_t> roomRows = TileCode::getRoom(rows),
                         roomPanels = TileCode::getRoom(panels);
  int64_t tiles = layer.pairs / side;
  numParts =
      roomRows && roomPanels ? llvm::divideCeil(tiles, partPairs / side) : 1;
  partSize = llvm::divideCeil(tiles, numParts) * side;
  numParts = llvm::divideCeil(layer.pairs, partSize);
  // The step that only finishes reads a block too many.
  if (numParts > 1) {
    int64_t room = llvm::divideCeil(*roomRows, block) * *roomPanels + 1;
    partial =
        code.createBuffer(loc, {room, block, block}, builder.getF32Type());
  }
  sums = code.createBuffer(loc, {2 * block, block}, builder.getF32Type());
}

/// Where the weights of a panel are: what the loop computes of its number, on
/// another one.
MatrixUnit::Place LayerBlocks::placeWeights(Value panel) {
  IRMapping mapping;
  mapping.map(loop.getInductionVars()[0], panel);
  for (Operation &op : loop.getBody()->without_terminator())
    if (!isTileOp(&op))
      builder.clone(op, mapping);
  SmallVector<Value> symbols =
      llvm::map_to_vector(layer.weights.getSymbols(), [&](Value symbol) {
        return mapping.lookupOrDefault(symbol);
      });
  return unit.locate(loc, layer.weights.getSource(),
                     code.locateFirst(layer.weights, symbols),
                     TileCode::getMemoryDim(layer.weights.getMap(), 1));
}

LayerBlocks::Block LayerBlocks::getBlock(Value number) {
  Block result;
  result.rows = create<arith::DivUIOp>(number, panels);
  result.panel = create<arith::RemUIOp>(number, panels);
  result.row = multiply(result.rows, index(block));
  result.count =
      create<arith::MinSIOp>(subtract(rows, result.row), index(block));
  return result;
}

LayerBlocks::Weights LayerBlocks::getWeights(const Block &at,
                                             const Part &part) {
  Value zero = index(0);
  MatrixUnit::Place panel = placeWeights(at.panel);
  // Ahead lies this panel in the next part, or the panel in this place of the
  // next group.
  MatrixUnit::Place next =
      part.isLast ? placeWeights(add(at.panel, panels))
                  : move(panel, add(part.begin, index(part.pairs)), zero);
  Value lines = multiply(at.rows, index(part.pairs / side * bytesAhead));
  return {move(panel, part.begin, zero), add(next.address, lines)};
}

void LayerBlocks::build(const Block &at, const Weights &weights,
                        size_t numTiles, const Part &part, Value from,
                        ArrayRef<Value> to, Value exists,
                        function_ref<void(Value)> also) {
  MatrixUnit::Tiles tiles;
  MatrixUnit::forEachTile(numTiles, [&](size_t, int64_t row, int64_t column) {
    tiles.push_back(
        from ? unit.load(loc, partial, {from, index(row), index(column)})
             : unit.zero(loc));
  });
  Value isWhole = isLess(index(block - 1), at.count);
  auto choose = [&](MatrixUnit::Place left, MatrixUnit::Place right) {
    return MatrixUnit::Place{select(isWhole, left.address, right.address),
                             select(isWhole, left.stride, right.stride)};
  };
  // Pairs are counted from the beginning of the part on.
  auto addProducts = [&](int64_t first, int64_t end, MatrixUnit::Place left) {
    if (first == end)
      return;
    Value to = index(end);
    if (exists)
      to = select(exists, to, index(first));
    tiles = unit.addProducts(
        loc, index(first), to, side, tiles,
        [&](Value pair, int64_t row) {
          return unit.load(
              loc, move(left, index(row), subtract(pair, index(first))));
        },
        [&](Value pair, int64_t column) {
          return unit.loadOnce(loc, move(weights.first, pair, index(column)));
        },
        [&](Value pair) {
          Value place =
              add(weights.ahead, multiply(pair, index(bytesAhead / side)));
          for (int64_t line = 0; line < linesAhead; ++line)
            unit.prefetch(loc, add(place, index(line * lineBytes)));
          if (also)
            also(create<arith::DivUIOp>(pair, index(side)));
        });
  };
  Value zero = index(0);
  int64_t own = part.isLast ? whole - (layer.pairs - part.pairs) : part.pairs;
  own = std::max<int64_t>(own, 0);
  addProducts(
      0, own,
      choose(move(inputs, at.row, part.begin), move(last, zero, part.begin)));
  if (part.isLast)
    addProducts(
        own, part.pairs,
        choose(move(rest, at.row, zero), move(last, zero, index(whole))));
  MatrixUnit::forEachTile(numTiles, [&](size_t k, int64_t row, int64_t column) {
    SmallVector<Value> place(to.drop_back());
    place.append({add(to.back(), index(row)), index(column)});
    unit.store(loc, tiles[k], to.size() > 1 ? partial : sums, place);
  });
}

void LayerBlocks::buildPart(const Part &part) {
  buildLoop(count, [&](Value number) {
    Block at = getBlock(number);
    Weights weights = getWeights(at, part);
    auto build = [&](size_t numTiles) {
      return [&, numTiles](OpBuilder &, Location) {
        this->build(at, weights, numTiles, part,
                    part.isFirst ? Value() : number, {number, index(0)},
                    Value(), nullptr);
        scf::YieldOp::create(builder, loc);
      };
    };
    scf::IfOp::create(builder, loc, isLess(index(side), at.count), build(4),
                      build(2));
  });
}

void LayerBlocks::buildFirstParts() {
  if (numParts == 1)
    return;
  buildPart({index(0), partSize, /*isFirst=*/true, /*isLast=*/false});
  if (numParts == 2)
    return;
  buildLoop(index(numParts - 2), [&](Value k) {
    Value begin = multiply(add(k, index(1)), index(partSize));
    buildPart({begin, partSize, /*isFirst=*/false, /*isLast=*/false});
  });
}

void LayerBlocks::buildLastPart(
    function_ref<void(Value panel)> begin,
    function_ref<void(Value sums, Value first, ArrayRef<Value> rows)> finish) {
  int64_t first = (numParts - 1) * partSize;
  Part part{index(first), layer.pairs - first, numParts == 1, /*isLast=*/true};
  int64_t steps = part.pairs / side;
  // One step more finishes the last block.
  Value any = isLess(index(0), count);
  buildLoop(select(any, add(count, index(1)), index(0)), [&](Value number) {
    Block at = getBlock(number);
    Value before = create<arith::MaxSIOp>(subtract(number, index(1)), index(0));
    Block done = getBlock(before);
    Weights weights = getWeights(at, part);
    begin(done.panel);
    Value hasDone = isLess(index(0), number);
    Value finished = select(hasDone, done.count, index(0));
    Value half =
        multiply(create<arith::RemUIOp>(number, index(2)), index(block));
    Value otherHalf = subtract(index(block), half);
    auto finishRows = [&](Value from) {
      SmallVector<Value> finishing;
      Value end = subtract(finished, index(1));
      for (int64_t k = 0; k < finishedRows; ++k)
        finishing.push_back(
            add(done.row, create<arith::MinSIOp>(add(from, index(k)), end)));
      finish(sums, subtract(done.row, otherHalf), finishing);
    };
    auto finishStep = [&](Value step) {
      Value from = multiply(step, index(finishedRows));
      auto branch = scf::IfOp::create(builder, loc, isLess(from, finished));
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      finishRows(from);
    };
    Value exists = isLess(number, count);
    Value from = part.isFirst ? Value() : number;
    Value isWide = arith::AndIOp::create(builder, loc, exists,
                                         isLess(index(side), at.count));
    scf::IfOp::create(
        builder, loc, isWide,
        [&](OpBuilder &, Location) {
          build(at, weights, 4, part, from, half, Value(), finishStep);
          scf::YieldOp::create(builder, loc);
        },
        [&](OpBuilder &, Location) {
          build(at, weights, 2, part, from, half, exists, nullptr);
          scf::YieldOp::create(builder, loc);
        });
    // What there were too few steps for.
    Value left =
        select(isWide, index(std::min(block, steps * finishedRows)), index(0));
    auto rest =
        scf::ForOp::create(builder, loc, left, finished, index(finishedRows));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(rest.getBody());
    finishRows(rest.getInductionVar());
  });
}
