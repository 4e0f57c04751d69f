//===- Entry.h - The entries of a program -----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_ENTRY_H
#define FOVEA_TOOLS_FOVEA_ENTRY_H

#include "passes/cpu/Signature.h"

#include "llvm/Support/Error.h"

#include <vector>

namespace fovea::tool {

/// The signatures of the entry called `name` or, when that is empty, of all. An
/// error for a program without entries, or without this one. `file` is what
/// errors call the program.
llvm::Expected<std::vector<attn::EntrySignature>>
findEntries(mlir::ModuleOp program, llvm::StringRef name, llvm::StringRef file);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_ENTRY_H
