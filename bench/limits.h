/*===- limits.h - What this machine can do ------------------------*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* The denominators of every figure: how many multiply-adds and how many      *|
|* bytes the cores do when nothing else is asked of them.                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef FOVEA_BENCH_LIMITS_H
#define FOVEA_BENCH_LIMITS_H

#include "fovea/fovea.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Instructions that multiply and add. */
typedef enum fovea_limit_kind {
  /** What the compiler makes of vectors of 64 bytes without being told more. */
  FOVEA_LIMIT_F32_GENERIC = 0,
  FOVEA_LIMIT_F32_AVX2 = 1,
  FOVEA_LIMIT_F32_AVX512 = 2,
  /** vdpbf16ps: pairs of bf16, sums in f32. */
  FOVEA_LIMIT_BF16_AVX512 = 3,
  /** tdpbf16ps: tiles of 16 x 32 bf16, sums in f32. */
  FOVEA_LIMIT_BF16_AMX = 4,
} fovea_limit_kind;
#define FOVEA_LIMIT_KINDS 5

/** "f32 AVX2", ...; NULL when out of range. */
FOVEA_API const char *fovea_limit_name(int32_t kind);

/** FOVEA_CPU_BIT of the features that a kind needs; 0 when out of range. */
FOVEA_API uint64_t fovea_limit_features(int32_t kind);

/** Floating-point operations per second (a multiply-add is two) of `threads`
 *  threads together, each busy for about `seconds`; 0 when this CPU lacks the
 *  instructions or an argument is out of range. */
FOVEA_API double fovea_limit_multiply_add(int32_t kind, int32_t threads,
                                          double seconds);

/** Bytes per second of `threads` threads that each read their share of one
 *  buffer of `bytes` bytes again and again for about `seconds`: a buffer that
 *  fits a cache is read from it. 0 when it cannot be allocated or an argument
 *  is out of range. */
FOVEA_API double fovea_limit_read(int64_t bytes, int32_t threads,
                                  double seconds);

/** Cycles per second of one thread, busy for about `seconds`, by additions
 *  without carry that wait for each other. */
FOVEA_API double fovea_limit_clock(double seconds);

#ifdef __cplusplus
}
#endif

#endif
