//===- buffer.h - Aligned memory --------------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_BUFFER_H
#define FOVEA_RUNTIME_BUFFER_H

#include <cstddef>
#include <cstdint>

namespace fovea::runtime {

/// 64-byte aligned memory that is kept until it has to be larger. Large buffers
/// ask for huge pages.
class AlignedBuffer {
public:
  AlignedBuffer() = default;
  AlignedBuffer(AlignedBuffer &&other) noexcept;
  AlignedBuffer &operator=(AlignedBuffer &&other) noexcept;
  ~AlignedBuffer();

  /// Makes room for `bytes`; false, with the buffer as it was, when there is
  /// not enough memory. Growing loses the contents.
  bool reserve(int64_t bytes);

  /// Null when nothing was reserved.
  char *data() const { return memory; }
  int64_t size() const { return capacity; }

private:
  char *memory = nullptr;
  int64_t capacity = 0;
};

} // namespace fovea::runtime

#endif
