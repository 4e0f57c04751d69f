//===- LowerKernel.cpp - One kernel of an entry as linalg.generic ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/EntryLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace fovea::frontend;
using namespace mlir;

//===----------------------------------------------------------------------===//
// What a kernel reads
//===----------------------------------------------------------------------===//

/// The tensor that holds `node` or that it reads, and where: null for what
/// is computed.
Value EntryLowering::tensorBehind(const Node *node,
                                  SmallVectorImpl<const Node *> &positions) {
  if (kernels.contains(node))
    if (std::optional<Made> known = lookup(node)) {
      for (const IndexVar *var : known->order)
        positions.push_back(graph.index(var, node->loc));
      return known->tensor;
    }
  if (node->op != NodeOp::Read || node->tensor->isScalar())
    return Value();
  llvm::append_range(positions, lowering.positionsIn(node));
  return lowering.tensorOf(node);
}

/// What can be read through a map over `dims`; other reads are gathers.
SmallVector<EntryLowering::Input>
EntryLowering::inputsOf(ArrayRef<const Node *> roots, const Dims &dims) {
  SmallVector<Input> inputs;
  llvm::DenseSet<const Node *> taken;
  auto enter = [&](const Node *node) { return !taken.contains(node); };
  auto visit = [&](const Node *node) {
    SmallVector<const Node *> positions;
    Value tensor = tensorBehind(node, positions);
    if (!tensor)
      return enter(node);
    SmallVector<AffineExpr> exprs;
    SmallVector<TensorPart> parts;
    if (node->op == NodeOp::Read)
      parts = node->tensor->parts();
    size_t family = parts.size() - std::min(parts.size(), positions.size());
    for (auto [k, position] : llvm::enumerate(positions)) {
      // A map says that sizes are equal: an index of another range gathers.
      auto dim = position->op == NodeOp::Index &&
                         (parts.empty() ||
                          *position->index->extent == *parts[family + k].extent)
                     ? llvm::find(dims, position->index)
                     : dims.end();
      if (dim == dims.end())
        return true;
      AffineExpr expr =
          getAffineDimExpr(dim - dims.begin(), builder.getContext());
      if (llvm::is_contained(exprs, expr))
        return true; // a diagonal
      exprs.push_back(expr);
    }
    taken.insert(node);
    inputs.push_back(
        {node, tensor,
         AffineMap::get(dims.size(), 0, exprs, builder.getContext())});
    return false;
  };
  (void)reachable(roots, visit);
  llvm::sort(inputs, [](const Input &a, const Input &b) {
    return a.node->id < b.node->id;
  });
  return inputs;
}

/// Every dimension of a kernel has its range from an operand. One that only
/// formulas use gets an operand that has no other purpose.
void EntryLowering::coverDims(SmallVectorImpl<Input> &inputs, const Dims &dims,
                              unsigned covered, Location loc) {
  for (unsigned dim = covered; dim < dims.size(); ++dim) {
    bool isCovered = llvm::any_of(inputs, [&](const Input &input) {
      return input.map.isFunctionOfDim(dim);
    });
    if (isCovered)
      continue;
    Value shape = lowering.empty(dims[dim], builder.getI1Type(), loc);
    AffineMap map = AffineMap::get(dims.size(), 0,
                                   getAffineDimExpr(dim, builder.getContext()));
    inputs.push_back({nullptr, shape, map});
  }
}

/// Reads at computed positions, each clamped into the tensor.
Value EntryLowering::gather(const Node *read, ArrayRef<Value> at) {
  Location loc = lowering.location(read->loc);
  Value tensor = lowering.tensorOf(read);
  if (!tensor) // the error is reported
    return arith::ConstantOp::create(
        builder, loc,
        builder.getZeroAttr(valueType(read->elem, builder.getContext())));
  SmallVector<TensorPart> parts = read->tensor->parts();
  SmallVector<Value> coordinates;
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  for (unsigned k = read->tensor->familyRank; k < parts.size(); ++k) {
    const Node *position = read->operands[k];
    if (position->op == NodeOp::Index &&
        *position->index->extent == *parts[k].extent) {
      coordinates.push_back(at[k]);
      continue;
    }
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value last = arith::SubIOp::create(
        builder, loc, lowering.sizeValue(parts[k].extent), one);
    Value clamped = arith::MinSIOp::create(builder, loc, at[k], last);
    coordinates.push_back(arith::MaxSIOp::create(builder, loc, clamped, zero));
  }
  Value element = tensor::ExtractOp::create(builder, loc, tensor, coordinates);
  return fromStorage(builder, loc, element);
}

/// Emits `node` in a kernel's region.
Value EntryLowering::emit(const Node *root, ArrayRef<Input> inputs,
                          ValueRange arguments, const Dims &dims) {
  llvm::DenseMap<const Node *, Value> elements;
  for (auto [input, argument] : llvm::zip(inputs, arguments))
    if (input.node)
      elements[input.node] = argument;
  return emitScalar(
      builder, lowering.locations, root,
      [&](const Node *node) -> Value {
        Location loc = lowering.location(node->loc);
        if (Value element = elements.lookup(node))
          return fromStorage(builder, loc, element);
        if (node->op == NodeOp::Index) {
          auto dim = llvm::find(dims, node->index);
          if (dim != dims.end())
            return linalg::IndexOp::create(builder, loc, dim - dims.begin());
          return lowering.fixedIndex(node->index);
        }
        bool isUniform = node->op == NodeOp::Size ||
                         node->op == NodeOp::Static ||
                         (node->op == NodeOp::Read && node->tensor->isScalar());
        return isUniform ? lowering.uniform(node) : Value();
      },
      [&](const Node *read, ArrayRef<Value> at) { return gather(read, at); });
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static SmallVector<utils::IteratorType> iterators(size_t parallel,
                                                  size_t reduction) {
  SmallVector<utils::IteratorType> types(parallel,
                                         utils::IteratorType::parallel);
  types.append(reduction, utils::IteratorType::reduction);
  return types;
}

Value EntryLowering::elementwise(const Node *node, const Dims &order,
                                 DType dtype) {
  Location loc = lowering.location(node->loc);
  SmallVector<Input> inputs = inputsOf(node, order);
  prepareGathers(node, inputs);
  Value out =
      lowering.empty(order, storageType(dtype, builder.getContext()), loc);
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (const Input &input : inputs) {
    operands.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(builder.getMultiDimIdentityMap(order.size()));
  return linalg::GenericOp::create(
             builder, loc, out.getType(), operands, out, maps,
             iterators(order.size(), 0),
             [&](OpBuilder &, Location, ValueRange arguments) {
               Value value = emit(node, inputs, arguments, order);
               value = toStorage(builder, loc, value, dtype);
               linalg::YieldOp::create(builder, loc, value);
             })
      .getResult(0);
}

namespace {
/// How a reduction starts and goes on, on elements of its storage type.
struct Combiner {
  OpBuilder &builder;
  Location loc;

  Value identity(NodeOp op, Type type) {
    TypedAttr attr;
    if (isa<FloatType>(type)) {
      double infinity = std::numeric_limits<double>::infinity();
      attr = builder.getFloatAttr(type, op == NodeOp::Product   ? 1
                                        : op == NodeOp::Maximum ? -infinity
                                        : op == NodeOp::Minimum ? infinity
                                                                : 0);
    } else {
      int64_t lowest = std::numeric_limits<int64_t>::min();
      int64_t greatest = std::numeric_limits<int64_t>::max();
      attr = builder.getIntegerAttr(
          type, op == NodeOp::Product || op == NodeOp::All ? 1
                : op == NodeOp::Maximum                    ? lowest
                : op == NodeOp::Minimum                    ? greatest
                                                           : 0);
    }
    return arith::ConstantOp::create(builder, loc, attr);
  }

  Value combine(NodeOp op, Value a, Value b) {
    bool isReal = isa<FloatType>(a.getType());
    switch (op) {
    case NodeOp::Sum:
      return isReal ? Value(arith::AddFOp::create(builder, loc, a, b))
                    : Value(arith::AddIOp::create(builder, loc, a, b));
    case NodeOp::Product:
      return isReal ? Value(arith::MulFOp::create(builder, loc, a, b))
                    : Value(arith::MulIOp::create(builder, loc, a, b));
    case NodeOp::Maximum:
      return isReal ? Value(arith::MaximumFOp::create(builder, loc, a, b))
                    : Value(arith::MaxSIOp::create(builder, loc, a, b));
    case NodeOp::Minimum:
      return isReal ? Value(arith::MinimumFOp::create(builder, loc, a, b))
                    : Value(arith::MinSIOp::create(builder, loc, a, b));
    case NodeOp::Any:
      return arith::OrIOp::create(builder, loc, a, b);
    case NodeOp::All:
      return arith::AndIOp::create(builder, loc, a, b);
    default:
      llvm_unreachable("not a reduction");
    }
  }
};
} // namespace

/// The parts of a kernel that reduces: operands, maps, iterators.
EntryLowering::ReductionParts EntryLowering::reductionParts(const Node *node,
                                                            const Dims &order,
                                                            unsigned results) {
  ReductionParts parts;
  parts.dims = order;
  llvm::append_range(parts.dims, node->bound);
  parts.inputs = inputsOf({node->body(), node->condition()}, parts.dims);
  prepareGathers(node, parts.inputs);
  coverDims(parts.inputs, parts.dims, order.size(),
            lowering.location(node->loc));
  for (const Input &input : parts.inputs) {
    parts.operands.push_back(input.tensor);
    parts.maps.push_back(input.map);
  }
  SmallVector<AffineExpr> kept;
  for (unsigned dim = 0; dim < order.size(); ++dim)
    kept.push_back(builder.getAffineDimExpr(dim));
  AffineMap out =
      AffineMap::get(parts.dims.size(), 0, kept, builder.getContext());
  parts.maps.append(results, out);
  parts.iterators = iterators(order.size(), node->bound.size());
  return parts;
}

Value EntryLowering::reduction(const Node *node, const Dims &order) {
  Location loc = lowering.location(node->loc);
  ReductionParts parts = reductionParts(node, order, 1);
  DType dtype = storageOf(node->elem);
  Type type = storageType(dtype, builder.getContext());
  Combiner combiner{builder, loc};
  Value identity = combiner.identity(node->op, type);
  Value empty = lowering.empty(order, type, loc);
  Value init =
      linalg::FillOp::create(builder, loc, identity, empty).getResult(0);
  return linalg::GenericOp::create(
             builder, loc, init.getType(), parts.operands, init, parts.maps,
             parts.iterators,
             [&](OpBuilder &, Location, ValueRange arguments) {
               Value value =
                   emit(node->body(), parts.inputs, arguments, parts.dims);
               value = toStorage(builder, loc, value, dtype);
               if (!node->condition()->isTrue()) {
                 Value kept = emit(node->condition(), parts.inputs, arguments,
                                   parts.dims);
                 value = arith::SelectOp::create(builder, loc, kept, value,
                                                 identity);
               }
               linalg::YieldOp::create(
                   builder, loc,
                   combiner.combine(node->op, arguments.back(), value));
             })
      .getResult(0);
}

/// The first index of the greatest value; -1 when none is kept.
Value EntryLowering::argMax(const Node *node, const Dims &order) {
  Location loc = lowering.location(node->loc);
  ReductionParts parts = reductionParts(node, order, 2);
  Type i64 = builder.getI64Type();
  DType dtype = storageOf(node->body()->elem);
  Type type = storageType(dtype, builder.getContext());
  Combiner combiner{builder, loc};
  Value lowest = combiner.identity(NodeOp::Maximum, type);
  Value none =
      arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(-1));
  SmallVector<Value> inits;
  for (auto [value, element] : {std::pair(lowest, type), std::pair(none, i64)})
    inits.push_back(linalg::FillOp::create(builder, loc, value,
                                           lowering.empty(order, element, loc))
                        .getResult(0));
  return linalg::GenericOp::create(
             builder, loc, TypeRange(ValueRange(inits)), parts.operands, inits,
             parts.maps, parts.iterators,
             [&](OpBuilder &, Location, ValueRange arguments) {
               Value best = arguments[arguments.size() - 2];
               Value at = arguments.back();
               Value value =
                   emit(node->body(), parts.inputs, arguments, parts.dims);
               value = toStorage(builder, loc, value, dtype);
               if (!node->condition()->isTrue()) {
                 Value kept = emit(node->condition(), parts.inputs, arguments,
                                   parts.dims);
                 value =
                     arith::SelectOp::create(builder, loc, kept, value, lowest);
               }
               Value greater;
               if (isa<FloatType>(type))
                 greater = arith::CmpFOp::create(
                     builder, loc, arith::CmpFPredicate::OGT, value, best);
               else
                 greater = arith::CmpIOp::create(
                     builder, loc, arith::CmpIPredicate::sgt, value, best);
               Value index =
                   linalg::IndexOp::create(builder, loc, order.size());
               index = arith::IndexCastOp::create(builder, loc, i64, index);
               Value newBest =
                   arith::SelectOp::create(builder, loc, greater, value, best);
               Value newAt =
                   arith::SelectOp::create(builder, loc, greater, index, at);
               linalg::YieldOp::create(builder, loc,
                                       ValueRange{newBest, newAt});
             })
      .getResult(1);
}

/// Makes the tensors of gathers before the kernel, not in its region.
void EntryLowering::prepareGathers(const Node *root, ArrayRef<Input> inputs) {
  auto isInput = [&](const Node *node) {
    return llvm::any_of(inputs,
                        [&](const Input &input) { return input.node == node; });
  };
  for (const Node *node :
       reachable(root, [&](const Node *node) { return !isInput(node); }))
    if (node->op == NodeOp::Read && !node->tensor->isScalar() && !isInput(node))
      (void)lowering.tensorOf(node);
}
