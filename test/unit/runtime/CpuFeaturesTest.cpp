//===- CpuFeaturesTest.cpp ------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/cpu_features.h"

#include "runtime/fovea.h"

#include <gtest/gtest.h>
#include <string>

using namespace fovea::runtime;

static std::string describe(uint64_t mask, size_t size = 256) {
  std::string text(size, 'x');
  describeCpuFeatures(mask, text.data(), size);
  return text.c_str();
}

TEST(CpuFeatures, Names) {
  EXPECT_EQ(describe(0), "");
  EXPECT_EQ(describe(FOVEA_CPU_BIT(FOVEA_CPU_AVX2)), "avx2");
  EXPECT_EQ(describe(FOVEA_CPU_BIT(FOVEA_CPU_FMA) |
                     FOVEA_CPU_BIT(FOVEA_CPU_AVX512F) | uint64_t(1) << 40),
            "fma, avx512f, bit 40");
}

TEST(CpuFeatures, NamesAreCutAtTheEnd) {
  EXPECT_EQ(describe(~uint64_t(0), 8), "sse3, s");
  EXPECT_EQ(describe(~uint64_t(0), 1), "");
}

TEST(CpuFeatures, WhatIsAskedForIsGivenOrMissing) {
  uint64_t features = fovea_cpu_features();
  EXPECT_EQ(requestCpuFeatures(0), features);
  // Again is harmless, and tiles go with what multiplies them.
  uint64_t tiles = FOVEA_CPU_BIT(FOVEA_CPU_AMXTILE),
           given = requestCpuFeatures(~uint64_t(0));
  EXPECT_EQ(requestCpuFeatures(tiles), given);
  EXPECT_EQ(given & ~features, 0u);
  if (!(given & tiles))
    EXPECT_EQ(given & FOVEA_CPU_BIT(FOVEA_CPU_AMXBF16), 0u);
}

#if defined(__x86_64__)
/// The compiler's own detection is the second opinion.
TEST(CpuFeatures, AgreeWithTheCompiler) {
  uint64_t features = fovea_cpu_features();
  auto has = [&](fovea_cpu_feature f) { return (features >> f & 1) != 0; };
  EXPECT_EQ(has(FOVEA_CPU_SSE3), __builtin_cpu_supports("sse3") != 0);
  EXPECT_EQ(has(FOVEA_CPU_POPCNT), __builtin_cpu_supports("popcnt") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX), __builtin_cpu_supports("avx") != 0);
  EXPECT_EQ(has(FOVEA_CPU_FMA), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX2), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(has(FOVEA_CPU_BMI2), __builtin_cpu_supports("bmi2") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX512F), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX512BW), __builtin_cpu_supports("avx512bw") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX512DQ), __builtin_cpu_supports("avx512dq") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX512VL), __builtin_cpu_supports("avx512vl") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX512VNNI),
            __builtin_cpu_supports("avx512vnni") != 0);
  EXPECT_EQ(has(FOVEA_CPU_AVX512BF16),
            __builtin_cpu_supports("avx512bf16") != 0);
  // The compiler does not ask whether the system has room for tiles.
  if (has(FOVEA_CPU_AMXTILE))
    EXPECT_NE(__builtin_cpu_supports("amx-tile"), 0);
  if (has(FOVEA_CPU_AMXBF16))
    EXPECT_NE(__builtin_cpu_supports("amx-bf16"), 0);
}
#endif

extern "C" uint32_t fovea_test_abi_version_from_c(void);

TEST(Status, HeadersWorkInC) {
  EXPECT_EQ(fovea_test_abi_version_from_c(), uint32_t(FOVEA_ABI_VERSION));
}

TEST(Status, EveryCodeHasAName) {
  for (int status = FOVEA_OK; status <= FOVEA_BUSY; ++status)
    EXPECT_STRNE(fovea_status_name(fovea_status(status)), "unknown status")
        << status;
  EXPECT_STREQ(fovea_status_name(fovea_status(FOVEA_BUSY + 1)),
               "unknown status");
  EXPECT_EQ(fovea_abi_version(), uint32_t(FOVEA_ABI_VERSION));
}
