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

/// The optimized LLVM module of a program in LLVM form.
llvm::Expected<std::unique_ptr<llvm::Module>>
translate(mlir::ModuleOp program, const Target &target,
          llvm::LLVMContext &context, Timing &timing);

enum class CodeKind { Object, Assembly };

/// Machine code of an optimized module: an object file, or assembly text. The
/// module is consumed.
llvm::Expected<llvm::SmallVector<char, 0>> generateCode(llvm::Module &module,
                                                        const Target &target,
                                                        CodeKind kind,
                                                        Timing &timing);

/// Links the object into a shared library at `path`, with the C compiler that
/// is found on the search path. The file appears whole or not at all.
llvm::Error linkSharedLibrary(llvm::StringRef object, llvm::StringRef path);

/// Writes `contents` to `path` (`-` is standard output). The file appears whole
/// or not at all.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef contents);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_EMIT_H
