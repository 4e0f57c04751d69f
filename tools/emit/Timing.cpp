//===- Timing.cpp - Where compile time goes -------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Timing.h"

#include "llvm/IR/PassInstrumentation.h"

#include <vector>

using namespace llvm;

void fovea::emit::timePasses(PassInstrumentationCallbacks &callbacks,
                             mlir::TimingScope &stage) {
  // Passes run passes, and ask for analyses.
  auto running = std::make_shared<std::vector<mlir::TimingScope>>();
  auto begin = [running, &stage](StringRef name) {
    mlir::TimingScope &outer = running->empty() ? stage : running->back();
    running->push_back(outer.nest(name));
  };
  auto end = [running] { running->pop_back(); };
  // What only contains passes would add levels that say nothing.
  auto isContainer = [](StringRef name) {
    return isSpecialPass(name,
                         {"PassManager", "PassAdaptor", "AnalysisManagerProxy",
                          "DevirtSCCRepeatedPass", "ModuleInlinerWrapperPass"});
  };
  callbacks.registerBeforeNonSkippedPassCallback([=](StringRef name, Any) {
    if (!isContainer(name))
      begin(name);
  });
  auto endPass = [=](StringRef name) {
    if (!isContainer(name))
      end();
  };
  callbacks.registerAfterPassCallback(
      [=](StringRef name, Any, const PreservedAnalyses &) { endPass(name); });
  callbacks.registerAfterPassInvalidatedCallback(
      [=](StringRef name, const PreservedAnalyses &) { endPass(name); });
  auto beginAnalysis = [=](StringRef name, Any) {
    if (!isContainer(name))
      begin(name);
  };
  callbacks.registerBeforeAnalysisCallback(beginAnalysis);
  callbacks.registerAfterAnalysisCallback(
      [=](StringRef name, Any) { endPass(name); });
}
