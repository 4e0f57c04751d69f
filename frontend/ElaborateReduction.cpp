//===- ElaborateReduction.cpp - What binds indices -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Builtins.h"
#include "frontend/Elaborate.h"

using namespace fovea::frontend;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

const Node *Elaborator::elaborateReduction(const ast::CallExpr *call,
                                           Scope &scope) {
  StringRef name = call->callee->name;
  llvm::SMLoc loc = call->range.Start;
  if (call->indices.empty()) {
    error(call->callee->range, "'" + name + "' needs the indices to reduce")
        .help("write '" + name + "[j](…)'");
    return nullptr;
  }
  if (call->arguments.size() != 1 || !call->arguments[0].name.text.empty()) {
    error(call->range, "'" + name + "' takes one operand, but " +
                           Twine(call->arguments.size()) + " are given");
    return nullptr;
  }

  // An index that is new here gets its range from `in`, or inside.
  Scope inner(&scope, scope.module);
  SmallVector<Binding *> bindings;
  for (const ast::IndexName &index : call->indices) {
    Binding *binding = scope.find(index.name.text);
    if (!binding || index.in) {
      if (binding) {
        error(index.name.range,
              "'" + index.name.text + "' already has its range")
            .note(binding->loc, "'" + index.name.text + "' is declared here");
        return nullptr;
      }
      const Extent *extent = nullptr;
      if (index.in && !(extent = elaborateRange(index.in, scope)))
        return nullptr;
      binding = &inner.names[index.name.text];
      binding->kind = Binding::Index;
      binding->loc = index.name.range.Start;
      binding->index =
          graph.makeIndex(index.name.text, extent, index.name.range.Start);
      if (index.in)
        see(binding->index, index.in);
    }
    if (binding->kind != Binding::Index) {
      if (binding->kind == Binding::Value)
        error(index.name.range,
              "expected an index, but '" + index.name.text + "' is a value")
            .note(binding->loc, "'" + index.name.text + "' is defined here");
      return nullptr;
    }
    if (llvm::any_of(bindings, [&](Binding *other) {
          return other->index == binding->index;
        })) {
      error(index.name.range,
            "index '" + index.name.text + "' is reduced twice");
      return nullptr;
    }
    bindings.push_back(binding);
    see(index.name.range, *binding);
  }

  const ast::Expr *bodyExpr = call->arguments[0].value;
  const Node *body = elaborate(bodyExpr, inner);
  const Node *condition = graph.boolean(true, loc);
  if (call->where)
    condition = requireBool(elaborate(call->where, inner), call->where->range);
  if (!body || !condition)
    return nullptr;

  SmallVector<const IndexVar *> indices;
  for (auto [binding, index] : llvm::zip_equal(bindings, call->indices)) {
    const IndexVar *var = binding->index;
    if (!body->dependsOn(var) && !condition->dependsOn(var)) {
      std::string free;
      for (const IndexVar *other : body->free)
        free += (free.empty() ? "'" : ", '") + other->name + "'";
      error(index.name.range, "cannot reduce over '" + index.name.text +
                                  "': the operand does not depend on it")
          .help(free.empty() ? "the operand has no free index"
                             : "its free indices are " + free);
      return nullptr;
    }
    if (!var->extent) {
      error(index.name.range, "index '" + index.name.text + "' has no range")
          .help("write '" + index.name.text + " in 0..size'");
      return nullptr;
    }
    indices.push_back(var);
  }

  if (name == "mean") {
    // mean = sum / max(count, 1): an empty mean is 0.
    body = toReal(body, bodyExpr->range);
    if (!body)
      return nullptr;
    const Node *sum =
        graph.bind(NodeOp::Sum, body->elem, indices, body, condition, loc);
    const Node *one = graph.integer(1, loc), *count = one;
    if (condition->isTrue()) {
      for (const IndexVar *var : indices)
        count = graph.apply(NodeOp::Multiply, Elem::Int,
                            {count, graph.size(var->extent, loc)}, loc);
    } else {
      count = graph.bind(NodeOp::Sum, Elem::Int, indices, one, condition, loc);
    }
    count = graph.apply(NodeOp::Max, Elem::Int, {count, one}, loc);
    return graph.apply(
        NodeOp::Divide, body->elem,
        {sum, graph.apply(NodeOp::ToReal, Elem::Real, count, loc)}, loc);
  }

  ReductionBuiltin builtin = *findReduction(name);
  Elem elem = body->elem;
  switch (builtin.signature) {
  case ReductionBuiltin::Numbers:
    body = requireNumber(body, bodyExpr->range);
    break;
  case ReductionBuiltin::Reals:
    body = toReal(body, bodyExpr->range);
    elem = body ? body->elem : elem;
    break;
  case ReductionBuiltin::Bools:
    body = requireBool(body, bodyExpr->range);
    elem = Elem::Bool;
    break;
  case ReductionBuiltin::ToIndex:
    body = requireNumber(body, bodyExpr->range);
    elem = Elem::Int;
    if (indices.size() != 1) {
      error(call->range, "'argmax' takes one index, but " +
                             Twine(indices.size()) + " are given")
          .help("make one index of several with a group '(a, b)'");
      return nullptr;
    }
    break;
  }
  return body ? graph.bind(builtin.op, elem, indices, body, condition, loc)
              : nullptr;
}
