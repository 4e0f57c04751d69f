//===- mapped_file.h - A file in memory -------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_MAPPED_FILE_H
#define FOVEA_RUNTIME_MAPPED_FILE_H

#include "runtime/error.h"

#include <cstddef>

namespace fovea::runtime {

/// A regular file, mapped privately: writes stay in this process.
class MappedFile {
public:
  MappedFile() = default;
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

  /// Maps the file at `path`; an empty file maps to no bytes.
  fovea_status open(const char *path, bool isWritable, fovea_error *error);

  char *data() const { return memory; }
  size_t size() const { return length; }

private:
  char *memory = nullptr;
  size_t length = 0;
};

} // namespace fovea::runtime

#endif
