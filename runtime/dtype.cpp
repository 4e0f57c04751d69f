//===- dtype.cpp - Element types ------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/dtype.h"

using namespace fovea::runtime;

namespace {
struct TypeRow {
  const char *name;
  uint8_t code;
  uint8_t bits;
};
} // namespace

/// In the order of fovea_dtype, from FOVEA_F32 on.
static constexpr TypeRow rows[] = {
    {"f32", kDLFloat, 32},      {"f16", kDLFloat, 16},
    {"bf16", kDLBfloat, 16},    {"f64", kDLFloat, 64},
    {"i8", kDLInt, 8},          {"i16", kDLInt, 16},
    {"i32", kDLInt, 32},        {"i64", kDLInt, 64},
    {"u8", kDLUInt, 8},         {"u16", kDLUInt, 16},
    {"u32", kDLUInt, 32},       {"u64", kDLUInt, 64},
    {"bool", dlBool, 8},        {"f8e4m3", dlFloat8E4M3FN, 8},
    {"f8e5m2", dlFloat8E5M2, 8}};

static const TypeRow *find(int32_t type) {
  bool known = type >= FOVEA_F32 && type <= FOVEA_F8E5M2;
  return known ? &rows[type - FOVEA_F32] : nullptr;
}

int64_t fovea::runtime::byteSize(int32_t type) {
  const TypeRow *row = find(type);
  return row ? row->bits / 8 : 0;
}

const char *fovea::runtime::typeName(int32_t type) {
  const TypeRow *row = find(type);
  return row ? row->name : "unknown dtype";
}

bool fovea::runtime::isInteger(fovea_dtype type) {
  return type >= FOVEA_I8 && type <= FOVEA_U64;
}

DLDataType fovea::runtime::toDLPack(fovea_dtype type) {
  const TypeRow *row = find(type);
  return row ? DLDataType{row->code, row->bits, 1} : DLDataType{0, 0, 0};
}

fovea_dtype fovea::runtime::fromDLPack(DLDataType type) {
  if (type.lanes != 1)
    return noType;
  for (const TypeRow &row : rows)
    if (row.code == type.code && row.bits == type.bits)
      return fovea_dtype(FOVEA_F32 + (&row - rows));
  return noType;
}
