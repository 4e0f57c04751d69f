//===- IndexExpr.cpp - Expressions over sets of indices -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/IndexExpr.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <bit>

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SMLoc;
using llvm::StringRef;

std::optional<DType> fovea::frontend::parseDType(StringRef name) {
  return llvm::StringSwitch<std::optional<DType>>(name)
      .Case("bool", DType::I1)
      .Case("i8", DType::I8)
      .Case("i16", DType::I16)
      .Case("i32", DType::I32)
      .Case("i64", DType::I64)
      .Case("f8e4m3", DType::F8E4M3)
      .Case("f8e5m2", DType::F8E5M2)
      .Case("f16", DType::F16)
      .Case("bf16", DType::BF16)
      .Case("f32", DType::F32)
      .Default(std::nullopt);
}

StringRef fovea::frontend::spelling(DType type) {
  static constexpr StringRef names[] = {"bool", "i8",     "i16",    "i32",
                                        "i64",  "f8e4m3", "f8e5m2", "f16",
                                        "bf16", "f32"};
  return names[static_cast<unsigned>(type)];
}

StringRef fovea::frontend::spelling(Elem elem) {
  static constexpr StringRef names[] = {"a value", "a truth value",
                                        "an integer", "a real"};
  return names[static_cast<unsigned>(elem)];
}

Elem fovea::frontend::elemOf(DType type) {
  if (type == DType::I1)
    return Elem::Bool;
  return type <= DType::I64 ? Elem::Int : Elem::Real;
}

DType fovea::frontend::storageOf(Elem elem) {
  return elem == Elem::Bool  ? DType::I1
         : elem == Elem::Int ? DType::I64
                             : DType::F32;
}

StringRef fovea::frontend::spelling(NodeOp op) {
  static constexpr StringRef names[] = {
      "integer", "real",     "bool",  "static",  "index",  "size",
      "read",    "-",        "not",   "abs",     "exp",    "exp2",
      "expm1",   "log",      "log1p", "log2",    "sqrt",   "rsqrt",
      "tanh",    "sigmoid",  "erf",   "sin",     "cos",    "floor",
      "ceil",    "round",    "real",  "convert", "+",      "-",
      "*",       "/",        "//",    "%",       "^",      "min",
      "max",     "and",      "or",    "==",      "!=",     "<",
      "<=",      ">",        ">=",    "select",  "sum",    "prod",
      "max",     "min",      "any",   "all",     "argmax", "logsumexp",
      "softmax", "attention"};
  return names[static_cast<unsigned>(op)];
}

std::vector<const Node *>
fovea::frontend::reachable(ArrayRef<const Node *> roots,
                           llvm::function_ref<bool(const Node *)> enter) {
  llvm::DenseSet<const Node *> seen;
  std::vector<const Node *> found, stack(roots.begin(), roots.end());
  while (!stack.empty()) {
    const Node *node = stack.back();
    stack.pop_back();
    if (!seen.insert(node).second)
      continue;
    found.push_back(node);
    if (!enter || enter(node))
      stack.insert(stack.end(), node->operands.begin(), node->operands.end());
  }
  llvm::sort(found, [](const Node *a, const Node *b) { return a->id < b->id; });
  return found;
}

SmallVector<const IndexVar *>
fovea::frontend::freeInOrder(const Node *root,
                             ArrayRef<const IndexVar *> fixed) {
  SmallVector<const IndexVar *> order;
  llvm::DenseSet<const Node *> seen;
  std::vector<const Node *> stack{root};
  while (!stack.empty()) {
    const Node *node = stack.back();
    stack.pop_back();
    if (node->free.empty() || !seen.insert(node).second)
      continue;
    // What a binder below binds is no free index of the root.
    if (node->op == NodeOp::Index && root->dependsOn(node->index) &&
        !llvm::is_contained(fixed, node->index) &&
        !llvm::is_contained(order, node->index))
      order.push_back(node->index);
    for (const Node *operand : llvm::reverse(node->operands))
      stack.push_back(operand);
  }
  return order;
}

//===----------------------------------------------------------------------===//
// Extents, indices, tensors
//===----------------------------------------------------------------------===//

const Extent *IndexGraph::staticExtent(int64_t value) {
  for (const Extent &extent : extents)
    if (extent.isStatic() && extent.value == value)
      return &extent;
  extents.push_back({Extent::Static,
                     value,
                     {},
                     nullptr,
                     static_cast<unsigned>(extents.size())});
  return &extents.back();
}

const Extent *IndexGraph::symbolExtent(StringRef name) {
  extents.push_back({Extent::Symbol, 0, name.str(), nullptr,
                     static_cast<unsigned>(extents.size())});
  return &extents.back();
}

const Extent *IndexGraph::computedExtent(const Node *expr) {
  if (std::optional<int64_t> value = expr->asInteger())
    return staticExtent(*value);
  if (expr->op == NodeOp::Size)
    return expr->extent;
  for (const Extent &extent : extents)
    if (extent.expr == expr)
      return &extent;
  extents.push_back(
      {Extent::Computed, 0, {}, expr, static_cast<unsigned>(extents.size())});
  return &extents.back();
}

IndexVar *IndexGraph::makeIndex(StringRef name, const Extent *extent,
                                SMLoc loc) {
  vars.push_back(
      {name.str(), extent, loc, static_cast<unsigned>(vars.size()), false});
  return &vars.back();
}

const IndexVar *IndexGraph::boundIndex(const IndexVar *var, unsigned level,
                                       unsigned position) {
  const IndexVar *&made =
      boundVars[{var->name, var->extent->id, level, position}];
  if (!made) {
    IndexVar *bound = makeIndex(var->name, var->extent, var->loc);
    bound->isBound = true;
    made = bound;
  }
  return made;
}

Tensor *IndexGraph::makeTensor(Tensor tensor) {
  tensors.push_back(std::move(tensor));
  return &tensors.back();
}

Loop *IndexGraph::makeLoop() { return &loops.emplace_back(); }

//===----------------------------------------------------------------------===//
// Interning
//===----------------------------------------------------------------------===//

static bool sameNode(const Node &a, const Node &b) {
  return a.op == b.op && a.elem == b.elem && a.integer == b.integer &&
         std::bit_cast<uint64_t>(a.real) == std::bit_cast<uint64_t>(b.real) &&
         a.dtype == b.dtype && a.tensor == b.tensor && a.index == b.index &&
         a.extent == b.extent && a.name == b.name && a.bound == b.bound &&
         a.operands == b.operands;
}

const Node *IndexGraph::intern(Node node) {
  size_t hash = llvm::hash_combine(
      node.op, node.integer, std::bit_cast<uint64_t>(node.real), node.dtype,
      node.tensor, node.index, node.extent, node.name,
      llvm::hash_combine_range(node.bound),
      llvm::hash_combine_range(node.operands));
  auto [begin, end] = nodes.equal_range(hash);
  for (auto it = begin; it != end; ++it)
    if (sameNode(*it->second, node))
      return it->second;

  auto copy = [&](auto items) {
    using T = typename decltype(items)::value_type;
    T *memory = arena.Allocate<T>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), memory);
    return ArrayRef<T>(memory, items.size());
  };
  SmallVector<const IndexVar *> free;
  auto addFree = [&](ArrayRef<const Node *> operands) {
    for (const Node *operand : operands)
      free.append(operand->free.begin(), operand->free.end());
  };
  if (isBinder(node.op)) {
    addFree(node.operands.take_front(2));
    llvm::erase_if(free, [&](const IndexVar *var) {
      return llvm::is_contained(node.bound, var);
    });
    addFree(node.operands.drop_front(2));
  } else {
    addFree(node.operands);
  }
  if (node.index)
    free.push_back(node.index);
  llvm::sort(
      free, [](const IndexVar *a, const IndexVar *b) { return a->id < b->id; });
  free.erase(llvm::unique(free), free.end());

  node.free = copy(ArrayRef<const IndexVar *>(free));
  node.bound = copy(node.bound);
  node.operands = copy(node.operands);
  node.name = node.name.empty()
                  ? node.name
                  : StringRef(names.emplace_back(node.name.str()));
  node.hasBinder = isBinder(node.op) || node.op == NodeOp::Fused;
  for (const Node *operand : node.operands) {
    node.level = std::max(node.level, operand->level);
    node.hasBinder |= operand->hasBinder;
  }
  if (isBinder(node.op))
    ++node.level;
  node.id = nextNode++;
  Node *made = new (arena.Allocate<Node>()) Node(node);
  nodes.insert({hash, made});
  return made;
}

//===----------------------------------------------------------------------===//
// Making nodes
//===----------------------------------------------------------------------===//

static Node leaf(NodeOp op, Elem elem, SMLoc loc) {
  Node node;
  node.op = op;
  node.elem = elem;
  node.loc = loc;
  return node;
}

const Node *IndexGraph::integer(int64_t value, SMLoc loc) {
  Node node = leaf(NodeOp::Integer, Elem::Int, loc);
  node.integer = value;
  return intern(node);
}

const Node *IndexGraph::real(double value, SMLoc loc) {
  Node node = leaf(NodeOp::Real, Elem::Real, loc);
  node.real = value;
  return intern(node);
}

const Node *IndexGraph::boolean(bool value, SMLoc loc) {
  Node node = leaf(NodeOp::Bool, Elem::Bool, loc);
  node.integer = value;
  return intern(node);
}

const Node *IndexGraph::staticParam(StringRef name, SMLoc loc) {
  Node node = leaf(NodeOp::Static, Elem::Int, loc);
  node.name = name;
  return intern(node);
}

const Node *IndexGraph::index(const IndexVar *var, SMLoc loc) {
  Node node = leaf(NodeOp::Index, Elem::Int, loc);
  node.index = var;
  return intern(node);
}

const Node *IndexGraph::size(const Extent *extent, SMLoc loc) {
  if (extent->isStatic())
    return integer(extent->value, loc);
  if (extent->kind == Extent::Computed)
    return extent->expr;
  Node node = leaf(NodeOp::Size, Elem::Int, loc);
  node.extent = extent;
  return intern(node);
}

const Node *IndexGraph::read(const Tensor *tensor, ArrayRef<const Node *> at,
                             SMLoc loc) {
  Node node =
      leaf(NodeOp::Read,
           tensor->isOpaque ? Elem::Unknown : elemOf(tensor->dtype), loc);
  node.tensor = tensor;
  node.operands = at;
  return intern(node);
}

static std::optional<int64_t> foldIntegers(NodeOp op,
                                           ArrayRef<const Node *> args) {
  SmallVector<int64_t> values;
  for (const Node *arg : args) {
    std::optional<int64_t> value = arg->asInteger();
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  int64_t result = 0;
  switch (op) {
  case NodeOp::Negate:
    if (llvm::SubOverflow(int64_t(0), values[0], result))
      return std::nullopt;
    return result;
  case NodeOp::Add:
    if (llvm::AddOverflow(values[0], values[1], result))
      return std::nullopt;
    return result;
  case NodeOp::Subtract:
    if (llvm::SubOverflow(values[0], values[1], result))
      return std::nullopt;
    return result;
  case NodeOp::Multiply:
    if (llvm::MulOverflow(values[0], values[1], result))
      return std::nullopt;
    return result;
  case NodeOp::FloorDivide:
    if (values[1] <= 0)
      return std::nullopt;
    return llvm::divideFloorSigned(values[0], values[1]);
  case NodeOp::Modulo:
    if (values[1] <= 0)
      return std::nullopt;
    return llvm::mod(values[0], values[1]);
  case NodeOp::Min:
    return std::min(values[0], values[1]);
  case NodeOp::Max:
    return std::max(values[0], values[1]);
  case NodeOp::Power: {
    if (values[1] < 0)
      return std::nullopt;
    if (values[0] == 0 || values[0] == 1)
      return values[1] == 0 ? 1 : values[0];
    if (values[0] == -1)
      return values[1] % 2 ? -1 : 1;
    result = 1; // any other base overflows within 63 rounds
    for (int64_t i = 0; i < values[1]; ++i)
      if (llvm::MulOverflow(result, values[0], result))
        return std::nullopt;
    return result;
  }
  default:
    return std::nullopt;
  }
}

const Node *IndexGraph::apply(NodeOp op, Elem elem,
                              ArrayRef<const Node *> operands, SMLoc loc) {
  if (elem == Elem::Int)
    if (std::optional<int64_t> value = foldIntegers(op, operands))
      return integer(*value, loc);
  if (op == NodeOp::ToReal && operands[0]->op == NodeOp::Integer)
    return real(static_cast<double>(operands[0]->integer), loc);
  if (op == NodeOp::Negate && operands[0]->op == NodeOp::Real)
    return real(-operands[0]->real, loc);
  if (op == NodeOp::And && operands[0]->isTrue())
    return operands[1];
  if (op == NodeOp::And && operands[1]->isTrue())
    return operands[0];
  Node node = leaf(op, elem, loc);
  node.operands = operands;
  return intern(node);
}

const Node *IndexGraph::convert(DType dtype, const Node *operand, SMLoc loc) {
  Node node = leaf(NodeOp::Convert, elemOf(dtype), loc);
  node.dtype = dtype;
  node.operands = operand;
  return intern(node);
}

const Node *IndexGraph::fused(StringRef name, const Node *body, SMLoc loc) {
  Node node = leaf(NodeOp::Fused, body->elem, loc);
  node.name = name;
  node.operands = body;
  return intern(node);
}

const Node *IndexGraph::local(const Node *node, StringRef name,
                              ArrayRef<const IndexVar *> fixed) {
  SmallVector<const IndexVar *> order = freeInOrder(node, fixed);
  const Tensor *&tensor = locals[node];
  if (!tensor) {
    Tensor made(Tensor::Local, name);
    made.dtype = node->elem == Elem::Bool  ? DType::I1
                 : node->elem == Elem::Int ? DType::I64
                                           : DType::F32;
    made.definition = node;
    made.loc = node->loc;
    for (const IndexVar *var : order)
      made.dims.push_back({TensorPart{var, var->extent}});
    tensor = makeTensor(std::move(made));
  }
  SmallVector<const Node *> at;
  for (const IndexVar *var : order)
    at.push_back(index(var, node->loc));
  return read(tensor, at, node->loc);
}

const Node *IndexGraph::bindCanonical(const Node &like,
                                      ArrayRef<const IndexVar *> bound,
                                      const Node *body, const Node *condition,
                                      ArrayRef<const Node *> at) {
  unsigned level = std::max(body->level, condition->level) + 1;
  SmallVector<const IndexVar *> canonical;
  IndexMap map;
  for (auto [position, var] : llvm::enumerate(bound)) {
    const IndexVar *fresh = boundIndex(var, level, position);
    canonical.push_back(fresh);
    if (fresh != var)
      map[var] = index(fresh, like.loc);
  }
  Node node = leaf(like.op, like.elem, like.loc);
  node.bound = canonical;
  SmallVector<const Node *> operands{substitute(body, map),
                                     substitute(condition, map)};
  operands.append(at.begin(), at.end());
  node.operands = operands;
  return intern(node);
}

const Node *IndexGraph::bind(NodeOp op, Elem elem,
                             ArrayRef<const IndexVar *> indices,
                             const Node *body, const Node *condition,
                             SMLoc loc) {
  SmallVector<const Node *> at;
  if (op == NodeOp::Softmax)
    for (const IndexVar *var : indices)
      at.push_back(index(var, loc));
  return bindCanonical(leaf(op, elem, loc), indices, body, condition, at);
}

const Node *IndexGraph::withOperands(const Node *node,
                                     ArrayRef<const Node *> operands) {
  if (ArrayRef(operands) == node->operands)
    return node;
  if (isBinder(node->op))
    return bindCanonical(*node, node->bound, operands[0], operands[1],
                         operands.drop_front(2));
  if (node->op == NodeOp::Read) // its type is its tensor's
    return read(node->tensor, operands, node->loc);
  if (node->op == NodeOp::Convert)
    return convert(node->dtype, operands[0], node->loc);
  if (node->op == NodeOp::Fused)
    return fused(node->name, operands[0], node->loc);
  return apply(node->op, node->elem, operands, node->loc);
}

const Node *IndexGraph::substitute(const Node *root, const IndexMap &map) {
  auto concerned = [&](const Node *node) {
    return llvm::any_of(node->free,
                        [&](const IndexVar *var) { return map.contains(var); });
  };
  if (map.empty() || !concerned(root))
    return root;
  llvm::DenseMap<const Node *, const Node *> replaced;
  for (const Node *node : reachable(root, concerned)) {
    if (!concerned(node)) {
      replaced[node] = node;
    } else if (node->op == NodeOp::Index) {
      replaced[node] = map.lookup(node->index);
    } else {
      SmallVector<const Node *> operands;
      for (const Node *operand : node->operands)
        operands.push_back(replaced.lookup(operand));
      replaced[node] = withOperands(node, operands);
    }
  }
  return replaced.lookup(root);
}
