//===- ChooseProgramTest.cpp
//------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/choose_program.h"

#include "TestProgram.h"

#include <gtest/gtest.h>

using namespace fovea::runtime;
using namespace fovea::test;

namespace {
/// Three programs, best first; and what is chosen of them.
struct Chain {
  fovea_program wide = makeProgram(), middle = makeProgram(),
                narrow = makeProgram();
  const fovea_program *chosen = nullptr;
  fovea_error error{};

  Chain() {
    wide.target_cpu = "wide";
    wide.cpu_features = 7 | FOVEA_CPU_BIT(FOVEA_CPU_AVX512F);
    wide.alternative = &middle;
    middle.target_cpu = "middle";
    middle.cpu_features = 3 | FOVEA_CPU_BIT(FOVEA_CPU_AVX2);
    middle.alternative = &narrow;
    narrow.target_cpu = "narrow";
    narrow.cpu_features = FOVEA_CPU_BIT(FOVEA_CPU_SSE3);
  }
  Chain(const Chain &) = delete;

  fovea_status choose(uint64_t features, const char *cpu = "") {
    return chooseProgram(wide, features, cpu, chosen, &error);
  }
};

constexpr uint64_t all = ~uint64_t(0);
constexpr uint64_t avx2 = 3 | FOVEA_CPU_BIT(FOVEA_CPU_AVX2);
} // namespace

TEST(ChooseProgram, TheFirstThatRuns) {
  Chain chain;
  EXPECT_EQ(chain.choose(all), FOVEA_OK);
  EXPECT_EQ(chain.chosen, &chain.wide);
  EXPECT_EQ(chain.choose(avx2), FOVEA_OK);
  EXPECT_EQ(chain.chosen, &chain.middle);
  EXPECT_EQ(chain.choose(all & ~avx2 | 1), FOVEA_OK);
  EXPECT_EQ(chain.chosen, &chain.narrow);
}

TEST(ChooseProgram, TheOneAskedFor) {
  Chain chain;
  EXPECT_EQ(chain.choose(all, "narrow"), FOVEA_OK);
  EXPECT_EQ(chain.chosen, &chain.narrow);
  EXPECT_EQ(chain.choose(all, "middle"), FOVEA_OK);
  EXPECT_EQ(chain.chosen, &chain.middle);
}

TEST(ChooseProgram, NoneThatRuns) {
  Chain chain;
  EXPECT_EQ(chain.choose(avx2 & ~uint64_t(1)), FOVEA_UNSUPPORTED_CPU);
  EXPECT_STREQ(chain.error.message,
               "program 'test' was compiled for wide, middle, narrow; this CPU "
               "lacks sse3 for middle");
  EXPECT_EQ(chain.choose(0), FOVEA_UNSUPPORTED_CPU);
  EXPECT_STREQ(chain.error.message,
               "program 'test' was compiled for wide, middle, narrow; this CPU "
               "lacks sse3 for narrow");
  chain.middle.alternative = nullptr;
  chain.wide = chain.middle;
  EXPECT_EQ(chain.choose(3), FOVEA_UNSUPPORTED_CPU);
  EXPECT_STREQ(chain.error.message,
               "program 'test' was compiled for middle; this CPU lacks avx2");
}

TEST(ChooseProgram, AskedForInVain) {
  Chain chain;
  EXPECT_EQ(chain.choose(all, "other"), FOVEA_UNSUPPORTED_CPU);
  EXPECT_STREQ(chain.error.message,
               "program 'test' was compiled for wide, middle, narrow, but the "
               "context or FOVEA_CPU asks for 'other'");
  EXPECT_EQ(chain.choose(avx2, "wide"), FOVEA_UNSUPPORTED_CPU);
  EXPECT_STREQ(chain.error.message,
               "program 'test': the context or FOVEA_CPU asks for 'wide', but "
               "this CPU lacks sse4.1, avx512f");
}
