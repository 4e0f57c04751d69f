//===- check.cpp - fovea check: diagnostics only --------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Lower.h"
#include "mlir/IR/Verifier.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Input.h"
#include "tools/fovea/Options.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
namespace cl = llvm::cl;

static cl::SubCommand parser("check", "Report the errors of programs");
static cl::list<std::string> files(cl::Positional, cl::OneOrMore,
                                   cl::desc("FILE.attn..."), cl::sub(parser));
static tool::SourceOptions source(parser);
static cl::opt<bool> printGraph("print-graph", cl::Hidden,
                                cl::desc("Print programs without errors in "
                                         "graph form"),
                                cl::sub(parser));

static cl::list<std::string> entries("entry", cl::Hidden,
                                     cl::value_desc("name"),
                                     cl::desc("Print these functions only"),
                                     cl::sub(parser));

/// Exit status: 0 without errors, 1 with errors in a program, 2 when a file
/// or an option cannot be read.
static int run() {
  std::optional<frontend::Options> options =
      tool::makeOptions(source.settings, source.searchPaths);
  if (!options)
    return 2;
  int status = 0;
  for (const std::string &path : files) {
    llvm::SourceMgr sources;
    std::optional<unsigned> buffer = tool::openSource(sources, path);
    if (!buffer) {
      status = 2;
      continue;
    }
    frontend::Diagnostics diags(sources);
    auto checked = frontend::parseAndCheck(sources, *buffer, *options, diags);
    if (printGraph && !diags.hasErrors()) {
      mlir::MLIRContext context;
      if (auto module = frontend::lowerToMLIR(
              *checked, context, diags, std::vector<std::string>(entries))) {
        if (mlir::failed(mlir::verify(*module)))
          return 2;
        module->print(llvm::outs());
      }
    }
    diags.print(llvm::errs());
    if (diags.hasErrors())
      status = std::max(status, 1);
  }
  return status;
}

const tool::Command tool::checkCommand = {&parser, run};
