//===- Header.h - The C header of a program ---------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_HEADER_H
#define FOVEA_TOOLS_EMIT_HEADER_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace fovea::emit {

/// The C header that declares `PREFIX_program` and, for each entry of the
/// program (in graph form), a function `PREFIX_ENTRY` with the shapes and types
/// of its operands and results in the comment.
mlir::FailureOr<std::string> makeHeader(mlir::ModuleOp program,
                                        llvm::StringRef prefix,
                                        llvm::StringRef source);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_HEADER_H
