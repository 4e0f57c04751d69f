//===- ElaborateCall.cpp - Words of the language and functions -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Builtins.h"
#include "frontend/Elaborate.h"
#include "frontend/Normalizers.h"

using namespace fovea::frontend;
using llvm::SmallVector;
using llvm::SmallVectorImpl;
using llvm::SMRange;
using llvm::StringRef;
using llvm::Twine;

const Node *Elaborator::elaborateCall(const ast::CallExpr *call, Scope &scope) {
  const ast::NameExpr *name = call->callee;
  if (name->qualifier.empty()) {
    if (name->name == "size")
      return elaborateSize(call, scope);
    if (name->name == "sparsemax" || name->name == "entmax") {
      error(name->range, "'" + name->name + "' is not supported yet")
          .help("'softmax' and 'logsumexp' are");
      return nullptr;
    }
    // `max[j](x)` reduces, `max(a, b)` is elementwise.
    bool reduces = name->name == "mean" || findReduction(name->name);
    if (reduces && (call->hasIndices || !findElementwise(name->name)))
      return elaborateReduction(call, scope);
    if (isWord(name->name) && name->name != "inf" && name->name != "pi")
      return elaborateBuiltin(call, scope);
  }
  if (call->where) {
    error(call->where->range, "'where' belongs to a reduction, and '" +
                                  name->name + "' is a function")
        .help("write 'select(condition, value, otherwise)'");
    return nullptr;
  }
  std::optional<Callee> callee = findFunction(name, scope.module);
  if (!callee)
    return nullptr;
  const Node *value = callFunction(call, *callee, scope);
  see(name, *callee->module, callee->function->name.range.Start, value);
  return value;
}

//===----------------------------------------------------------------------===//
// Words of the language
//===----------------------------------------------------------------------===//

bool Elaborator::arguments(const ast::CallExpr *call, unsigned count,
                           Scope &scope,
                           SmallVectorImpl<const Node *> &values) {
  StringRef name = call->callee->name;
  if (call->where) {
    error(call->where->range,
          "'where' belongs to a reduction, and '" + name + "' is a function")
        .help("write 'select(condition, value, otherwise)'");
    return false;
  }
  if (call->hasIndices || !call->statics.empty()) {
    error(call->range, "'" + name + "' is elementwise and takes no indices");
    return false;
  }
  if (call->arguments.size() != count) {
    error(call->range, "'" + name + "' takes " + Twine(count) +
                           (count == 1 ? " operand, but " : " operands, but ") +
                           Twine(call->arguments.size()) +
                           (call->arguments.size() == 1 ? " is" : " are") +
                           " given");
    return false;
  }
  for (const ast::Argument &argument : call->arguments) {
    if (!argument.name.text.empty()) {
      error(argument.name.range,
            "'" + name + "' takes its operands by position");
      return false;
    }
    values.push_back(elaborate(argument.value, scope));
  }
  return !llvm::is_contained(values, nullptr);
}

const Node *Elaborator::elaborateSize(const ast::CallExpr *call, Scope &scope) {
  auto *name = call->arguments.size() == 1
                   ? llvm::dyn_cast<ast::NameExpr>(call->arguments[0].value)
                   : nullptr;
  Binding *binding = name ? scope.find(name->name) : nullptr;
  if (binding)
    see(name->range, *binding);
  if (binding && binding->kind == Binding::Poison)
    return nullptr;
  if (!binding || binding->kind != Binding::Index || call->hasIndices) {
    error(call->range, "expected 'size' of one index").help("write 'size(d)'");
    return nullptr;
  }
  if (!binding->index->extent) {
    error(name->range, "the size of '" + name->name +
                           "' is not known here: it is computed later");
    return nullptr;
  }
  return graph.size(binding->index->extent, call->range.Start);
}

const Node *Elaborator::elaborateBuiltin(const ast::CallExpr *call,
                                         Scope &scope) {
  StringRef name = call->callee->name;
  llvm::SMLoc loc = call->range.Start;
  SmallVector<const Node *> values;
  if (name == "select") {
    if (!arguments(call, 3, scope, values))
      return nullptr;
    const Node *condition =
        requireBool(values[0], call->arguments[0].value->range);
    const Node *a = values[1], *b = values[2];
    if (!condition)
      return nullptr;
    Elem elem = a->elem;
    if (a->elem == Elem::Unknown || b->elem == Elem::Unknown) {
      elem = Elem::Unknown;
    } else if (a->elem == Elem::Bool || b->elem == Elem::Bool) {
      if (a->elem != b->elem) {
        error(call->range, "'select' chooses between " + spelling(a->elem) +
                               " and " + spelling(b->elem));
        return nullptr;
      }
    } else if (a->elem != b->elem) {
      a = toReal(a, call->arguments[1].value->range);
      b = toReal(b, call->arguments[2].value->range);
      elem = Elem::Real;
    }
    return graph.apply(NodeOp::Select, elem, {condition, a, b}, loc);
  }
  std::optional<DType> dtype = parseDType(name);
  if (name == "T")
    dtype = typeT.value_or(DType::F32);
  if (dtype || name == "real") {
    if (!arguments(call, 1, scope, values))
      return nullptr;
    SMRange range = call->arguments[0].value->range;
    if (dtype == DType::I1)
      return requireBool(values[0], range);
    const Node *value = requireNumber(values[0], range);
    if (!value || !dtype || elemOf(*dtype) == Elem::Real)
      value = toReal(value ? value : values[0], range);
    if (!value || !dtype || *dtype == DType::F32)
      return value;
    return graph.convert(*dtype, value, loc);
  }
  std::optional<ElementwiseBuiltin> builtin = findElementwise(name);
  if (!builtin) {
    error(call->callee->range, "'" + name + "' cannot be called");
    return nullptr;
  }
  if (!arguments(call, builtin->arity, scope, values))
    return nullptr;
  bool anyReal = false, anyUnknown = false;
  for (auto [value, argument] : llvm::zip_equal(values, call->arguments)) {
    if (!requireNumber(value, argument.value->range))
      return nullptr;
    anyReal |= value->elem == Elem::Real;
    anyUnknown |= value->elem == Elem::Unknown;
  }
  if (builtin->signature == ElementwiseBuiltin::Rounding &&
      values[0]->elem == Elem::Int)
    return values[0];
  if (builtin->signature != ElementwiseBuiltin::Numbers || anyReal)
    for (const Node *&value : values)
      value = toReal(value, call->range);
  Elem elem = anyUnknown ? Elem::Unknown : values[0]->elem;
  return graph.apply(builtin->op, elem, values, loc);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

std::optional<Elaborator::Callee>
Elaborator::findFunction(const ast::NameExpr *name, const Module &module) {
  if (name->qualifier.empty())
    if (auto *function = module.functions.lookup(name->name))
      return Callee{function, &module};
  SmallVector<std::pair<StringRef, Callee>> found;
  bool knownQualifier = false;
  for (const auto &[imported, used] : module.imports) {
    if (!name->qualifier.empty() && name->qualifier != imported)
      continue;
    knownQualifier = true;
    if (auto *function = used->functions.lookup(name->name))
      found.push_back({imported, {function, used}});
  }
  if (found.size() == 1)
    return found.front().second;
  if (found.size() > 1) {
    error(name->range, "'" + name->name + "' is in both '" + found[0].first +
                           "' and '" + found[1].first + "'")
        .help("write '" + found[0].first + "." + name->name + "' or '" +
              found[1].first + "." + name->name + "'");
    return std::nullopt;
  }
  if (!name->qualifier.empty() && !knownQualifier) {
    error(name->range, "'" + name->qualifier + "' is not a module in use")
        .help("write 'use …." + name->qualifier + "' at the top of the file");
    return std::nullopt;
  }
  std::string shown = name->qualifier.empty()
                          ? name->name.str()
                          : (name->qualifier + "." + name->name).str();
  Diagnostic &diagnostic =
      error(name->range, "function '" + shown + "' is not defined");
  // The library is small enough to say where a word of it lives.
  for (const auto &other : modules.all())
    if (!other->name.empty() && other->functions.contains(name->name))
      diagnostic.help("'use " + other->name + "' brings one of that name");
  return std::nullopt;
}

bool Elaborator::bindArguments(const ast::CallExpr *call,
                               const ast::FunctionDecl *function, Scope &scope,
                               Scope &frame) {
  StringRef name = function->name.text;
  auto count = [&](size_t wanted, size_t given, StringRef one, StringRef what) {
    if (wanted == given)
      return true;
    error(call->range, "'" + name + "' takes " + Twine(wanted) + " " +
                           (wanted == 1 ? one : what) + ", but " +
                           Twine(given) + (given == 1 ? " is" : " are") +
                           " given")
        .note(function->name.range.Start, "'" + name + "' is defined here");
    return false;
  };
  SmallVector<const ast::Argument *> given(function->operands.size());
  size_t position = 0;
  bool ok = true;
  for (const ast::Argument &argument : call->arguments) {
    size_t at = position;
    if (!argument.name.text.empty()) {
      at = llvm::find_if(function->operands,
                         [&](const ast::Operand &operand) {
                           return operand.name.text == argument.name.text;
                         }) -
           function->operands.begin();
      if (at == function->operands.size()) {
        error(argument.name.range,
              "'" + name + "' has no operand '" + argument.name.text + "'")
            .note(function->name.range.Start, "'" + name + "' is defined here");
        return false;
      }
      see(argument.name.range, function->operands[at].name.range.Start,
          nullptr);
    } else if (at >= function->operands.size()) {
      return count(function->operands.size(), call->arguments.size(), "operand",
                   "operands");
    }
    if (given[at]) {
      error(argument.value->range, "operand '" +
                                       function->operands[at].name.text +
                                       "' is given twice");
      return false;
    }
    given[at] = &argument;
    ++position;
  }
  for (auto [operand, argument] : llvm::zip_equal(function->operands, given)) {
    Binding binding;
    binding.loc = operand.name.range.Start;
    if (!argument && !operand.defaultValue) {
      error(call->range, "'" + name + "' needs a value for its operand '" +
                             operand.name.text + "'")
          .note(operand.name.range.Start,
                "'" + operand.name.text + "' is declared here");
      return false;
    }
    const ast::Expr *value = argument ? argument->value : operand.defaultValue;
    // A whole tensor stays readable by position under its new name.
    auto *bare = llvm::dyn_cast<ast::NameExpr>(value);
    Binding *source = argument && bare && bare->qualifier.empty()
                          ? scope.find(bare->name)
                          : nullptr;
    if (source && source->kind == Binding::Value) {
      see(bare->range, *source);
      binding.value = source->value;
      binding.tensor = source->tensor;
      binding.order = source->order;
    } else {
      binding.value = elaborate(value, argument ? scope : frame);
      ok &= binding.value != nullptr;
    }
    // What sums before the attention is a kernel of its own.
    if (inEntry && function->role == ast::FunctionDecl::Attention &&
        binding.value && binding.value->hasBinder)
      binding.value = graph.local(expandNormalizers(graph, binding.value),
                                  operand.name.text, loopIndices);
    binding.kind = ok ? Binding::Value : Binding::Poison;
    frame.names[operand.name.text] = std::move(binding);
  }
  // Indices after values: an argument may be what gives an index its range.
  if (!count(function->indices.size(), call->indices.size(), "index",
             "indices"))
    return false;
  for (auto [formal, actual] :
       llvm::zip_equal(function->indices, call->indices)) {
    Binding *binding = scope.find(actual.name.text);
    if (binding)
      see(actual.name.range, *binding);
    if (!binding || binding->kind != Binding::Index || actual.in) {
      if (!binding || binding->kind == Binding::Value)
        error(actual.name.range,
              "expected an index for '" + formal.text + "', but '" +
                  actual.name.text +
                  (binding ? "' is a value" : "' is not defined here"));
      else if (actual.in)
        error(actual.in->range, "a range is given where an index is bound");
      return false;
    }
    frame.names[formal.text] = *binding;
  }
  return ok;
}

const Node *Elaborator::callFunction(const ast::CallExpr *call, Callee callee,
                                     Scope &scope) {
  const ast::FunctionDecl *function = callee.function;
  StringRef name = function->name.text;
  if (function->isTyped()) {
    error(call->callee->range,
          "'" + name + "' has typed operands and is called from outside only")
        .help("an 'attention " + name +
              "[indices](operands)' without types is for use in models")
        .note(function->name.range.Start, "'" + name + "' is defined here");
    return nullptr;
  }
  for (const Call &outer : calls) {
    if (outer.function != function)
      continue;
    error(call->callee->range, "'" + name + "' calls itself")
        .help("the language has no recursion: use a loop in an entry");
    return nullptr;
  }
  if (++inlinedCalls > maxInlinedCalls) {
    error(call->range,
          "the program inlines more than " + Twine(maxInlinedCalls) + " calls");
    return nullptr;
  }
  if (auto it = sound.find(function); it != sound.end() && !it->second)
    return nullptr; // its own errors are reported where it is defined

  Scope frame(nullptr, *callee.module);
  for (const ast::Argument &argument : call->statics) {
    bool known = llvm::any_of(function->statics, [&](const ast::Name &param) {
      return param.text == argument.name.text;
    });
    const Node *value =
        requireInteger(elaborate(argument.value, scope), argument.value->range);
    if (!value)
      return nullptr;
    if (!known || !value->free.empty()) {
      error(argument.name.range,
            known ? "expected a constant for '" + argument.name.text + "'"
                  : "'" + name + "' has no compile-time parameter '" +
                        argument.name.text + "'");
      return nullptr;
    }
    Binding &binding = frame.names[argument.name.text];
    binding.kind = Binding::Value;
    binding.value = value;
    binding.loc = argument.name.range.Start;
    for (const ast::Name &param : function->statics)
      if (param.text == argument.name.text)
        see(argument.name.range, param.range.Start, value);
  }
  for (const ast::Name &param : function->statics) {
    if (frame.names.contains(param.text))
      continue;
    error(call->range, "'" + name + "' needs a value for '" + param.text + "'")
        .help("write '" + name + "<" + param.text + " = 7>'");
    return nullptr;
  }
  if (!bindArguments(call, function, scope, frame))
    return nullptr;

  calls.push_back({function, call->range.Start});
  const Node *result = nullptr;
  ++inlineDepth;
  bool ok = runBody(function->body, frame, &result);
  --inlineDepth;
  calls.pop_back();
  if (!ok || !result)
    return nullptr;
  if (function->role == ast::FunctionDecl::Attention && inEntry)
    return graph.fused(name, result, call->range.Start);
  return result;
}
