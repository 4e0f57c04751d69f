//===- main.cpp - fovea, the driver ---------------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Command.h"
#include "tools/fovea/Input.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <new>
#include <unistd.h>

using namespace fovea::tool;

/// Without memory there is nothing to tidy up: files appear whole or not at
/// all, and the system takes the rest back.
[[noreturn]] static void outOfMemory() {
  static constexpr char message[] = "fovea: error: out of memory\n";
  (void)!write(STDERR_FILENO, message, sizeof message - 1);
  _exit(2);
}

int fovea::tool::fail(llvm::Error error) {
  llvm::errs() << "fovea: error: " << llvm::toString(std::move(error)) << '\n';
  return 2;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::set_new_handler(outOfMemory);
  llvm::install_bad_alloc_error_handler(
      [](void *, const char *, bool) { outOfMemory(); });
  const Command *const commands[] = {&checkCommand,   &compileCommand,
                                     &explainCommand, &fmtCommand,
                                     &runCommand,     &tuneCommand};
  // LLVM's own options are no part of what this tool promises.
  llvm::cl::OptionCategory none("");
  llvm::cl::HideUnrelatedOptions(none);
  llvm::cl::SetVersionPrinter(printVersion);
  if (!llvm::cl::ParseCommandLineOptions(
          argc, argv,
          "Fovea compiles attention from .attn files to objects and headers.\n",
          &llvm::errs()))
    return 2;
  for (const Command *command : commands)
    if (*command->parser)
      return command->run();
  return fail(llvm::createStringError(
      "expected a subcommand; `fovea --help` lists them"));
}
