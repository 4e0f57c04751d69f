//===- EmulatedInstructions.cpp - What instructions compute ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Source of the formulas: "Operation" of each instruction in Intel's 64 and
// IA-32 Architectures Software Developer's Manual, volume 2.
//
//===----------------------------------------------------------------------===//

#include "tools/emit/EmulatedInstructions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Compiler.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace llvm;
using namespace fovea;

// What emulated code spends its time in is compiled for AVX2 too, which most of
// the CPUs have that it runs on. A sanitizer is not ready yet where the loader
// chooses.
#if defined(__x86_64__) && !LLVM_ADDRESS_SANITIZER_BUILD
#define FOVEA_FOR_AVX2                                                         \
  __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FOVEA_FOR_AVX2
#endif

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

static float widen(uint16_t bf16) {
  return bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}

/// Numbers below the normal ones count as 0, with their sign.
static float flush(float value) {
  return std::abs(value) < std::numeric_limits<float>::min()
             ? std::copysign(0.0f, value)
             : value;
}

/// To the nearest, of two the even one; VCVTNEPS2BF16.
static uint16_t narrow(float value) {
  uint32_t bits = bit_cast<uint32_t>(flush(value));
  if (std::isnan(value))
    return (bits | 0x400000) >> 16;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

/// `sum` + `a` * `b`, numbers of bf16, rounded once but where f64, which holds
/// the product, has to round as well.
static float addProduct(float sum, double a, double b) {
  return flush(static_cast<float>(flush(sum) + a * b));
}

//===----------------------------------------------------------------------===//
// AVX-512
//===----------------------------------------------------------------------===//

static constexpr int kLanes = 16;

static float roundAs(float value, int32_t control) {
  switch (control & 3) {
  case 0:
    return std::nearbyint(value);
  case 1:
    return std::floor(value);
  case 2:
    return std::ceil(value);
  default:
    return std::trunc(value);
  }
}

/// VREDUCEPS: what is left of x after rounding to a multiple of 2^-M.
FOVEA_FOR_AVX2 static void reduce(float *result, const float *x,
                                  const int32_t *control,
                                  const float *otherwise, const uint16_t *mask,
                                  const int32_t *) {
  float units = static_cast<float>(1 << (*control >> 4 & 15));
  for (int lane = 0; lane < kLanes; ++lane) {
    float rounded = roundAs(x[lane] * units, *control) / units;
    float rest = std::isinf(x[lane]) ? 0.0f : x[lane] - rounded;
    result[lane] = *mask >> lane & 1 ? rest : otherwise[lane];
  }
}

/// 2^exponent, of a whole number that a normal f64 can have as exponent.
static double powerOfTwo(float exponent) {
  return bit_cast<double>(
      static_cast<uint64_t>(1023 + static_cast<int>(exponent)) << 52);
}

/// VSCALEFPS: a * 2^floor(b).
FOVEA_FOR_AVX2 static void scale(float *result, const float *a, const float *b,
                                 const float *otherwise, const uint16_t *mask,
                                 const int32_t *) {
  for (int lane = 0; lane < kLanes; ++lane) {
    float exponent = std::floor(b[lane]);
    bool isNumber = !std::isnan(exponent);
    // Beyond +-1000 nothing but 0 and infinity.
    float scaled = static_cast<float>(
        a[lane] *
        powerOfTwo(isNumber ? std::clamp(exponent, -1000.0f, 1000.0f) : 0));
    scaled = isNumber ? scaled : exponent;
    result[lane] = *mask >> lane & 1 ? scaled : otherwise[lane];
  }
}

/// VDPBF16PS.
static void addPairs(float *result, const float *sum, const uint16_t *a,
                     const uint16_t *b) {
  for (int lane = 0; lane < kLanes; ++lane) {
    result[lane] = sum[lane];
    for (int place : {2 * lane + 1, 2 * lane})
      result[lane] = addProduct(result[lane], flush(widen(a[place])),
                                flush(widen(b[place])));
  }
}

/// VCVTNE2PS2BF16: the second operand is the lower half.
static void narrowBoth(uint16_t *result, const float *upper,
                       const float *lower) {
  for (int lane = 0; lane < kLanes; ++lane) {
    result[lane] = narrow(lower[lane]);
    result[lane + kLanes] = narrow(upper[lane]);
  }
}

//===----------------------------------------------------------------------===//
// AMX
//===----------------------------------------------------------------------===//

static constexpr int kTileRows = 16, kRowBytes = 64;

namespace {
union Tile {
  char bytes[kTileRows][kRowBytes];
  float floats[kTileRows][kRowBytes / 4];
  uint16_t halves[kTileRows][kRowBytes / 2];
};
} // namespace

static void clear(Tile *result, const int16_t *, const int16_t *) {
  *result = {};
}

static void load(Tile *result, const int16_t *rows, const int16_t *bytes,
                 const char *const *from, const int64_t *stride) {
  *result = {};
  for (int row = 0; row < *rows; ++row)
    std::memcpy(result->bytes[row], *from + row * *stride, *bytes);
}

static void store(void *, const int16_t *rows, const int16_t *bytes,
                  char *const *to, const int64_t *stride, const Tile *tile) {
  for (int row = 0; row < *rows; ++row)
    std::memcpy(*to + row * *stride, tile->bytes[row], *bytes);
}

/// TDPBF16PS: rows of pairs times pairs of rows; the first and the second of
/// pairs have sums of their own.
FOVEA_FOR_AVX2 static void addTileProducts(Tile *result, const int16_t *rows,
                                           const int16_t *bytes,
                                           const int16_t *pairBytes,
                                           const Tile *sum, const Tile *a,
                                           const Tile *b) {
  constexpr int columns = kRowBytes / 4;
  float sums[kTileRows][2][columns] = {};
  for (int pair = 0; pair < *pairBytes / 4; ++pair) {
    double right[2][columns] = {};
    for (int half : {0, 1})
      for (int column = 0; column < *bytes / 4; ++column)
        right[half][column] = flush(widen(b->halves[pair][2 * column + half]));
    for (int row = 0; row < *rows; ++row)
      for (int half : {0, 1}) {
        double left = flush(widen(a->halves[row][2 * pair + half]));
        for (int column = 0; column < columns; ++column)
          sums[row][half][column] =
              addProduct(sums[row][half][column], left, right[half][column]);
      }
  }
  Tile total = {};
  for (int row = 0; row < *rows; ++row)
    for (int column = 0; column < *bytes / 4; ++column)
      total.floats[row][column] =
          flush(flush(sum->floats[row][column]) +
                flush(sums[row][0][column] + sums[row][1][column]));
  *result = total;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

ArrayRef<emit::Instruction> emit::getInstructions() {
  auto make = [](StringRef intrinsic, auto *function) {
    return Instruction{intrinsic, reinterpret_cast<void *>(function)};
  };
  static const Instruction all[] = {
      make("llvm.x86.avx512.mask.reduce.ps.512", reduce),
      make("llvm.x86.avx512.mask.scalef.ps.512", scale),
      make("llvm.x86.avx512bf16.dpbf16ps.512", addPairs),
      make("llvm.x86.avx512bf16.cvtne2ps2bf16.512", narrowBoth),
      make("llvm.x86.tilezero.internal", clear),
      make("llvm.x86.tileloadd64.internal", load),
      make("llvm.x86.tileloaddt164.internal", load),
      make("llvm.x86.tilestored64.internal", store),
      make("llvm.x86.tdpbf16ps.internal", addTileProducts),
  };
  return all;
}

const emit::Instruction *emit::findInstruction(StringRef intrinsic) {
  ArrayRef<Instruction> all = getInstructions();
  const Instruction *found = find_if(all, [&](const Instruction &each) {
    return each.intrinsic == intrinsic;
  });
  return found == all.end() ? nullptr : found;
}

std::string emit::getSymbol(const Instruction &instruction) {
  return ("fovea_emulated." + instruction.intrinsic).str();
}
