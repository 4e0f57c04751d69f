//===- pack.h - Weights as panels -------------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_PACK_H
#define FOVEA_RUNTIME_PACK_H

#include "runtime/fovea_abi.h"

#include <cstdint>

namespace fovea::runtime {

/// The sizes behind a parameter's panels (FOVEA_LAYOUT_PANELS, or
/// ..._PAIR_PANELS).
struct PanelShape {
  int64_t outer = 1, n = 1, k = 1;
  int64_t block = 1;
  /// Neighbours along k that lie side by side: 1, or 2 of pairs.
  int64_t group = 1;

  /// Groups the parameter's `sizes`; false when an extent or the number of
  /// stored elements, each of `elementSize` bytes, does not fit in 63 bits.
  bool set(const fovea_param &param, const int64_t *sizes, int64_t elementSize);

  /// Groups of k that are stored, those of zeros included.
  int64_t storedGroups() const;

  /// Bytes stored, padding included; valid after set() returned true.
  int64_t bytes() const { return storedBytes; }

private:
  int64_t storedBytes = 0;
};

/// Stores a compact row-major tensor as panels:
/// [outer][ceil(n/block)][groups of k][block][group] with zeros beyond n and k.
/// `source` need not be aligned, `target` has `shape.bytes()` bytes.
void packPanels(const fovea_param &param, const int64_t *sizes,
                const PanelShape &shape, int64_t elementSize,
                const void *source, void *target);

} // namespace fovea::runtime

#endif
