//===- SplitContractions.cpp - what each factor of a sum needs, once ------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallBitVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_SPLITCONTRACTIONSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

/// Splits one sum over pairs of rows and keys:
///
///   contract { f(g(q), h(k)) } over q, k
///   ==>
///   contract { f(x, y) } over (map { g(q) }), (map { h(k) })
///
/// The first dimensions of its region are rows and keys.
class ContractionSplitter {
public:
  ContractionSplitter(RewriterBase &rewriter, TileContractOp contract)
      : ContractionSplitter(rewriter, contract, contract.getBody(),
                            contract.getInputs(), contract.getMaps(),
                            getShape(contract.getResult())) {
    sizes.resize(contract.getNumDims(), ShapedType::kDynamic);
  }
  ContractionSplitter(RewriterBase &rewriter, TileWeighOp weigh)
      : ContractionSplitter(rewriter, weigh, weigh.getBody(), weigh.getInputs(),
                            weigh.getMaps(), getShape(weigh.getWeights())) {
    llvm::append_range(sizes, getShape(weigh.getInit()).drop_front());
  }

  LogicalResult run();

private:
  ContractionSplitter(RewriterBase &rewriter, Operation *op, Region &region,
                      ValueRange inputs, ArrayAttr maps,
                      ArrayRef<int64_t> sizes)
      : rewriter(rewriter), op(op), loc(op->getLoc()), body(&region.front()),
        inputs(inputs), maps(maps.getAsValueRange<AffineMapAttr>()),
        sizes(sizes) {}

  static ArrayRef<int64_t> getShape(Value tile) {
    return cast<RankedTensorType>(tile.getType()).getShape();
  }
  unsigned numDims() const { return sizes.size(); }
  void collectDims();
  llvm::SmallBitVector getDims(Value value) const;
  bool isOneSided(Value value) const;
  bool isRead(Value value) const;
  void collectParts(Value value);
  llvm::SetVector<Operation *> getSlice(Value part) const;
  Value buildMap(Value part, AffineMap &map);
  Value findExtent(unsigned dim);
  int64_t getStaticExtent(unsigned dim);
  void rebuild(ArrayRef<Value> newInputs, ArrayRef<AffineMap> newMaps);

  RewriterBase &rewriter;
  Operation *op;
  Location loc;
  Block *body;
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  /// The extents of the dimensions, as far as the op itself has them.
  SmallVector<int64_t> sizes;
  /// The dimensions that each value of the body depends on.
  DenseMap<Value, llvm::SmallBitVector> dims;
  /// The largest computations of one side, in the order of the body.
  llvm::SetVector<Value> parts;
};

} // namespace

//===----------------------------------------------------------------------===//
// What depends on what
//===----------------------------------------------------------------------===//

void ContractionSplitter::collectDims() {
  for (auto [arg, map] : llvm::zip(body->getArguments(), maps)) {
    llvm::SmallBitVector used(numDims());
    for (unsigned k = 0; k < map.getNumResults(); ++k)
      used.set(map.getDimPosition(k));
    dims[arg] = used;
  }
  for (Operation &inner : *body) {
    llvm::SmallBitVector used(numDims());
    if (auto index = dyn_cast<TileIndexOp>(inner))
      used.set(index.getDim());
    for (Value operand : inner.getOperands())
      used |= getDims(operand);
    for (Value result : inner.getResults())
      dims[result] = used;
  }
}

/// Values from outside the region depend on no dimension.
llvm::SmallBitVector ContractionSplitter::getDims(Value value) const {
  auto it = dims.find(value);
  return it == dims.end() ? llvm::SmallBitVector(numDims()) : it->second;
}

/// Whether a value differs by row or by key, but not by both.
bool ContractionSplitter::isOneSided(Value value) const {
  llvm::SmallBitVector used = getDims(value);
  return used.any() && !(used.test(0) && used.test(1));
}

/// Whether a value is an element of an input, a coordinate, or from outside,
/// and not computed.
bool ContractionSplitter::isRead(Value value) const {
  Operation *def = value.getDefiningOp();
  return !def || def->getBlock() != body || isa<TileIndexOp>(def);
}

void ContractionSplitter::collectParts(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != body)
    return;
  if (isOneSided(value)) {
    if (!isRead(value))
      parts.insert(value);
    return;
  }
  for (Value operand : def->getOperands())
    collectParts(operand);
}

/// The operations of the body that a part is computed by, in order.
llvm::SetVector<Operation *> ContractionSplitter::getSlice(Value part) const {
  DenseSet<Operation *> needed = {part.getDefiningOp()};
  SmallVector<Operation *> reversed;
  for (Operation &inner : llvm::reverse(*body)) {
    if (!needed.contains(&inner))
      continue;
    reversed.push_back(&inner);
    for (Value operand : inner.getOperands())
      if (Operation *def = operand.getDefiningOp();
          def && def->getBlock() == body)
        needed.insert(def);
  }
  llvm::SetVector<Operation *> slice;
  slice.insert(reversed.rbegin(), reversed.rend());
  return slice;
}

//===----------------------------------------------------------------------===//
// Tiles of parts
//===----------------------------------------------------------------------===//

int64_t ContractionSplitter::getStaticExtent(unsigned dim) {
  // What is read goes as far as it exists, where the result has room for more.
  AffineExpr expr = rewriter.getAffineDimExpr(dim);
  bool isRead = false;
  for (auto [input, map] : llvm::zip(inputs, maps))
    if (std::optional<unsigned> position = map.getResultPosition(expr)) {
      int64_t size = getShape(input)[*position];
      isRead = true;
      if (!ShapedType::isDynamic(size))
        return size;
    }
  return isRead ? ShapedType::kDynamic : sizes[dim];
}

/// The extent of a dimension as a value, from what made a tile with it; null if
/// nothing tells.
Value ContractionSplitter::findExtent(unsigned dim) {
  AffineExpr expr = rewriter.getAffineDimExpr(dim);
  for (auto [input, map] : llvm::zip(inputs, maps)) {
    std::optional<unsigned> position = map.getResultPosition(expr);
    if (!position)
      continue;
    auto type = cast<RankedTensorType>(input.getType());
    unsigned k = type.getDynamicDimIndex(*position);
    if (auto load = input.getDefiningOp<TileLoadOp>())
      return load.getExtents()[k];
    if (auto tile = input.getDefiningOp<TileMapOp>())
      return tile.getExtents()[k];
  }
  return Value();
}

/// Builds the tile of a part; `map` says where the contraction reads it.
Value ContractionSplitter::buildMap(Value part, AffineMap &map) {
  llvm::SmallBitVector used = getDims(part);
  SmallVector<int64_t> shape;
  SmallVector<Value> extents;
  SmallVector<AffineExpr> exprs;
  DenseMap<unsigned, unsigned> axisOf;
  for (unsigned dim : used.set_bits()) {
    axisOf[dim] = shape.size();
    exprs.push_back(rewriter.getAffineDimExpr(dim));
    shape.push_back(getStaticExtent(dim));
    if (!ShapedType::isDynamic(shape.back()))
      continue;
    extents.push_back(findExtent(dim));
  }
  map = AffineMap::get(numDims(), 0, exprs, rewriter.getContext());

  llvm::SetVector<Operation *> slice = getSlice(part);
  SmallVector<Value> partInputs;
  SmallVector<AffineMap> partMaps;
  SmallVector<Type> elements;
  SmallVector<BlockArgument> read;
  for (auto [arg, input, at] : llvm::zip(body->getArguments(), inputs, maps)) {
    if (llvm::none_of(arg.getUsers(),
                      [&](Operation *user) { return slice.contains(user); }))
      continue;
    SmallVector<AffineExpr> axes;
    for (unsigned k = 0; k < at.getNumResults(); ++k)
      axes.push_back(
          rewriter.getAffineDimExpr(axisOf.lookup(at.getDimPosition(k))));
    partInputs.push_back(input);
    partMaps.push_back(
        AffineMap::get(shape.size(), 0, axes, rewriter.getContext()));
    elements.push_back(arg.getType());
    read.push_back(arg);
  }

  auto tile = TileMapOp::create(
      rewriter, loc, RankedTensorType::get(shape, part.getType()), partInputs,
      extents, rewriter.getAffineMapArrayAttr(partMaps));
  OpBuilder::InsertionGuard guard(rewriter);
  Block *block =
      rewriter.createBlock(&tile.getBody(), {}, elements,
                           SmallVector<Location>(elements.size(), loc));
  IRMapping mapping;
  for (auto [from, to] : llvm::zip(read, block->getArguments()))
    mapping.map(from, to);
  for (Operation *inner : slice) {
    if (auto index = dyn_cast<TileIndexOp>(inner))
      mapping.map(index.getResult(),
                  TileIndexOp::create(rewriter, index.getLoc(),
                                      axisOf.lookup(index.getDim())));
    else
      rewriter.clone(*inner, mapping);
  }
  YieldOp::create(rewriter, loc, mapping.lookup(part));
  return tile;
}

LogicalResult ContractionSplitter::run() {
  collectDims();
  collectParts(cast<YieldOp>(body->getTerminator()).getValue());
  if (parts.empty())
    return failure();
  for (unsigned dim = 0; dim < numDims(); ++dim)
    if (ShapedType::isDynamic(getStaticExtent(dim)) && !findExtent(dim))
      return failure();

  rewriter.setInsertionPoint(op);
  SmallVector<Value> tiles;
  SmallVector<AffineMap> tileMaps(parts.size());
  for (auto [part, map] : llvm::zip(parts, tileMaps))
    tiles.push_back(buildMap(part, map));

  // The region reads the tiles instead; an input that only the parts read
  // leaves it.
  llvm::SmallBitVector wasRead(inputs.size());
  for (BlockArgument arg : body->getArguments())
    wasRead[arg.getArgNumber()] = !arg.use_empty();
  for (Value part : parts)
    rewriter.replaceAllUsesWith(part, body->addArgument(part.getType(), loc));
  llvm::append_range(inputs, tiles);
  llvm::append_range(maps, tileMaps);
  SmallVector<Operation *> steps;
  for (Operation &inner : body->without_terminator())
    steps.push_back(&inner);
  for (Operation *inner : llvm::reverse(steps))
    if (inner->use_empty())
      rewriter.eraseOp(inner);
  llvm::BitVector dropped(inputs.size());
  for (unsigned k : wasRead.set_bits())
    dropped[k] = body->getArgument(k).use_empty();
  body->eraseArguments(dropped);
  SmallVector<Value> keptInputs;
  SmallVector<AffineMap> keptMaps;
  for (unsigned k = 0; k < inputs.size(); ++k)
    if (!dropped[k]) {
      keptInputs.push_back(inputs[k]);
      keptMaps.push_back(maps[k]);
    }
  rebuild(keptInputs, keptMaps);
  return success();
}

/// Replaces the op by one with the same region over other inputs.
void ContractionSplitter::rebuild(ArrayRef<Value> newInputs,
                                  ArrayRef<AffineMap> newMaps) {
  ArrayAttr mapsAttr = rewriter.getAffineMapArrayAttr(newMaps);
  auto replace = [&](auto split, Region &region) {
    rewriter.inlineRegionBefore(region, split.getBody(), split.getBody().end());
    rewriter.replaceOp(op, split);
  };
  if (auto contract = dyn_cast<TileContractOp>(op))
    return replace(TileContractOp::create(rewriter, loc, contract.getType(),
                                          newInputs, mapsAttr),
                   contract.getBody());
  auto weigh = cast<TileWeighOp>(op);
  replace(TileWeighOp::create(rewriter, loc, weigh.getType(),
                              weigh.getWeights(), weigh.getInit(),
                              weigh.getBegin(), weigh.getEnd(), newInputs,
                              mapsAttr),
          weigh.getBody());
}

namespace {
struct SplitContractionsPass
    : fovea::attn::impl::SplitContractionsPassBase<SplitContractionsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<TileContractOp, TileWeighOp>(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops) {
      // Where it fails the op stays as it is.
      if (auto contract = dyn_cast<TileContractOp>(op))
        (void)ContractionSplitter(rewriter, contract).run();
      else
        (void)ContractionSplitter(rewriter, cast<TileWeighOp>(op)).run();
    }
  }
};
} // namespace
