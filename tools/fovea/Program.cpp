//===- Program.cpp - Programs in graph form, for subcommands --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Program.h"

#include "frontend/Lower.h"
#include "passes/Pipelines.h"
#include "tools/fovea/Input.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/LineIterator.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;

static mlir::DialectRegistry allDialects() {
  mlir::DialectRegistry registry;
  attn::registerDialects(registry);
  return registry;
}

// One thread: programs are small, and starting threads costs more than it
// gains.
tool::LoadedProgram::LoadedProgram()
    : context(allDialects(), mlir::MLIRContext::Threading::DISABLED),
      handler(std::make_unique<mlir::SourceMgrDiagnosticHandler>(sources,
                                                                 &context)) {
  context.printOpOnDiagnostic(false);
  context.loadAllAvailableDialects();
}

tool::LoadedProgram::~LoadedProgram() = default;

int tool::LoadedProgram::load(const ProgramOptions &options,
                              llvm::ArrayRef<std::string> entries) {
  std::optional<unsigned> buffer = openSource(sources, options.file);
  if (!buffer)
    return 2;
  if (llvm::sys::path::extension(options.file) == ".mlir") {
    module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
    return module ? 0 : 1;
  }
  std::optional<frontend::Options> reading =
      makeOptions(options.source.settings, options.source.searchPaths);
  if (!reading)
    return 2;
  frontend::Diagnostics diags(sources);
  auto checked = frontend::parseAndCheck(sources, *buffer, *reading, diags);
  if (!diags.hasErrors())
    module = frontend::lowerToMLIR(*checked, context, diags, entries);
  diags.print(llvm::errs());
  bool isSound =
      !diags.hasErrors() && module && succeeded(mlir::verify(*module));
  return isSound ? 0 : 1;
}

std::string tool::LoadedProgram::sourceLine(mlir::FileLineColLoc loc) const {
  for (unsigned id = 1; id <= sources.getNumBuffers(); ++id) {
    const llvm::MemoryBuffer *buffer = sources.getMemoryBuffer(id);
    if (buffer->getBufferIdentifier() != loc.getFilename())
      continue;
    for (llvm::line_iterator line(*buffer, /*SkipBlanks=*/false);
         !line.is_at_end(); ++line)
      if (line.line_number() == loc.getLine())
        return line->trim().str();
  }
  return "";
}
