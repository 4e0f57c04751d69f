//===- Compile.cpp - From graph form to an object -------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Compile.h"

#include "tools/emit/Annotate.h"
#include "tools/emit/Emulate.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Transforms/Utils/Cloning.h"

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
    // Once a phase is enough to tell whose fault it is, and verifying after
    // each pass takes as long as the passes.
    pm.enableVerifier(false);
    if (failed(pm.run(program)) || failed(verify(program)))
      return failure();
  }
  return success();
}

FailureOr<std::unique_ptr<llvm::Module>>
emit::compileModule(ModuleOp program, ArrayRef<Target> targets,
                    StringRef prefix, llvm::LLVMContext &context,
                    Timing &timing) {
  auto fail = [&](llvm::Error error) -> LogicalResult {
    return emitError(program.getLoc(), llvm::toString(std::move(error)));
  };
  std::vector<Alternative> alternatives;
  for (const Target &target : targets) {
    OwningOpRef<ModuleOp> copy = program.clone();
    if (failed(runPhases(*copy, target, prefix, timing)))
      return failure();
    auto module = translate(*copy, target, context, timing);
    if (!module)
      return fail(module.takeError());
    alternatives.push_back({std::move(*module), target.cpu.name});
  }
  auto joined = joinAlternatives(std::move(alternatives), prefix);
  if (!joined)
    return fail(joined.takeError());
  if (llvm::Error error = optimize(**joined, targets.back(), timing))
    return fail(std::move(error));
  return std::move(*joined);
}

FailureOr<SmallVector<char, 0>>
emit::compileCode(ModuleOp program, ArrayRef<Target> targets, StringRef prefix,
                  CodeKind kind, Timing &timing) {
  llvm::LLVMContext context;
  auto module = compileModule(program, targets, prefix, context, timing);
  if (failed(module))
    return failure();
  auto code = generateCode(**module, targets.back(), kind, timing);
  if (!code)
    return emitError(program.getLoc(), llvm::toString(code.takeError()));
  return std::move(*code);
}

FailureOr<emit::RunnableCode>
emit::compileToRun(ModuleOp program, ArrayRef<Target> targets,
                   const Target *host, StringRef prefix, bool countsBlocks) {
  llvm::LLVMContext context;
  Timing untimed;
  auto module = compileModule(program, targets, prefix, context, untimed);
  if (failed(module))
    return failure();
  auto fail = [&](llvm::Error error) -> LogicalResult {
    return emitError(program.getLoc(), llvm::toString(std::move(error)));
  };
  RunnableCode result;
  if (countsBlocks) {
    result.blocks = numberBlocks(**module);
    std::unique_ptr<llvm::Module> counted = llvm::CloneModule(**module);
    auto assembly =
        generateCode(**module, targets.back(), CodeKind::Assembly, untimed);
    if (!assembly)
      return fail(assembly.takeError());
    result.assembly.assign(assembly->begin(), assembly->end());
    *module = std::move(counted);
    countBlocks(**module, prefix);
  }
  if (host)
    if (llvm::Error error = emulate(**module, prefix, *host))
      return fail(std::move(error));
  auto object = generateCode(**module, host ? *host : targets.back(),
                             CodeKind::Object, untimed);
  if (!object)
    return fail(object.takeError());
  result.object = std::move(*object);
  return result;
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
