//===- cpu_features.h - What this CPU can execute ---------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_CPU_FEATURES_H
#define FOVEA_RUNTIME_CPU_FEATURES_H

#include <cstddef>
#include <cstdint>

namespace fovea::runtime {

/// Writes the names of the features in `mask`, separated by ", ", to `text` of
/// `size` > 0 bytes, cut at its end. Bits without a name are written "bit 40".
void describeCpuFeatures(uint64_t mask, char *text, size_t size);

/// `fovea_cpu_features`, without those in `wanted` whose registers the
/// operating system refuses to this process: the tiles of AMX, which Linux
/// gives only to processes that ask. They are given to all threads; asking
/// again is harmless.
uint64_t requestCpuFeatures(uint64_t wanted);

} // namespace fovea::runtime

#endif
