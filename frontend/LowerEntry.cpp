//===- LowerEntry.cpp - Cutting an entry into kernels ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/EntryLowering.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace fovea::frontend;
using namespace mlir;

LogicalResult FunctionLowering::lowerEntry(SmallVectorImpl<Value> &results) {
  EntryLowering entry(*this);
  entryLowering = &entry;
  LogicalResult result = entry.run(results);
  entryLowering = nullptr;
  return result;
}

//===----------------------------------------------------------------------===//
// What is made
//===----------------------------------------------------------------------===//

/// `node` with its free indices named by position: the same computation under
/// other names is the same node.
const Node *EntryLowering::canonical(const Node *node,
                                     ArrayRef<const IndexVar *> order) {
  IndexMap map;
  for (auto [position, var] : llvm::enumerate(order)) {
    const IndexVar *&name = canonicals[{var->extent, position}];
    if (!name)
      name = graph.makeIndex(var->name, var->extent, var->loc);
    map[var] = graph.index(name, node->loc);
  }
  return graph.substitute(node, map);
}

std::optional<EntryLowering::Made> EntryLowering::lookup(const Node *node) {
  Dims order = orderOf(node);
  Value tensor = made.lookup(canonical(node, order));
  if (!tensor)
    return std::nullopt;
  return Made{tensor, order};
}

void EntryLowering::remember(const Node *node, Value tensor) {
  made[canonical(node, orderOf(node))] = tensor;
}

Value EntryLowering::tensorOf(const Tensor *tensor) {
  if (tensor->kind != Tensor::Local)
    return tensors.lookup(tensor);
  const Node *definition = tensor->definition;
  return made.lookup(canonical(definition, orderOf(definition)));
}

//===----------------------------------------------------------------------===//
// Choosing kernels
//===----------------------------------------------------------------------===//

/// All below `roots`, operands before users, through locals and what loops
/// start with; what is already made is not entered.
std::vector<const Node *> EntryLowering::collect(ArrayRef<const Node *> roots) {
  llvm::DenseSet<const Node *> seen;
  std::vector<const Node *> found;
  // A node is pushed once to be entered and once, below, to be left.
  std::vector<std::pair<const Node *, bool>> stack;
  for (const Node *root : llvm::reverse(roots))
    stack.push_back({root, false});
  while (!stack.empty()) {
    auto [node, entered] = stack.back();
    stack.pop_back();
    if (entered) {
      found.push_back(node);
      continue;
    }
    if (!seen.insert(node).second)
      continue;
    stack.push_back({node, true});
    if (node->hasBinder && lookup(node))
      continue;
    auto push = [&](const Node *next) { stack.push_back({next, false}); };
    // A fused attention is one kernel: only what it reads comes before it.
    if (node->op == NodeOp::Fused) {
      for (const Node *inner : reachable(node->body()))
        if (inner->op == NodeOp::Read)
          push(inner);
      continue;
    }
    llvm::for_each(llvm::reverse(node->operands), push);
    if (node->op != NodeOp::Read || tensorOf(node->tensor))
      continue;
    if (node->tensor->kind == Tensor::Local)
      push(node->tensor->definition);
    if (node->tensor->kind == Tensor::LoopResult)
      for (const Loop::Carried &carried : node->tensor->loop->carried)
        push(expandNormalizers(graph, carried.init));
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Making them
//===----------------------------------------------------------------------===//

LogicalResult EntryLowering::makeKernel(const Node *node) {
  Dims order = orderOf(node);
  Value tensor;
  if (node->op == NodeOp::Fused) {
    FusionRoot root;
    root.value = node->body();
    root.indices = order;
    root.dtype = storageOf(node->elem);
    root.name = node->name;
    root.loc = node->loc;
    std::optional<FusedAttention> fused =
        fuseAttention(graph, root, node->name, node->loc,
                      lowering.fixedIndices(), lowering.diags);
    if (!fused)
      return failure();
    FailureOr<SmallVector<Value>> results =
        lowering.lowerAttention(*fused, node->loc);
    if (failed(results))
      return failure();
    tensor = results->front();
  } else if (node->op == NodeOp::ArgMax) {
    tensor = argMax(node, order);
  } else if (isBinder(node->op)) {
    tensor = reduction(node, order);
  } else {
    DType dtype = node->elem == Elem::Bool  ? DType::I1
                  : node->elem == Elem::Int ? DType::I64
                                            : DType::F32;
    tensor = elementwise(node, order, dtype);
  }
  if (!tensor)
    return failure();
  remember(node, tensor);
  return success();
}

LogicalResult EntryLowering::makeLoop(const Loop *loop) {
  Location loc = lowering.location(loop->loc);
  SmallVector<Value> inits;
  for (const Loop::Carried &carried : loop->carried) {
    Dims order;
    for (const TensorPart &part : carried.argument->parts())
      order.push_back(part.index);
    Value init = convertedTo({carried.init, order, carried.argument->dtype});
    if (!init)
      return failure();
    inits.push_back(init);
  }
  auto asIndex = [&](const Node *node) { return lowering.uniform(node); };
  Value one = lowering.uniform(graph.integer(1, loop->loc));
  auto op = scf::ForOp::create(builder, loc, asIndex(loop->begin),
                               asIndex(loop->end), one, inits);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.getBody());

  // What is made inside is not seen after the loop.
  auto outerMade = made;
  auto outerParams = lowering.params;
  lowering.fixed[loop->index] = op.getInductionVar();
  for (auto [carried, argument] :
       llvm::zip_equal(loop->carried, op.getRegionIterArgs()))
    tensors[carried.argument] = argument;
  SmallVector<Request> requests;
  for (const Loop::Carried &carried : loop->carried) {
    Dims order;
    for (const TensorPart &part : carried.argument->parts())
      order.push_back(part.index);
    requests.push_back({carried.yield, order, carried.argument->dtype});
  }
  FailureOr<SmallVector<Value>> yields = failure();
  if (succeeded(emitChecks(loop)))
    yields = materialize(requests);
  lowering.fixed.erase(loop->index);
  made = std::move(outerMade);
  lowering.params = std::move(outerParams);
  if (failed(yields))
    return failure();
  // A loop that carries nothing has a terminator already.
  if (op.getNumResults())
    scf::YieldOp::create(builder, loc, *yields);
  for (auto [carried, result] : llvm::zip_equal(loop->carried, op.getResults()))
    tensors[carried.result] = result;
  return success();
}

/// The tensor of a request, from what is made.
Value EntryLowering::convertedTo(const Request &request) {
  const Node *node = expandNormalizers(graph, request.node);
  Type element = storageType(request.dtype, builder.getContext());
  if (std::optional<Made> known = lookup(node))
    if (known->order == request.order &&
        getElementTypeOrSelf(known->tensor.getType()) == element)
      return known->tensor;
  // A whole tensor that is read as it lies.
  if (node->op == NodeOp::Read && node->tensor->kind != Tensor::Argument) {
    Dims at;
    for (const Node *position : lowering.positionsIn(node))
      at.push_back(position->index);
    Value tensor = lowering.tensorOf(node);
    if (tensor && at == request.order &&
        getElementTypeOrSelf(tensor.getType()) == element)
      return tensor;
  }
  return elementwise(node, request.order, request.dtype);
}

/// Makes all kernels and loops that `roots` need.
LogicalResult EntryLowering::makeBelow(ArrayRef<const Node *> roots) {
  std::vector<const Node *> nodes = collect(roots);
  chooseKernels(nodes, roots);
  for (const Node *node : nodes) {
    if (node->op == NodeOp::Read && node->tensor->kind == Tensor::LoopResult &&
        !tensorOf(node->tensor) && failed(makeLoop(node->tensor->loop)))
      return failure();
    if (kernels.contains(node) && !lookup(node) && failed(makeKernel(node)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<Value>>
EntryLowering::materialize(ArrayRef<Request> requests) {
  SmallVector<const Node *> roots;
  for (const Request &request : requests)
    roots.push_back(expandNormalizers(graph, request.node));
  if (failed(makeBelow(roots)))
    return failure();
  SmallVector<Value> values;
  for (const Request &request : requests) {
    Value value = convertedTo(request);
    if (!value)
      return failure();
    values.push_back(value);
  }
  return values;
}

LogicalResult EntryLowering::run(SmallVectorImpl<Value> &results) {
  if (failed(emitChecks(/*round=*/nullptr)))
    return failure();
  SmallVector<Request> requests;
  for (const FunctionResult &result : lowering.function.results) {
    Dims order;
    for (const TensorPart &part : result.type->parts())
      order.push_back(part.index);
    requests.push_back({result.value, order, result.type->dtype});
  }
  FailureOr<SmallVector<Value>> values = materialize(requests);
  if (failed(values))
    return failure();
  results.assign(values->begin(), values->end());
  return success();
}
