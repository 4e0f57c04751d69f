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

#include <string>

namespace fovea::emit {

/// Runs the phases up to and including `last` on a program in graph form.
/// Errors are diagnostics of the module's context.
mlir::LogicalResult runPhases(mlir::ModuleOp program, const Target &target,
                              llvm::StringRef prefix, Timing &timing,
                              attn::Phase last = attn::Phase::Llvm);

/// The optimized LLVM module of a program in graph form, for each of `targets`
/// (see makeTargets). Errors are diagnostics of the program's context.
mlir::FailureOr<std::unique_ptr<llvm::Module>>
compileModule(mlir::ModuleOp program, llvm::ArrayRef<Target> targets,
              llvm::StringRef prefix, llvm::LLVMContext &context,
              Timing &timing);

/// The machine code of a program in graph form, for each of `targets`: an
/// object file, or assembly text. Errors are diagnostics of the program's
/// context.
mlir::FailureOr<llvm::SmallVector<char, 0>>
compileCode(mlir::ModuleOp program, llvm::ArrayRef<Target> targets,
            llvm::StringRef prefix, CodeKind kind, Timing &timing);

/// Code for this process to run.
struct RunnableCode {
  llvm::SmallVector<char, 0> object;
  /// If it counts its blocks (see countBlocks): the assembly of what it
  /// computes, for `annotate`, and how many blocks there are.
  std::string assembly;
  size_t blocks = 0;
};

/// An object file that this process can load: of what the program for `targets`
/// computes, as code for them or, with a `host`, emulated on that (see
/// emulate). Errors are diagnostics of the program's context.
mlir::FailureOr<RunnableCode>
compileToRun(mlir::ModuleOp program, llvm::ArrayRef<Target> targets,
             const Target *host, llvm::StringRef prefix, bool countsBlocks);

/// Whether `prefix` can begin the name of a symbol in C.
bool isIdentifier(llvm::StringRef prefix);

/// The file's name without folder and extension, with `_` for every character
/// that an identifier cannot have: the prefix when none is given.
std::string defaultPrefix(llvm::StringRef path);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_COMPILE_H
