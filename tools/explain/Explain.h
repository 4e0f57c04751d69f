//===- Explain.h - What became of a program, as text ------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_EXPLAIN_H
#define FOVEA_TOOLS_EXPLAIN_EXPLAIN_H

#include "passes/Pipelines.h"
#include "tools/explain/Sizes.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace fovea::explain {

/// An entry to explain, and what is known of a call of it.
struct EntryRequest {
  attn::EntrySignature signature;
  CallValues call;
};

/// The text of the source line at a location, without blanks around it; empty
/// when there is none.
using SourceLine = llvm::function_ref<std::string(mlir::FileLineColLoc)>;

/// Prints what becomes of the entries of a program in graph form: of each
/// attention its dimensions, mask, schedule and work, then the layers around
/// them, and the memory. Runs the phases up to the vector form for this, so
/// that the program is consumed; errors are diagnostics of its context.
mlir::LogicalResult explainProgram(mlir::ModuleOp program,
                                   llvm::ArrayRef<EntryRequest> entries,
                                   const attn::CpuOptions &cpu,
                                   SourceLine sourceLine,
                                   llvm::raw_ostream &os);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_EXPLAIN_H
