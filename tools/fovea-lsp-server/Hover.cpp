//===- Hover.cpp - What an editor shows about a place -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Builtins.h"
#include "frontend/Describe.h"
#include "tools/fovea-lsp-server/Analysis.h"
#include "llvm/ADT/StringExtras.h"

using namespace fovea;
using namespace fovea::frontend;
using llvm::StringRef;

static std::string code(llvm::Twine text) {
  return ("```attn\n" + text + "\n```\n").str();
}

/// One line for each index: where it ranges, and what knows that.
static std::string indexList(llvm::ArrayRef<const IndexVar *> indices,
                             const SemanticIndex &semantics) {
  std::string text;
  for (const IndexVar *index : indices) {
    text += "- `" + describeIndex(index, semantics) + "`";
    const Extent *extent = index->extent;
    if (!extent)
      text += ", whose range is not known here";
    else if (extent->kind == Extent::Symbol)
      text += extent->name == index->name
                  ? ", whose size a call gives"
                  : ", as long as `" + extent->name + "`";
    else if (extent->kind == Extent::Computed)
      text += ", computed at a call";
    text += "\n";
  }
  return text.empty() ? text : "\n" + text;
}

/// The indices of a value, or of all dimensions of what is declared.
static std::string indexList(const Meaning &meaning,
                             const SemanticIndex &semantics) {
  llvm::SmallVector<const IndexVar *> indices;
  if (meaning.index) {
    indices.push_back(meaning.index);
  } else if (meaning.value) {
    indices = freeInOrder(meaning.value, {});
  } else if (meaning.tensor) {
    for (const TensorPart &part : meaning.tensor->parts())
      if (part.index && !llvm::is_contained(indices, part.index))
        indices.push_back(part.index);
  }
  return indexList(indices, semantics);
}

static StringRef kindName(const Symbol &symbol) {
  switch (symbol.kind) {
  case Symbol::Module:
    return "module";
  case Symbol::Constant:
    return "constant";
  case Symbol::Model:
    return "model";
  case Symbol::Function:
    return "function";
  case Symbol::Param:
    return "weight";
  case Symbol::Static:
    return "compile-time parameter";
  case Symbol::Operand:
    return "operand";
  case Symbol::Result:
    return "result";
  case Symbol::Index:
    return "index";
  case Symbol::Local:
    return "local value";
  }
  llvm_unreachable("unknown symbol");
}

/// The comment that says what a declaration is.
static std::string comment(const Symbol &symbol) {
  if (!symbol.module)
    return "";
  StringRef buffer = symbol.module->file->buffer;
  switch (symbol.kind) {
  case Symbol::Module:
    return leadingComment(buffer);
  case Symbol::Constant:
  case Symbol::Model:
  case Symbol::Function:
  case Symbol::Param:
    return commentAbove(buffer, symbol.decl->range.Start);
  default:
    return "";
  }
}

/// What is known of the value here, apart from how it is declared.
static std::string valueText(const Occurrence &occurrence,
                             const SemanticIndex &semantics) {
  const Meaning &meaning = occurrence.meaning;
  std::string text;
  bool isDeclared = occurrence.symbol &&
                    occurrence.symbol->kind != Symbol::Local &&
                    occurrence.symbol->kind != Symbol::Function;
  if (meaning.value && meaning.value->elem == Elem::Unknown)
    text = "\nIts type, and the indices that pass through, come from each "
           "call.\n";
  else if (meaning.value && occurrence.symbol && !isDeclared)
    text = "\nHere: `" + describeType(meaning.value) + "`\n";
  else if (meaning.value && !occurrence.symbol)
    text = code(describeType(meaning.value));
  return text + indexList(meaning, semantics);
}

/// The name around `loc` of a buffer that ends in a null.
static StringRef nameAround(StringRef expr, llvm::SMLoc loc) {
  auto isNameChar = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  size_t at = loc.getPointer() - expr.data();
  size_t begin = at, end = at;
  while (begin > 0 && isNameChar(expr[begin - 1]))
    --begin;
  while (end < expr.size() && isNameChar(expr[end]))
    ++end;
  return expr.slice(begin, end);
}

std::string server::hoverText(const SemanticIndex &semantics, llvm::SMLoc loc,
                              const Occurrence *occurrence) {
  if (!occurrence)
    return "";
  const Symbol *symbol = occurrence->symbol;
  if (!symbol) {
    const char *begin = occurrence->range.Start.getPointer();
    StringRef expr(begin, occurrence->range.End.getPointer() - begin);
    std::string text;
    if (const Word *word = findWord(nameAround(expr, loc)))
      text = code(word->usage) + word->meaning.str() + "\n\n---\n";
    return text + valueText(*occurrence, semantics);
  }
  // A loop gives a name another value, so a local is what it is here.
  std::string shown = describeSymbol(*symbol, semantics);
  if (symbol->kind == Symbol::Local && occurrence->meaning.value)
    shown = symbol->name.str() + ": " + describeType(occurrence->meaning.value);
  std::string text = code(shown);
  std::string said = comment(*symbol);
  if (!said.empty())
    text += said + "\n";
  else
    text += kindName(*symbol).str();
  if (auto *function = llvm::dyn_cast_or_null<ast::FunctionDecl>(symbol->decl);
      function && symbol->kind != Symbol::Function)
    text += " of `" + function->name.text.str() + "`";
  if (said.empty())
    text += "\n";
  bool isLocal = symbol->kind == Symbol::Local;
  if (isLocal && occurrence->meaning.value &&
      occurrence->meaning.value->elem != Elem::Unknown)
    return text + indexList(occurrence->meaning, semantics);
  return text + valueText(*occurrence, semantics);
}
