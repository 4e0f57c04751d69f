//===- EmulatedInstructions.h - What instructions compute -------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_EMULATEDINSTRUCTIONS_H
#define FOVEA_TOOLS_EMIT_EMULATEDINSTRUCTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace fovea::emit {

/// An instruction that compiled programs use by its name in LLVM.
struct Instruction {
  llvm::StringRef intrinsic;
  /// A C function that does the same in memory: it is given a pointer to the
  /// place of the result, null where there is none, and one to each operand.
  void *function;
};

llvm::ArrayRef<Instruction> getInstructions();
const Instruction *findInstruction(llvm::StringRef intrinsic);

/// The name that emulated code calls an instruction's function by.
std::string getSymbol(const Instruction &instruction);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_EMULATEDINSTRUCTIONS_H
