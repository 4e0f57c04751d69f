//===- main.cpp - fovea-lsp-server: .attn files in an editor ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea-lsp-server/CheckedInput.h"
#include "tools/fovea-lsp-server/Server.h"
#include "tools/fovea/Input.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Program.h"

using namespace fovea;
namespace cl = llvm::cl;
namespace lsp = llvm::lsp;

/// Exit status: 0 after `shutdown` and `exit`, else 1; 2 when an option or the
/// input cannot be read.
int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::OptionCategory category("Options of fovea-lsp-server");
  cl::list<std::string> searchPaths("I", cl::Prefix, cl::cat(category),
                                    cl::value_desc("directory"),
                                    cl::desc("Look here for modules"));
  cl::list<std::string> settings(
      "set", cl::cat(category), cl::value_desc("FUNCTION.NAME=VALUE"),
      cl::desc("Set a size, a compile-time parameter, or T"));
  cl::opt<lsp::Logger::Level> logLevel(
      "log", cl::cat(category), cl::desc("What to say on standard error"),
      cl::values(
          clEnumValN(lsp::Logger::Level::Error, "error", "errors"),
          clEnumValN(lsp::Logger::Level::Info, "info", "and each message"),
          clEnumValN(lsp::Logger::Level::Debug, "debug",
                     "and what it contains")),
      cl::init(lsp::Logger::Level::Error));
  cl::opt<bool> recorded(
      "recorded", cl::cat(category),
      cl::desc("Read messages that a line '// -----' separates, and write "
               "answers to be read by people"));
  cl::HideUnrelatedOptions(category);
  cl::SetVersionPrinter(tool::printVersion);
  cl::ParseCommandLineOptions(
      argc, argv, "Serves .attn files to an editor on standard input\n");

  lsp::Logger::setLogLevel(logLevel);
  std::optional<frontend::Options> options =
      tool::makeOptions(std::vector<std::string>(settings),
                        std::vector<std::string>(searchPaths));
  if (!options)
    return 2;
  if (!recorded)
    (void)llvm::sys::ChangeStdinToBinary();
  auto style = recorded ? lsp::JSONStreamStyle::Delimited
                        : lsp::JSONStreamStyle::Standard;
  lsp::JSONTransport transport(
      std::make_unique<server::CheckedInput>(stdin, style), llvm::outs(),
      /*PrettyOutput=*/recorded);
  llvm::Expected<bool> isShutDown = server::serve(transport, *options);
  if (!isShutDown) {
    lsp::Logger::error("cannot read the input: {0}",
                       llvm::toString(isShutDown.takeError()));
    return 2;
  }
  return *isShutDown ? 0 : 1;
}
