//===- VectorizeTiles.cpp - the tile form to vector code ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tiles are replaced in place, block by block: tile ops over scores gather in a
// sweep until something needs its results, all else is built where it stands.
// Structured control flow that carries tiles is rebuilt around registers and
// panels.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/vector/TileChecks.h"
#include "passes/vector/TileCode.h"
#include "passes/vector/TileSweep.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace fovea::attn {
#define GEN_PASS_DEF_VECTORIZETILESPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Values of a weighted sum that are accumulated in registers at a time.
static constexpr unsigned weighColumns = 8;

namespace {

/// Rewrites the tile ops below one op, the whole of a parallel iteration.
class TileVectorizer {
public:
  TileVectorizer(Operation *root, Block *body, unsigned registerRows)
      : root(root), lanes(root), builder(root->getContext()),
        code(builder, lanes, body), registerRows(registerRows) {}

  LogicalResult run(Block &block);

private:
  LogicalResult processBlock(Block &block);
  LogicalResult process(Operation *op);
  LogicalResult processLoad(TileLoadOp load);
  LogicalResult processMap(TileMapOp map);
  LogicalResult processRescale(TileRescaleOp rescale);
  LogicalResult processWeigh(TileWeighOp weigh);
  LogicalResult processStore(TileStoreOp store);
  LogicalResult processFor(scf::ForOp loop);
  LogicalResult processIf(scf::IfOp branch);

  bool isTile(Value value) const {
    return isa<RankedTensorType>(value.getType()) && !isList(value);
  }
  /// A tensor of indices that no tile op made: a short list of points.
  static bool isList(Value value) {
    return value.getDefiningOp<tensor::FromElementsOp>() != nullptr;
  }
  /// Whether a tile is more than one vector, or more than one scalar.
  bool isWide(Value value) const {
    return cast<RankedTensorType>(value.getType()).getRank() >
           (code.getLane(value) ? 1 : 0);
  }
  /// The vector or scalar that a tile that is not wide consists of.
  Value readWhole(Location loc, Value tile) {
    auto type = cast<RankedTensorType>(tile.getType());
    return code.read(loc, tile, TileCode::Coordinates(type.getRank()));
  }
  Value createPanelFor(Value tile);
  void copyToPanel(Location loc, Value from, Value tile);
  /// Erases ops that have been replaced, users first.
  void eraseReplaced();

  Operation *root;
  TileLanes lanes;
  OpBuilder builder;
  TileCode code;
  unsigned registerRows;
  SmallVector<Operation *> replaced;
  /// Bodies of loops, and how many of their arguments have been replaced.
  SmallVector<std::pair<Block *, unsigned>> replacedArguments;
};

} // namespace

LogicalResult TileVectorizer::run(Block &block) {
  if (failed(checkTiles(root, lanes)) || failed(processBlock(block)))
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
  TileSweep sweep(builder, code, registerRows);
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops) {
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
      .Case([&](TileRescaleOp rescale) { return processRescale(rescale); })
      .Case([&](TileWeighOp weigh) { return processWeigh(weigh); })
      .Case([&](TileStoreOp store) { return processStore(store); })
      .Case<TileContractOp, TileMaskOp, TileReduceOp>(
          [](Operation *) -> LogicalResult {
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
      .Case([&](scf::ForOp loop) { return processFor(loop); })
      .Case([&](scf::IfOp branch) { return processIf(branch); })
      .Default([&](Operation *other) -> LogicalResult {
        for (Region &region : other->getRegions())
          for (Block &block : region)
            if (failed(processBlock(block)))
              return failure();
        return success();
      });
}

//===----------------------------------------------------------------------===//
// Single ops
//===----------------------------------------------------------------------===//

Value TileVectorizer::createPanelFor(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  SmallVector<Value> extents;
  if (type.getNumDynamicDims())
    for (auto [dim, extent] : llvm::enumerate(code.getExtents(tile)))
      if (type.isDynamicDim(dim))
        extents.push_back(extent);
  return code.createPanel(tile.getLoc(), type, code.getLane(tile), extents);
}

/// Copies all elements of `from` into the panel of `tile`.
void TileVectorizer::copyToPanel(Location loc, Value from, Value tile) {
  std::optional<unsigned> lane = code.getLane(from);
  SmallVector<Value> extents;
  for (auto [dim, extent] : llvm::enumerate(code.getExtents(from)))
    if (lane != dim)
      extents.push_back(extent);
  code.buildLoops(loc, extents, [&](ValueRange ivs) {
    TileCode::Coordinates point(ivs.begin(), ivs.end());
    if (lane)
      point.insert(point.begin() + *lane, Value());
    code.write(loc, tile, point, code.read(loc, from, point));
  });
}

LogicalResult TileVectorizer::processLoad(TileLoadOp load) {
  Location loc = load.getLoc();
  auto type = cast<RankedTensorType>(load.getType());
  std::optional<unsigned> lane = code.getLane(load);
  replaced.push_back(load);
  if (type.getRank() == (lane ? 1 : 0)) {
    code.setRegister(
        load, code.read(loc, load, TileCode::Coordinates(type.getRank())));
    return success();
  }
  // What is read again for every key is brought into lanes once; what memory
  // has along the lanes already, or is read once, is read where it is used.
  bool reread = llvm::any_of(load->getUsers(), [](Operation *user) {
    return isa<TileContractOp>(user);
  });
  bool overwritten =
      llvm::any_of(load.getSource().getUsers(), [&](Operation *user) {
        auto store = dyn_cast<TileStoreOp>(user);
        return store && store.getDest() == load.getSource();
      });
  bool contiguous =
      lane &&
      TileCode::isContiguous(
          load.getMap(), cast<MemRefType>(load.getSource().getType()), *lane);
  if (!overwritten && (!lane || !reread || contiguous))
    return success();

  // Where a lookup differs by lane, so do the elements' places in memory.
  bool scattered = llvm::any_of(load.getLookups(), [&](Value lookup) {
    return code.getLane(lookup).has_value();
  });
  Value panel = createPanelFor(load);
  if (!lane || contiguous || scattered) {
    Value source = load;
    SmallVector<Value> extents;
    for (auto [dim, extent] : llvm::enumerate(code.getExtents(load)))
      if (lane != dim)
        extents.push_back(extent);
    code.buildLoops(loc, extents, [&](ValueRange ivs) {
      TileCode::Coordinates point(ivs.begin(), ivs.end());
      if (lane)
        point.insert(point.begin() + *lane, Value());
      Value value = code.read(loc, source, point);
      if (isa<VectorType>(value.getType()))
        point.erase(point.begin() + *lane);
      SmallVector<Value> indices(point);
      if (isa<VectorType>(value.getType())) {
        indices.push_back(code.index(loc, 0));
        vector::StoreOp::create(builder, loc, value, panel, indices);
      } else {
        memref::StoreOp::create(builder, loc, value, panel, indices);
      }
    });
    code.setPanel(load, panel);
    return success();
  }
  // Transposed: lane by lane, each along its own elements.
  SmallVector<Value> extents = code.getExtents(load);
  std::rotate(extents.begin(), extents.begin() + *lane,
              extents.begin() + *lane + 1);
  code.buildLoops(loc, extents, [&](ValueRange ivs) {
    TileCode::Coordinates point(ivs.drop_front().begin(),
                                ivs.drop_front().end());
    SmallVector<Value> indices(point);
    indices.push_back(ivs.front());
    point.insert(point.begin() + *lane, ivs.front());
    SmallVector<Value> lookups =
        code.readInputs(loc, load.getLookups(), load.getLookupMaps(), point);
    Value element = code.loadElement(load, point, lookups);
    memref::StoreOp::create(builder, loc, element, panel, indices);
  });
  code.setPanel(load, panel);
  return success();
}

LogicalResult TileVectorizer::processMap(TileMapOp map) {
  auto type = cast<RankedTensorType>(map.getType());
  std::optional<unsigned> lane = code.getLane(map);
  replaced.push_back(map);
  Location loc = map.getLoc();
  if (type.getRank() == (lane ? 1 : 0)) {
    code.setRegister(
        map, code.read(loc, map, TileCode::Coordinates(type.getRank())));
    return success();
  }
  // What a contraction reads again for every key is computed once; a sweep does
  // so for what differs by key. Other tiles are computed where they are read.
  bool reread = llvm::any_of(map->getUses(), [&](OpOperand &use) {
    auto contract = dyn_cast<TileContractOp>(use.getOwner());
    if (!contract)
      return false;
    auto at = cast<AffineMapAttr>(contract.getMaps()[use.getOperandNumber()]);
    return !at.getValue().isFunctionOfDim(1);
  });
  bool computes = !map.getBody().front().without_terminator().empty();
  if (reread && computes) {
    code.setPanel(map, createPanelFor(map));
    code.fillPanel(loc, map, code.getExtents(map));
  }
  return success();
}

LogicalResult TileVectorizer::processRescale(TileRescaleOp rescale) {
  replaced.push_back(rescale);
  bool onlyWeighed =
      rescale->hasOneUse() && isa<TileWeighOp>(*rescale->user_begin());
  if (onlyWeighed && TileCode::isLastUse(rescale.getTile(), rescale))
    return success();
  Value panel = createPanelFor(rescale);
  Value source = rescale.getTile();
  Location loc = rescale.getLoc();
  Value columns = code.getExtents(source)[1];
  code.buildLoops(loc, columns, [&](ValueRange ivs) {
    Value value = code.read(loc, rescale, {Value(), ivs[0]});
    vector::StoreOp::create(builder, loc, value, panel,
                            ValueRange{ivs[0], code.index(loc, 0)});
  });
  code.setPanel(rescale, panel);
  return success();
}

LogicalResult TileVectorizer::processWeigh(TileWeighOp weigh) {
  Location loc = weigh.getLoc();
  auto type = cast<RankedTensorType>(weigh.getType());
  if (type.getRank() != 2)
    return weigh.emitOpError()
           << "expects a weighted sum of rank 2 on CPUs, but got " << type;
  int64_t width = type.getDimSize(0);
  replaced.push_back(weigh);

  // The sum is updated in place where nothing else reads what it was.
  Value init = weigh.getInit();
  Value base = init;
  if (auto rescale = init.getDefiningOp<TileRescaleOp>();
      rescale && !code.getPanel(init))
    base = rescale.getTile();
  Operation *reader = base == init ? weigh : init.getDefiningOp();
  bool inPlace = code.getPanel(base) && TileCode::isLastUse(base, reader) &&
                 TileCode::isLastUse(init, weigh);
  Value panel = inPlace ? code.getPanel(base) : createPanelFor(base);

  Value count = weigh.getEnd();
  if (!count)
    count = code.getExtents(weigh.getWeights())[1];
  Value columns = code.getExtents(base)[1];
  Value zero = code.index(loc, 0), one = code.index(loc, 1);

  auto buildColumns = [&](Value from, Value to, unsigned step) {
    auto outer =
        scf::ForOp::create(builder, loc, from, to, code.index(loc, step));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(outer.getBody());
    SmallVector<Value> columnsAt, sums;
    for (unsigned k = 0; k < step; ++k) {
      Value column = outer.getInductionVar();
      if (k)
        column =
            arith::AddIOp::create(builder, loc, column, code.index(loc, k));
      columnsAt.push_back(column);
      sums.push_back(code.read(loc, init, {Value(), column}));
    }
    auto inner = scf::ForOp::create(builder, loc, zero, count, one, sums);
    {
      OpBuilder::InsertionGuard innerGuard(builder);
      builder.setInsertionPointToStart(inner.getBody());
      Value key = inner.getInductionVar();
      Value weight = code.read(loc, weigh.getWeights(), {Value(), key});
      SmallVector<Value> next;
      for (auto [column, sum] :
           llvm::zip(columnsAt, inner.getRegionIterArgs())) {
        SmallVector<Value> point = {Value(), key, column};
        SmallVector<Value> inputs =
            code.readInputs(loc, weigh.getInputs(), weigh.getMaps(), point);
        Value value = code.compute(weigh.getBody(), inputs, point, width);
        next.push_back(math::FmaOp::create(
            builder, loc, weight, code.broadcast(loc, value, width), sum));
      }
      scf::YieldOp::create(builder, loc, next);
    }
    for (auto [column, sum] : llvm::zip(columnsAt, inner.getResults()))
      vector::StoreOp::create(builder, loc, sum, panel,
                              ValueRange{column, zero});
  };
  std::optional<int64_t> known = getConstantIntValue(columns);
  Value whole = arith::SubIOp::create(
      builder, loc, columns,
      arith::RemSIOp::create(builder, loc, columns,
                             code.index(loc, weighColumns)));
  if (!known || *known >= weighColumns)
    buildColumns(zero, whole, weighColumns);
  if (!known || *known % weighColumns != 0)
    buildColumns(whole, columns, 1);
  code.setPanel(weigh, panel);
  return success();
}

LogicalResult TileVectorizer::processStore(TileStoreOp store) {
  replaced.push_back(store);
  Value value = code.getRegister(store.getTile());
  if (value && isa<VectorType>(value.getType()) &&
      TileCode::isContiguous(store.getMap(),
                             cast<MemRefType>(store.getDest().getType()), 0)) {
    code.storeVector(store, {Value()}, value);
    return success();
  }
  code.storeElements(store);
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

LogicalResult TileVectorizer::processFor(scf::ForOp loop) {
  if (llvm::none_of(loop.getResults(), [&](Value v) { return isTile(v); })) {
    return processBlock(*loop.getBody());
  }
  Location loc = loop.getLoc();
  SmallVector<Value> inits;
  SmallVector<Value> args(loop.getRegionIterArgs());
  for (auto [init, arg] : llvm::zip(loop.getInits(), args)) {
    if (!isTile(init)) {
      inits.push_back(init);
    } else if (!isWide(init)) {
      inits.push_back(readWhole(loc, init));
    } else if (code.getPanel(init) && TileCode::isLastUse(init, loop)) {
      code.setPanel(arg, code.getPanel(init));
    } else {
      code.setPanel(arg, createPanelFor(init));
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
  for (auto [arg, yielded] : llvm::zip(args, terminator->getOperands())) {
    if (!isTile(arg))
      yields.push_back(yielded);
    else if (!isWide(arg))
      yields.push_back(readWhole(loc, yielded));
    else if (code.getPanel(yielded) != code.getPanel(arg))
      copyToPanel(loc, yielded, arg);
  }
  scf::YieldOp::create(builder, loc, yields);
  terminator->erase();
  replaced.push_back(loop);
  builder.setInsertionPointAfter(rebuilt);
  return success();
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
    code.setPanel(result,
                  first && first == second ? first : createPanelFor(result));
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

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

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
    for (Operation *root : roots) {
      if (!root->getRegion(0).hasOneBlock()) {
        root->emitOpError("expects tiles in structured control flow, but has "
                          "several blocks");
        return signalPassFailure();
      }
      Block &body = root->getRegion(0).front();
      TileVectorizer vectorizer(root, &body, registerRows);
      if (failed(vectorizer.run(body)))
        return signalPassFailure();
    }
  }
};
} // namespace
