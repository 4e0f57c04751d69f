//===- Program.h - Programs in graph form, for subcommands ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_PROGRAM_H
#define FOVEA_TOOLS_FOVEA_PROGRAM_H

#include "tools/fovea/Options.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Support/LLVM.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir {
class SourceMgrDiagnosticHandler;
}

namespace fovea::tool {

/// A program in graph form, and what it lives in. Diagnostics of its context
/// are printed with the source line.
class LoadedProgram {
public:
  LoadedProgram();
  ~LoadedProgram();

  /// Reads the `.attn` file that the options name, or a `.mlir` file that holds
  /// a program in graph form. `entries` names the functions of a `.attn` file
  /// to lower; empty stands for all. Prints the errors; gives the exit status
  /// (see Command), 0 when the program is loaded.
  int load(const ProgramOptions &options,
           llvm::ArrayRef<std::string> entries = {});

  mlir::ModuleOp get() { return *module; }

  /// The line of the program, or of a module that it uses, at `loc`, without
  /// blanks around it; empty for another file.
  std::string sourceLine(mlir::FileLineColLoc loc) const;

private:
  llvm::SourceMgr sources;
  mlir::MLIRContext context;
  std::unique_ptr<mlir::SourceMgrDiagnosticHandler> handler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_PROGRAM_H
