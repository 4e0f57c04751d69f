//===- Frontend.cpp - The language, for tools -----------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Frontend.h"
#include "frontend/CheckReads.h"

using namespace fovea::frontend;

std::optional<Setting> fovea::frontend::parseSetting(llvm::StringRef text) {
  auto [target, value] = text.split('=');
  auto [function, name] = target.split('.');
  if (function.empty() || name.empty() || value.empty())
    return std::nullopt;
  return Setting{function.str(), name.str(), value.str()};
}

/// Resolves what can be resolved of a program that did not parse. What it finds
/// wrong follows from that, and is kept from the reader; so is the program.
static void elaborateBroken(Checked &checked, const Module &main,
                            const Options &options, llvm::SourceMgr &sources,
                            SemanticIndex &semantics) {
  Diagnostics ignored(sources);
  Elaborator(checked.modules, main, options.settings, checked.program, ignored,
             &semantics)
      .run();
  checked.program.functions.clear();
  checked.program.params.clear();
}

std::unique_ptr<Checked>
fovea::frontend::parseAndCheck(llvm::SourceMgr &sources, unsigned buffer,
                               const Options &options, Diagnostics &diags,
                               SemanticIndex *semantics) {
  auto checked = std::make_unique<Checked>(sources, diags, options.searchPaths);
  const Module *main = checked->modules.loadMain(buffer);
  if (semantics)
    semantics->addDeclarations(checked->modules);
  // Names are worth looking at only in a program that could be read: a
  // declaration that did not parse would be an undefined name everywhere.
  if (checked->modules.areComplete())
    Elaborator(checked->modules, *main, options.settings, checked->program,
               diags, semantics)
        .run();
  else if (semantics)
    elaborateBroken(*checked, *main, options, sources, *semantics);
  // An attention that is not one kernel is an error of the program, and so is a
  // read that is never in its dimension.
  for (Function &function : checked->program.functions)
    checkReads(checked->program.graph, function, diags);
  return checked;
}
