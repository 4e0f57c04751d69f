//===- Emit.cpp - From LLVM's dialect to machine code ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Emit.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/PassTimingInfo.h"
#include "llvm/Pass.h"

using namespace llvm;

static bool usesMatrixUnit(Function &function) {
  return llvm::any_of(instructions(function), [](Instruction &instruction) {
    return instruction.getType()->isX86_AMXTy();
  });
}

Expected<std::unique_ptr<Module>> fovea::emit::translate(mlir::ModuleOp program,
                                                         const Target &target,
                                                         LLVMContext &context,
                                                         Timing &timing) {
  mlir::TimingScope stage = timing.stage("translation to LLVM IR");
  std::unique_ptr<Module> module =
      mlir::translateModuleToLLVMIR(program, context, "fovea");
  if (!module)
    return createStringError("the program has no form in LLVM IR");
  TargetMachine &machine = *target.machine;
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  module->setPICLevel(PICLevel::BigPIC);
  for (Function &function : *module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
    // LLVM avoids the widest registers on some CPUs; the schedule counts on
    // them.
    function.addFnAttr("prefer-vector-width", utostr(target.cpu.vectorBits));
    function.addFnAttr(Attribute::NoUnwind);
    // After a call the tiles of a matrix unit would be configured again.
    if (usesMatrixUnit(function))
      function.addFnAttr("no-builtin-memset");
    if (target.isSanitized)
      function.addFnAttr(Attribute::SanitizeAddress);
  }
  return module;
}

Expected<SmallVector<char, 0>> fovea::emit::generateCode(Module &module,
                                                         const Target &target,
                                                         CodeKind kind,
                                                         Timing &timing) {
  mlir::TimingScope stage = timing.stage("code generation");
  SmallVector<char, 0> code;
  raw_svector_ostream stream(code);
  legacy::PassManager passes;
  if (target.machine->addPassesToEmitFile(passes, stream, nullptr,
                                          kind == CodeKind::Object
                                              ? CodeGenFileType::ObjectFile
                                              : CodeGenFileType::AssemblyFile))
    return createStringError("no code generator for this kind of file");
  TimePassesIsEnabled = timing.codeGeneratorPasses != nullptr;
  passes.run(module);
  if (timing.codeGeneratorPasses)
    reportAndResetTimings(timing.codeGeneratorPasses);
  TimePassesIsEnabled = false;
  return code;
}
