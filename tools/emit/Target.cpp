//===- Target.cpp - The CPU that code is generated for --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Target.h"

#include "runtime/fovea_types.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

using namespace llvm;

/// The features of the CPU that this runs on, which may be fewer than those of
/// its model.
static std::string nativeFeatures() {
  SubtargetFeatures features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.AddFeature(feature.getKey(), feature.getValue());
  return features.getString();
}

/// The features that the runtime can ask the CPU for, of those that the code
/// may use.
static uint64_t requiredFeatures(const MCSubtargetInfo &subtarget, bool isX86) {
  uint64_t bits = 0;
  constexpr int firstArmBit = 48;
#define FOVEA_TEST_FEATURE(NAME, BIT, TEXT)                                    \
  if (isX86 == (BIT < firstArmBit) && subtarget.checkFeatures("+" TEXT))       \
    bits |= FOVEA_CPU_BIT(FOVEA_CPU_##NAME);
  FOVEA_CPU_FEATURES(FOVEA_TEST_FEATURE)
#undef FOVEA_TEST_FEATURE
  return bits;
}

static unsigned widestVectors(uint64_t features) {
  if (features & FOVEA_CPU_BIT(FOVEA_CPU_AVX512F))
    return 512;
  if (features & FOVEA_CPU_BIT(FOVEA_CPU_AVX2))
    return 256;
  return 128;
}

Expected<fovea::emit::Target> fovea::emit::makeTarget(StringRef name) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  InitializeNativeTargetAsmParser();
  Triple triple(sys::getDefaultTargetTriple());
  std::string error;
  const llvm::Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError("no code generator for " + triple.str() + ": " +
                             error);
  bool isNative = name == "native";
  std::string cpu = isNative ? sys::getHostCPUName().str() : name.str();
  std::string features = isNative ? nativeFeatures() : "";
  // LLVM itself would only warn of a name that it does not know.
  std::unique_ptr<MCSubtargetInfo> generic(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!generic->isCPUStringValid(cpu))
    return createStringError("expected --mcpu=native or a CPU that LLVM knows "
                             "for " +
                             triple.getArchName() + ", but found '" + cpu +
                             "'");
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard;
  Target result;
  result.machine.reset(target->createTargetMachine(
      triple, cpu, features, options, Reloc::PIC_, CodeModel::Small,
      CodeGenOptLevel::Aggressive));
  if (!result.machine)
    return createStringError("no code generator for '" + cpu + "'");
  result.cpu.name = cpu;
  result.cpu.features =
      requiredFeatures(*result.machine->getMCSubtargetInfo(), triple.isX86());
  result.cpu.vectorBits = widestVectors(result.cpu.features);
  return result;
}
