//===- ElaborateExpr.cpp - Names, operators and subscripts ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Builtins.h"
#include "frontend/Elaborate.h"
#include "frontend/Normalizers.h"
#include <limits>
#include <numbers>

using namespace fovea::frontend;
using llvm::cast;
using llvm::SmallVector;
using llvm::SMRange;
using llvm::StringRef;
using llvm::Twine;

Elaborator::Binding *Elaborator::Scope::find(StringRef name) {
  for (Scope *scope = this; scope; scope = scope->parent)
    if (auto it = scope->names.find(name); it != scope->names.end())
      return &it->second;
  return nullptr;
}

/// An error within the calls in progress, which the notes name.
Diagnostic &Elaborator::error(SMRange range, const Twine &message) {
  Diagnostic &diagnostic = diags.error(range, message);
  for (const Call &call : llvm::reverse(calls)) {
    if (diagnostic.notes.size() >= 4)
      break; // the innermost calls say enough
    if (!call.loc.isValid())
      continue; // a function that is only checked
    diagnostic.note(call.loc,
                    "in this call of '" + call.function->name.text + "'");
  }
  return diagnostic;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

const Node *Elaborator::requireNumber(const Node *node, SMRange range) {
  if (!node || node->elem != Elem::Bool)
    return node;
  error(range, "expected a number, but found a truth value")
      .help("write 'select(c, 1, 0)'");
  return nullptr;
}

const Node *Elaborator::requireBool(const Node *node, SMRange range) {
  if (!node || node->elem == Elem::Bool || node->elem == Elem::Unknown)
    return node;
  error(range, "expected a truth value, but found " + spelling(node->elem))
      .help("write a comparison, such as 'x != 0'");
  return nullptr;
}

const Node *Elaborator::requireInteger(const Node *node, SMRange range) {
  if (!node || node->elem == Elem::Int || node->elem == Elem::Unknown)
    return node;
  Diagnostic &diagnostic =
      error(range, "expected an integer, but found " + spelling(node->elem));
  if (node->elem == Elem::Real)
    diagnostic.help("'//' divides integers, and 'i32(x)' rounds a real "
                    "towards zero");
  return nullptr;
}

const Node *Elaborator::toReal(const Node *node, SMRange range) {
  node = requireNumber(node, range);
  if (!node || node->elem != Elem::Int)
    return node;
  return graph.apply(NodeOp::ToReal, Elem::Real, node, range.Start);
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

const Node *Elaborator::elaborate(const ast::Expr *expr, Scope &scope) {
  struct Level {
    unsigned &depth;
    ~Level() { --depth; }
  } level{++depth};
  if (depth > maxElaborationDepth) {
    error(expr->range, "calls and expressions nest deeper than " +
                           Twine(maxElaborationDepth) + " levels");
    return nullptr;
  }
  const Node *value = elaborateByKind(expr, scope);
  if (!llvm::isa<ast::NameExpr>(expr))
    see(expr->range, value);
  return value;
}

const Node *Elaborator::elaborateByKind(const ast::Expr *expr, Scope &scope) {
  switch (expr->kind) {
  case ast::Expr::IntegerKind:
    return graph.integer(cast<ast::IntegerExpr>(expr)->value,
                         expr->range.Start);
  case ast::Expr::RealKind:
    return graph.real(cast<ast::RealExpr>(expr)->value, expr->range.Start);
  case ast::Expr::BoolKind:
    return graph.boolean(cast<ast::BoolExpr>(expr)->value, expr->range.Start);
  case ast::Expr::NameKind:
    return elaborateName(cast<ast::NameExpr>(expr), scope);
  case ast::Expr::UnaryKind:
    return elaborateUnary(cast<ast::UnaryExpr>(expr), scope);
  case ast::Expr::ChainKind: {
    auto *chain = cast<ast::ChainExpr>(expr);
    const Node *value = elaborate(chain->first, scope);
    SMRange range = chain->first->range;
    for (const ast::ChainExpr::Link &link : chain->links) {
      // Go on after an error: the other operands may have their own.
      const Node *rhs = elaborate(link.operand, scope);
      value = value && rhs ? elaborateBinary(link.op, link.opRange, value,
                                             range, rhs, link.operand->range)
                           : nullptr;
      range.End = link.operand->range.End;
      see(range, value);
    }
    return value;
  }
  case ast::Expr::BinaryKind: {
    auto *binary = cast<ast::BinaryExpr>(expr);
    const Node *lhs = elaborate(binary->lhs, scope);
    const Node *rhs = elaborate(binary->rhs, scope);
    if (!lhs || !rhs)
      return nullptr;
    return elaborateBinary(binary->op, binary->opRange, lhs, binary->lhs->range,
                           rhs, binary->rhs->range);
  }
  case ast::Expr::CallKind:
    return elaborateCall(cast<ast::CallExpr>(expr), scope);
  case ast::Expr::SubscriptKind:
    return elaborateSubscript(cast<ast::SubscriptExpr>(expr), scope);
  }
  llvm_unreachable("unknown expression");
}

const Node *Elaborator::readBare(const Binding &binding, StringRef name,
                                 SMRange range) {
  if (binding.value || !binding.tensor)
    return binding.value;
  SmallVector<const Node *> at;
  for (const TensorPart &part : binding.tensor->parts()) {
    if (!part.index) {
      error(range, "'" + name +
                       "' has a dimension without an index, and "
                       "can only be read by position")
          .help("write '" + name + "[…]' with one position for each dimension")
          .note(binding.loc, "'" + name + "' is declared here");
      return nullptr;
    }
    at.push_back(graph.index(part.index, range.Start));
  }
  return graph.read(binding.tensor, at, range.Start);
}

const Node *Elaborator::elaborateName(const ast::NameExpr *expr, Scope &scope) {
  if (expr->qualifier.empty()) {
    if (Binding *binding = scope.find(expr->name)) {
      see(expr->range, *binding);
      if (binding->kind == Binding::Poison)
        return nullptr;
      if (binding->kind == Binding::Value)
        return readBare(*binding, expr->name, expr->range);
      return graph.index(binding->index, expr->range.Start);
    }
    if (auto *decl = scope.module.constants.lookup(expr->name)) {
      const Node *value = constantValue(scope.module, decl);
      see(expr, scope.module, decl->name.range.Start, value);
      return value;
    }
    if (expr->name == "inf")
      return graph.real(std::numeric_limits<double>::infinity(),
                        expr->range.Start);
    if (expr->name == "pi")
      return graph.real(std::numbers::pi, expr->range.Start);
  }
  for (const auto &[name, module] : scope.module.imports)
    if (expr->qualifier.empty() || expr->qualifier == name)
      if (auto *decl = module->constants.lookup(expr->name)) {
        const Node *value = constantValue(*module, decl);
        see(expr, *module, decl->name.range.Start, value);
        return value;
      }

  std::string shown =
      (expr->qualifier.empty() ? "" : expr->qualifier + ".").str() +
      expr->name.str();
  Diagnostic &diagnostic =
      error(expr->range, "'" + shown + "' is not defined here");
  if (findElementwise(expr->name) || findReduction(expr->name) ||
      scope.module.functions.contains(expr->name))
    diagnostic.help("it is a function: write '" + shown + "(…)'");
  else if (!calls.empty())
    diagnostic.help("a function sees its operands, its index parameters and "
                    "what it binds itself");
  return nullptr;
}

const Node *Elaborator::constantValue(const Module &module,
                                      const ast::ConstDecl *decl) {
  if (auto it = constants.find(decl); it != constants.end())
    return it->second;
  if (llvm::is_contained(constantsInProgress, decl)) {
    error(decl->name.range,
          "the constant '" + decl->name.text + "' depends on itself");
    return nullptr;
  }
  constantsInProgress.push_back(decl);
  Scope scope(nullptr, module);
  unsigned depthOfUse = std::exchange(inlineDepth, 0);
  const Node *value = elaborate(decl->value, scope);
  see(decl->name.range, decl->name.range.Start, value);
  inlineDepth = depthOfUse;
  constantsInProgress.pop_back();
  return constants[decl] = value;
}

const Node *Elaborator::elaborateUnary(const ast::UnaryExpr *expr,
                                       Scope &scope) {
  const Node *operand = elaborate(expr->operand, scope);
  if (expr->op == ast::UnaryOp::Not) {
    operand = requireBool(operand, expr->operand->range);
    return operand ? graph.apply(NodeOp::Not, Elem::Bool, operand,
                                 expr->range.Start)
                   : nullptr;
  }
  operand = requireNumber(operand, expr->operand->range);
  return operand ? graph.apply(NodeOp::Negate, operand->elem, operand,
                               expr->range.Start)
                 : nullptr;
}

static NodeOp opFor(ast::BinaryOp op) {
  switch (op) {
  case ast::BinaryOp::Add:
    return NodeOp::Add;
  case ast::BinaryOp::Subtract:
    return NodeOp::Subtract;
  case ast::BinaryOp::Multiply:
    return NodeOp::Multiply;
  case ast::BinaryOp::Divide:
    return NodeOp::Divide;
  case ast::BinaryOp::FloorDivide:
    return NodeOp::FloorDivide;
  case ast::BinaryOp::Modulo:
    return NodeOp::Modulo;
  case ast::BinaryOp::Power:
    return NodeOp::Power;
  case ast::BinaryOp::Equal:
    return NodeOp::Equal;
  case ast::BinaryOp::NotEqual:
    return NodeOp::NotEqual;
  case ast::BinaryOp::Less:
    return NodeOp::Less;
  case ast::BinaryOp::LessEqual:
    return NodeOp::LessEqual;
  case ast::BinaryOp::Greater:
    return NodeOp::Greater;
  case ast::BinaryOp::GreaterEqual:
    return NodeOp::GreaterEqual;
  case ast::BinaryOp::And:
    return NodeOp::And;
  case ast::BinaryOp::Or:
    return NodeOp::Or;
  }
  llvm_unreachable("unknown operator");
}

const Node *Elaborator::elaborateBinary(ast::BinaryOp astOp, SMRange opRange,
                                        const Node *lhs, SMRange lhsRange,
                                        const Node *rhs, SMRange rhsRange) {
  NodeOp op = opFor(astOp);
  llvm::SMLoc loc = opRange.Start;
  if (op == NodeOp::And || op == NodeOp::Or) {
    lhs = requireBool(lhs, lhsRange);
    rhs = requireBool(rhs, rhsRange);
    return lhs && rhs ? graph.apply(op, Elem::Bool, {lhs, rhs}, loc) : nullptr;
  }
  bool isEquality = op == NodeOp::Equal || op == NodeOp::NotEqual;
  if (isEquality && lhs->elem == Elem::Bool && rhs->elem == Elem::Bool)
    return graph.apply(op, Elem::Bool, {lhs, rhs}, loc);
  lhs = requireNumber(lhs, lhsRange);
  rhs = requireNumber(rhs, rhsRange);
  if (!lhs || !rhs)
    return nullptr;
  // Integers stay exact until they meet a real; `/` and most powers are real.
  bool integers = lhs->elem == Elem::Int && rhs->elem == Elem::Int;
  bool integral = integers && op != NodeOp::Divide &&
                  (op != NodeOp::Power || (rhs->asInteger().value_or(-1) >= 0 &&
                                           *rhs->asInteger() < 63));
  bool unknown = lhs->elem == Elem::Unknown || rhs->elem == Elem::Unknown;
  if ((op == NodeOp::FloorDivide || op == NodeOp::Modulo) && integers &&
      rhs->asInteger() == 0) {
    error(rhsRange, "division by zero");
    return nullptr;
  }
  if (op == NodeOp::Power && rhs->elem == Elem::Int && rhs->asInteger() &&
      !integers) {
    // An integer power of a real is a product: exact, and right for x < 0.
    return graph.apply(op, lhs->elem, {lhs, rhs}, loc);
  }
  if (!integral && !unknown) {
    lhs = toReal(lhs, lhsRange);
    rhs = toReal(rhs, rhsRange);
  }
  Elem elem = isComparison(op) ? Elem::Bool
              : integral       ? Elem::Int
              : unknown        ? Elem::Unknown
                               : Elem::Real;
  return graph.apply(op, elem, {lhs, rhs}, loc);
}

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

const Node *Elaborator::elaborateByName(const ast::SubscriptExpr *expr,
                                        Scope &scope) {
  const Node *base = elaborate(expr->base, scope);
  if (!base)
    return nullptr;
  IndexMap map;
  for (const ast::Argument &argument : expr->arguments) {
    Binding *binding = scope.find(argument.name.text);
    if (!binding || binding->kind != Binding::Index) {
      error(argument.name.range,
            "expected an index before '=', but '" + argument.name.text +
                (binding ? "' is a value" : "' is not defined here"));
      return nullptr;
    }
    see(argument.name.range, *binding);
    IndexVar *replaced = binding->index;
    if (base->elem != Elem::Unknown && !base->dependsOn(replaced)) {
      error(argument.name.range, "the expression has no free index '" +
                                     argument.name.text + "' to replace");
      return nullptr;
    }
    if (map.contains(replaced)) {
      error(argument.name.range,
            "index '" + argument.name.text + "' is replaced twice");
      return nullptr;
    }
    // A new bare name takes the range of the index that it replaces.
    if (auto *name = llvm::dyn_cast<ast::NameExpr>(argument.value);
        name && name->qualifier.empty()) {
      Binding *target = scope.find(name->name);
      if (!target && !scope.module.constants.contains(name->name)) {
        Binding &fresh = scope.names[name->name];
        fresh.kind = Binding::Index;
        fresh.loc = name->range.Start;
        fresh.index =
            graph.makeIndex(name->name, replaced->extent, name->range.Start);
        target = &fresh;
      }
      if (target && target->kind == Binding::Index && !target->index->extent) {
        target->index->extent = replaced->extent;
        target->index->loc = name->range.Start;
      }
    }
    const Node *value =
        requireInteger(elaborate(argument.value, scope), argument.value->range);
    if (!value)
      return nullptr;
    map[replaced] = value;
  }
  // Sums that are read at shifted places are computed once, not per place.
  bool shifts = llvm::any_of(
      map, [](const auto &entry) { return entry.second->op != NodeOp::Index; });
  if (inEntry && shifts && base->hasBinder)
    base = graph.local(expandNormalizers(graph, base), "local", loopIndices);
  return graph.substitute(base, map);
}

const Node *Elaborator::elaborateSubscript(const ast::SubscriptExpr *expr,
                                           Scope &scope) {
  if (expr->isByName())
    return elaborateByName(expr, scope);
  auto *name = llvm::dyn_cast<ast::NameExpr>(expr->base);
  Binding *binding =
      name && name->qualifier.empty() ? scope.find(name->name) : nullptr;
  if (binding)
    see(name->range, *binding);
  if (binding && binding->kind == Binding::Poison)
    return nullptr;
  bool declared = binding && (binding->tensor || !binding->order.empty());
  bool opaque = binding && binding->tensor && binding->tensor->isOpaque;
  if (!declared) {
    // An undefined name is the better error of the two.
    if (!elaborate(expr->base, scope))
      return nullptr;
    error(expr->range, "only what has declared dimensions is read by position")
        .help("write 'x[d = e]' to replace an index by name");
    return nullptr;
  }
  SmallVector<const Node *> values;
  for (const ast::Argument &argument : expr->arguments)
    values.push_back(requireInteger(elaborate(argument.value, scope),
                                    argument.value->range));
  if (llvm::is_contained(values, nullptr))
    return nullptr;
  if (opaque)
    return graph.read(binding->tensor, values, expr->range.Start);

  size_t rank =
      binding->tensor ? binding->tensor->dims.size() : binding->order.size();
  if (values.size() != rank) {
    error(expr->range,
          "'" + name->name + "' has " + Twine(rank) +
              (rank == 1 ? " dimension" : " dimensions") + ", but " +
              Twine(values.size()) +
              (values.size() == 1 ? " position is" : " positions are") +
              " given")
        .note(binding->loc, "'" + name->name + "' is declared here");
    return nullptr;
  }
  if (!binding->tensor) {
    IndexMap map;
    for (auto [var, value] : llvm::zip_equal(binding->order, values))
      map[var] = value;
    return graph.substitute(binding->value, map);
  }
  SmallVector<const Node *> at;
  llvm::SMLoc loc = expr->range.Start;
  for (auto [dim, value] : llvm::zip_equal(binding->tensor->dims, values)) {
    // A position in a group counts through its parts, row-major.
    SmallVector<const Node *> positions(dim.size());
    const Node *rest = value;
    for (size_t k = dim.size(); k-- > 1;) {
      const Node *size = graph.size(dim[k].extent, loc);
      positions[k] = graph.apply(NodeOp::Modulo, Elem::Int, {rest, size}, loc);
      rest = graph.apply(NodeOp::FloorDivide, Elem::Int, {rest, size}, loc);
    }
    positions[0] = rest;
    at.append(positions);
  }
  return graph.read(binding->tensor, at, loc);
}
