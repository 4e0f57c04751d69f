//===- buffer.cpp - Aligned memory ----------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/buffer.h"

#include <cstdlib>
#include <sys/mman.h>
#include <utility>

using namespace fovea::runtime;

AlignedBuffer::AlignedBuffer(AlignedBuffer &&other) noexcept
    : memory(std::exchange(other.memory, nullptr)),
      capacity(std::exchange(other.capacity, 0)) {}

AlignedBuffer &AlignedBuffer::operator=(AlignedBuffer &&other) noexcept {
  std::swap(memory, other.memory);
  std::swap(capacity, other.capacity);
  return *this;
}

AlignedBuffer::~AlignedBuffer() { std::free(memory); }

bool AlignedBuffer::reserve(int64_t bytes) {
  if (bytes <= capacity)
    return true;
  constexpr int64_t hugePage = int64_t(2) << 20;
  int64_t alignment = bytes >= 2 * hugePage ? hugePage : 64;
  int64_t padded;
  if (__builtin_add_overflow(bytes, alignment - 1, &padded))
    return false;
  padded &= -alignment;
  void *larger = std::aligned_alloc(size_t(alignment), size_t(padded));
  if (!larger)
    return false;
#ifdef MADV_HUGEPAGE
  if (alignment == hugePage)
    (void)madvise(larger, size_t(padded), MADV_HUGEPAGE); // only a wish
#endif
  std::free(memory);
  memory = static_cast<char *>(larger);
  capacity = padded;
  return true;
}
