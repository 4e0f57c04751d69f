//===- strided.h - Copying strided tensors ----------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_STRIDED_H
#define FOVEA_RUNTIME_STRIDED_H

#include <cstdint>
#include <vector>

namespace fovea::runtime {

/// Strides, in elements, of a compact row-major tensor.
std::vector<int64_t> compactStrides(const std::vector<int64_t> &sizes);

/// Copies a tensor of any strides (in elements of `elementSize` bytes) to
/// compact row-major memory. Nothing needs to be aligned.
void copyToCompact(const char *source, const std::vector<int64_t> &sizes,
                   const std::vector<int64_t> &strides, int64_t elementSize,
                   char *target);

} // namespace fovea::runtime

#endif
