//===- Emulate.h - Code for one CPU, run on another -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_EMULATE_H
#define FOVEA_TOOLS_EMIT_EMULATE_H

#include "tools/emit/Target.h"

#include "llvm/IR/Module.h"

namespace fovea::emit {

/// Makes the optimized module of a program for one x86 CPU code for `host`,
/// another of x86. Everything but its instructions stays: tiles, layouts, the
/// order of sums. Vectors that are wider than the host's are cut by the code
/// generator; what LLVM calls by the name of an instruction (AVX-512's
/// exponents, products of pairs, the tiles of AMX) becomes a call of a function
/// of this process (EmulatedInstructions.h), which `LoadedObject` provides. It
/// takes many times as long. Fails where the code uses an instruction that is
/// not known here.
llvm::Error emulate(llvm::Module &module, llvm::StringRef prefix,
                    const Target &host);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_EMULATE_H
