//===- Modules.cpp - Files and what they use ------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Modules.h"
#include "frontend/Builtins.h"
#include "frontend/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/VirtualFileSystem.h"

using namespace fovea::frontend;
using namespace fovea::frontend::ast;

const Module *Modules::loadMain(unsigned buffer) {
  StringRef file = sources.getMemoryBuffer(buffer)->getBufferIdentifier();
  searchPaths.insert(searchPaths.begin(),
                     llvm::sys::path::parent_path(file).str());
  return parse(buffer, "");
}

Module *Modules::parse(unsigned buffer, std::string name) {
  StringRef text = sources.getMemoryBuffer(buffer)->getBuffer();
  auto owned = std::make_unique<Module>();
  Module *module = owned.get();
  modules.push_back(std::move(owned));
  byPath[name] = module;
  module->name = std::move(name);
  size_t errors = diags.size();
  module->tokens = lex(text, diags);
  module->file = Parser(module->tokens, arena, diags).parseFile(text);
  complete &= diags.size() == errors;
  collectNames(*module);
  return module;
}

void Modules::collectNames(Module &module) {
  llvm::StringMap<SMRange> seen;
  for (const Decl *decl : module.file->decls) {
    auto *function = llvm::dyn_cast<FunctionDecl>(decl);
    if (function && isWord(function->name.text)) {
      diags.error(function->name.range,
                  "'" + function->name.text +
                      "' is a word of the language and cannot be defined");
      continue;
    }
    auto [it, isNew] = seen.try_emplace(decl->name.text, decl->name.range);
    if (!isNew) {
      diags
          .error(decl->name.range,
                 "'" + decl->name.text + "' is already defined in this file")
          .note(it->second.Start, "the first definition is here");
      continue;
    }
    if (function)
      module.functions[function->name.text] = function;
    else if (auto *constant = llvm::dyn_cast<ConstDecl>(decl))
      module.constants[constant->name.text] = constant;
    else if (auto *use = llvm::dyn_cast<UseDecl>(decl))
      if (const Module *used = load(use))
        module.imports.push_back({use->name.text.str(), used});
  }
}

const Module *Modules::load(const UseDecl *use) {
  std::string name, relative;
  for (const Name &part : use->path) {
    name += (name.empty() ? "" : ".") + part.text.str();
    relative += (relative.empty() ? "" : "/") + part.text.str();
  }
  relative += ".attn";
  if (Module *loaded = byPath.lookup(name))
    return loaded;
  auto files = sources.getVirtualFileSystem();
  if (!files)
    files = llvm::vfs::getRealFileSystem();
  for (const std::string &directory : searchPaths) {
    llvm::SmallString<256> path(directory);
    llvm::sys::path::append(path, relative);
    auto status = files->status(path);
    if (!status || !status->isRegularFile())
      continue;
    auto buffer = files->getBufferForFile(path, /*FileSize=*/-1,
                                          /*RequiresNullTerminator=*/true,
                                          /*IsVolatile=*/false,
                                          /*IsText=*/true);
    if (!buffer) {
      complete = false;
      diags.error(use->range,
                  "cannot read '" + path + "': " + buffer.getError().message());
      return nullptr;
    }
    return parse(sources.AddNewSourceBuffer(std::move(*buffer), {}), name);
  }
  complete = false;
  Diagnostic &error =
      diags.error(use->range, "module '" + name + "' not found");
  for (const std::string &directory : searchPaths)
    error.help("looked in '" + (directory.empty() ? "." : directory) +
               "' for '" + relative + "'");
  return nullptr;
}
