//===- Compile.h - From graph form to an object -----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_COMPILE_H
#define FOVEA_TOOLS_EMIT_COMPILE_H

#include "tools/emit/Emit.h"
#include "tools/emit/Timing.h"

namespace fovea::emit {

/// Runs the phases up to and including `last` on a program in graph form.
/// Errors are diagnostics of the module's context.
mlir::LogicalResult runPhases(mlir::ModuleOp program, const Target &target,
                              llvm::StringRef prefix, Timing &timing,
                              attn::Phase last = attn::Phase::Llvm);

/// The object file of a program in graph form. The program is consumed; errors
/// are diagnostics of its context.
mlir::FailureOr<llvm::SmallVector<char, 0>>
compileObject(mlir::ModuleOp program, const Target &target,
              llvm::StringRef prefix, Timing &timing);

/// Whether `prefix` can begin the name of a symbol in C.
bool isIdentifier(llvm::StringRef prefix);

/// The file's name without folder and extension, with `_` for every character
/// that an identifier cannot have: the prefix when none is given.
std::string defaultPrefix(llvm::StringRef path);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_COMPILE_H
