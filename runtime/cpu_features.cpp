//===- cpu_features.cpp - What this CPU can execute -----------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu_features.h"

#include "runtime/fovea.h"

#include <cstdio>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)

namespace {
struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};
} // namespace

/// Zeros when the CPU does not have the leaf.
static Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx))
    return Registers();
  return r;
}

/// The register state that the operating system saves (XCR0).
static uint64_t savedState() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

/// The part of the saved state that holds AMX tiles, of which there are 8 KiB:
/// a process has to ask for it.
static constexpr unsigned tileState = 18;

#if defined(__linux__)
/// Whether the system has tiles for those who ask, and whether it gives them.
static bool hasTiles() {
  constexpr int getSupported = 0x1021; // ARCH_GET_XCOMP_SUPP
  uint64_t supported = 0;
  return syscall(SYS_arch_prctl, getSupported, &supported) == 0 &&
         supported >> tileState & 1;
}
static bool requestTiles() {
  constexpr int request = 0x1023; // ARCH_REQ_XCOMP_PERM
  return syscall(SYS_arch_prctl, request, tileState) == 0;
}
#else
static bool hasTiles() { return true; }
static bool requestTiles() { return true; }
#endif

uint64_t fovea::runtime::requestCpuFeatures(uint64_t wanted) {
  uint64_t features = fovea_cpu_features();
  constexpr uint64_t tiles = FOVEA_CPU_BIT(FOVEA_CPU_AMXTILE);
  if (wanted & features & tiles && !requestTiles())
    features &= ~(tiles | FOVEA_CPU_BIT(FOVEA_CPU_AMXBF16));
  return features;
}

uint64_t fovea_cpu_features(void) {
  uint64_t features = 0;
  auto add = [&](fovea_cpu_feature feature, uint32_t word, int bit) {
    if (word >> bit & 1)
      features |= FOVEA_CPU_BIT(feature);
  };

  Registers basic = cpuid(1), extended = cpuid(7), more = cpuid(7, 1);
  Registers amd = cpuid(0x80000001);
  add(FOVEA_CPU_SSE3, basic.ecx, 0);
  add(FOVEA_CPU_SSSE3, basic.ecx, 9);
  add(FOVEA_CPU_CX16, basic.ecx, 13);
  add(FOVEA_CPU_SSE41, basic.ecx, 19);
  add(FOVEA_CPU_SSE42, basic.ecx, 20);
  add(FOVEA_CPU_MOVBE, basic.ecx, 22);
  add(FOVEA_CPU_POPCNT, basic.ecx, 23);
  add(FOVEA_CPU_BMI, extended.ebx, 3);
  add(FOVEA_CPU_BMI2, extended.ebx, 8);
  add(FOVEA_CPU_ADX, extended.ebx, 19);
  add(FOVEA_CPU_GFNI, extended.ecx, 8);
  add(FOVEA_CPU_LZCNT, amd.ecx, 5);

  // Wide registers count only when the operating system saves them.
  constexpr uint64_t ymmState = 0x6, zmmState = 0xe6;
  bool hasXgetbv = basic.ecx >> 27 & 1; // OSXSAVE
  uint64_t state = hasXgetbv ? savedState() : 0;
  if ((state & ymmState) == ymmState) {
    add(FOVEA_CPU_FMA, basic.ecx, 12);
    add(FOVEA_CPU_AVX, basic.ecx, 28);
    add(FOVEA_CPU_F16C, basic.ecx, 29);
    add(FOVEA_CPU_AVX2, extended.ebx, 5);
    add(FOVEA_CPU_VAES, extended.ecx, 9);
    add(FOVEA_CPU_VPCLMULQDQ, extended.ecx, 10);
    add(FOVEA_CPU_AVXVNNI, more.eax, 4);
  }
  if ((state & zmmState) == zmmState) {
    add(FOVEA_CPU_AVX512F, extended.ebx, 16);
    add(FOVEA_CPU_AVX512DQ, extended.ebx, 17);
    add(FOVEA_CPU_AVX512IFMA, extended.ebx, 21);
    add(FOVEA_CPU_AVX512CD, extended.ebx, 28);
    add(FOVEA_CPU_AVX512BW, extended.ebx, 30);
    add(FOVEA_CPU_AVX512VL, extended.ebx, 31);
    add(FOVEA_CPU_AVX512VBMI, extended.ecx, 1);
    add(FOVEA_CPU_AVX512VBMI2, extended.ecx, 6);
    add(FOVEA_CPU_AVX512VNNI, extended.ecx, 11);
    add(FOVEA_CPU_AVX512BITALG, extended.ecx, 12);
    add(FOVEA_CPU_AVX512VPOPCNTDQ, extended.ecx, 14);
    add(FOVEA_CPU_AVX512FP16, extended.edx, 23);
    add(FOVEA_CPU_AVX512BF16, more.eax, 5);
  }
  constexpr uint64_t tmmState = 0x60000;
  if ((state & tmmState) == tmmState && hasTiles()) {
    add(FOVEA_CPU_AMXBF16, extended.edx, 22);
    add(FOVEA_CPU_AMXTILE, extended.edx, 24);
  }
  return features;
}

#elif defined(__aarch64__)

uint64_t fovea::runtime::requestCpuFeatures(uint64_t) {
  return fovea_cpu_features();
}

uint64_t fovea_cpu_features(void) {
  uint64_t features = FOVEA_CPU_BIT(FOVEA_CPU_NEON); // part of the base
#if defined(__linux__)
  // Bits of linux's asm/hwcap.h, which its older versions lack.
  auto add = [&](fovea_cpu_feature feature, unsigned long word, int bit) {
    if (word >> bit & 1)
      features |= FOVEA_CPU_BIT(feature);
  };
  unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  add(FOVEA_CPU_FULLFP16, first, 10); // ASIMDHP
  add(FOVEA_CPU_DOTPROD, first, 20);  // ASIMDDP
  add(FOVEA_CPU_SVE, first, 22);
  add(FOVEA_CPU_I8MM, second, 13);
  add(FOVEA_CPU_BF16, second, 14);
#endif
  return features;
}

#else

uint64_t fovea::runtime::requestCpuFeatures(uint64_t) { return 0; }

uint64_t fovea_cpu_features(void) { return 0; }

#endif

void fovea::runtime::describeCpuFeatures(uint64_t mask, char *text,
                                         size_t size) {
  size_t used = 0;
  text[0] = '\0';
  auto append = [&](const char *format, auto value) {
    if (used >= size)
      return;
    int length = std::snprintf(text + used, size - used, format, value);
    if (length > 0)
      used += size_t(length);
  };
  for (int bit = 0; bit < 64; ++bit) {
    if (!(mask >> bit & 1))
      continue;
    const char *name = nullptr;
    switch (bit) {
#define FOVEA_CPU_FEATURE_CASE(NAME, BIT, TEXT)                                \
  case BIT:                                                                    \
    name = TEXT;                                                               \
    break;
      FOVEA_CPU_FEATURES(FOVEA_CPU_FEATURE_CASE)
#undef FOVEA_CPU_FEATURE_CASE
    }
    append("%s", used ? ", " : "");
    if (name)
      append("%s", name);
    else
      append("bit %d", bit);
  }
}
