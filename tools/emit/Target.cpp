//===- Target.cpp - The CPU that code is generated for --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Target.h"

#include "runtime/fovea_abi.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace llvm;

static bool isKnownTo(bool isX86, int bit) {
  constexpr int firstArmBit = 48;
  return isX86 == (bit < firstArmBit);
}

/// The features that the runtime can ask the CPU for, of those that the code
/// may use.
static uint64_t requiredFeatures(const MCSubtargetInfo &subtarget, bool isX86) {
  uint64_t bits = 0;
#define FOVEA_TEST_FEATURE(NAME, BIT, TEXT)                                    \
  if (isKnownTo(isX86, BIT) && subtarget.checkFeatures("+" TEXT))              \
    bits |= FOVEA_CPU_BIT(FOVEA_CPU_##NAME);
  FOVEA_CPU_FEATURES(FOVEA_TEST_FEATURE)
#undef FOVEA_TEST_FEATURE
  return bits;
}

/// The features of the CPU that this runs on: they may differ from what its
/// model says.
static SubtargetFeatures nativeFeatures() {
  SubtargetFeatures features;
  for (const auto &feature : sys::getHostCPUFeatures())
    features.AddFeature(feature.getKey(), feature.getValue());
  return features;
}

/// Switches those instruction sets of an x86 CPU off whose presence the runtime
/// cannot check: on a CPU without them an object would die instead of being
/// refused.
static void dropUncheckedFeatures(const MCSubtargetInfo &generic, StringRef cpu,
                                  SubtargetFeatures &features) {
  if (X86::parseArchX86(cpu) == X86::CK_None)
    return; // names the architecture alone
  SmallVector<StringRef> ofModel;
  X86::getFeaturesForCPU(cpu, ofModel);
  auto makeInfo = [&](StringRef name, const SubtargetFeatures &with) {
    std::string error;
    const Triple &triple = generic.getTargetTriple();
    return std::unique_ptr<MCSubtargetInfo>(
        TargetRegistry::lookupTarget(triple, error)
            ->createMCSubtargetInfo(triple, name, with.getString()));
  };
  std::unique_ptr<MCSubtargetInfo> all = makeInfo(cpu, features);
  SubtargetFeatures known;
#define FOVEA_ADD_FEATURE(NAME, BIT, TEXT)                                     \
  if (isKnownTo(true, BIT) && all->checkFeatures("+" TEXT))                    \
    known.AddFeature(TEXT);
  FOVEA_CPU_FEATURES(FOVEA_ADD_FEATURE)
#undef FOVEA_ADD_FEATURE
  // What the known ones imply, and what every x86-64 has, may stay.
  std::unique_ptr<MCSubtargetInfo> checked = makeInfo("x86-64", known);
  StringSet<> names;
  for (StringRef name : ofModel)
    names.insert(name);
  for (const std::string &flagged : features.getFeatures())
    names.insert(SubtargetFeatures::StripFlag(flagged));
  for (const SubtargetFeatureKV &feature : generic.getAllProcessorFeatures())
    if (names.contains(feature.Key) && all->hasFeature(feature.Value) &&
        !checked->hasFeature(feature.Value))
      features.AddFeature(feature.Key, false);
}

static unsigned widestVectors(uint64_t features) {
  if (features & FOVEA_CPU_BIT(FOVEA_CPU_AVX512F))
    return 512;
  if (features & FOVEA_CPU_BIT(FOVEA_CPU_AVX2))
    return 256;
  return 128;
}

static Expected<fovea::emit::Target> makeTarget(StringRef name) {
  Triple triple(sys::getDefaultTargetTriple());
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError("no code generator for " + triple.str() + ": " +
                             error);
  bool isNative = name == "native";
  std::string cpu = isNative ? sys::getHostCPUName().str() : name.str();
  // LLVM itself would only warn of a name that it does not know.
  std::unique_ptr<MCSubtargetInfo> generic(
      target->createMCSubtargetInfo(triple, "", ""));
  if (!generic->isCPUStringValid(cpu))
    return createStringError("expected --mcpu=native or a CPU that LLVM knows "
                             "for " +
                             triple.getArchName() + ", but found '" + cpu +
                             "'");
  SubtargetFeatures features;
  if (isNative)
    features = nativeFeatures();
  if (triple.isX86())
    dropUncheckedFeatures(*generic, cpu, features);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard;
  fovea::emit::Target result;
  result.machine.reset(target->createTargetMachine(
      triple, cpu, features.getString(), options, Reloc::PIC_, CodeModel::Small,
      CodeGenOptLevel::Aggressive));
  if (!result.machine)
    return createStringError("no code generator for '" + cpu + "'");
  result.cpu.name = cpu;
  result.cpu.features =
      requiredFeatures(*result.machine->getMCSubtargetInfo(), triple.isX86());
  result.cpu.vectorBits = widestVectors(result.cpu.features);
  return result;
}

/// Whether the code for `a` is to be preferred where both can run.
static bool isBetter(const fovea::emit::Target &a,
                     const fovea::emit::Target &b) {
  auto rank = [](const fovea::attn::CpuOptions &cpu) {
    return std::make_pair(cpu.vectorBits, popcount(cpu.features));
  };
  auto first = rank(a.cpu), second = rank(b.cpu);
  return first != second ? first > second : a.cpu.name < b.cpu.name;
}

Expected<std::vector<fovea::emit::Target>>
fovea::emit::makeTargets(ArrayRef<std::string> names) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  InitializeNativeTargetAsmParser();
  if (names.size() > FOVEA_MAX_ALTERNATIVES)
    return createStringError("expected at most %d CPUs in --mcpu, but found "
                             "%zu",
                             FOVEA_MAX_ALTERNATIVES, names.size());
  std::vector<Target> targets;
  for (StringRef name : names) {
    Expected<Target> target = makeTarget(name);
    if (!target)
      return target.takeError();
    for (const Target &other : targets) {
      if (other.cpu.name == target->cpu.name)
        return createStringError("expected different CPUs in --mcpu, but found "
                                 "'" +
                                 other.cpu.name + "' twice");
      if (other.cpu.features == target->cpu.features)
        return createStringError(
            "expected CPUs in --mcpu that the runtime can tell apart, but '" +
            other.cpu.name + "' and '" + target->cpu.name +
            "' need the same features");
    }
    targets.push_back(std::move(*target));
  }
  llvm::sort(targets, isBetter);
  return targets;
}
