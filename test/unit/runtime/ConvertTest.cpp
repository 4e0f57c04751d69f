//===- ConvertTest.cpp ----------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace fovea::runtime;

template <typename To, typename From>
static To convertOne(From value, fovea_dtype from, fovea_dtype to) {
  To result;
  int64_t position;
  EXPECT_EQ(convert(&value, from, &result, to, 1, &position), Conversion::Done);
  return result;
}

static uint16_t toHalf(double value) {
  return convertOne<uint16_t>(value, FOVEA_F64, FOVEA_F16);
}
static uint16_t toBFloat(double value) {
  return convertOne<uint16_t>(value, FOVEA_F64, FOVEA_BF16);
}

TEST(Convert, EveryHalfSurvivesF32) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    for (fovea_dtype type : {FOVEA_F16, FOVEA_BF16}) {
      float wide = convertOne<float>(uint16_t(bits), type, FOVEA_F32);
      uint16_t back = convertOne<uint16_t>(wide, FOVEA_F32, type);
      if (std::isnan(wide)) {
        float again = convertOne<float>(back, type, FOVEA_F32);
        EXPECT_TRUE(std::isnan(again)) << bits;
      } else {
        EXPECT_EQ(back, bits) << typeName(type);
      }
    }
}

TEST(Convert, KnownValues) {
  EXPECT_EQ(convertOne<float>(uint16_t(0x3c00), FOVEA_F16, FOVEA_F32), 1.0f);
  EXPECT_EQ(convertOne<float>(uint16_t(0xc000), FOVEA_F16, FOVEA_F32), -2.0f);
  EXPECT_EQ(convertOne<float>(uint16_t(0x0001), FOVEA_F16, FOVEA_F32),
            0x1p-24f);
  EXPECT_EQ(convertOne<float>(uint16_t(0x3f80), FOVEA_BF16, FOVEA_F32), 1.0f);
  EXPECT_EQ(convertOne<float>(uint16_t(0x0001), FOVEA_BF16, FOVEA_F32),
            0x1p-133f);
  EXPECT_EQ(toHalf(65504.0), 0x7bff);
  EXPECT_EQ(toHalf(65519.99), 0x7bff);
  EXPECT_EQ(toHalf(65520.0), 0x7c00); // half way to the next: to infinity
  EXPECT_EQ(toHalf(-1e300), 0xfc00);
  EXPECT_EQ(toHalf(0x1p-25), 0x0000); // half way to the smallest: to even
  EXPECT_EQ(toHalf(0x1.0001p-25), 0x0001);
  EXPECT_EQ(toHalf(-0.0), 0x8000);
  EXPECT_EQ(toHalf(0x1.ffep-15), 0x0400); // the largest denormal, rounded up
  EXPECT_EQ(toBFloat(INFINITY), 0x7f80);
  EXPECT_EQ(toBFloat(1e39), 0x7f80);
}

TEST(Convert, RealsOfEightBits) {
  auto e4m3 = [](double value) {
    return convertOne<uint8_t>(value, FOVEA_F64, FOVEA_F8E4M3);
  };
  auto e5m2 = [](double value) {
    return convertOne<uint8_t>(value, FOVEA_F64, FOVEA_F8E5M2);
  };
  EXPECT_EQ(e4m3(448.0), 0x7e);
  EXPECT_EQ(e4m3(-464.0), 0xfe); // half way to what would be 480: to even
  EXPECT_EQ(e4m3(464.001), 0x7f);
  EXPECT_EQ(e4m3(-INFINITY), 0xff);
  EXPECT_EQ(e4m3(0x1p-9), 0x01);
  EXPECT_EQ(e4m3(0x1p-10), 0x00);
  EXPECT_EQ(e4m3(0x1.fp-7), 0x08); // the largest denormal, rounded up
  EXPECT_EQ(e5m2(57344.0), 0x7b);
  EXPECT_EQ(e5m2(61440.0), 0x7c);
  EXPECT_EQ(e5m2(-INFINITY), 0xfc);
  EXPECT_EQ(e5m2(0x1p-16), 0x01);
  for (int bits = 0; bits < 256; ++bits)
    for (fovea_dtype type : {FOVEA_F8E4M3, FOVEA_F8E5M2}) {
      float value = convertOne<float>(uint8_t(bits), type, FOVEA_F32);
      bool isNaN =
          type == FOVEA_F8E4M3 ? (bits & 0x7f) == 0x7f : (bits & 0x7f) > 0x7c;
      EXPECT_EQ(std::isnan(value), isNaN) << typeName(type) << " " << bits;
      if (!isNaN) {
        EXPECT_EQ(convertOne<uint8_t>(value, FOVEA_F32, type), bits);
      }
    }
}

TEST(Convert, RoundsOnceToNearestEven) {
  EXPECT_EQ(toBFloat(1.0 + 0x1p-8), 0x3f80);           // a tie, down to even
  EXPECT_EQ(toBFloat(1.0 + 3 * 0x1p-8), 0x3f82);       // a tie, up to even
  EXPECT_EQ(toBFloat(1.0 + 0x1p-8 + 0x1p-40), 0x3f81); // f32 would make a tie
  EXPECT_EQ(toHalf(1.0 + 0x1p-11 + 0x1p-40), 0x3c01);
}

TEST(Convert, BetweenRandomValuesAgreesWithArithmetic) {
  // Nearest: no neighbour is closer.
  uint64_t state = 1;
  for (int i = 0; i < 20000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    float value = std::bit_cast<float>(uint32_t(state >> 32));
    if (!std::isfinite(value) || std::fabs(value) > 60000.0f)
      continue;
    uint16_t bits = convertOne<uint16_t>(value, FOVEA_F32, FOVEA_F16);
    auto distance = [&](uint16_t candidate) {
      return std::fabs(double(value) -
                       convertOne<double>(candidate, FOVEA_F16, FOVEA_F64));
    };
    EXPECT_LE(distance(bits), distance(uint16_t(bits + 1))) << value;
    if (bits & 0x7fff) {
      EXPECT_LE(distance(bits), distance(uint16_t(bits - 1))) << value;
    }
  }
}

TEST(Convert, IntegersMustFit) {
  int64_t values[] = {0, -128, 127, 128};
  int8_t narrow[4];
  int64_t position = -1;
  EXPECT_EQ(convert(values, FOVEA_I64, narrow, FOVEA_I8, 3, &position),
            Conversion::Done);
  EXPECT_EQ(narrow[1], -128);
  EXPECT_EQ(convert(values, FOVEA_I64, narrow, FOVEA_I8, 4, &position),
            Conversion::OutOfRange);
  EXPECT_EQ(position, 3);
  EXPECT_EQ(convert(values, FOVEA_I64, narrow, FOVEA_U8, 3, &position),
            Conversion::OutOfRange);
  EXPECT_EQ(position, 1);
  uint8_t truths[] = {0, 1, 255};
  int32_t wide[3];
  EXPECT_EQ(convert(truths, FOVEA_BOOL, wide, FOVEA_I32, 3, &position),
            Conversion::Done);
  EXPECT_EQ(wide[2], 1);
}

TEST(Convert, OnlyBetweenTypesOfOneKind) {
  EXPECT_TRUE(isConvertible(FOVEA_F8E4M3, FOVEA_F8E4M3));
  EXPECT_TRUE(isConvertible(FOVEA_F8E4M3, FOVEA_F32));
  EXPECT_FALSE(isConvertible(FOVEA_F8E4M3, FOVEA_I8));
  EXPECT_FALSE(isConvertible(FOVEA_I32, FOVEA_F32));
  EXPECT_FALSE(isConvertible(FOVEA_F32, FOVEA_I32));
  EXPECT_FALSE(isConvertible(FOVEA_I8, FOVEA_BOOL));
  EXPECT_FALSE(isConvertible(noType, noType));
  float value = 1;
  int64_t position;
  EXPECT_EQ(convert(&value, FOVEA_F32, &value, FOVEA_I32, 1, &position),
            Conversion::NotConvertible);
}

TEST(DType, DLPackRoundTrip) {
  for (int type = FOVEA_F32; type <= FOVEA_F8E5M2; ++type) {
    DLDataType code = toDLPack(fovea_dtype(type));
    EXPECT_EQ(fromDLPack(code), type) << typeName(type);
    EXPECT_EQ(code.bits, byteSize(type) * 8);
  }
  EXPECT_EQ(fromDLPack({kDLComplex, 64, 1}), noType);
  EXPECT_EQ(fromDLPack({kDLFloat, 32, 2}), noType);
  EXPECT_EQ(byteSize(noType), 0);
  EXPECT_STREQ(typeName(99), "unknown dtype");
}
