//===- Entry.h - The entries of a program -----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_ENTRY_H
#define FOVEA_TOOLS_FOVEA_ENTRY_H

#include "passes/cpu/Signature.h"
#include "tools/fovea/Program.h"

#include "llvm/ADT/StringExtras.h"

#include <vector>

namespace fovea::tool {

/// Loads the program that the options name, and reads the signature of the
/// entry that they choose or, when they choose none, of all: at least one.
/// Prints what is wrong; gives the exit status (see Command).
int loadEntries(const ProgramOptions &options, const EntryOptions &chosen,
                LoadedProgram &program,
                std::vector<attn::EntrySignature> &entries);

/// The same where one entry has to be chosen.
int loadEntry(const ProgramOptions &options, const EntryOptions &chosen,
              LoadedProgram &program, attn::EntrySignature &entry);

/// The names of tensors, symbols or entries, for messages.
template <typename Range>
std::string nameList(const Range &named) {
  return llvm::join(
      llvm::map_range(named, [](const auto &each) { return each.name; }), ", ");
}

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_ENTRY_H
