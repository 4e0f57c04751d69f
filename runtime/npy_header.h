//===- npy_header.h - The header of npy files -------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_NPY_HEADER_H
#define FOVEA_RUNTIME_NPY_HEADER_H

#include "runtime/dtype.h"
#include "runtime/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fovea::runtime {

/// What the header of an npy file says of its array.
struct NpyHeader {
  fovea_dtype dtype = noType;
  bool isFortranOrder = false;
  /// The elements' bytes are in the order that this machine does not use.
  bool isSwapped = false;
  std::vector<int64_t> shape;
  int64_t count = 1; // of elements
  int64_t bytes = 0; // of data
  size_t dataAt = 0; // where the data begins
};

/// Reads the header at the start of an npy file (versions 1 to 3), and checks
/// that the file has all its data. `where` begins messages.
fovea_status readNpyHeader(const char *where, const char *data, size_t size,
                           NpyHeader &header, fovea_error *error);

/// The start of an npy file up to its data, a multiple of 64 bytes, of a
/// row-major array; "" when npy has no such dtype.
std::string writeNpyHeader(fovea_dtype dtype, const int64_t *shape,
                           int32_t rank);

} // namespace fovea::runtime

#endif
