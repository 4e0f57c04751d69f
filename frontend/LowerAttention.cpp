//===- LowerAttention.cpp - The parts of an attention as one op -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "frontend/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace fovea::frontend;
using namespace mlir;
namespace attn = fovea::attn;
using fovea::attn::AttentionOp;
using fovea::attn::DimKind;

namespace {
/// Where each index of a region is in the domain.
using DimMap = llvm::DenseMap<const IndexVar *, unsigned>;

/// One region before the op is there: what it reads, and what it yields.
struct RegionPlan {
  /// The expression; null for an absent region.
  const Node *root = nullptr;
  const DimMap *dims = nullptr;
  /// What is a block argument of its own kind, before those of `inputs`; null
  /// for one that is not used.
  SmallVector<const Node *> leading;
  struct Input {
    Value operand;
    const Node *node;
    SmallVector<AffineExpr> access;
  };
  SmallVector<Input> inputs;
  Elem elem = Elem::Real;
  DType dtype = DType::F32; ///< Of a real that is yielded.
};

class AttentionBuilder {
public:
  AttentionBuilder(FunctionLowering &lowering, const FusedAttention &fused,
                   llvm::SMLoc loc)
      : lowering(lowering), builder(lowering.builder), fused(fused),
        context(builder.getContext()), loc(lowering.location(loc)) {}

  FailureOr<SmallVector<Value>> run() {
    addDomain();
    planRegions();
    if (failed)
      return failure();
    return create();
  }

private:
  //===--------------------------------------------------------------------===//
  // Domain
  //===--------------------------------------------------------------------===//

  unsigned addDim(const IndexVar *var, DimKind kind) {
    std::string name = var->name;
    // The op's text names dimensions, so their names differ.
    for (unsigned k = 1; llvm::is_contained(names, name); ++k)
      name = var->name + "_" + std::to_string(k);
    names.push_back(name);
    kinds.push_back(kind);
    OpFoldResult size = lowering.size(var->extent);
    if (auto attr = dyn_cast<Attribute>(size)) {
      bounds.push_back(cast<IntegerAttr>(attr).getInt());
    } else {
      bounds.push_back(ShapedType::kDynamic);
      dynamicBounds.push_back(cast<Value>(size));
    }
    return names.size() - 1;
  }

  void addDomain() {
    for (const IndexVar *var : fused.parallel)
      outer[var] = addDim(var, DimKind::parallel);
    for (const IndexVar *var : fused.keys)
      outer[var] = addDim(var, DimKind::key);
    // Two contractions may bind the same index: each has its own dimensions.
    for (const Node *contraction : fused.contractions) {
      DimMap &dims = contractionDims.emplace_back(outer);
      SmallVector<int64_t> &summed = summedDims.emplace_back();
      for (const IndexVar *var : contraction->bound) {
        dims[var] = addDim(var, DimKind::contraction);
        summed.push_back(dims[var]);
      }
    }
    for (const IndexVar *var : fused.values)
      outer[var] = addDim(var, DimKind::value);
  }

  //===--------------------------------------------------------------------===//
  // Accesses
  //===--------------------------------------------------------------------===//

  AffineExpr symbol(Value value) {
    auto it = llvm::find(symbols, value);
    unsigned position = it - symbols.begin();
    if (it == symbols.end())
      symbols.push_back(value);
    return getAffineSymbolExpr(position, context);
  }

  /// `node` as an affine expression of dimensions and symbols, or null.
  AffineExpr affine(const Node *root, const DimMap &dims) {
    llvm::DenseMap<const Node *, AffineExpr> exprs;
    for (const Node *node : reachable(
             root, [](const Node *node) { return node->op != NodeOp::Read; })) {
      auto operand = [&](unsigned k) {
        return exprs.lookup(node->operands[k]);
      };
      AffineExpr expr;
      if (node->operands.size() == 2) {
        expr = affineOf(node->op, operand(0), operand(1));
      } else if (node->op == NodeOp::Negate && operand(0)) {
        expr = -operand(0);
      } else if (node->op == NodeOp::Integer) {
        expr = getAffineConstantExpr(node->integer, context);
      } else if (node->op == NodeOp::Size) {
        expr = symbol(lowering.sizeValue(node->extent));
      } else if (node->op == NodeOp::Index) {
        if (auto dim = dims.find(node->index); dim != dims.end())
          expr = getAffineDimExpr(dim->second, context);
        else if (Value fixed = lowering.fixedIndex(node->index))
          expr = symbol(fixed);
      } else if (node->op == NodeOp::Read && node->elem == Elem::Int &&
                 node->tensor->isScalar()) {
        expr = symbol(lowering.uniform(node));
      }
      if (expr)
        exprs[node] = expr;
    }
    return exprs.lookup(root);
  }

  /// The lookup that yields `position`, made on its first use.
  AffineExpr lookup(const Node *position, const DimMap &regionDims) {
    // A contraction's own index is another dimension in each contraction; all
    // else is one for the whole op.
    bool shared = llvm::all_of(position->free, [&](const IndexVar *var) {
      return outer.contains(var) || !regionDims.contains(var);
    });
    const DimMap *dims = shared ? &outer : &regionDims;
    for (auto [k, known] : llvm::enumerate(lookups))
      if (known.root == position && known.dims == dims)
        return getAffineDimExpr(names.size() + k, context);
    RegionPlan plan;
    plan.root = position;
    plan.dims = dims;
    plan.elem = Elem::Int;
    addInputs(plan); // may need lookups of its own, which come before
    lookups.push_back(std::move(plan));
    return getAffineDimExpr(names.size() + lookups.size() - 1, context);
  }

  void addInputs(RegionPlan &plan) {
    auto isLeading = [&](const Node *node) {
      return llvm::is_contained(plan.leading, node);
    };
    for (const Node *node : reachable(plan.root, [&](const Node *node) {
           return !isLeading(node) && node->op != NodeOp::Read;
         })) {
      if (isLeading(node))
        continue;
      RegionPlan::Input input{Value(), node, {}};
      if (node->op == NodeOp::Read && node->tensor->isScalar()) {
        input.operand = lowering.scalarOf(node->tensor);
      } else if (node->op == NodeOp::Size) {
        input.operand = lowering.sizeValue(node->extent);
      } else if (node->op == NodeOp::Index &&
                 !plan.dims->contains(node->index)) {
        input.operand = lowering.fixedIndex(node->index);
      } else if (node->op == NodeOp::Static) {
        lowering
            .error(node->loc,
                   "compile-time parameter '" + node->name + "' has no value")
            .help("give it one: --set " + lowering.function.name + "." +
                  node->name + "=VALUE");
        failed = true;
        return;
      } else if (node->op == NodeOp::Read) {
        input.operand = lowering.tensorOf(node);
        for (const Node *position : lowering.positionsIn(node)) {
          AffineExpr expr = affine(position, *plan.dims);
          input.access.push_back(expr ? expr : lookup(position, *plan.dims));
        }
      } else {
        continue;
      }
      if (!input.operand) {
        failed = true;
        return;
      }
      plan.inputs.push_back(std::move(input));
    }
  }

  //===--------------------------------------------------------------------===//
  // Regions
  //===--------------------------------------------------------------------===//

  RegionPlan plan(const Node *root, const DimMap &dims, Elem elem,
                  ArrayRef<const Node *> leading = {}) {
    RegionPlan made;
    made.root = root;
    made.dims = &dims;
    made.elem = elem;
    made.leading.assign(leading.begin(), leading.end());
    if (root && !failed)
      addInputs(made);
    return made;
  }

  /// A real, as regions yield them.
  const Node *real(const Node *node) {
    return node->elem == Elem::Int
               ? lowering.graph.apply(NodeOp::ToReal, Elem::Real, node,
                                      node->loc)
               : node;
  }

  void planRegions() {
    IndexGraph &graph = lowering.graph;
    for (auto [k, contraction] : llvm::enumerate(fused.contractions)) {
      const Node *body = contraction->body();
      if (!contraction->condition()->isTrue())
        body = graph.apply(
            NodeOp::Select, Elem::Real,
            {contraction->condition(), body, graph.real(0, body->loc)},
            body->loc);
      contractions.push_back(plan(body, contractionDims[k], Elem::Real));
    }
    bool plainScore = fused.contractions.size() == 1 &&
                      fused.score == fused.contractions.front();
    score = plan(plainScore ? nullptr : real(fused.score), outer, Elem::Real,
                 fused.contractions);
    mask = plan(fused.mask->isTrue() ? nullptr : fused.mask, outer, Elem::Bool);
    for (const FusedAttention::WeightedSum &sum : fused.sums) {
      // The score is not computed again in a value, and is 0 there for a key
      // that is not kept.
      bool hasKeys = llvm::any_of(fused.keys, [&](const IndexVar *key) {
        return fused.score->dependsOn(key);
      });
      bool usesScore = sum.value && hasKeys &&
                       llvm::is_contained(reachable(sum.value), fused.score);
      values.push_back(
          plan(sum.value ? real(sum.value) : nullptr, outer, Elem::Real,
               usesScore ? ArrayRef(fused.score) : ArrayRef<const Node *>()));
    }
    for (const FusedAttention::Result &result : fused.results)
      if (result.kind == FusedAttention::ResultKind::Output)
        planEpilogue(result);
    sink = plan(fused.sink ? real(fused.sink) : nullptr, outer, Elem::Real);
  }

  void planEpilogue(const FusedAttention::Result &result) {
    // The sums over this output's value indices.
    SmallVector<const Node *> sums;
    for (const FusedAttention::WeightedSum &sum : fused.sums)
      sums.push_back(!sum.value || sum.values == result.values ? sum.name
                                                               : nullptr);
    size_t number = epilogues.size();
    bool isPlain = number < sums.size() && result.epilogue == sums[number];
    epilogues.push_back(
        plan(isPlain ? nullptr : result.epilogue, outer, Elem::Real, sums));
    epilogues.back().dtype = result.dtype;
  }

  void emitRegion(Region &region, const RegionPlan &plan) {
    if (!plan.root)
      return;
    Block &block = region.emplaceBlock();
    Type f32 = builder.getF32Type();
    for (const Node *leading : plan.leading)
      block.addArgument(f32, leading ? lowering.location(leading->loc) : loc);
    for (const RegionPlan::Input &input : plan.inputs)
      block.addArgument(getElementTypeOrSelf(input.operand.getType()),
                        lowering.location(input.node->loc));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&block);
    llvm::DenseMap<const Node *, BlockArgument> arguments;
    for (auto [k, leading] : llvm::enumerate(plan.leading))
      if (leading)
        arguments[leading] = block.getArgument(k);
    for (auto [k, input] : llvm::enumerate(plan.inputs))
      arguments[input.node] = block.getArgument(plan.leading.size() + k);
    Value result = emitScalar(
        builder, lowering.locations, plan.root, [&](const Node *node) {
          Location at = lowering.location(node->loc);
          if (BlockArgument argument = arguments.lookup(node))
            return fromStorage(builder, at, argument);
          if (node->op == NodeOp::Index)
            return Value(attn::IndexOp::create(builder, at,
                                               plan.dims->lookup(node->index)));
          return Value();
        });
    if (plan.elem == Elem::Real)
      result = toStorage(builder, loc, result, plan.dtype);
    attn::YieldOp::create(builder, loc, result);
  }

  //===--------------------------------------------------------------------===//
  // The op
  //===--------------------------------------------------------------------===//

  attn::NormalizerAttrInterface normalizer() {
    switch (fused.normalizer) {
    case NormalizerKind::Softmax:
      return attn::SoftmaxAttr::get(context);
    case NormalizerKind::Ratio:
      return attn::RatioAttr::get(context);
    case NormalizerKind::Plain:
      return attn::PlainAttr::get(context);
    }
    llvm_unreachable("unknown normalizer");
  }

  static attn::ResultKind kindOf(FusedAttention::ResultKind kind) {
    switch (kind) {
    case FusedAttention::ResultKind::Output:
      return attn::ResultKind::output;
    case FusedAttention::ResultKind::LogSumExp:
      return attn::ResultKind::logsumexp;
    case FusedAttention::ResultKind::Weights:
      return attn::ResultKind::weights;
    case FusedAttention::ResultKind::Max:
      return attn::ResultKind::max;
    case FusedAttention::ResultKind::ArgMax:
      return attn::ResultKind::argmax;
    }
    llvm_unreachable("unknown result");
  }

  SmallVector<Value> create() {
    SmallVector<RegionPlan *> groups;
    for (RegionPlan &lookup : lookups)
      groups.push_back(&lookup);
    for (RegionPlan &contraction : contractions)
      groups.push_back(&contraction);
    groups.append({&score, &mask});
    for (RegionPlan &value : values)
      groups.push_back(&value);
    for (RegionPlan &epilogue : epilogues)
      groups.push_back(&epilogue);
    groups.push_back(&sink);

    unsigned mapDims = names.size() + lookups.size();
    auto map = [&](ArrayRef<AffineExpr> exprs) -> Attribute {
      return AffineMapAttr::get(
          AffineMap::get(mapDims, symbols.size(), exprs, context));
    };
    SmallVector<Value> inputs, outs;
    SmallVector<int32_t> segments;
    SmallVector<Attribute> accesses, summed, valueDims, resultKinds;
    for (const RegionPlan *group : groups) {
      segments.push_back(group->inputs.size());
      for (const RegionPlan::Input &input : group->inputs) {
        inputs.push_back(input.operand);
        accesses.push_back(map(input.access));
      }
    }
    for (const FusedAttention::Result &result : fused.results) {
      SmallVector<AffineExpr> exprs;
      for (const IndexVar *var : result.indices)
        exprs.push_back(getAffineDimExpr(outer.lookup(var), context));
      outs.push_back(lowering.empty(result.indices,
                                    storageType(result.dtype, context), loc));
      accesses.push_back(map(exprs));
      resultKinds.push_back(
          attn::ResultKindAttr::get(context, kindOf(result.kind)));
    }
    for (const FusedAttention::WeightedSum &sum : fused.sums) {
      SmallVector<int64_t> dims;
      for (const IndexVar *var : sum.values)
        dims.push_back(outer.lookup(var));
      valueDims.push_back(builder.getDenseI64ArrayAttr(dims));
    }
    for (ArrayRef<int64_t> dims : summedDims)
      summed.push_back(builder.getDenseI64ArrayAttr(dims));

    SmallVector<StringAttr> nameAttrs;
    for (const std::string &name : names)
      nameAttrs.push_back(builder.getStringAttr(name));
    auto domain = attn::DomainAttr::get(context, nameAttrs, kinds, bounds,
                                        SmallVector<int64_t>(names.size(), 0));
    auto op = AttentionOp::create(
        builder, loc, TypeRange(ValueRange(outs)), domain, dynamicBounds,
        /*offsets=*/ValueRange(), symbols, inputs, segments,
        builder.getArrayAttr(accesses), builder.getArrayAttr(summed),
        builder.getArrayAttr(valueDims), static_cast<uint32_t>(lookups.size()),
        normalizer(), attn::SegmentsAttr(), attn::ScheduleAttr(),
        builder.getArrayAttr(resultKinds), outs,
        static_cast<unsigned>(lookups.size() + contractions.size() +
                              values.size() + epilogues.size()));
    unsigned inner = 0;
    for (const std::deque<RegionPlan> *plans :
         {&lookups, &contractions, &values, &epilogues})
      for (const RegionPlan &plan : *plans)
        emitRegion(op.getInner()[inner++], plan);
    emitRegion(op.getScore(), score);
    emitRegion(op.getMask(), mask);
    emitRegion(op.getSink(), sink);
    return SmallVector<Value>(op.getResults());
  }

  FunctionLowering &lowering;
  OpBuilder &builder;
  const FusedAttention &fused;
  MLIRContext *context;
  Location loc;

  SmallVector<std::string> names;
  SmallVector<DimKind> kinds;
  SmallVector<int64_t> bounds;
  SmallVector<Value> dynamicBounds, symbols;
  DimMap outer; ///< Parallel, key and value dimensions.
  std::deque<DimMap> contractionDims;
  SmallVector<SmallVector<int64_t>> summedDims;
  std::deque<RegionPlan> lookups, contractions, values, epilogues;
  RegionPlan score, mask, sink;
  bool failed = false;
};
} // namespace

FailureOr<SmallVector<Value>>
FunctionLowering::lowerAttention(const FusedAttention &fused, llvm::SMLoc loc) {
  return AttentionBuilder(*this, fused, loc).run();
}
