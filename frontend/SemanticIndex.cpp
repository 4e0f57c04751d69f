//===- SemanticIndex.cpp - What each name of a program means --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/SemanticIndex.h"

using namespace fovea::frontend;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;

static StringRef textOf(SMRange range) {
  const char *begin = range.Start.getPointer();
  return {begin, static_cast<size_t>(range.End.getPointer() - begin)};
}

static bool isWithin(SMLoc loc, SMRange range) {
  return range.Start.getPointer() <= loc.getPointer() &&
         loc.getPointer() <= range.End.getPointer();
}

//===----------------------------------------------------------------------===//
// Filling
//===----------------------------------------------------------------------===//

Symbol &SemanticIndex::add(Symbol symbol) {
  const char *at = symbol.definition.Start.getPointer();
  Symbol *&known = byDefinition[at];
  if (!known) {
    symbols.push_back(std::move(symbol));
    known = &symbols.back();
  }
  return *known;
}

void SemanticIndex::addFunction(const ast::FunctionDecl *function,
                                const Module &module) {
  auto declare = [&](Symbol::Kind kind, const ast::Name &name,
                     const ast::Type *type = nullptr) {
    const Symbol &symbol =
        add({kind, name.text, name.range, function, type, &module});
    occurrences.push_back({name.range, &symbol, {}});
  };
  declare(Symbol::Function, function->name);
  for (const ast::Name &name : function->statics)
    declare(Symbol::Static, name);
  for (const ast::Name &name : function->indices)
    declare(Symbol::Index, name);
  for (const ast::Operand &operand : function->operands)
    declare(Symbol::Operand, operand.name, operand.type);
  for (const ast::Operand &result : function->results)
    declare(Symbol::Result, result.name, result.type);
}

void SemanticIndex::addModel(const ast::ModelDecl *model,
                             const Module &module) {
  for (const ast::Decl *member : model->members) {
    if (auto *function = llvm::dyn_cast<ast::FunctionDecl>(member)) {
      addFunction(function, module);
      continue;
    }
    auto *param = llvm::dyn_cast<ast::ParamDecl>(member);
    const Symbol &symbol = add({param ? Symbol::Param : Symbol::Constant,
                                member->name.text, member->name.range, member,
                                param ? param->type : nullptr, &module});
    occurrences.push_back({member->name.range, &symbol, {}});
  }
}

void SemanticIndex::addDeclarations(const Modules &modules) {
  for (const auto &module : modules.all())
    for (const ast::Decl *decl : module->file->decls) {
      if (auto *function = llvm::dyn_cast<ast::FunctionDecl>(decl)) {
        addFunction(function, *module);
        continue;
      }
      if (auto *use = llvm::dyn_cast<ast::UseDecl>(decl)) {
        // What an import is called says which `use` it is of.
        for (const auto &[name, used] : module->imports) {
          if (name != use->name.text)
            continue;
          StringRef file = used->file->buffer;
          SMLoc begin = SMLoc::getFromPointer(file.data());
          const Symbol &symbol =
              add({Symbol::Module, use->name.text, SMRange(begin, begin),
                   nullptr, nullptr, used});
          SMRange path(use->path.front().range.Start, use->name.range.End);
          occurrences.push_back({path, &symbol, {}});
        }
        continue;
      }
      auto *model = llvm::dyn_cast<ast::ModelDecl>(decl);
      const Symbol &symbol =
          add({model ? Symbol::Model : Symbol::Constant, decl->name.text,
               decl->name.range, decl, nullptr, module.get()});
      occurrences.push_back({decl->name.range, &symbol, {}});
      if (model)
        addModel(model, *module);
    }
}

void SemanticIndex::addName(SMRange range, SMLoc definition,
                            const Meaning &meaning) {
  StringRef name = textOf(range);
  Symbol &symbol =
      add({meaning.index ? Symbol::Index : Symbol::Local, name,
           SMRange(definition, SMLoc::getFromPointer(definition.getPointer() +
                                                     name.size()))});
  bool isKnown =
      symbol.meaning.value || symbol.meaning.tensor || symbol.meaning.index;
  if (!isKnown && symbol.kind != Symbol::Function)
    symbol.meaning = meaning;
  occurrences.push_back({range, &symbol, meaning});
}

void SemanticIndex::addExpr(SMRange range, const Node *value) {
  if (value)
    occurrences.push_back({range, nullptr, {value, nullptr, nullptr}});
}

void SemanticIndex::addRange(const IndexVar *index, SMRange end) {
  ranges.try_emplace(index, textOf(end));
  if (index->extent && !index->extent->isStatic())
    extents.try_emplace(index->extent, textOf(end));
}

//===----------------------------------------------------------------------===//
// Asking
//===----------------------------------------------------------------------===//

const Occurrence *SemanticIndex::find(SMLoc loc) const {
  auto says = [](const Occurrence &occurrence) {
    const Meaning &meaning = occurrence.meaning;
    return meaning.value || meaning.tensor || meaning.index;
  };
  const Occurrence *best = nullptr;
  // Inside goes before at the end, small before large, a name before an
  // expression, and what is known before what is not.
  auto rank = [&](const Occurrence &occurrence) {
    return std::tuple(loc == occurrence.range.End,
                      textOf(occurrence.range).size(), !occurrence.symbol,
                      !says(occurrence));
  };
  for (const Occurrence &occurrence : occurrences)
    if (isWithin(loc, occurrence.range) &&
        (!best || rank(occurrence) < rank(*best)))
      best = &occurrence;
  return best;
}

std::vector<SMRange> SemanticIndex::uses(const Symbol &symbol) const {
  std::vector<SMRange> found;
  for (const Occurrence &occurrence : occurrences)
    if (occurrence.symbol == &symbol)
      found.push_back(occurrence.range);
  llvm::sort(found, [](SMRange a, SMRange b) {
    return a.Start.getPointer() < b.Start.getPointer();
  });
  found.erase(llvm::unique(found,
                           [](SMRange a, SMRange b) {
                             return a.Start == b.Start && a.End == b.End;
                           }),
              found.end());
  return found;
}

/// The function or model of `decls` around `loc`.
static const ast::Decl *enclosing(llvm::ArrayRef<ast::Decl *> decls,
                                  SMLoc loc) {
  for (const ast::Decl *decl : decls)
    if (llvm::isa<ast::FunctionDecl, ast::ModelDecl>(decl) &&
        isWithin(loc, decl->range))
      return decl;
  return nullptr;
}

std::vector<const Symbol *> SemanticIndex::visibleAt(SMLoc loc,
                                                     const Module &main) const {
  const ast::Decl *outer = enclosing(main.file->decls, loc);
  auto *model = llvm::dyn_cast_or_null<ast::ModelDecl>(outer);
  const ast::Decl *function = model ? enclosing(model->members, loc) : outer;
  const char *fileBegin = main.file->buffer.begin();
  const char *fileEnd = main.file->buffer.end();

  // Lets and indices are where they are used: inside, and before.
  std::vector<const Symbol *> inner, middle, outermost;
  for (const Symbol &symbol : symbols) {
    SMLoc at = symbol.definition.Start;
    if (at.getPointer() < fileBegin || at.getPointer() >= fileEnd)
      continue;
    bool isOfFile = symbol.decl &&
                    llvm::is_contained(main.file->decls, symbol.decl) &&
                    symbol.decl->name.range.Start == at;
    if (isOfFile)
      outermost.push_back(&symbol);
    else if (function && isWithin(at, function->range)) {
      if (at.getPointer() < loc.getPointer() && symbol.decl != function)
        inner.push_back(&symbol);
      else if (symbol.decl == function && symbol.kind != Symbol::Function)
        inner.push_back(&symbol);
    } else if (model && isWithin(at, model->range) &&
               symbol.kind != Symbol::Function &&
               !enclosing(model->members, at))
      middle.push_back(&symbol);
  }
  std::vector<const Symbol *> all = std::move(inner);
  llvm::append_range(all, middle);
  llvm::append_range(all, outermost);
  for (const auto &[name, module] : main.imports) {
    all.push_back(byDefinition.lookup(module->file->buffer.data()));
    llvm::append_range(all, exportsOf(*module));
  }
  llvm::DenseSet<StringRef> seen;
  llvm::erase_if(all, [&](const Symbol *symbol) {
    return !seen.insert(symbol->name).second;
  });
  return all;
}

std::vector<const Symbol *>
SemanticIndex::exportsOf(const Module &module) const {
  std::vector<const Symbol *> all;
  for (const Symbol &symbol : symbols) {
    if (symbol.module != &module)
      continue;
    bool isFunction = symbol.kind == Symbol::Function &&
                      module.functions.lookup(symbol.name) == symbol.decl;
    bool isConstant = symbol.kind == Symbol::Constant &&
                      module.constants.lookup(symbol.name) == symbol.decl;
    if (isFunction || isConstant)
      all.push_back(&symbol);
  }
  return all;
}

StringRef SemanticIndex::rangeOf(const IndexVar *index) const {
  if (auto it = ranges.find(index); it != ranges.end())
    return it->second;
  return extents.lookup(index->extent);
}
