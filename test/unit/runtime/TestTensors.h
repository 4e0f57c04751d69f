//===- TestTensors.h - Tensors and files for tests --------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TEST_UNIT_RUNTIME_TESTTENSORS_H
#define FOVEA_TEST_UNIT_RUNTIME_TESTTENSORS_H

#include "runtime/dtype.h"
#include "runtime/fovea_abi.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace fovea::test {

/// A DLTensor with its memory, 64-byte aligned; tests change `tensor` to break
/// it.
struct Tensor {
  Tensor(fovea_dtype type, std::vector<int64_t> sizes)
      : shape(std::move(sizes)) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    size_t bytes = size_t(count * runtime::byteSize(type));
    memory.assign(bytes + 64, 0);
    void *aligned = memory.data();
    size_t room = memory.size();
    std::align(64, bytes, aligned, room);
    tensor = {aligned,
              {kDLCPU, 0},
              int(shape.size()),
              runtime::toDLPack(type),
              shape.data(),
              nullptr,
              0};
  }
  Tensor(const Tensor &) = delete;

  template <typename T>
  T *data() {
    return static_cast<T *>(tensor.data);
  }
  template <typename T>
  Tensor &fill(std::vector<T> values) {
    std::memcpy(tensor.data, values.data(), values.size() * sizeof(T));
    return *this;
  }
  void setStrides(std::vector<int64_t> values) {
    strides = std::move(values);
    tensor.strides = strides.data();
  }

  std::vector<int64_t> shape, strides;
  std::vector<char> memory;
  DLTensor tensor;
};

/// The bytes of a safetensors file with this header and data.
inline std::string safetensors(const std::string &header,
                               const std::string &data) {
  std::string file(8, '\0');
  uint64_t size = header.size();
  for (int i = 0; i < 8; ++i)
    file[size_t(i)] = char(size >> (8 * i));
  return file + header + data;
}

/// The bytes of some values.
template <typename T>
std::string bytesOf(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

} // namespace fovea::test

#endif
