//===- tensors.h - Checking what callers pass -------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_TENSORS_H
#define FOVEA_RUNTIME_TENSORS_H

#include "runtime/error.h"
#include "runtime/fovea_abi.h"

#include <cstdint>

namespace fovea::runtime {

/// MLIR's strided memref descriptor of any rank.
struct TensorView {
  char *allocated;
  char *data;
  int64_t offset;
  int64_t words[2 * FOVEA_MAX_RANK]; // sizes[rank], then strides[rank]

  const int64_t *sizes() const { return words; }
};

/// The memory that a tensor may touch: [begin, end).
struct MemoryRange {
  uintptr_t begin, end;

  bool overlaps(const MemoryRange &other) const {
    return begin < other.end && other.begin < end;
  }
};

/// Whether a tensor is read or written, and what messages call it.
enum class TensorRole { Input, Output };
const char *roleName(TensorRole role);

/// Checks all of a tensor that does not depend on other tensors: that it is
/// there, its device, dtype, rank, sizes, strides, alignment. Fills in its
/// view, with strides of a compact tensor where they do not matter, and its
/// range.
fovea_status checkTensor(const fovea_tensor_desc &desc, TensorRole role,
                         const DLTensor *tensor, TensorView &view,
                         MemoryRange &range, fovea_error *error);

/// The value of an integer scalar that checkTensor has accepted; 0 for other
/// types. Unsigned values beyond 2^63 - 1 saturate.
int64_t scalarValue(const fovea_tensor_desc &desc, const TensorView &view);

} // namespace fovea::runtime

#endif
