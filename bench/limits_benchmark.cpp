//===- limits_benchmark.cpp - The machine's limits, one by one ------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The limits that the tables divide by, as benchmarks of their own: every kind
// of multiply-add, and reads of buffers that fit one cache after another.
//
//===----------------------------------------------------------------------===//

#include "limits.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <thread>

namespace {

constexpr double kSeconds = 0.05;

void report(benchmark::State &state, const char *unit, double perSecond) {
  if (perSecond == 0)
    state.SkipWithError("this CPU lacks the instructions, or memory is short");
  state.counters[unit] = perSecond;
}

void multiplyAdd(benchmark::State &state, int32_t kind, int32_t threads) {
  double best = 0;
  for (auto _ : state)
    best = std::max(best, fovea_limit_multiply_add(kind, threads, kSeconds));
  report(state, "FLOP/s", best);
}

void read(benchmark::State &state, int64_t bytes, int32_t threads) {
  double best = 0;
  for (auto _ : state)
    best = std::max(best, fovea_limit_read(bytes, threads, kSeconds));
  report(state, "B/s", best);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 1;
  int32_t most = std::max(1u, std::thread::hardware_concurrency());
  for (int32_t threads = 1; threads <= most; threads *= 2) {
    std::string suffix = "/threads:" + std::to_string(threads);
    for (int32_t kind = 0; kind < FOVEA_LIMIT_KINDS; ++kind) {
      std::string name = "multiply-add/" + std::string(fovea_limit_name(kind));
      benchmark::RegisterBenchmark(
          (name + suffix).c_str(),
          [=](benchmark::State &state) { multiplyAdd(state, kind, threads); })
          ->Iterations(5);
    }
    for (int64_t kib : {16, 512, 8192, 131072, 1048576})
      benchmark::RegisterBenchmark(
          ("read/KiB:" + std::to_string(kib) + suffix).c_str(),
          [=](benchmark::State &state) { read(state, kib * 1024, threads); })
          ->Iterations(5);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
