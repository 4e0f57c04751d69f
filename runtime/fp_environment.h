//===- fp_environment.h - The floating-point state of kernels ---*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_FP_ENVIRONMENT_H
#define FOVEA_RUNTIME_FP_ENVIRONMENT_H

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace fovea::runtime {

/// Sets rounding to nearest, denormals kept and no traps while it lives, so
/// that results do not depend on which thread computes them, nor on what the
/// caller has set.
class FloatingPointScope {
public:
#if defined(__x86_64__)
  FloatingPointScope() : saved(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~FloatingPointScope() { _mm_setcsr(saved); }

private:
  unsigned saved;
#elif defined(__aarch64__)
  FloatingPointScope() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" : : "r"(uint64_t(0)));
  }
  ~FloatingPointScope() { __asm__ volatile("msr fpcr, %0" : : "r"(saved)); }

private:
  uint64_t saved;
#else
  FloatingPointScope() {}
  ~FloatingPointScope() {}
#endif
public:
  FloatingPointScope(const FloatingPointScope &) = delete;
  FloatingPointScope &operator=(const FloatingPointScope &) = delete;
};

} // namespace fovea::runtime

#endif
