/*===- fovea_types.h - What users and generated code both name ----*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef FOVEA_FOVEA_TYPES_H
#define FOVEA_FOVEA_TYPES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the structs of fovea_abi.h. A program built for another version
 *  is refused when a model is created from it. */
#define FOVEA_ABI_VERSION 5

/** Element types. The values are part of the ABI. */
typedef enum fovea_dtype {
  FOVEA_F32 = 1,
  FOVEA_F16 = 2,
  FOVEA_BF16 = 3,
  FOVEA_F64 = 4,
  FOVEA_I8 = 5,
  FOVEA_I16 = 6,
  FOVEA_I32 = 7,
  FOVEA_I64 = 8,
  FOVEA_U8 = 9,
  FOVEA_U16 = 10,
  FOVEA_U32 = 11,
  FOVEA_U64 = 12,
  FOVEA_BOOL = 13,   /* one byte: 0, or anything else for true */
  FOVEA_F8E4M3 = 14, /* finite, no infinities (OCP) */
  FOVEA_F8E5M2 = 15,
} fovea_dtype;

/** The CPU features that a program may require: X(NAME, bit, LLVM's name).
 *  Bits 0..39 are x86-64's, 48..63 AArch64's. */
#define FOVEA_CPU_FEATURES(X)                                                  \
  X(SSE3, 0, "sse3")                                                           \
  X(SSSE3, 1, "ssse3")                                                         \
  X(SSE41, 2, "sse4.1")                                                        \
  X(SSE42, 3, "sse4.2")                                                        \
  X(POPCNT, 4, "popcnt")                                                       \
  X(CX16, 5, "cx16")                                                           \
  X(AVX, 6, "avx")                                                             \
  X(F16C, 7, "f16c")                                                           \
  X(FMA, 8, "fma")                                                             \
  X(AVX2, 9, "avx2")                                                           \
  X(BMI, 10, "bmi")                                                            \
  X(BMI2, 11, "bmi2")                                                          \
  X(LZCNT, 12, "lzcnt")                                                        \
  X(MOVBE, 13, "movbe")                                                        \
  X(ADX, 14, "adx")                                                            \
  X(GFNI, 15, "gfni")                                                          \
  X(VAES, 16, "vaes")                                                          \
  X(VPCLMULQDQ, 17, "vpclmulqdq")                                              \
  X(AVXVNNI, 18, "avxvnni")                                                    \
  X(AVX512F, 19, "avx512f")                                                    \
  X(AVX512CD, 20, "avx512cd")                                                  \
  X(AVX512BW, 21, "avx512bw")                                                  \
  X(AVX512DQ, 22, "avx512dq")                                                  \
  X(AVX512VL, 23, "avx512vl")                                                  \
  X(AVX512IFMA, 24, "avx512ifma")                                              \
  X(AVX512VBMI, 25, "avx512vbmi")                                              \
  X(AVX512VBMI2, 26, "avx512vbmi2")                                            \
  X(AVX512VNNI, 27, "avx512vnni")                                              \
  X(AVX512BITALG, 28, "avx512bitalg")                                          \
  X(AVX512VPOPCNTDQ, 29, "avx512vpopcntdq")                                    \
  X(AVX512BF16, 30, "avx512bf16")                                              \
  X(AVX512FP16, 31, "avx512fp16")                                              \
  X(AMXTILE, 32, "amx-tile")                                                   \
  X(AMXBF16, 33, "amx-bf16")                                                   \
  X(NEON, 48, "neon")                                                          \
  X(FULLFP16, 49, "fullfp16")                                                  \
  X(BF16, 50, "bf16")                                                          \
  X(DOTPROD, 51, "dotprod")                                                    \
  X(I8MM, 52, "i8mm")                                                          \
  X(SVE, 53, "sve")

/** The features as bits of a uint64_t: FOVEA_CPU_BIT(FOVEA_CPU_AVX2). */
typedef enum fovea_cpu_feature {
#define FOVEA_CPU_FEATURE_ENUM(NAME, BIT, TEXT) FOVEA_CPU_##NAME = BIT,
  FOVEA_CPU_FEATURES(FOVEA_CPU_FEATURE_ENUM)
#undef FOVEA_CPU_FEATURE_ENUM
} fovea_cpu_feature;
#define FOVEA_CPU_BIT(feature) ((uint64_t)1 << (feature))

/** A compiled program: PREFIX_program of a generated object. */
typedef struct fovea_program fovea_program;

#ifdef __cplusplus
}
#endif

#endif
