//===- Command.h - A subcommand of the driver -------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_COMMAND_H
#define FOVEA_TOOLS_FOVEA_COMMAND_H

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

namespace fovea::tool {

/// One subcommand: its options are `cl::opt`s of `parser`, in its own file.
struct Command {
  llvm::cl::SubCommand *parser;
  /// Runs it with the options parsed; gives the exit status: 0, 1 with errors
  /// in a program, 2 when an option is wrong, a file cannot be read or written,
  /// or the inputs do not fit the program.
  int (*run)();
};

extern const Command checkCommand;
extern const Command compileCommand;
extern const Command explainCommand;
extern const Command fmtCommand;
extern const Command runCommand;
extern const Command tuneCommand;

/// Prints what the command line, a file or an input has wrong, and gives the
/// exit status for it.
int fail(llvm::Error error);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_COMMAND_H
