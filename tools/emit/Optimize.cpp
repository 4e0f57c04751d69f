//===- Optimize.cpp - LLVM's passes over a program ------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's pipelines are made for programs that people write: they simplify again
// after each step, since a call that was inlined or a branch that was decided
// may uncover much. Here the kernels are vector code already, nothing is
// inlined, and what branches are worth was decided in the phases before. So
// each pass runs as often as it finds something, which takes half the time.
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Emit.h"

#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/IPO/ConstantMerge.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Instrumentation/AddressSanitizer.h"
#include "llvm/Transforms/Scalar/DivRemPairs.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopDeletion.h"
#include "llvm/Transforms/Scalar/LoopIdiomRecognize.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/LoopSimplifyCFG.h"
#include "llvm/Transforms/Scalar/LoopUnrollPass.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "llvm/Transforms/Vectorize/LoopVectorize.h"
#include "llvm/Transforms/Vectorize/VectorCombine.h"

using namespace llvm;

/// Adds loop passes, which keep MemorySSA.
template <typename... Passes>
static void addLoopPasses(FunctionPassManager &passes, Passes &&...each) {
  LoopPassManager loops;
  (loops.addPass(std::forward<Passes>(each)), ...);
  passes.addPass(createFunctionToLoopPassAdaptor(std::move(loops),
                                                 /*UseMemorySSA=*/true));
}

/// What was translated, as few scalars and registers: descriptors of memrefs
/// and vectors of vectors go.
static void addSimplification(FunctionPassManager &passes) {
  passes.addPass(SimplifyCFGPass());
  passes.addPass(SROAPass(SROAOptions::ModifyCFG));
  passes.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(InstCombinePass());
}

/// Addresses and masks leave the loops, and loops over a few rows or registers
/// go. Induction variables stay as they are: indices are as wide as addresses
/// already, and the code generator chooses those that it steps.
static void addLoopSimplification(FunctionPassManager &passes) {
  addLoopPasses(passes, LoopSimplifyCFGPass(), LoopRotatePass(),
                LICMPass(LICMOptions()));
  passes.addPass(SimplifyCFGPass());
  LoopPassManager loops; // none of them keeps MemorySSA
  loops.addPass(LoopIdiomRecognizePass());
  loops.addPass(LoopDeletionPass());
  loops.addPass(LoopFullUnrollPass(/*OptLevel=*/2));
  passes.addPass(createFunctionToLoopPassAdaptor(std::move(loops)));
  // What the copies of an unrolled body share, masks above all.
  passes.addPass(VectorCombinePass());
  passes.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(InstCombinePass());
  addLoopPasses(passes, LICMPass(LICMOptions()));
}

/// The loops around the kernels, over elements, become vector code.
static void addVectorization(FunctionPassManager &passes) {
  passes.addPass(LoopVectorizePass());
  passes.addPass(InstCombinePass());
  addLoopPasses(passes, LICMPass(LICMOptions()));
  passes.addPass(DivRemPairsPass());
  passes.addPass(SimplifyCFGPass(SimplifyCFGOptions()
                                     .needCanonicalLoops(false)
                                     .hoistCommonInsts(true)
                                     .sinkCommonInsts(true)));
}

/// The passes for a module of functions for `target`.
static ModulePassManager optimizer(const fovea::emit::Target &target) {
  FunctionPassManager functions;
  addSimplification(functions);
  addLoopSimplification(functions);
  addVectorization(functions);
  ModulePassManager passes;
  passes.addPass(createModuleToFunctionPassAdaptor(std::move(functions),
                                                   /*EagerlyInvalidate=*/true));
  if (target.isSanitized) {
    AddressSanitizerOptions options;
    options.UseAfterReturn = AsanDetectStackUseAfterReturnMode::Never;
    // Constants are not registered: no constructor runs on loading.
    passes.addPass(AddressSanitizerPass(
        options, /*UseGlobalGC=*/true,
        /*UseOdrIndicator=*/true, AsanDtorKind::None, AsanCtorKind::None));
  }
  // Programs for several CPUs have the same tables.
  passes.addPass(ConstantMergePass());
  return passes;
}

Error fovea::emit::optimize(Module &module, const Target &target,
                            Timing &timing) {
  std::string problems;
  raw_string_ostream stream(problems);
  if (verifyModule(module, &stream))
    return createStringError("malformed LLVM IR: " + problems);
  mlir::TimingScope stage = timing.stage("LLVM optimization");
  PassInstrumentationCallbacks callbacks;
  if (timing.withPasses)
    timePasses(callbacks, stage);
  PassBuilder builder(target.machine.get(), PipelineTuningOptions(),
                      std::nullopt, &callbacks);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graphs;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  optimizer(target).run(module, modules);
  return Error::success();
}
