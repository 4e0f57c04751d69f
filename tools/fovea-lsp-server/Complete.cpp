//===- Complete.cpp - What may be written at a place --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Builtins.h"
#include "frontend/Describe.h"
#include "tools/fovea-lsp-server/Analysis.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace fovea;
using namespace fovea::server;
namespace lsp = llvm::lsp;
using frontend::Symbol;
using llvm::StringRef;

static bool isNameChar(char c) { return llvm::isAlnum(c) || c == '_'; }

static lsp::CompletionItemKind completionKind(const Symbol &symbol) {
  switch (symbol.kind) {
  case Symbol::Module:
    return lsp::CompletionItemKind::Module;
  case Symbol::Constant:
  case Symbol::Static:
    return lsp::CompletionItemKind::Constant;
  case Symbol::Model:
    return lsp::CompletionItemKind::Class;
  case Symbol::Function:
    return lsp::CompletionItemKind::Function;
  case Symbol::Param:
    return lsp::CompletionItemKind::Field;
  case Symbol::Operand:
  case Symbol::Result:
  case Symbol::Index:
  case Symbol::Local:
    return lsp::CompletionItemKind::Variable;
  }
  llvm_unreachable("unknown symbol");
}

static void add(lsp::CompletionList &list, StringRef label,
                lsp::CompletionItemKind kind, StringRef detail,
                StringRef documentation = "") {
  lsp::CompletionItem item;
  item.label = label.str();
  item.kind = kind;
  item.detail = llvm::json::fixUTF8(detail);
  if (!documentation.empty())
    item.documentation = lsp::MarkupContent{lsp::MarkupKind::Markdown,
                                            llvm::json::fixUTF8(documentation)};
  // What is nearest comes first, whatever its name.
  item.sortText = llvm::formatv("{0,4:F0}", list.items.size()).str();
  item.insertTextFormat = lsp::InsertTextFormat::PlainText;
  list.items.push_back(std::move(item));
}

void Analysis::completeSymbols(llvm::ArrayRef<const Symbol *> symbols,
                               lsp::CompletionList &list) const {
  for (const Symbol *symbol : symbols) {
    std::string comment;
    if (symbol->kind == Symbol::Function && symbol->module)
      comment = frontend::commentAbove(symbol->module->file->buffer,
                                       symbol->decl->range.Start);
    add(list, symbol->name, completionKind(*symbol),
        describeSymbol(*symbol, semantics), comment);
  }
}

/// The modules below `path`, `std` in `use std.`, in the order in which they
/// are looked up.
void Analysis::completeModules(StringRef path,
                               lsp::CompletionList &list) const {
  std::vector<std::string> directories = options.searchPaths;
  directories.insert(directories.begin(),
                     llvm::sys::path::parent_path(uri.file()).str());
  llvm::SmallVector<StringRef> parts;
  path.split(parts, '.', -1, /*KeepEmpty=*/false);
  auto files = sources.getVirtualFileSystem();
  std::set<std::string> found;
  auto modulesIn = [&](StringRef directory, auto visit) {
    std::error_code error;
    for (llvm::vfs::directory_iterator it = files->dir_begin(directory, error),
                                       end;
         !error && it != end; it.increment(error)) {
      StringRef name = llvm::sys::path::stem(it->path());
      if (!name.empty() && llvm::all_of(name, isNameChar))
        visit(*it, name.str());
    }
  };
  auto isModule = [](const llvm::vfs::directory_entry &entry) {
    return llvm::sys::path::extension(entry.path()) == ".attn";
  };
  for (StringRef each : directories) {
    llvm::SmallString<256> directory(each);
    for (StringRef part : parts)
      llvm::sys::path::append(directory, part);
    modulesIn(directory, [&](const auto &entry, std::string name) {
      if (isModule(entry)) {
        found.insert(name);
      } else if (entry.type() == llvm::sys::fs::file_type::directory_file) {
        modulesIn(entry.path(), [&](const auto &inner, std::string) {
          if (isModule(inner))
            found.insert(name);
        });
      }
    });
  }
  for (const std::string &name : found)
    add(list, name, lsp::CompletionItemKind::Module, "");
}

lsp::CompletionList Analysis::completion(lsp::Position position) const {
  lsp::CompletionList list;
  llvm::SMLoc at = loc(position);
  StringRef before = text().take_front(at.getPointer() - text().data());
  StringRef line = before.substr(before.rfind('\n') + 1).ltrim();
  if (line.contains('#') || line.count('"') % 2)
    return list; // nothing of the language is in comments and names of weights
  StringRef prefix = line.rtrim(
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
  if (line.consume_front("use ")) {
    completeModules(prefix.drop_front(std::min<size_t>(prefix.size(), 4)),
                    list);
    return list;
  }
  if (prefix.consume_back(".")) {
    size_t begin = prefix.size();
    while (begin > 0 && isNameChar(prefix[begin - 1]))
      --begin;
    for (const auto &[name, module] : main->imports)
      if (name == prefix.substr(begin))
        completeSymbols(semantics.exportsOf(*module), list);
    return list;
  }
  completeSymbols(semantics.visibleAt(at, *main), list);
  for (const frontend::Word &word : frontend::words())
    add(list, word.name, lsp::CompletionItemKind::Function, word.usage,
        word.meaning);
  for (const frontend::Keyword &keyword : frontend::keywords())
    add(list, keyword.text, lsp::CompletionItemKind::Keyword, "");
  return list;
}
