//===- Entry.cpp - The entries of a program -------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Entry.h"

#include "llvm/ADT/StringExtras.h"

using namespace fovea;

llvm::Expected<std::vector<attn::EntrySignature>>
tool::findEntries(mlir::ModuleOp program, llvm::StringRef name,
                  llvm::StringRef file) {
  std::vector<std::string> names;
  std::vector<attn::EntrySignature> entries;
  auto params = attn::readParams(program);
  if (succeeded(params))
    for (auto function : program.getOps<mlir::func::FuncOp>()) {
      if (!function->hasAttr(attn::kEntryAttr))
        continue;
      names.push_back(function.getName().str());
      if (!name.empty() && names.back() != name)
        continue;
      auto signature = attn::readSignature(function, *params);
      if (failed(signature))
        return llvm::createStringError("malformed entry '" + names.back() +
                                       "'");
      entries.push_back(std::move(*signature));
    }
  if (names.empty())
    return llvm::createStringError("expected a program with an entry, but '" +
                                   file + "' has none");
  if (entries.empty())
    return llvm::createStringError("expected --entry with one of " +
                                   llvm::join(names, ", ") + ", but found '" +
                                   name + "'");
  return entries;
}
