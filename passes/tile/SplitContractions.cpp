//===- SplitContractions.cpp - what each factor of a sum needs, once ------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
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

/// Splits one contraction:
///
///   contract { f(g(q), h(k)) } over q, k
///   ==>
///   contract { f(x, y) } over (map { g(q) }), (map { h(k) })
class ContractionSplitter {
public:
  ContractionSplitter(RewriterBase &rewriter, TileContractOp op)
      : rewriter(rewriter), op(op), loc(op.getLoc()),
        body(&op.getBody().front()), numDims(op.getNumDims()) {}

  LogicalResult run();

private:
  void collectDims();
  llvm::SmallBitVector getDims(Value value) const;
  bool isOneSided(Value value) const;
  bool isFree(Value value) const;
  void collectParts(Value value);
  llvm::SetVector<Operation *> getSlice(Value part) const;
  Value buildMap(Value part, AffineMap &map);
  Value findExtent(unsigned dim);
  int64_t getStaticExtent(unsigned dim);

  RewriterBase &rewriter;
  TileContractOp op;
  Location loc;
  Block *body;
  unsigned numDims;
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
  for (auto [arg, map] :
       llvm::zip(body->getArguments(),
                 op.getMaps().getAsValueRange<AffineMapAttr>())) {
    llvm::SmallBitVector used(numDims);
    for (unsigned k = 0; k < map.getNumResults(); ++k)
      used.set(map.getDimPosition(k));
    dims[arg] = used;
  }
  for (Operation &inner : *body) {
    llvm::SmallBitVector used(numDims);
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
  return it == dims.end() ? llvm::SmallBitVector(numDims) : it->second;
}

/// Whether a value differs by row or by key, but not by both.
bool ContractionSplitter::isOneSided(Value value) const {
  llvm::SmallBitVector used = getDims(value);
  return used.any() && !(used.test(0) && used.test(1));
}

/// Whether computing a value again costs no more than reading it.
bool ContractionSplitter::isFree(Value value) const {
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != body || isa<TileIndexOp>(def))
    return true;
  return isa<arith::ExtFOp, arith::TruncFOp>(def) && isFree(def->getOperand(0));
}

void ContractionSplitter::collectParts(Value value) {
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != body)
    return;
  if (isOneSided(value)) {
    if (!isFree(value))
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
  for (auto [input, map] :
       llvm::zip(op.getInputs(), op.getMaps().getAsValueRange<AffineMapAttr>()))
    if (std::optional<unsigned> position = map.getResultPosition(expr)) {
      auto tile = cast<RankedTensorType>(input.getType());
      isRead = true;
      if (!tile.isDynamicDim(*position))
        return tile.getDimSize(*position);
    }
  auto type = cast<RankedTensorType>(op.getType());
  return dim < 2 && !isRead ? type.getDimSize(dim) : ShapedType::kDynamic;
}

/// The extent of a dimension as a value, from what made a tile with it; null if
/// nothing tells.
Value ContractionSplitter::findExtent(unsigned dim) {
  AffineExpr expr = rewriter.getAffineDimExpr(dim);
  for (auto [input, map] : llvm::zip(
           op.getInputs(), op.getMaps().getAsValueRange<AffineMapAttr>())) {
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
  map = AffineMap::get(numDims, 0, exprs, rewriter.getContext());

  llvm::SetVector<Operation *> slice = getSlice(part);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<Type> elements;
  SmallVector<BlockArgument> read;
  for (auto [arg, input, at] :
       llvm::zip(body->getArguments(), op.getInputs(),
                 op.getMaps().getAsValueRange<AffineMapAttr>())) {
    if (llvm::none_of(arg.getUsers(),
                      [&](Operation *user) { return slice.contains(user); }))
      continue;
    SmallVector<AffineExpr> axes;
    for (unsigned k = 0; k < at.getNumResults(); ++k)
      axes.push_back(
          rewriter.getAffineDimExpr(axisOf.lookup(at.getDimPosition(k))));
    inputs.push_back(input);
    maps.push_back(
        AffineMap::get(shape.size(), 0, axes, rewriter.getContext()));
    elements.push_back(arg.getType());
    read.push_back(arg);
  }

  auto tile = TileMapOp::create(
      rewriter, loc, RankedTensorType::get(shape, part.getType()), inputs,
      extents, rewriter.getAffineMapArrayAttr(maps));
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
  for (unsigned dim = 0; dim < numDims; ++dim)
    if (ShapedType::isDynamic(getStaticExtent(dim)) && !findExtent(dim))
      return failure();

  rewriter.setInsertionPoint(op);
  SmallVector<Value> inputs(op.getInputs());
  SmallVector<AffineMap> maps(op.getMaps().getAsValueRange<AffineMapAttr>());
  SmallVector<Value> tiles;
  for (Value part : parts) {
    AffineMap map;
    tiles.push_back(buildMap(part, map));
    maps.push_back(map);
  }

  // The region reads the tiles instead; an input that only the parts read
  // leaves it.
  llvm::SmallBitVector wasRead(inputs.size());
  for (BlockArgument arg : body->getArguments())
    wasRead[arg.getArgNumber()] = !arg.use_empty();
  for (auto [part, tile] : llvm::zip(parts, tiles)) {
    rewriter.replaceAllUsesWith(part, body->addArgument(part.getType(), loc));
    inputs.push_back(tile);
  }
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
  auto split = TileContractOp::create(rewriter, loc, op.getType(), keptInputs,
                                      rewriter.getAffineMapArrayAttr(keptMaps));
  rewriter.inlineRegionBefore(op.getBody(), split.getBody(),
                              split.getBody().end());
  rewriter.replaceOp(op, split);
  return success();
}

namespace {
struct SplitContractionsPass
    : fovea::attn::impl::SplitContractionsPassBase<SplitContractionsPass> {
  void runOnOperation() override {
    SmallVector<TileContractOp> ops;
    getOperation()->walk([&](TileContractOp op) { ops.push_back(op); });
    IRRewriter rewriter(&getContext());
    for (TileContractOp op : ops)
      (void)ContractionSplitter(rewriter, op).run(); // or it stays as it is
  }
};
} // namespace
