//===- convert.cpp - Conversion between element types ---------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/dtype.h"

#include <bit>
#include <cstring>
#include <utility>

using namespace fovea::runtime;

//===----------------------------------------------------------------------===//
// Floating types. All are exact in f64, so that one rounding is enough.
//===----------------------------------------------------------------------===//

namespace {
/// An IEEE-like type of 16 bits, one of them the sign.
template <int ExponentBits>
struct Float16Bits {
  static constexpr int mantissaBits = 15 - ExponentBits;
  static constexpr int bias = (1 << (ExponentBits - 1)) - 1;
  static constexpr int maxExponent = (1 << ExponentBits) - 1;

  uint16_t bits;

  double toDouble() const {
    uint64_t sign = uint64_t(bits >> 15) << 63;
    int exponent = bits >> mantissaBits & maxExponent;
    uint64_t mantissa = bits & ((1 << mantissaBits) - 1);
    if (exponent == maxExponent)
      return std::bit_cast<double>(sign | uint64_t(0x7ff) << 52 |
                                   mantissa << (52 - mantissaBits));
    if (exponent == 0) { // 0 and denormals: a multiple of the smallest value
      double unit =
          std::bit_cast<double>(uint64_t(1 - bias - mantissaBits + 1023) << 52);
      return (sign ? -1.0 : 1.0) * double(mantissa) * unit;
    }
    return std::bit_cast<double>(sign | uint64_t(exponent - bias + 1023) << 52 |
                                 mantissa << (52 - mantissaBits));
  }

  static Float16Bits fromDouble(double value) {
    uint64_t wide = std::bit_cast<uint64_t>(value);
    uint16_t sign = uint16_t(wide >> 48 & 0x8000);
    int exponent = int(wide >> 52 & 0x7ff) - 1023;
    uint64_t mantissa = wide & ((uint64_t(1) << 52) - 1);
    constexpr uint16_t infinity = uint16_t(maxExponent << mantissaBits);
    if (exponent == 1024 && mantissa) // keep what fits of a NaN, made quiet
      return {uint16_t(sign | infinity | 1 << (mantissaBits - 1) |
                       mantissa >> (52 - mantissaBits))};
    if (exponent > bias)
      return {uint16_t(sign | infinity)};

    // Below the normal range the unit in the last place stays the same.
    int lost = 52 - mantissaBits;
    bool isNormal = exponent >= 1 - bias;
    if (!isNormal)
      lost += 1 - bias - exponent;
    if (lost > 53)
      return {sign};
    uint64_t whole = uint64_t(1) << 52 | mantissa;
    uint64_t kept = whole >> lost, rest = whole & ((uint64_t(1) << lost) - 1);
    uint64_t half = uint64_t(1) << (lost - 1);
    if (rest > half || (rest == half && (kept & 1)))
      ++kept; // a carry moves into the exponent, at the top to infinity
    uint64_t base =
        isNormal ? uint64_t(exponent + bias - 1) << mantissaBits : 0;
    return {uint16_t(sign | (base + kept))};
  }
};
using Half = Float16Bits<5>;
using BFloat = Float16Bits<8>;
} // namespace

static double widen(float value) { return value; }
static double widen(double value) { return value; }
static double widen(Half value) { return value.toDouble(); }
static double widen(BFloat value) { return value.toDouble(); }

template <typename To>
static To narrow(double value) {
  if constexpr (std::is_floating_point_v<To>)
    return static_cast<To>(value);
  else
    return To::fromDouble(value);
}

/// Calls `body` with a value of the floating type; false for others.
template <typename Body>
static bool visitFloat(fovea_dtype type, Body body) {
  switch (type) {
  case FOVEA_F32:
    return body(float()), true;
  case FOVEA_F64:
    return body(double()), true;
  case FOVEA_F16:
    return body(Half()), true;
  case FOVEA_BF16:
    return body(BFloat()), true;
  default:
    return false;
  }
}

/// Calls `body` with a value of the integer type; false for others.
template <typename Body>
static bool visitInteger(fovea_dtype type, Body body) {
  switch (type) {
  case FOVEA_I8:
    return body(int8_t()), true;
  case FOVEA_I16:
    return body(int16_t()), true;
  case FOVEA_I32:
    return body(int32_t()), true;
  case FOVEA_I64:
    return body(int64_t()), true;
  case FOVEA_U8:
    return body(uint8_t()), true;
  case FOVEA_U16:
    return body(uint16_t()), true;
  case FOVEA_U32:
    return body(uint32_t()), true;
  case FOVEA_U64:
    return body(uint64_t()), true;
  default:
    return false;
  }
}

static bool isWideFloat(fovea_dtype type) {
  return visitFloat(type, [](auto) {});
}

bool fovea::runtime::isConvertible(fovea_dtype from, fovea_dtype to) {
  if (from == to)
    return byteSize(from) != 0;
  if (isWideFloat(from))
    return isWideFloat(to);
  return (isInteger(from) || from == FOVEA_BOOL) && isInteger(to);
}

template <typename Body>
static void forEachPair(const void *source, void *target, int64_t count,
                        size_t sourceSize, size_t targetSize, Body body) {
  const char *read = static_cast<const char *>(source);
  char *write = static_cast<char *>(target);
  for (int64_t i = 0; i < count; ++i, read += sourceSize, write += targetSize)
    if (!body(i, read, write))
      return;
}

Conversion fovea::runtime::convert(const void *source, fovea_dtype from,
                                   void *target, fovea_dtype to, int64_t count,
                                   int64_t *position) {
  if (!isConvertible(from, to))
    return Conversion::NotConvertible;
  if (count == 0)
    return Conversion::Done;
  if (from == FOVEA_BOOL && to == FOVEA_BOOL) {
    forEachPair(source, target, count, 1, 1,
                [](int64_t, const char *read, char *write) {
                  *write = *read != 0;
                  return true;
                });
    return Conversion::Done;
  }
  if (from == to) {
    std::memcpy(target, source, size_t(count * byteSize(from)));
    return Conversion::Done;
  }

  if (isWideFloat(from)) {
    visitFloat(from, [&](auto fromValue) {
      visitFloat(to, [&](auto toValue) {
        forEachPair(source, target, count, sizeof fromValue, sizeof toValue,
                    [&](int64_t, const char *read, char *write) {
                      std::memcpy(&fromValue, read, sizeof fromValue);
                      toValue = narrow<decltype(toValue)>(widen(fromValue));
                      std::memcpy(write, &toValue, sizeof toValue);
                      return true;
                    });
      });
    });
    return Conversion::Done;
  }

  Conversion result = Conversion::Done;
  // A boolean's byte is the integer 0 or 1.
  visitInteger(from == FOVEA_BOOL ? FOVEA_U8 : from, [&](auto fromValue) {
    visitInteger(to, [&](auto toValue) {
      forEachPair(source, target, count, sizeof fromValue, sizeof toValue,
                  [&](int64_t i, const char *read, char *write) {
                    std::memcpy(&fromValue, read, sizeof fromValue);
                    if (from == FOVEA_BOOL)
                      fromValue = fromValue != 0;
                    if (!std::in_range<decltype(toValue)>(fromValue)) {
                      result = Conversion::OutOfRange;
                      *position = i;
                      return false;
                    }
                    toValue = static_cast<decltype(toValue)>(fromValue);
                    std::memcpy(write, &toValue, sizeof toValue);
                    return true;
                  });
    });
  });
  return result;
}
