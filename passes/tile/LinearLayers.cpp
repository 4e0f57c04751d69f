//===- LinearLayers.cpp - linear layers in memory -------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/tile/LinearLayers.h"

#include "passes/graph/Contractions.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace fovea::attn;

/// Brings the loops over features into the order in which the weights count
/// them; false if there is none.
static bool orderFeatures(LinearLayer &layer, ArrayRef<int64_t> sizes) {
  linalg::GenericOp op = layer.op;
  AffineMap map = op.getIndexingMapsArray()[layer.weight];
  unsigned numLoops = op.getNumLoops();
  auto isEqual = [&](AffineExpr a, AffineExpr b) {
    return simplifyAffineExpr(a, numLoops, 0) ==
           simplifyAffineExpr(b, numLoops, 0);
  };
  do {
    AffineExpr number = getAffineConstantExpr(0, op.getContext());
    for (unsigned loop : layer.features)
      number = number * sizes[loop] + getAffineDimExpr(loop, op.getContext());
    if (isEqual(map.getResult(0), number.floorDiv(layer.width)) &&
        isEqual(map.getResult(2), number % layer.width))
      return true;
  } while (std::next_permutation(layer.features.begin(), layer.features.end()));
  return false;
}

/// Brings the loops over columns into the order in which the input has them
/// last, and the weights their pairs; false if these differ.
static bool orderPairs(LinearLayer &layer, ArrayRef<int64_t> sizes) {
  linalg::GenericOp op = layer.op;
  unsigned numLoops = op.getNumLoops();
  AffineMap map = op.getIndexingMapsArray()[layer.weight];
  AffineMap input = op.getIndexingMapsArray()[1 - layer.weight];
  SmallVector<unsigned> order;
  for (AffineExpr expr : input.getResults().take_back(layer.columns.size()))
    order.push_back(cast<AffineDimExpr>(expr).getPosition());
  if (!std::is_permutation(order.begin(), order.end(), layer.columns.begin(),
                           layer.columns.end()))
    return false;
  layer.columns = order;
  AffineExpr number = getAffineConstantExpr(0, op.getContext());
  for (unsigned loop : order)
    number = number * sizes[loop] + getAffineDimExpr(loop, op.getContext());
  return simplifyAffineExpr(map.getResult(1) - number.floorDiv(2), numLoops,
                            0) == 0 &&
         simplifyAffineExpr(map.getResult(3) - number % 2, numLoops, 0) == 0;
}

/// The layer that `op` is, without what surrounds it.
static std::optional<LinearLayer> matchProducts(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics() || !hasProductSumBody(op))
    return std::nullopt;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (unsigned weight : {0u, 1u}) {
    AffineMap map = op.getIndexingMapsArray()[weight];
    auto type = dyn_cast<MemRefType>(op.getInputs()[weight].getType());
    bool pairs = map.getNumResults() == 4 && type && type.getDimSize(3) == 2;
    if (!type || (map.getNumResults() != 3 && !pairs))
      continue;
    auto place = dyn_cast<AffineBinaryOpExpr>(map.getResult(2));
    auto width = place ? dyn_cast<AffineConstantExpr>(place.getRHS())
                       : AffineConstantExpr();
    if (!width || place.getKind() != AffineExprKind::Mod ||
        type.getDimSize(2) != width.getValue())
      continue;
    LinearLayer layer{op, weight, width.getValue(), pairs, {}, {}, {}, {}, {}};
    AffineMap out = op.getIndexingMapsArray()[2];
    bool known = out.isProjectedPermutation() &&
                 op.getIndexingMapsArray()[1 - weight].isProjectedPermutation();
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
      bool summed =
          op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction;
      // A group of features may divide by the width: then its outer loops are
      // in the number of the panel alone.
      bool feature =
          place.isFunctionOfDim(loop) || map.getResult(0).isFunctionOfDim(loop);
      (summed    ? layer.columns
       : feature ? layer.features
                 : layer.rows)
          .push_back(loop);
      if (summed || feature)
        known &= !ShapedType::isDynamic(sizes[loop]);
    }
    if (known && orderFeatures(layer, sizes) &&
        (!pairs || orderPairs(layer, sizes)))
      return layer;
  }
  return std::nullopt;
}

/// All that reads or writes a buffer, also through views of it.
static SmallVector<Operation *> getAccesses(Value buffer) {
  SmallVector<Operation *> accesses;
  SmallVector<Value> values = {buffer};
  while (!values.empty())
    for (Operation *user : values.pop_back_val().getUsers()) {
      if (isa<ViewLikeOpInterface>(user))
        llvm::append_range(values, user->getResults());
      else
        accesses.push_back(user);
    }
  return accesses;
}

/// The fill that starts the layer's sum at zero, if nothing comes between;
/// null otherwise.
static linalg::FillOp findFill(linalg::GenericOp op) {
  Value buffer = op.getOutputs()[0];
  linalg::FillOp fill;
  for (Operation *user : buffer.getUsers())
    if (auto candidate = dyn_cast<linalg::FillOp>(user))
      if (candidate->getBlock() == op->getBlock() &&
          candidate->isBeforeInBlock(op) &&
          (!fill || fill->isBeforeInBlock(candidate)))
        fill = candidate;
  if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
    return {};
  for (Operation *access : getAccesses(buffer)) {
    Operation *place = op->getBlock()->findAncestorOpInBlock(*access);
    if (place && fill->isBeforeInBlock(place) && place->isBeforeInBlock(op))
      return {};
  }
  return fill;
}

/// The buffer that a view is of.
static Value getBuffer(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value;
}

/// Whether all from `first` to `last` leave `read` as it is, and do not touch
/// `written`. What they write must be buffers made in this block: others may be
/// the same memory.
static bool areIndependent(Operation *first, Operation *last,
                           ArrayRef<Value> read, Value written) {
  for (Operation *between = first;; between = between->getNextNode()) {
    auto effects = getEffectsRecursively(between);
    if (!effects)
      return false;
    for (const MemoryEffects::EffectInstance &effect : *effects) {
      if (isa<MemoryEffects::Allocate>(effect.getEffect()))
        continue;
      Value buffer = effect.getValue() ? getBuffer(effect.getValue()) : Value();
      if (written && (!buffer || buffer == written))
        return false;
      if (isa<MemoryEffects::Read>(effect.getEffect()))
        continue;
      auto alloc =
          buffer ? buffer.getDefiningOp<memref::AllocOp>() : memref::AllocOp();
      if (!alloc || llvm::is_contained(read, buffer) ||
          (alloc->getBlock() != first->getBlock() &&
           !between->isProperAncestor(alloc)))
        return false;
    }
    if (between == last)
      return true;
  }
}

/// Whether `op` reads the same inputs where `epilogue` stands, and while it
/// writes.
static bool readsTheSameAt(linalg::GenericOp op, linalg::GenericOp epilogue) {
  SmallVector<Value> read = llvm::map_to_vector(op.getInputs(), getBuffer);
  if (llvm::is_contained(read, getBuffer(epilogue.getOutputs()[0])))
    return false;
  Operation *next = op->getNextNode();
  return next == epilogue ||
         areIndependent(next, epilogue->getPrevNode(), read, Value());
}

/// The elementwise computation that alone reads the layer's result, if the
/// layer may be computed where it stands; null otherwise.
static linalg::GenericOp findEpilogue(linalg::GenericOp op,
                                      linalg::FillOp fill) {
  Value buffer = op.getOutputs()[0];
  if (!buffer.getDefiningOp<memref::AllocOp>())
    return {};
  SmallVector<Operation *> others;
  linalg::GenericOp epilogue;
  for (Operation *access : getAccesses(buffer)) {
    if (access == op || access == fill)
      continue;
    auto generic = dyn_cast<linalg::GenericOp>(access);
    if (generic && generic->getBlock() == op->getBlock() &&
        op->isBeforeInBlock(generic) &&
        (!epilogue || generic->isBeforeInBlock(epilogue)))
      epilogue = generic;
    others.push_back(access);
  }
  if (!epilogue || epilogue.getNumReductionLoops() != 0 ||
      epilogue.getNumDpsInits() != 1 || epilogue.hasIndexSemantics())
    return {};
  // The sum is read nowhere else: by nothing at all, or by what comes after it
  // has been overwritten.
  OpOperand *read = findRead(epilogue, buffer);
  OpOperand *written = epilogue.getDpsInitOperand(0);
  bool inPlace = read && written->get() == buffer &&
                 epilogue.getMatchingIndexingMap(read) ==
                     epilogue.getMatchingIndexingMap(written);
  for (Operation *access : others) {
    Operation *place = op->getBlock()->findAncestorOpInBlock(*access);
    if (place == epilogue)
      continue;
    if (!inPlace || (place && fill->isBeforeInBlock(place) &&
                     place->isBeforeInBlock(epilogue)))
      return {};
  }
  if (!readsTheSameAt(op, epilogue))
    return {};
  bool plain = read && epilogue.getNumLoops() ==
                           cast<MemRefType>(buffer.getType()).getRank();
  for (AffineMap map : epilogue.getIndexingMapsArray())
    plain &= map.isProjectedPermutation();
  for (OpOperand *input : epilogue.getDpsInputOperands())
    plain &= input == read || input->get() != buffer;
  Block *body = epilogue.getBody();
  plain &= body->getArguments().back().use_empty();
  for (Operation &inner : body->without_terminator())
    plain &= isPure(&inner) && inner.getNumRegions() == 0;
  return plain ? epilogue : linalg::GenericOp();
}

std::optional<LinearLayer> fovea::attn::matchLinearLayer(linalg::GenericOp op) {
  std::optional<LinearLayer> layer = matchProducts(op);
  if (!layer)
    return std::nullopt;
  layer->fill = findFill(op);
  if (!layer->fill)
    return std::nullopt; // the sum goes on from something else
  layer->epilogue = findEpilogue(op, layer->fill);
  return layer;
}

/// The dimensions of the input that the layer's row loops are.
static SmallVector<std::optional<unsigned>>
getRowPositions(const LinearLayer &layer) {
  linalg::GenericOp op = layer.op;
  AffineMap map = op.getIndexingMapsArray()[1 - layer.weight];
  return llvm::map_to_vector(layer.rows, [&](unsigned loop) {
    return map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  });
}

bool fovea::attn::canComputeTogether(const LinearLayer &first,
                                     const LinearLayer &second) {
  linalg::GenericOp from = first.getLast(), to = second.getLast();
  if (from->getBlock() != to->getBlock() || from == to ||
      first.getInput() != second.getInput() || first.width != second.width ||
      first.pairs != second.pairs)
    return false;
  auto rows = getRowPositions(first);
  if (rows != getRowPositions(second) || llvm::is_contained(rows, std::nullopt))
    return false;
  SmallVector<Value> read =
      llvm::map_to_vector(linalg::GenericOp(first.op).getInputs(), getBuffer);
  if (first.epilogue)
    for (Value input : linalg::GenericOp(first.epilogue).getInputs())
      if (isa<MemRefType>(input.getType()))
        read.push_back(getBuffer(input));
  if (from->isBeforeInBlock(to))
    return areIndependent(from->getNextNode(), to, read,
                          getBuffer(from.getOutputs()[0]));
  return false;
}

SmallVector<AffineExpr> fovea::attn::getLayerLoops(linalg::GenericOp op,
                                                   linalg::GenericOp epilogue,
                                                   OpOperand *read) {
  AffineMap written = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  AffineMap seen = epilogue.getMatchingIndexingMap(read);
  SmallVector<AffineExpr> loops(epilogue.getNumLoops());
  for (auto [from, to] : llvm::zip(seen.getResults(), written.getResults()))
    loops[cast<AffineDimExpr>(from).getPosition()] = to;
  return loops;
}

OpOperand *fovea::attn::findRead(linalg::GenericOp epilogue, Value buffer) {
  for (OpOperand *input : epilogue.getDpsInputOperands())
    if (input->get() == buffer)
      return input;
  return nullptr;
}
