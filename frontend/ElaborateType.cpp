//===- ElaborateType.cpp - Ranges, types and settings --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Elaborate.h"
#include "llvm/ADT/MapVector.h"

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SMRange;
using llvm::StringRef;
using llvm::Twine;

std::optional<Setting> Elaborator::findSetting(ArrayRef<StringRef> owners,
                                               StringRef name) {
  for (auto [setting, used] : llvm::zip_equal(settings, usedSettings)) {
    if (setting.name == name && llvm::is_contained(owners, setting.function)) {
      used = true;
      return setting;
    }
  }
  return std::nullopt;
}

void Elaborator::reportUnusedSettings() {
  for (auto [setting, used] : llvm::zip_equal(settings, usedSettings))
    if (!used && !diags.hasErrors())
      diags.error(llvm::SMLoc(), "'" + setting.function +
                                     "' has no index, compile-time parameter "
                                     "or 'T' named '" +
                                     setting.name + "' to set");
}

const Extent *Elaborator::elaborateRange(const ast::Range *range,
                                         Scope &scope) {
  const Node *begin =
      requireInteger(elaborate(range->begin, scope), range->begin->range);
  const Node *end =
      requireInteger(elaborate(range->end, scope), range->end->range);
  if (!begin || !end)
    return nullptr;
  if (begin->asInteger() != 0) {
    error(range->begin->range, "expected a range that starts at 0")
        .help("add the start where the index is used");
    return nullptr;
  }
  if (!end->free.empty() || end->hasBinder) {
    error(range->end->range, "the end of a range depends on an index")
        .help("use sizes, constants and scalar integer operands");
    return nullptr;
  }
  if (std::optional<int64_t> value = end->asInteger(); value && *value < 0) {
    error(range->end->range,
          "expected a range of at least 0, but found " + Twine(*value));
    return nullptr;
  }
  return graph.computedExtent(end);
}

/// Makes an index of every name in the dimensions of `typed` and in `ranges`,
/// and gives each its range.
bool Elaborator::declareIndices(ArrayRef<ast::Operand> typed,
                                ArrayRef<ast::IndexName> ranges,
                                ArrayRef<StringRef> owners, Scope &scope,
                                std::vector<const IndexVar *> &indices) {
  struct Use {
    const ast::IndexName *name;
    StringRef where; ///< The operand whose type it is in, or 'over'.
    bool isBareInDim;
  };
  std::vector<Use> uses;
  for (const ast::Operand &operand : typed)
    for (const ast::Dim &dim : operand.type->dims)
      for (const ast::DimPart &part : dim.parts)
        if (!part.size)
          uses.push_back({&part.index, operand.name.text, !part.index.in});
  for (const ast::IndexName &range : ranges)
    uses.push_back({&range, "over", false});

  bool ok = true;
  llvm::MapVector<StringRef, SmallVector<Use>> byName;
  for (const Use &use : uses) {
    StringRef name = use.name->name.text;
    Binding *existing = scope.find(name);
    if (existing && existing->kind != Binding::Index) {
      // A constant in a dimension is a size; only a range makes it an error.
      if (use.isBareInDim && existing->value && existing->value->free.empty())
        continue;
      error(use.name->name.range,
            "expected an index, but '" + name + "' is a value")
          .note(existing->loc, "'" + name + "' is declared here");
      ok = false;
      continue;
    }
    if (!existing && scope.module.constants.contains(name) && use.isBareInDim)
      continue;
    byName[name].push_back(use);
  }
  for (auto &[name, found] : byName) {
    if (scope.find(name))
      continue; // the model's
    const Use *first = llvm::find_if(
        found, [](const Use &use) { return use.name->in != nullptr; });
    if (first == found.end())
      first = found.begin();
    Binding &binding = scope.names[name];
    binding.kind = Binding::Index;
    binding.loc = first->name->name.range.Start;
    binding.index = graph.makeIndex(name, nullptr, binding.loc);
    indices.push_back(binding.index);
    if (!first->name->in)
      binding.index->extent = graph.symbolExtent(name);
    if (std::optional<Setting> setting = findSetting(owners, name)) {
      int64_t value = 0;
      if (StringRef(setting->value).getAsInteger(10, value) || value < 0) {
        diags.error(llvm::SMLoc(), "expected a size for '" + setting->function +
                                       "." + name + "', but found '" +
                                       setting->value + "'");
        ok = false;
      } else {
        binding.index->extent = graph.staticExtent(value);
      }
    }
  }
  // Ranges may name sizes of the others, so they come last.
  llvm::DenseMap<const IndexVar *, StringRef> givers;
  for (const Use &use : uses) {
    if (!use.name->in)
      continue;
    Binding *binding = scope.find(use.name->name.text);
    if (!binding || binding->kind != Binding::Index)
      continue;
    const Extent *extent = elaborateRange(use.name->in, scope);
    if (!extent) {
      binding->kind = Binding::Poison;
      ok = false;
      continue;
    }
    IndexVar *index = binding->index;
    StringRef &giver = givers[index];
    if (!index->extent) {
      index->extent = extent;
      see(index, use.name->in);
      giver = use.where;
      continue;
    }
    if (*index->extent == *extent) {
      if (giver.empty())
        giver = use.where;
      continue;
    }
    std::string place =
        giver.empty() ? "the command line" : ("'" + giver + "'").str();
    if (index->extent->isStatic() && extent->isStatic())
      error(use.name->name.range,
            "index '" + index->name + "' ranges over size " +
                Twine(extent->value) + " in '" + use.where +
                "', but over size " + Twine(index->extent->value) + " in " +
                place)
          .note(index->loc,
                place + " gives '" + index->name + "' its range here");
    else
      error(use.name->name.range, "index '" + index->name +
                                      "' has ranges in '" + use.where +
                                      "' and in " + place + " that may differ")
          .note(index->loc,
                place + " gives '" + index->name + "' its range here");
    ok = false;
  }
  for (const Use &use : uses)
    if (Binding *binding = scope.find(use.name->name.text))
      see(use.name->name.range, *binding);
  return ok;
}

Tensor *Elaborator::elaborateType(const ast::Name &name, const ast::Type *type,
                                  Tensor::Kind kind, Scope &scope,
                                  ArrayRef<StringRef> owners) {
  Tensor tensor(kind, name.text);
  tensor.loc = name.range.Start;
  tensor.isSorted = type->sorted;
  if (type->element.text == "T") {
    if (!typeT) {
      typeT = DType::F32;
      if (std::optional<Setting> setting = findSetting(owners, "T")) {
        typeT = parseDType(setting->value);
        if (!typeT || *typeT < DType::F16) {
          diags.error(llvm::SMLoc(),
                      "expected f32, f16 or bf16 for '" + setting->function +
                          ".T', but found '" + setting->value + "'");
          return nullptr;
        }
      }
    }
    tensor.dtype = *typeT;
  } else if (std::optional<DType> dtype = parseDType(type->element.text)) {
    tensor.dtype = *dtype;
  } else {
    error(type->element.range,
          "unknown element type '" + type->element.text + "'")
        .help("the types are f32, f16, bf16, f8e4m3, f8e5m2, T, i8, i16, i32, "
              "i64 and bool");
    return nullptr;
  }
  for (const ast::Dim &dim : type->dims) {
    auto &parts = tensor.dims.emplace_back();
    for (const ast::DimPart &part : dim.parts) {
      if (!part.size) {
        Binding *binding = scope.find(part.index.name.text);
        if (binding && binding->kind == Binding::Poison)
          return nullptr;
        if (binding && binding->kind == Binding::Index) {
          parts.push_back({binding->index, binding->index->extent});
          continue;
        }
      }
      // A constant size, by expression or by name.
      ast::NameExpr byName(part.index.name.range, "", part.index.name.text);
      const Node *size = requireInteger(
          elaborate(part.size ? part.size : &byName, scope), part.range);
      if (!size)
        return nullptr;
      if (!size->free.empty() || size->hasBinder || size->op == NodeOp::Read) {
        error(part.range, "expected a constant size");
        return nullptr;
      }
      if (size->asInteger().value_or(0) < 0) {
        error(part.range, "expected a size of at least 0, but found " +
                              Twine(*size->asInteger()));
        return nullptr;
      }
      parts.push_back({nullptr, graph.computedExtent(size)});
    }
  }
  return graph.makeTensor(std::move(tensor));
}

/// Sizes are found from bare dimensions first, then from groups with at most
/// one unknown, as the runtime does at each call.
bool Elaborator::checkGroups(const Function &function) {
  llvm::DenseSet<const Extent *> known;
  auto isKnown = [&](const Extent *extent) {
    return extent->kind != Extent::Symbol || known.contains(extent);
  };
  bool changed = true;
  while (changed) {
    changed = false;
    for (const Tensor *operand : function.operands)
      for (const auto &dim : operand->dims) {
        SmallVector<const Extent *> unknown;
        for (const TensorPart &part : dim)
          if (!isKnown(part.extent))
            unknown.push_back(part.extent);
        if (unknown.size() == 1)
          changed |= known.insert(unknown.front()).second;
      }
  }
  bool ok = true;
  for (const Tensor *operand : function.operands)
    for (const auto &dim : operand->dims) {
      SmallVector<StringRef> unknown;
      for (const TensorPart &part : dim)
        if (!isKnown(part.extent) && part.index &&
            !llvm::is_contained(unknown, part.index->name))
          unknown.push_back(part.index->name);
      if (unknown.size() < 2)
        continue;
      error(SMRange(operand->loc, operand->loc),
            "the sizes of '" + unknown[0] + "' and '" + unknown[1] +
                "' cannot both be found from one dimension of '" +
                operand->name + "'")
          .help("give one of them its range, as in '" + unknown[1] +
                " in 0..8'");
      ok = false;
    }
  return ok;
}
