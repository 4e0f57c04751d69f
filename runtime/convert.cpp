//===- convert.cpp - Conversion between element types ---------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/dtype.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

using namespace fovea::runtime;

//===----------------------------------------------------------------------===//
// Floating types. All are exact in f64, so that one rounding is enough.
//===----------------------------------------------------------------------===//

namespace {
/// A floating type narrower than f32: a sign, an exponent, and a mantissa. Its
/// greatest exponent is that of infinities and NaNs, or, where `IsFinite`, of
/// numbers too but for one NaN of all ones (OCP's E4M3).
template <typename Bits, int ExponentBits, bool IsFinite = false>
struct NarrowFloat {
  static constexpr int signBit = 8 * sizeof(Bits) - 1;
  static constexpr int mantissaBits = signBit - ExponentBits;
  static constexpr int bias = (1 << (ExponentBits - 1)) - 1;
  static constexpr int maxExponent = (1 << ExponentBits) - 1;
  static constexpr int magnitudeMask = (1 << signBit) - 1;
  /// The first magnitude that is no number, and what it is.
  static constexpr int special =
      IsFinite ? magnitudeMask : maxExponent << mantissaBits;

  Bits bits;

  double toDouble() const {
    uint64_t sign = uint64_t(bits >> signBit) << 63;
    int magnitude = bits & magnitudeMask;
    int exponent = magnitude >> mantissaBits;
    uint64_t mantissa = uint64_t(magnitude & ((1 << mantissaBits) - 1));
    if (magnitude >= special)
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

  static NarrowFloat fromDouble(double value) {
    uint64_t wide = std::bit_cast<uint64_t>(value);
    Bits sign = Bits(wide >> 63 << signBit);
    int exponent = int(wide >> 52 & 0x7ff) - 1023;
    uint64_t mantissa = wide & ((uint64_t(1) << 52) - 1);
    if (exponent == 1024 && mantissa) // keep what fits of a NaN, made quiet
      return {Bits(sign | special | 1 << (mantissaBits - 1) |
                   mantissa >> (52 - mantissaBits))};
    if (exponent > bias + IsFinite)
      return {Bits(sign | special)};

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
      ++kept; // a carry moves into the exponent, at the top to what is special
    uint64_t base =
        isNormal ? uint64_t(exponent + bias - 1) << mantissaBits : 0;
    return {Bits(sign | std::min<uint64_t>(base + kept, special))};
  }
};
using Half = NarrowFloat<uint16_t, 5>;
using BFloat = NarrowFloat<uint16_t, 8>;
using F8E4M3 = NarrowFloat<uint8_t, 4, /*IsFinite=*/true>;
using F8E5M2 = NarrowFloat<uint8_t, 5>;
} // namespace

static double widen(float value) { return value; }
static double widen(double value) { return value; }
template <typename Bits, int ExponentBits, bool IsFinite>
static double widen(NarrowFloat<Bits, ExponentBits, IsFinite> value) {
  return value.toDouble();
}

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
  case FOVEA_F8E4M3:
    return body(F8E4M3()), true;
  case FOVEA_F8E5M2:
    return body(F8E5M2()), true;
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

static bool isFloat(fovea_dtype type) {
  return visitFloat(type, [](auto) {});
}

bool fovea::runtime::isConvertible(fovea_dtype from, fovea_dtype to) {
  if (from == to)
    return byteSize(from) != 0;
  if (isFloat(from))
    return isFloat(to);
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

  if (isFloat(from)) {
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
