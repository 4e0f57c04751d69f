//===- ElaborateFunction.cpp - Headers, types, models ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Elaborate.h"

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SMRange;
using llvm::StringRef;
using llvm::Twine;

void Elaborator::run() {
  usedSettings.assign(settings.size(), false);
  for (const auto &module : modules.all())
    for (const ast::Decl *decl : module->file->decls) {
      if (auto *function = llvm::dyn_cast<ast::FunctionDecl>(decl)) {
        if (module->functions.lookup(function->name.text) == function &&
            !function->isTyped())
          checkUncalled(*module, function);
      } else if (auto *constant = llvm::dyn_cast<ast::ConstDecl>(decl)) {
        constantValue(*module, constant);
      }
    }
  for (const ast::Decl *decl : main.file->decls) {
    if (auto *function = llvm::dyn_cast<ast::FunctionDecl>(decl)) {
      if (function->isTyped())
        elaborateTyped(function, main, nullptr, nullptr);
    } else if (auto *model = llvm::dyn_cast<ast::ModelDecl>(decl)) {
      elaborateModel(model, main);
    }
  }
  llvm::StringMap<const Function *> exported;
  for (const Function &function : program.functions) {
    auto [it, isNew] = exported.try_emplace(function.name, &function);
    if (!isNew)
      diags.error(function.loc, "'" + function.name + "' is exported twice")
          .note(it->second->loc, "the first '" + function.name + "' is here");
  }
  reportUnusedSettings();
}

//===----------------------------------------------------------------------===//
// Untyped functions
//===----------------------------------------------------------------------===//

bool Elaborator::checkHeader(const ast::FunctionDecl *function) {
  llvm::StringMap<SMRange> seen;
  auto isNew = [&](const ast::Name &name) {
    auto [it, fresh] = seen.try_emplace(name.text, name.range);
    if (!fresh)
      error(name.range, "'" + name.text + "' is already declared here")
          .note(it->second.Start, "the first declaration is here");
    return fresh;
  };
  bool ok = true;
  for (const ast::Name &name : function->statics)
    ok &= isNew(name);
  for (const ast::Name &name : function->indices)
    ok &= isNew(name);
  for (const ast::Operand &operand : function->operands) {
    ok &= isNew(operand.name);
    if (bool(operand.type) == function->isTyped())
      continue;
    error(operand.name.range,
          function->isTyped()
              ? "expected a type for the operand '" + operand.name.text + "'"
              : "expected no type for the operand '" + operand.name.text +
                    "' of a function without typed results");
    ok = false;
  }
  for (const ast::Operand &result : function->results)
    ok &= isNew(result.name);
  if (function->isTyped() && !function->indices.empty()) {
    error(function->indices.front().range,
          "'" + function->name.text +
              "' has typed operands, and takes no index parameters");
    ok = false;
  }
  if (function->role == ast::FunctionDecl::Entry && function->results.empty()) {
    error(function->name.range, "expected '->' and results for the entry '" +
                                    function->name.text + "'");
    ok = false;
  }
  if (function->role == ast::FunctionDecl::Fn && !function->results.empty()) {
    error(function->results.front().name.range,
          "a 'fn' has no typed results: its last line is its value");
    ok = false;
  }
  if (!function->over.empty() && !function->isTyped()) {
    error(function->over.front().name.range,
          "'over' belongs to a function with typed operands");
    ok = false;
  }
  return ok;
}

void Elaborator::checkUncalled(const Module &module,
                               const ast::FunctionDecl *function) {
  size_t before = diags.size();
  sound.try_emplace(function, true); // so that a call on the way is followed
  Scope frame(nullptr, module);
  if (checkHeader(function)) {
    SmallVector<const Node *> at;
    for (const ast::Name &name : function->statics) {
      Binding &binding = frame.names[name.text];
      binding.kind = Binding::Value;
      binding.value = graph.staticParam(name.text, name.range.Start);
      binding.loc = name.range.Start;
      see(name.range, binding);
    }
    for (const ast::Name &name : function->indices) {
      Binding &binding = frame.names[name.text];
      binding.kind = Binding::Index;
      binding.index = graph.makeIndex(name.text, graph.symbolExtent(name.text),
                                      name.range.Start);
      binding.loc = name.range.Start;
      at.push_back(graph.index(binding.index, name.range.Start));
      see(name.range, binding);
    }
    for (const ast::Operand &operand : function->operands) {
      Tensor tensor(Tensor::Argument, operand.name.text);
      tensor.isOpaque = true;
      tensor.loc = operand.name.range.Start;
      Binding &binding = frame.names[operand.name.text];
      binding.kind = Binding::Value;
      binding.loc = tensor.loc;
      binding.tensor = graph.makeTensor(std::move(tensor));
      binding.value = graph.read(binding.tensor, at, binding.loc);
      see(operand.name.range, binding);
      if (operand.defaultValue) {
        Scope outside(nullptr, module);
        elaborate(operand.defaultValue, outside);
      }
    }
    calls.push_back({function, {}});
    const Node *result = nullptr;
    runBody(function->body, frame, &result);
    calls.pop_back();
  }
  sound[function] = diags.size() == before;
}

//===----------------------------------------------------------------------===//
// Typed functions and models
//===----------------------------------------------------------------------===//

bool Elaborator::declareStatics(const ast::FunctionDecl *function,
                                Scope &scope) {
  for (const ast::Name &name : function->statics) {
    Binding &binding = scope.names[name.text];
    binding.kind = Binding::Value;
    binding.loc = name.range.Start;
    binding.value = graph.staticParam(name.text, name.range.Start);
    std::optional<Setting> setting =
        findSetting(function->name.text, name.text);
    if (!setting) {
      see(name.range, binding);
      continue;
    }
    int64_t value = 0;
    if (StringRef(setting->value).getAsInteger(10, value)) {
      diags.error(llvm::SMLoc(), "expected an integer for '" +
                                     setting->function + "." + name.text +
                                     "', but found '" + setting->value + "'");
      return false;
    }
    binding.value = graph.integer(value, name.range.Start);
    see(name.range, binding);
  }
  return true;
}

const Node *Elaborator::toResultType(const Node *value, const Tensor *type,
                                     SMRange range) {
  Elem wanted = elemOf(type->dtype);
  if (wanted == Elem::Real && value->elem == Elem::Int)
    return toReal(value, range);
  if (wanted == value->elem)
    return value;
  Diagnostic &diagnostic =
      error(range, "result '" + type->name + "' holds " + spelling(wanted) +
                       ", but the value is " + spelling(value->elem));
  if (wanted == Elem::Int && value->elem == Elem::Real)
    diagnostic.help("write '" + spelling(type->dtype) +
                    "(…)' to round towards zero");
  return nullptr;
}

bool Elaborator::checkResult(FunctionResult &result, const Scope &scope,
                             SMRange range) {
  auto it = scope.names.find(result.type->name);
  if (it == scope.names.end()) {
    error(range, "result '" + result.type->name + "' is never given a value")
        .help("write '" + result.type->name + " = …'");
    return false;
  }
  if (it->second.kind != Binding::Value)
    return false;
  const Node *value = it->second.value;
  SMRange place(it->second.loc, it->second.loc);
  std::vector<const IndexVar *> declared;
  for (const TensorPart &part : result.type->parts())
    declared.push_back(part.index);
  for (const IndexVar *var : value->free) {
    if (llvm::is_contained(declared, var))
      continue;
    error(place, "result '" + result.type->name + "' depends on index '" +
                     var->name + "', which is not among its dimensions")
        .note(result.type->loc, "'" + result.type->name + "' is declared here")
        .help("reduce over '" + var->name + "', or add it to the result");
    return false;
  }
  for (const IndexVar *var : declared) {
    if (value->dependsOn(var))
      continue;
    error(place, "result '" + result.type->name +
                     "' does not depend on its index '" + var->name + "'")
        .note(result.type->loc, "'" + result.type->name + "' is declared here");
    return false;
  }
  result.value = toResultType(value, result.type, place);
  return result.value != nullptr;
}

void Elaborator::elaborateTyped(const ast::FunctionDecl *function,
                                const Module &module, Scope *outer,
                                const ast::ModelDecl *model) {
  size_t before = diags.size();
  if (!checkHeader(function))
    return;
  SmallVector<StringRef> owners{function->name.text};
  if (model)
    owners.push_back(model->name.text);
  typeT.reset();
  Scope scope(outer, module);
  if (!declareStatics(function, scope))
    return;

  Function made;
  made.name = function->name.text.str();
  made.isAttention = function->role == ast::FunctionDecl::Attention;
  made.loc = function->name.range.Start;

  // Scalars first: ranges may name them.
  SmallVector<ast::Operand> typed(function->operands);
  llvm::append_range(typed, function->results);
  std::vector<Tensor *> operands(function->operands.size());
  for (auto [k, operand] : llvm::enumerate(function->operands)) {
    if (Binding *existing = outer ? outer->find(operand.name.text) : nullptr) {
      error(operand.name.range,
            "'" + operand.name.text + "' is already defined in the model")
          .note(existing->loc, "'" + operand.name.text + "' is defined here");
      return;
    }
    Binding &binding = scope.names[operand.name.text];
    binding.loc = operand.name.range.Start;
    binding.kind = Binding::Poison; // known, but not yet readable
    if (!operand.type->dims.empty())
      continue;
    if (!(operands[k] = elaborateType(operand.name, operand.type,
                                      Tensor::Argument, scope, owners)))
      continue;
    binding.kind = Binding::Value;
    binding.tensor = operands[k];
    binding.value = graph.read(operands[k], {}, binding.loc);
  }
  if (!declareIndices(typed, function->over, owners, scope, made.indices))
    return;

  for (auto [k, operand] : llvm::enumerate(function->operands)) {
    Binding &binding = scope.names[operand.name.text];
    if (!operands[k] && !operand.type->dims.empty()) {
      operands[k] = elaborateType(operand.name, operand.type, Tensor::Argument,
                                  scope, owners);
      if (operands[k]) {
        binding.kind = Binding::Value;
        binding.tensor = operands[k];
        bool named =
            llvm::all_of(operands[k]->parts(), [](const TensorPart &part) {
              return part.index != nullptr;
            });
        if (named)
          binding.value =
              readBare(binding, operand.name.text, operand.name.range);
      }
    }
    see(operand.name.range, binding);
    if (!operands[k])
      continue;
    operands[k]->number = k;
    made.operands.push_back(operands[k]);
  }
  for (const ast::Operand &result : function->results) {
    Tensor *type =
        elaborateType(result.name, result.type, Tensor::Local, scope, owners);
    if (!type)
      continue;
    for (auto [dim, parts] : llvm::zip_equal(result.type->dims, type->dims))
      for (auto [part, made] : llvm::zip_equal(dim.parts, parts))
        if (!made.index)
          error(part.range, "expected an index in a result's dimension, but "
                            "found a size")
              .help("name it: 'e in 0..size'");
    made.results.push_back({type});
    Binding declared;
    declared.tensor = type;
    declared.loc = result.name.range.Start;
    see(result.name.range, declared);
  }
  if (diags.size() != before || !checkGroups(made))
    return;
  // What only a result has must get its size from somewhere else.
  for (const ast::Operand &result : function->results)
    for (const ast::Dim &dim : result.type->dims)
      for (const ast::DimPart &part : dim.parts) {
        Binding *binding = scope.find(part.index.name.text);
        const Extent *extent = binding->index->extent;
        bool given = extent->kind != Extent::Symbol;
        auto gives = [&](const Tensor *tensor) {
          for (const TensorPart &other : tensor->parts())
            given |= other.extent == extent;
        };
        llvm::for_each(made.operands, gives);
        llvm::for_each(program.params, gives);
        if (!given)
          error(part.range, "index '" + part.index.name.text +
                                "' is only in a result, and has no range")
              .help("write '" + part.index.name.text + " in 0..size'");
      }
  if (diags.size() != before)
    return;

  inEntry = function->role == ast::FunctionDecl::Entry;
  bool ok = runBody(function->body, scope, nullptr);
  inEntry = false;
  for (auto [result, declared] :
       llvm::zip_equal(made.results, function->results))
    ok &= checkResult(result, scope, declared.name.range);
  if (ok && diags.size() == before)
    program.functions.push_back(std::move(made));
}

/// The name in the weights file has a place for the member, and no other.
bool Elaborator::checkSource(const ast::ParamDecl *param) {
  StringRef source = param->source.text;
  if (source.empty() && param->family.empty())
    return true;
  std::string place = param->family.empty()
                          ? std::string()
                          : ("{" + param->family.front().name.text + "}").str();
  size_t at = place.empty() ? StringRef::npos : source.find(place);
  if (!place.empty() && at == StringRef::npos) {
    error(source.empty() ? param->name.range : param->source.range,
          "expected '" + place + "' in the name of the members of '" +
              param->name.text + "' in the weights file");
    return false;
  }
  StringRef before = source.take_front(at);
  StringRef after = place.empty() ? "" : source.substr(at + place.size());
  if (before.contains('{') || after.contains('{')) {
    error(param->source.range, "unknown place '{…}' in the name of '" +
                                   param->name.text + "' in the weights file")
        .help("only the index of a family of parameters has one");
    return false;
  }
  return true;
}

void Elaborator::elaborateModel(const ast::ModelDecl *model,
                                const Module &module) {
  Scope scope(nullptr, module);
  SmallVector<ast::Operand> typed;
  SmallVector<ast::IndexName> families;
  for (const ast::Decl *member : model->members) {
    if (llvm::isa<ast::FunctionDecl>(member))
      continue;
    if (Binding *existing = scope.find(member->name.text)) {
      error(member->name.range,
            "'" + member->name.text + "' is already defined in the model")
          .note(existing->loc, "the first definition is here");
      return;
    }
    Binding &binding = scope.names[member->name.text];
    binding.loc = member->name.range.Start;
    if (auto *constant = llvm::dyn_cast<ast::ConstDecl>(member)) {
      const Node *value = elaborate(constant->value, scope);
      binding.value = value;
      binding.kind = value ? Binding::Value : Binding::Poison;
      see(member->name.range, binding);
    } else if (auto *param = llvm::dyn_cast<ast::ParamDecl>(member)) {
      typed.push_back({param->name, param->type});
      families.append(param->family.begin(), param->family.end());
    }
  }
  typeT.reset();
  std::vector<const IndexVar *> indices;
  StringRef owner = model->name.text;
  if (!declareIndices(typed, families, owner, scope, indices))
    return;
  for (const ast::Decl *member : model->members) {
    auto *param = llvm::dyn_cast<ast::ParamDecl>(member);
    if (!param)
      continue;
    Tensor *tensor =
        elaborateType(param->name, param->type, Tensor::Param, scope, owner);
    if (!tensor)
      continue;
    SmallVector<SmallVector<TensorPart, 2>> family;
    for (const ast::IndexName &index : param->family) {
      IndexVar *var = scope.find(index.name.text)->index;
      if (!var->extent || !var->extent->isStatic()) {
        error(index.name.range, "expected a constant number of parameters in "
                                "the family over '" +
                                    index.name.text + "'")
            .help("write '" + index.name.text + " in 0..6'");
        return;
      }
      family.push_back({TensorPart{var, var->extent}});
    }
    if (family.size() > 1) {
      error(param->family[1].name.range,
            "a family of parameters has one index, but '" + param->name.text +
                "' has " + Twine(family.size()));
      return;
    }
    if (!checkSource(param))
      return;
    tensor->familyRank = family.size();
    tensor->dims.insert(tensor->dims.begin(), family.begin(), family.end());
    tensor->source = param->source.text.empty()
                         ? param->name.text.str()
                         : param->source.text.drop_front().rtrim('"').str();
    program.params.push_back(tensor);
    Binding &binding = scope.names[param->name.text];
    binding.kind = Binding::Value;
    binding.tensor = tensor;
    bool named = llvm::all_of(tensor->parts(), [](const TensorPart &part) {
      return part.index != nullptr;
    });
    if (named)
      binding.value = readBare(binding, param->name.text, param->name.range);
    see(param->name.range, binding);
  }
  for (const ast::Decl *member : model->members)
    if (auto *entry = llvm::dyn_cast<ast::FunctionDecl>(member))
      elaborateTyped(entry, module, &scope, model);
}
