//===- ElaborateStmt.cpp - Lets, results and loops ------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Elaborate.h"
#include "llvm/ADT/ScopeExit.h"

using namespace fovea::frontend;
using llvm::SmallVector;
using llvm::SMRange;
using llvm::StringRef;
using llvm::Twine;

bool Elaborator::runBody(llvm::ArrayRef<ast::Stmt *> body, Scope &scope,
                         const Node **result) {
  bool ok = true, done = false;
  for (const ast::Stmt *stmt : body) {
    if (done) {
      error(stmt->range, "expected the end of the body after its result");
      return false;
    }
    switch (stmt->kind) {
    case ast::Stmt::LetKind:
      ok &= runLet(stmt, scope);
      break;
    case ast::Stmt::ForKind:
      if (!inEntry || !calls.empty()) {
        error(stmt->range, "'for' is allowed in a model's entry only");
        ok = false;
        break;
      }
      ok &= runFor(stmt, scope);
      break;
    case ast::Stmt::ResultKind: {
      const Node *value = elaborate(stmt->value, scope);
      if (!result) {
        error(stmt->range, "expected 'name = expression', but found an "
                           "expression alone")
            .help("assign it to one of the results");
        ok = false;
        break;
      }
      ok &= value != nullptr;
      *result = value;
      done = true;
      break;
    }
    }
  }
  if (result && !done && ok) {
    const ast::FunctionDecl *function = calls.back().function;
    error(function->name.range, "expected an expression as the last line of '" +
                                    function->name.text + "'");
    return false;
  }
  return ok;
}

bool Elaborator::checkDeclaredIndices(const ast::Stmt *stmt, const Node *value,
                                      Scope &scope, Binding &binding) {
  for (const ast::Name &name : stmt->indices) {
    Binding *index = scope.find(name.text);
    if (index)
      see(name.range, *index);
    if (!index || index->kind != Binding::Index) {
      error(name.range, "expected an index, but '" + name.text +
                            (index ? "' is a value" : "' is not defined here"));
      return false;
    }
    if (llvm::is_contained(binding.order, index->index)) {
      error(name.range, "index '" + name.text + "' is declared twice");
      return false;
    }
    binding.order.push_back(index->index);
    if (value->elem != Elem::Unknown && !value->dependsOn(index->index)) {
      error(name.range, "'" + stmt->name.text + "' is declared with index '" +
                            name.text + "', but does not depend on it");
      return false;
    }
  }
  for (const IndexVar *var : value->free) {
    if (llvm::is_contained(loopIndices, var) ||
        llvm::is_contained(binding.order, var) || value->elem == Elem::Unknown)
      continue;
    error(stmt->name.range, "'" + stmt->name.text + "' depends on index '" +
                                var->name +
                                "', which is not among its declared indices");
    return false;
  }
  return true;
}

bool Elaborator::runLet(const ast::Stmt *stmt, Scope &scope) {
  StringRef name = stmt->name.text;
  const Node *value = elaborate(stmt->value, scope);
  Binding binding;
  binding.loc = stmt->name.range.Start;
  binding.isLet = true;
  binding.value = value;
  binding.kind = value ? Binding::Value : Binding::Poison;
  if (value && stmt->declaresIndices &&
      !checkDeclaredIndices(stmt, value, scope, binding))
    binding.kind = Binding::Poison;
  see(stmt->name.range, binding);

  if (Binding *existing = scope.find(name)) {
    // In a loop, the names that it carries take their next value.
    Scope *loopScope = &scope;
    while (loopScope && !loopScope->loop)
      loopScope = loopScope->parent;
    bool carried = loopScope && loopScope->carried.contains(name);
    if (!carried && existing->kind != Binding::Poison) {
      error(stmt->name.range, "'" + name + "' is already defined")
          .note(existing->loc, "'" + name + "' is defined here")
          .help("only a loop in an entry rebinds a name");
      return false;
    }
    if (carried && value && existing->kind == Binding::Value) {
      const Node *before = existing->value;
      auto shape = [&](const Node *node) {
        SmallVector<const IndexVar *> free;
        for (const IndexVar *var : node->free)
          if (!llvm::is_contained(loopIndices, var))
            free.push_back(var);
        return free;
      };
      if (before->elem != value->elem || shape(before) != shape(value)) {
        auto describe = [&](const Node *node) {
          std::string text = spelling(node->elem).str() + " with indices [";
          llvm::SmallVector<const IndexVar *> free = shape(node);
          for (auto [k, var] : llvm::enumerate(free))
            text += (k ? ", " : "") + var->name;
          return text + "]";
        };
        error(stmt->name.range, "'" + name + "' is rebound to " +
                                    describe(value) + ", but was " +
                                    describe(before))
            .note(existing->loc, "'" + name + "' is defined here");
        return false;
      }
    }
  }
  bool ok = binding.kind == Binding::Value;
  scope.names[name] = std::move(binding);
  return ok;
}

/// The names that `body` assigns, in order.
static void collectAssigned(llvm::ArrayRef<ast::Stmt *> body,
                            SmallVector<StringRef> &names) {
  for (const ast::Stmt *stmt : body) {
    if (stmt->kind == ast::Stmt::LetKind &&
        !llvm::is_contained(names, stmt->name.text))
      names.push_back(stmt->name.text);
    else if (stmt->kind == ast::Stmt::ForKind)
      collectAssigned(stmt->body, names);
  }
}

Tensor *Elaborator::carriedTensor(Tensor::Kind kind, StringRef name,
                                  const Node *like, Loop *loop,
                                  unsigned number) {
  Tensor tensor(kind, name);
  tensor.dtype = like->elem == Elem::Bool  ? DType::I1
                 : like->elem == Elem::Int ? DType::I64
                                           : DType::F32;
  for (const IndexVar *var : freeInOrder(like, loopIndices))
    tensor.dims.push_back({TensorPart{var, var->extent}});
  tensor.loop = loop;
  tensor.number = number;
  tensor.loc = like->loc;
  return graph.makeTensor(std::move(tensor));
}

bool Elaborator::runFor(const ast::Stmt *stmt, Scope &scope) {
  StringRef name = stmt->loop.name.text;
  const ast::Range *range = stmt->loop.in;
  const Node *begin =
      requireInteger(elaborate(range->begin, scope), range->begin->range);
  const Node *end =
      requireInteger(elaborate(range->end, scope), range->end->range);
  if (!begin || !end)
    return false;
  for (const Node *bound : {begin, end}) {
    if (bound->free.empty() && !bound->hasBinder && bound->op != NodeOp::Read)
      continue;
    error(range->range, "expected a loop range of constants and sizes");
    return false;
  }

  Loop *loop = graph.makeLoop();
  loop->begin = begin;
  loop->end = end;
  loop->loc = stmt->range.Start;
  Scope inner(&scope, scope.module);
  inner.loop = loop;

  // The index of a family of parameters names the loop over the family.
  Binding index;
  index.kind = Binding::Index;
  index.loc = stmt->loop.name.range.Start;
  if (Binding *existing = scope.find(name)) {
    bool isFamily = existing->kind == Binding::Index &&
                    llvm::any_of(program.params, [&](const Tensor *param) {
                      for (unsigned k = 0; k < param->familyRank; ++k)
                        if (param->dims[k].front().index == existing->index)
                          return true;
                      return false;
                    });
    if (!isFamily) {
      error(stmt->loop.name.range, "'" + name + "' is already defined")
          .note(existing->loc, "'" + name + "' is defined here");
      return false;
    }
    index.index = existing->index;
    std::optional<int64_t> last = end->asInteger(), first = begin->asInteger();
    if (first && last && index.index->extent->isStatic() &&
        (*first < 0 || *last > index.index->extent->value)) {
      error(range->range, "the loop leaves the range 0.." +
                              Twine(index.index->extent->value) + " of '" +
                              name + "'")
          .note(existing->loc, "'" + name + "' gets its range here");
      return false;
    }
  } else {
    index.index = graph.makeIndex(name, graph.computedExtent(end),
                                  stmt->loop.name.range.Start);
  }
  loop->index = index.index;
  loopIndices.push_back(loop->index);
  llvm::scope_exit leave([&] { loopIndices.pop_back(); });
  for (Scope *outer = &scope; outer; outer = outer->parent)
    if (outer->loop) {
      loop->parent = outer->loop;
      break;
    }
  inner.names[name] = index;
  see(index.index, range);
  see(stmt->loop.name.range, index);

  SmallVector<StringRef> assigned;
  collectAssigned(stmt->body, assigned);
  for (StringRef carried : assigned) {
    Binding *outer = scope.find(carried);
    if (!outer || outer->kind != Binding::Value)
      continue;
    const Node *init = readBare(*outer, carried, stmt->range);
    if (!init)
      return false;
    if (!outer->isLet) {
      error(stmt->range,
            "the loop rebinds '" + carried + "', which is not a local value")
          .note(outer->loc, "'" + carried + "' is declared here");
      return false;
    }
    // Inside the loop its index is one number, before it all of them.
    if (llvm::is_contained(init->free, loop->index)) {
      error(stmt->range, "the loop rebinds '" + carried +
                             "', which depends on its index '" + name + "'")
          .note(outer->loc, "'" + carried + "' is defined here");
      return false;
    }
    unsigned number = loop->carried.size();
    Loop::Carried value;
    value.name = carried.str();
    value.init = init;
    value.loc = outer->loc;
    value.argument =
        carriedTensor(Tensor::LoopArgument, carried, init, loop, number);
    value.result =
        carriedTensor(Tensor::LoopResult, carried, init, loop, number);
    loop->carried.push_back(value);
    inner.carried[carried] = number;
    Binding argument;
    argument.kind = Binding::Value;
    argument.isLet = true;
    argument.loc = outer->loc;
    argument.tensor = value.argument;
    argument.value = readBare(argument, carried, stmt->range);
    argument.tensor = nullptr; // read by name, as the local was
    inner.names[carried] = argument;
  }

  if (!runBody(stmt->body, inner, nullptr)) {
    for (const Loop::Carried &carried : loop->carried)
      scope.names[carried.name].kind = Binding::Poison;
    return false;
  }
  for (Loop::Carried &carried : loop->carried) {
    carried.yield = inner.names[carried.name].value;
    Binding after;
    after.kind = Binding::Value;
    after.isLet = true;
    after.loc = carried.loc;
    after.tensor = carried.result;
    after.value = readBare(after, carried.name, stmt->range);
    after.tensor = nullptr;
    scope.names[carried.name] = after;
  }
  return true;
}
