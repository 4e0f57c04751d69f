//===- limits.cpp - What this machine can do ------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "limits.h"

#include "runtime/cpu_features.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;

// Enough sums in flight to hide the latency of four or five cycles on two
// ports, few enough for the 16 registers of AVX2 with the two factors.
constexpr int kSums = 12;
constexpr int64_t kSteps = 20000;
constexpr int32_t kMaxThreads = 1024;

/// Keeps a result that nothing reads.
template <typename T>
void keep(const T &value) {
  asm volatile("" : : "r"(&value) : "memory");
}

typedef float Vector __attribute__((vector_size(64)));

// Each of these does kSteps * kSums multiply-adds of one vector.

void multiplyAddGeneric() {
  Vector sums[4] = {};
  Vector a = Vector{} + 0.999f, b = Vector{} + 1e-3f;
  for (int64_t step = 0; step < kSteps * kSums / 4; ++step) {
    for (Vector &sum : sums)
      sum = sum * a + b;
    // The factors are unknown in every step, so none is computed ahead.
    asm volatile("" : "+m"(a));
  }
  keep(sums);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void multiplyAddAvx2() {
  __m256 sums[kSums] = {};
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m256 &sum : sums)
      sum = _mm256_fmadd_ps(sum, a, b);
    asm volatile("" : "+x"(a), "+x"(b));
  }
  keep(sums);
}

__attribute__((target("avx512f"))) void multiplyAddAvx512() {
  __m512 sums[kSums] = {};
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m512 &sum : sums)
      sum = _mm512_fmadd_ps(sum, a, b);
    asm volatile("" : "+v"(a), "+v"(b));
  }
  keep(sums);
}

__attribute__((target("avx512f,avx512bf16"))) void multiplyAddBf16() {
  __m512 sums[kSums] = {};
  __m512i a = _mm512_set1_epi16(0x3f7f), b = _mm512_set1_epi16(0x3c00);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m512 &sum : sums)
      sum = _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
    asm volatile("" : "+v"(a), "+v"(b));
  }
  keep(sums);
}

/// What ldtilecfg reads.
struct TileShapes {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// Tiles cannot be constraints of assembly: sums of four, which is as many as
/// hide the latency, from two factors.
__attribute__((target("amx-tile,amx-bf16"))) void multiplyAddAmx() {
  TileShapes shapes;
  _tile_loadconfig(&shapes);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (int64_t step = 0; step < kSteps * kSums / 4; ++step) {
    _tile_dpbf16ps(0, 4, 5);
    _tile_dpbf16ps(1, 4, 5);
    _tile_dpbf16ps(2, 4, 5);
    _tile_dpbf16ps(3, 4, 5);
  }
  _tile_release();
}
#endif

struct MultiplyAdd {
  const char *name;
  void (*run)();
  double lanes; // multiply-adds of one instruction
  uint64_t features;
};

// In the order of fovea_limit_kind.
constexpr MultiplyAdd kKinds[FOVEA_LIMIT_KINDS] = {
    {"f32 generic", multiplyAddGeneric, 16, 0},
#if defined(__x86_64__)
    {"f32 AVX2", multiplyAddAvx2, 8,
     FOVEA_CPU_BIT(FOVEA_CPU_AVX2) | FOVEA_CPU_BIT(FOVEA_CPU_FMA)},
    {"f32 AVX-512", multiplyAddAvx512, 16, FOVEA_CPU_BIT(FOVEA_CPU_AVX512F)},
    {"bf16 AVX-512", multiplyAddBf16, 32,
     FOVEA_CPU_BIT(FOVEA_CPU_AVX512F) | FOVEA_CPU_BIT(FOVEA_CPU_AVX512BF16)},
    {"bf16 AMX", multiplyAddAmx, 16 * 16 * 32,
     FOVEA_CPU_BIT(FOVEA_CPU_AMXTILE) | FOVEA_CPU_BIT(FOVEA_CPU_AMXBF16)},
#else
    {"f32 AVX2", nullptr, 0, 0},
    {"f32 AVX-512", nullptr, 0, 0},
    {"bf16 AVX-512", nullptr, 0, 0},
    {"bf16 AMX", nullptr, 0, 0},
#endif
};

/// kSteps times ten operations of one cycle, each on the result of the last.
void countCycles() {
  uint64_t value = 1, other = 3;
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 10
    for (int n = 0; n < 10; ++n) {
      value ^= other;
      asm volatile("" : "+r"(value), "+r"(other));
    }
  }
  keep(value);
}

/// Sums what 64-byte lines hold: one load and one add for each vector, with
/// several sums, so that the loads are what takes the time.
#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void readLines(const Vector *lines, int64_t count) {
  Vector sums[8] = {};
  int64_t line = 0;
  for (; line + 8 <= count; line += 8)
    for (int n = 0; n < 8; ++n)
      sums[n] += lines[line + n];
  for (; line < count; ++line)
    sums[0] += lines[line];
  keep(sums);
}

/// Runs `work(thread)` again and again on each of `threads` threads, at least
/// once and for about `seconds`, all from the same moment on. Returns the sum
/// over threads of runs per second times `amount(thread)`.
template <typename Work, typename Amount>
double rate(int32_t threads, double seconds, Work work, Amount amount) {
  std::atomic<int32_t> waiting{threads};
  std::vector<double> rates(threads);
  auto body = [&](int32_t thread) {
    work(thread); // wakes the units up, and brings a share into the caches
    --waiting;
    while (waiting.load() > 0) {
    }
    int64_t runs = 0;
    Clock::time_point start = Clock::now();
    double passed = 0;
    do {
      work(thread);
      ++runs;
      passed = std::chrono::duration<double>(Clock::now() - start).count();
    } while (passed < seconds);
    rates[thread] = runs * amount(thread) / passed;
  };
  std::vector<std::thread> others;
  for (int32_t thread = 1; thread < threads; ++thread)
    others.emplace_back(body, thread);
  body(0);
  for (std::thread &other : others)
    other.join();
  double sum = 0;
  for (double each : rates)
    sum += each;
  return sum;
}

} // namespace

const char *fovea_limit_name(int32_t kind) {
  return kind >= 0 && kind < FOVEA_LIMIT_KINDS ? kKinds[kind].name : nullptr;
}

uint64_t fovea_limit_features(int32_t kind) {
  return kind >= 0 && kind < FOVEA_LIMIT_KINDS ? kKinds[kind].features : 0;
}

double fovea_limit_multiply_add(int32_t kind, int32_t threads, double seconds) {
  if (kind < 0 || kind >= FOVEA_LIMIT_KINDS || threads < 1 ||
      threads > kMaxThreads)
    return 0;
  const MultiplyAdd &each = kKinds[kind];
  if (!each.run || (fovea::runtime::requestCpuFeatures(each.features) &
                    each.features) != each.features)
    return 0;
  return rate(
      threads, seconds, [&](int32_t) { each.run(); },
      [&](int32_t) { return 2 * each.lanes * kSums * kSteps; });
}

double fovea_limit_read(int64_t bytes, int32_t threads, double seconds) {
  constexpr int64_t line = sizeof(Vector);
  if (bytes < line || threads < 1 || threads > kMaxThreads)
    return 0;
  int64_t count = bytes / line;
  std::unique_ptr<void, void (*)(void *)> memory(
      std::aligned_alloc(line, count * line), std::free);
  if (!memory)
    return 0;
  std::memset(memory.get(), 1, count * line);
  auto begin = [&](int64_t thread) { return count * thread / threads; };
  auto *lines = static_cast<const Vector *>(memory.get());
  return rate(
      threads, seconds,
      [&](int32_t t) { readLines(lines + begin(t), begin(t + 1) - begin(t)); },
      [&](int32_t t) { return double(line * (begin(t + 1) - begin(t))); });
}

double fovea_limit_clock(double seconds) {
  return rate(
      1, seconds, [](int32_t) { countCycles(); },
      [](int32_t) { return 10.0 * kSteps; });
}
