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

bool tool::LoadedProgram::load(llvm::StringRef path,
                               llvm::ArrayRef<std::string> settings,
                               llvm::ArrayRef<std::string> searchPaths,
                               llvm::ArrayRef<std::string> entries) {
  std::optional<unsigned> buffer = openSource(sources, path);
  if (!buffer)
    return false;
  if (llvm::sys::path::extension(path) == ".mlir") {
    module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
    return static_cast<bool>(module);
  }
  std::optional<frontend::Options> options = makeOptions(settings, searchPaths);
  if (!options)
    return false;
  frontend::Diagnostics diags(sources);
  auto checked = frontend::parseAndCheck(sources, *buffer, *options, diags);
  if (!diags.hasErrors())
    module = frontend::lowerToMLIR(*checked, context, diags, entries);
  diags.print(llvm::errs());
  return !diags.hasErrors() && module && succeeded(mlir::verify(*module));
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
