//===- main.cpp - fovea, the driver ---------------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Command.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea::tool;

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  const Command *const commands[] = {&checkCommand, &compileCommand,
                                     &fmtCommand, &runCommand};
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "Fovea compiles attention from .attn files to objects and headers.\n");
  for (const Command *command : commands)
    if (*command->parser)
      return command->run();
  llvm::errs() << "fovea: error: expected a subcommand; `fovea --help` lists "
                  "them\n";
  return 2;
}
