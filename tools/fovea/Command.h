//===- Command.h - A subcommand of the driver ---------------------*- C++
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//-*-===//
#ifndef FOVEA_TOOLS_FOVEA_COMMAND_H
#define FOVEA_TOOLS_FOVEA_COMMAND_H

#include "llvm/Support/CommandLine.h"

namespace fovea::tool {

/// One subcommand: its options are `cl::opt`s of `parser`, in its own file.
struct Command {
  llvm::cl::SubCommand *parser;
  /// Runs it with the options parsed; gives the exit status.
  int (*run)();
};

extern const Command checkCommand;
extern const Command compileCommand;
extern const Command explainCommand;
extern const Command fmtCommand;
extern const Command runCommand;

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_COMMAND_H
