//===- Emit.h - From LLVM's dialect to files --------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_EMIT_H
#define FOVEA_TOOLS_EMIT_EMIT_H

#include "tools/emit/Target.h"
#include "tools/emit/Timing.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

namespace fovea::emit {

/// The LLVM module of a program in LLVM form. Each function says for which CPU
/// it is.
llvm::Expected<std::unique_ptr<llvm::Module>>
translate(mlir::ModuleOp program, const Target &target,
          llvm::LLVMContext &context, Timing &timing);

/// A program compiled for one CPU.
struct Alternative {
  std::unique_ptr<llvm::Module> module;
  std::string cpu;
};

/// Joins the same program for several CPUs, best first and at least one, in one
/// module, of one context: the exported `PREFIX_program` is the first, and
/// leads to the others (runtime/fovea_abi.h). The names of their functions end
/// with the CPU.
llvm::Expected<std::unique_ptr<llvm::Module>>
joinAlternatives(std::vector<Alternative> alternatives, llvm::StringRef prefix);

/// Optimizes a module of functions that say for which CPU they are; `target` is
/// one of theirs.
llvm::Error optimize(llvm::Module &module, const Target &target,
                     Timing &timing);

enum class CodeKind { Object, Assembly };

/// Machine code of an optimized module: an object file, or assembly text.
/// `target` is one of its CPUs. The module is consumed.
llvm::Expected<llvm::SmallVector<char, 0>> generateCode(llvm::Module &module,
                                                        const Target &target,
                                                        CodeKind kind,
                                                        Timing &timing);

/// Links the object into a shared library at `path`, with the C compiler for
/// `triple` that is found on the search path; an empty one is this machine's.
/// The file appears whole or not at all.
llvm::Error linkSharedLibrary(llvm::StringRef object, llvm::StringRef path,
                              llvm::StringRef triple);

/// Writes `contents` to `path` (`-` is standard output). The file appears whole
/// or not at all.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef contents);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_EMIT_H
