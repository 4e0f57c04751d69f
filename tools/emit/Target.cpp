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
#include "llvm/TargetParser/AArch64TargetParser.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <unistd.h>

using namespace llvm;

static bool isKnownTo(const Triple &triple, int bit) {
  constexpr int firstArmBit = 48;
  return triple.isX86() == (bit < firstArmBit);
}

/// The features that the runtime can ask the CPU for, of those that the code
/// may use.
static uint64_t requiredFeatures(const MCSubtargetInfo &subtarget) {
  uint64_t bits = 0;
#define FOVEA_TEST_FEATURE(NAME, BIT, TEXT)                                    \
  if (isKnownTo(subtarget.getTargetTriple(), BIT) &&                           \
      subtarget.checkFeatures("+" TEXT))                                       \
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

/// Names of the features that are instruction sets, and not what is fast on a
/// CPU: on x86, for which there is no such list, those of the CPU.
static StringSet<> instructionSets(const Triple &triple, StringRef cpu) {
  StringSet<> names;
  if (triple.isAArch64()) {
    for (const AArch64::ExtensionInfo &extension : AArch64::Extensions)
      names.insert(SubtargetFeatures::StripFlag(extension.PosTargetFeature));
    return names;
  }
  if (X86::parseArchX86(cpu) == X86::CK_None)
    return names; // names the architecture alone
  SmallVector<StringRef> ofModel;
  X86::getFeaturesForCPU(cpu, ofModel);
  for (StringRef name : ofModel)
    names.insert(name);
  return names;
}

/// Switches those instruction sets of a CPU off whose presence the runtime
/// cannot check: on a CPU without them an object would die instead of being
/// refused.
static void dropUncheckedFeatures(const MCSubtargetInfo &generic, StringRef cpu,
                                  SubtargetFeatures &features) {
  const Triple &triple = generic.getTargetTriple();
  StringSet<> names = instructionSets(triple, cpu);
  if (names.empty())
    return;
  auto makeInfo = [&](StringRef name, const SubtargetFeatures &with) {
    std::string error;
    return std::unique_ptr<MCSubtargetInfo>(
        TargetRegistry::lookupTarget(triple, error)
            ->createMCSubtargetInfo(triple, name, with.getString()));
  };
  std::unique_ptr<MCSubtargetInfo> all = makeInfo(cpu, features);
  SubtargetFeatures known;
#define FOVEA_ADD_FEATURE(NAME, BIT, TEXT)                                     \
  if (isKnownTo(triple, BIT) && all->checkFeatures("+" TEXT))                  \
    known.AddFeature(TEXT);
  FOVEA_CPU_FEATURES(FOVEA_ADD_FEATURE)
#undef FOVEA_ADD_FEATURE
  // What the known ones imply, and what every CPU has, may stay.
  std::unique_ptr<MCSubtargetInfo> checked =
      makeInfo(triple.isX86() ? "x86-64" : "generic", known);
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

/// Sizes of a core's data caches, where they are known by the CPU's name.
static void setUsualCaches(fovea::attn::CpuOptions &cpu) {
  struct Caches {
    StringRef cpu;
    int64_t level1KiB, level2KiB;
  };
  static constexpr Caches known[] = {
      {"skylake-avx512", 32, 1024}, {"cascadelake", 32, 1024},
      {"cooperlake", 32, 1024},     {"icelake-server", 48, 1280},
      {"sapphirerapids", 48, 2048}, {"emeraldrapids", 48, 2048},
      {"graniterapids", 48, 2048},  {"znver2", 32, 512},
      {"znver3", 32, 512},          {"znver4", 32, 1024},
      {"znver5", 48, 1024},         {"haswell", 32, 256},
      {"broadwell", 32, 256},       {"skylake", 32, 256},
      {"neoverse-n1", 64, 1024},    {"neoverse-n2", 64, 1024},
      {"neoverse-v1", 64, 1024},    {"neoverse-v2", 64, 2048},
  };
  for (const Caches &each : known)
    if (each.cpu == cpu.name) {
      cpu.level1Bytes = each.level1KiB << 10;
      cpu.level2Bytes = each.level2KiB << 10;
    }
}

/// The same of the CPU that this runs on, where the system tells.
static void setNativeCaches(fovea::attn::CpuOptions &cpu) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  if (long size = sysconf(_SC_LEVEL1_DCACHE_SIZE); size > 0)
    cpu.level1Bytes = size;
  if (long size = sysconf(_SC_LEVEL2_CACHE_SIZE); size > 0)
    cpu.level2Bytes = size;
#else
  (void)cpu;
#endif
}

/// Null for an architecture that LLVM has no code generator for.
static std::unique_ptr<MCSubtargetInfo> genericCpu(const Triple &triple) {
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  return std::unique_ptr<MCSubtargetInfo>(
      target ? target->createMCSubtargetInfo(triple, "", "") : nullptr);
}

/// What to say of a CPU that belongs to the other architecture.
static std::string ofOtherArchitecture(StringRef cpu) {
  for (std::string name : {"x86_64", "aarch64"})
    if (auto other = genericCpu(Triple(name + "-linux-gnu"));
        other && other->isCPUStringValid(cpu))
      return ", a CPU for --target=" + name + "-linux-gnu";
  return "";
}

static Expected<fovea::emit::Target> makeTarget(const Triple &triple,
                                                StringRef name) {
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return createStringError("no code generator for " + triple.str() + ": " +
                             error);
  bool isNative = name == "native";
  if (isNative && triple.getArch() != Triple(sys::getProcessTriple()).getArch())
    return createStringError("expected --mcpu with a CPU of " +
                             triple.getArchName() +
                             ", but found 'native', which is this machine's");
  std::string cpu = isNative ? sys::getHostCPUName().str() : name.str();
  // LLVM itself would only warn of a name that it does not know.
  std::unique_ptr<MCSubtargetInfo> generic = genericCpu(triple);
  if (!generic->isCPUStringValid(cpu))
    return createStringError("expected --mcpu=native or a CPU that LLVM knows "
                             "for " +
                             triple.getArchName() + ", but found '" + cpu +
                             "'" + ofOtherArchitecture(cpu));
  SubtargetFeatures features;
  if (isNative)
    features = nativeFeatures();
  dropUncheckedFeatures(*generic, cpu, features);
  TargetOptions options;
  options.AllowFPOpFusion = FPOpFusion::Standard;
  options.MCOptions.AsmVerbose = true;
  fovea::emit::Target result;
  result.machine.reset(target->createTargetMachine(
      triple, cpu, features.getString(), options, Reloc::PIC_, CodeModel::Small,
      CodeGenOptLevel::Aggressive));
  if (!result.machine)
    return createStringError("no code generator for '" + cpu + "'");
  result.cpu.name = cpu;
  result.cpu.features = requiredFeatures(*result.machine->getMCSubtargetInfo());
  result.cpu.vectorBits = widestVectors(result.cpu.features);
  setUsualCaches(result.cpu);
  if (isNative)
    setNativeCaches(result.cpu);
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
fovea::emit::makeTargets(ArrayRef<std::string> names, StringRef tripleName) {
  InitializeAllTargetInfos();
  InitializeAllTargets();
  InitializeAllTargetMCs();
  InitializeAllAsmPrinters();
  InitializeAllAsmParsers();
  Triple host(sys::getDefaultTargetTriple());
  Triple triple(tripleName.empty() ? host.str()
                                   : Triple::normalize(tripleName));
  if (triple.getArch() != Triple::x86_64 && triple.getArch() != Triple::aarch64)
    return createStringError("expected --target with the architecture x86_64 "
                             "or aarch64, but found '" +
                             triple.str() + "'");
  std::string usual = triple.getArch() == host.getArch() ? "native" : "generic";
  if (names.empty())
    names = usual;
  if (names.size() > FOVEA_MAX_ALTERNATIVES)
    return createStringError("expected at most %d CPUs in --mcpu, but found "
                             "%zu",
                             FOVEA_MAX_ALTERNATIVES, names.size());
  std::vector<Target> targets;
  for (StringRef name : names) {
    Expected<Target> target = makeTarget(triple, name);
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
