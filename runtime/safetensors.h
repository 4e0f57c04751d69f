//===- safetensors.h - Reading safetensors files ----------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_SAFETENSORS_H
#define FOVEA_RUNTIME_SAFETENSORS_H

#include "runtime/dtype.h"
#include "runtime/error.h"
#include "runtime/mapped_file.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fovea::runtime {

/// One tensor of a file: compact and row-major.
struct FileTensor {
  std::string name;
  /// noType for types that we do not know; typeText is the file's own word.
  fovea_dtype dtype = noType;
  std::string typeText;
  std::vector<int64_t> shape;
  /// Bytes [begin, end) after the header.
  uint64_t begin = 0, end = 0;
  const char *data = nullptr;
};

/// A file of weights whose header has been checked in full: names are unique,
/// and the tensors' bytes lie in the file one after another and fit their
/// shapes.
class Weights {
public:
  fovea_status openFile(const char *path, fovea_error *error);
  /// The bytes are borrowed.
  fovea_status openMemory(const char *data, size_t size, fovea_error *error);

  /// In the order of the file's header.
  const std::vector<FileTensor> &tensors() const { return all; }
  /// Null when there is none of this name.
  const FileTensor *find(std::string_view name) const;

private:
  fovea_status read(const char *where, const char *data, size_t size,
                    fovea_error *error);

  MappedFile file;
  std::vector<FileTensor> all;
  std::unordered_map<std::string_view, size_t> positions;
};

} // namespace fovea::runtime

struct fovea_weights {
  std::shared_ptr<const fovea::runtime::Weights> weights;
};

#endif
