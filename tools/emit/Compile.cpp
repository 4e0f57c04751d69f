//===- Compile.cpp - From graph form to an object -------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Compile.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace fovea;

LogicalResult emit::runPhases(ModuleOp program, const Target &target,
                              StringRef prefix, Timing &timing,
                              attn::Phase last) {
  attn::PipelineOptions options;
  options.cpu = target.cpu;
  options.prefix = prefix.str();
  for (attn::Phase phase : attn::phasesTo(last)) {
    TimingScope stage = timing.stage(attn::phaseName(phase));
    PassManager pm(program.getContext());
    attn::populatePhase(pm, options, phase);
    if (timing.withPasses)
      pm.enableTiming(stage);
    if (failed(pm.run(program)))
      return failure();
  }
  return success();
}

FailureOr<SmallVector<char, 0>> emit::compileObject(ModuleOp program,
                                                    const Target &target,
                                                    StringRef prefix,
                                                    Timing &timing) {
  if (failed(runPhases(program, target, prefix, timing)))
    return failure();
  llvm::LLVMContext context;
  auto module = translate(program, target, context, timing);
  if (!module)
    return emitError(program.getLoc(), llvm::toString(module.takeError()));
  auto object = generateCode(**module, target, CodeKind::Object, timing);
  if (!object)
    return emitError(program.getLoc(), llvm::toString(object.takeError()));
  return std::move(*object);
}

bool emit::isIdentifier(StringRef prefix) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  return !prefix.empty() && !llvm::isDigit(prefix.front()) &&
         llvm::all_of(prefix, isPart);
}

std::string emit::defaultPrefix(StringRef path) {
  std::string prefix = llvm::sys::path::stem(path).str();
  for (char &c : prefix)
    if (!llvm::isAlnum(c))
      c = '_';
  if (prefix.empty() || llvm::isDigit(prefix.front()))
    prefix.insert(prefix.begin(), '_');
  return prefix;
}
