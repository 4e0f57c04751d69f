//===- Modules.h - Files and what they use ----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_MODULES_H
#define FOVEA_FRONTEND_MODULES_H

#include "frontend/AST.h"
#include "llvm/ADT/StringMap.h"
#include <memory>

namespace fovea::frontend {

/// One parsed file and the names it gives to others.
struct Module {
  std::string name; ///< `std.masks`; empty for the main file.
  TokenStream tokens;
  ast::File *file = nullptr;
  llvm::StringMap<const ast::FunctionDecl *> functions;
  llvm::StringMap<const ast::ConstDecl *> constants;
  /// Modules by the last part of their path, in the order of their `use`.
  std::vector<std::pair<std::string, const Module *>> imports;
};

/// Loads the main file and, through `use`, all that it needs. A module
/// `a.b` is the file `a/b.attn` in the first directory that has it: that of
/// the main file, then the search paths in order. Files are read through the
/// virtual file system of the source manager, where it has one.
class Modules {
public:
  Modules(llvm::SourceMgr &sources, Diagnostics &diags,
          std::vector<std::string> searchPaths)
      : sources(sources), diags(diags), searchPaths(std::move(searchPaths)) {}

  /// Loads the file in `buffer` of the source manager as the main file. What
  /// could not be read is reported.
  const Module *loadMain(unsigned buffer);

  /// True when all files were found and parsed.
  bool areComplete() const { return complete; }

  /// All modules, those that are used before those that use them, as far as
  /// there is no cycle.
  const std::vector<std::unique_ptr<Module>> &all() const { return modules; }

private:
  Module *parse(unsigned buffer, std::string name);
  void collectNames(Module &module);
  const Module *load(const ast::UseDecl *use);

  llvm::SourceMgr &sources;
  Diagnostics &diags;
  std::vector<std::string> searchPaths;
  llvm::BumpPtrAllocator arena;
  std::vector<std::unique_ptr<Module>> modules;
  llvm::StringMap<Module *> byPath;
  bool complete = true;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_MODULES_H
