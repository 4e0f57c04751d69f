//===- Annotate.h - How often each block of the code ran --------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_ANNOTATE_H
#define FOVEA_TOOLS_EMIT_ANNOTATE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/IR/Module.h"

#include <string>

namespace fovea::emit {

/// Names the blocks of a module after their numbers, so that the code generator
/// says in its assembly which block it made code of. Returns how many there
/// are.
size_t numberBlocks(llvm::Module &module);

/// The name of the array that counts the blocks of a program, an i64 for each
/// by number.
std::string countsSymbol(llvm::StringRef prefix);

/// Makes numbered blocks count how often they run, on all threads together.
void countBlocks(llvm::Module &module, llvm::StringRef prefix);

/// The assembly of a module with numbered blocks, in which each block's first
/// line says how often it ran. The code generator adds blocks of its own, where
/// edges part, of which this is not known.
std::string annotate(llvm::StringRef assembly, llvm::ArrayRef<int64_t> counts);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_ANNOTATE_H
