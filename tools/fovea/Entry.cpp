//===- Entry.cpp - The entries of a program -------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Entry.h"

#include "tools/fovea/Command.h"

using namespace fovea;

int tool::loadEntries(const ProgramOptions &options, const EntryOptions &chosen,
                      LoadedProgram &program,
                      std::vector<attn::EntrySignature> &entries) {
  llvm::SmallVector<std::string, 1> wanted;
  if (!chosen.name.empty())
    wanted.push_back(chosen.name);
  if (int status = program.load(options, wanted))
    return status;
  auto params = attn::readParams(program.get());
  if (failed(params))
    return 1;
  for (auto function : program.get().getOps<mlir::func::FuncOp>()) {
    if (!function->hasAttr(attn::kEntryAttr))
      continue;
    auto signature = attn::readSignature(function, *params);
    if (failed(signature))
      return 1;
    entries.push_back(std::move(*signature));
  }
  if (entries.empty())
    return fail(
        llvm::createStringError("expected a program with an entry, but '" +
                                options.file + "' has none"));
  if (chosen.name.empty())
    return 0;
  // A program in graph form is read with all of its entries.
  std::string names = nameList(entries);
  llvm::erase_if(entries, [&](const attn::EntrySignature &entry) {
    return entry.name != chosen.name;
  });
  if (entries.empty())
    return fail(llvm::createStringError("expected --entry with one of " +
                                        names + ", but found '" + chosen.name +
                                        "'"));
  return 0;
}

int tool::loadEntry(const ProgramOptions &options, const EntryOptions &chosen,
                    LoadedProgram &program, attn::EntrySignature &entry) {
  std::vector<attn::EntrySignature> entries;
  if (int status = loadEntries(options, chosen, program, entries))
    return status;
  if (entries.size() > 1)
    return fail(llvm::createStringError("expected --entry with one of " +
                                        nameList(entries)));
  entry = std::move(entries.front());
  return 0;
}
