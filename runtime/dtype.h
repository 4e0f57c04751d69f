//===- dtype.h - Element types ----------------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_DTYPE_H
#define FOVEA_RUNTIME_DTYPE_H

#include "runtime/fovea.h"

namespace fovea::runtime {

/// Type codes of DLPack 1.1 that Debian's header (0.6) does not have yet.
enum DLPackCode : uint8_t {
  dlBool = 6,
  dlFloat8E4M3FN = 10,
  dlFloat8E5M2 = 12,
};

/// "no type", where a file or a tensor has one that we do not know.
constexpr fovea_dtype noType = fovea_dtype(0);

/// Bytes of an element; 0 for values that are not a dtype.
int64_t byteSize(int32_t type);
/// "f32"; "unknown dtype" for values that are not a dtype.
const char *typeName(int32_t type);
bool isInteger(fovea_dtype type); // booleans are not

DLDataType toDLPack(fovea_dtype type);
/// noType when we have no such type.
fovea_dtype fromDLPack(DLDataType type);

enum class Conversion {
  Done,
  /// There is no conversion between the two types.
  NotConvertible,
  /// An integer does not fit; its position is reported.
  OutOfRange,
};

/// True when convert() can turn `from` into `to`: floating types into each
/// other, integers and booleans into integers, and any type into itself.
bool isConvertible(fovea_dtype from, fovea_dtype to);

/// Converts `count` elements. Floating values are rounded once, to nearest
/// even, overflowing to infinity, or to NaN where there is none; integers must
/// fit: else `*position` is set; booleans become 0 or 1. Neither side needs to
/// be aligned; they do not overlap.
Conversion convert(const void *source, fovea_dtype from, void *target,
                   fovea_dtype to, int64_t count, int64_t *position);

} // namespace fovea::runtime

#endif
