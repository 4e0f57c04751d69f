//===- NarrowTensors.cpp - tensors of rounded elements --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/SetVector.h"

namespace fovea::attn {
#define GEN_PASS_DEF_NARROWTENSORSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

static bool isReshape(Operation *op) {
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op);
}

/// What an elementwise computation of f32 rounds its elements to bf16 by, and
/// then yields converted back; null if it does not.
static arith::TruncFOp getRounding(linalg::GenericOp op) {
  if (op.getNumResults() != 1 || op.getNumReductionLoops() != 0 ||
      !op.getBody()->getArguments().back().use_empty())
    return {};
  auto wide = op.getBody()
                  ->getTerminator()
                  ->getOperand(0)
                  .getDefiningOp<arith::ExtFOp>();
  auto narrow =
      wide ? wide.getIn().getDefiningOp<arith::TruncFOp>() : arith::TruncFOp();
  return narrow && wide.getType().isF32() && narrow.getType().isBF16()
             ? narrow
             : arith::TruncFOp();
}

/// The argument of a region that stands for an element of what an operand of
/// `linalg.generic` or `attn.attention` reads; null for other operands.
static BlockArgument getElement(OpOperand &use) {
  if (auto generic = dyn_cast<linalg::GenericOp>(use.getOwner()))
    return generic.isDpsInput(&use) ? generic.getMatchingBlockArgument(&use)
                                    : BlockArgument();
  auto attention = dyn_cast<AttentionOp>(use.getOwner());
  if (!attention || attention.getInputs().empty())
    return {};
  unsigned first = attention.getInputs().getBeginOperandIndex();
  if (use.getOperandNumber() < first ||
      use.getOperandNumber() >= first + attention.getInputs().size())
    return {};
  unsigned input = use.getOperandNumber() - first;
  auto self = cast<AttentionOpInterface>(attention.getOperation());
  for (Region &region : attention->getRegions()) {
    if (region.empty())
      continue;
    unsigned begin = self.getFirstInputOf(region);
    if (input >= begin && input < begin + self.getInputsOf(region).size())
      return region.getArgument(self.getNumLeadingArguments(region) + input -
                                begin);
  }
  return {};
}

namespace {

/// The tensors of f32 that are to be of bf16: they start from rounded elements,
/// and whatever uses them can.
class NarrowTensors {
public:
  explicit NarrowTensors(Operation *root);
  void rewrite(RewriterBase &rewriter);

private:
  void addReached(Value value);
  bool isSource(Value value) const;
  bool isFromNarrow(Value value) const;
  bool isTaken(OpOperand &use) const;
  bool contains(Value value) const { return values.contains(value); }

  llvm::SetVector<Value> values;
};

} // namespace

/// A result of elements that are rounded as they are made, or all of whose
/// readers round them first.
bool NarrowTensors::isSource(Value value) const {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  Operation *def = value.getDefiningOp();
  if (!type || !type.getElementType().isF32() || !def)
    return false;
  if (auto generic = dyn_cast<linalg::GenericOp>(def);
      generic && getRounding(generic))
    return true;
  auto attention = dyn_cast<AttentionOp>(def);
  if (!attention ||
      attention.getResultKind(cast<OpResult>(value).getResultNumber()) !=
          ResultKind::output)
    return false;
  return !value.use_empty() &&
         llvm::all_of(value.getUses(), [](OpOperand &use) {
           if (isa<tensor::DimOp>(use.getOwner()))
             return true;
           BlockArgument element = getElement(use);
           return element &&
                  llvm::all_of(element.getUsers(), [](Operation *user) {
                    auto narrow = dyn_cast<arith::TruncFOp>(user);
                    return narrow && narrow.getType().isBF16();
                  });
         });
}

/// Adds what a tensor becomes by changes of shape, and in loops.
void NarrowTensors::addReached(Value value) {
  if (!values.insert(value))
    return;
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isReshape(user)) {
      addReached(user->getResult(0));
    } else if (auto loop = dyn_cast<scf::ForOp>(user)) {
      if (BlockArgument carried = loop.getTiedLoopRegionIterArg(&use)) {
        addReached(carried);
        addReached(loop.getTiedLoopResult(&use));
      }
    }
  }
}

bool NarrowTensors::isFromNarrow(Value value) const {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return contains(loop.getTiedLoopInit(argument)->get()) &&
           contains(loop.getTiedLoopYieldedValue(argument)->get()) &&
           contains(loop.getTiedLoopResult(argument));
  }
  Operation *def = value.getDefiningOp();
  if (auto loop = dyn_cast<scf::ForOp>(def))
    return contains(loop.getTiedLoopRegionIterArg(cast<OpResult>(value)));
  return !isReshape(def) || contains(def->getOperand(0));
}

bool NarrowTensors::isTaken(OpOperand &use) const {
  Operation *user = use.getOwner();
  if (isa<tensor::DimOp>(user) || getElement(use))
    return true;
  if (isReshape(user))
    return contains(user->getResult(0));
  if (auto loop = dyn_cast<scf::ForOp>(user)) {
    BlockArgument carried = loop.getTiedLoopRegionIterArg(&use);
    return carried && contains(carried);
  }
  if (auto loop = dyn_cast<scf::ForOp>(user->getParentOp());
      loop && isa<scf::YieldOp>(user))
    return contains(loop.getRegionIterArg(use.getOperandNumber()));
  return false;
}

NarrowTensors::NarrowTensors(Operation *root) {
  root->walk([&](Operation *op) {
    if (isa<linalg::GenericOp, AttentionOp>(op))
      for (Value result : op->getResults())
        if (isSource(result))
          addReached(result);
  });
  // What one of them depends on may be none.
  auto fails = [&](Value value) {
    return !isFromNarrow(value) ||
           !llvm::all_of(value.getUses(),
                         [&](OpOperand &use) { return isTaken(use); });
  };
  bool changed = true;
  while (changed)
    changed = values.remove_if(fails);
}

/// Makes the place of a result one of bf16.
static Value narrowPlace(RewriterBase &rewriter, Location loc, Value place) {
  auto type = cast<RankedTensorType>(place.getType());
  return tensor::EmptyOp::create(rewriter, loc,
                                 tensor::getMixedSizes(rewriter, loc, place),
                                 rewriter.getBF16Type(), type.getEncoding());
}

/// An element is read as bf16, and converted at once; or it is what it was
/// rounded to.
static void widenElement(RewriterBase &rewriter, BlockArgument element) {
  element.setType(rewriter.getBF16Type());
  rewriter.setInsertionPointToStart(element.getOwner());
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : llvm::make_early_inc_range(element.getUses())) {
    if (auto narrow = dyn_cast<arith::TruncFOp>(use.getOwner());
        narrow && narrow.getType().isBF16())
      rewriter.replaceOp(narrow, element);
    else
      uses.push_back(&use);
  }
  if (uses.empty())
    return;
  Value wide = arith::ExtFOp::create(rewriter, element.getLoc(),
                                     rewriter.getF32Type(), element);
  for (OpOperand *use : uses)
    use->set(wide);
}

void NarrowTensors::rewrite(RewriterBase &rewriter) {
  for (Value value : values) {
    if (auto generic = value.getDefiningOp<linalg::GenericOp>()) {
      rewriter.setInsertionPoint(generic);
      Value place =
          narrowPlace(rewriter, generic.getLoc(), generic.getOutputs()[0]);
      generic.getOutputsMutable()[0].set(place);
      generic.getBody()->getArguments().back().setType(rewriter.getBF16Type());
      // What was rounded, or an element that has become bf16 itself.
      Operation *yield = generic.getBody()->getTerminator();
      yield->setOperand(
          0, yield->getOperand(0).getDefiningOp<arith::ExtFOp>().getIn());
    } else if (auto attention = value.getDefiningOp<AttentionOp>()) {
      rewriter.setInsertionPoint(attention);
      OpOperand &out =
          attention.getOutsMutable()[cast<OpResult>(value).getResultNumber()];
      out.set(narrowPlace(rewriter, attention.getLoc(), out.get()));
    }
    for (OpOperand &use : value.getUses())
      if (BlockArgument element = getElement(use))
        widenElement(rewriter, element);
    value.setType(
        cast<RankedTensorType>(value.getType()).clone(rewriter.getBF16Type()));
  }
}

namespace {
struct NarrowTensorsPass
    : fovea::attn::impl::NarrowTensorsPassBase<NarrowTensorsPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    NarrowTensors(getOperation()).rewrite(rewriter);
  }
};
} // namespace
