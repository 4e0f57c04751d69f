//===- npy_save.cpp - Writing npy files -----------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/npy_header.h"
#include "runtime/strided.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

using namespace fovea::runtime;

namespace {
/// A file that takes its name when it is complete. What is not a regular file,
/// such as a pipe, is written directly.
class OutputFile {
public:
  explicit OutputFile(const char *path) : path(path) {}
  OutputFile(const OutputFile &) = delete;

  ~OutputFile() {
    if (file >= 0)
      close(file);
    if (!temporary.empty())
      unlink(temporary.c_str());
  }

  bool open() {
    struct stat properties;
    if (stat(path, &properties) == 0 && !S_ISREG(properties.st_mode)) {
      file = ::open(path, O_WRONLY | O_CLOEXEC);
      return file >= 0;
    }
    for (int attempt = 0; file < 0 && attempt < 100; ++attempt) {
      temporary = std::string(path) + "." + std::to_string(getpid()) + "." +
                  std::to_string(attempt) + ".tmp";
      file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                    0666);
      if (file < 0 && errno != EEXIST)
        break;
    }
    if (file < 0)
      temporary.clear(); // not ours to remove
    return file >= 0;
  }

  bool write(const char *data, size_t size) {
    while (size > 0) {
      ssize_t written = ::write(file, data, std::min(size, size_t(1) << 30));
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return false;
      data += written;
      size -= size_t(written);
    }
    return true;
  }

  bool finish() {
    bool isClosed = close(file) == 0;
    file = -1;
    if (!isClosed)
      return false;
    if (!temporary.empty() && rename(temporary.c_str(), path) != 0)
      return false;
    temporary.clear();
    return true;
  }

private:
  const char *path;
  std::string temporary;
  int file = -1;
};
} // namespace

/// Fails unless the tensor can be read; gives its sizes and strides.
static fovea_status readShape(const DLTensor &tensor,
                              std::vector<int64_t> &sizes,
                              std::vector<int64_t> &strides, int64_t &bytes,
                              fovea_error *error) {
  if (tensor.device.device_type != kDLCPU)
    return fail(error, FOVEA_BAD_DEVICE,
                "expected a tensor in CPU memory, found device type %d",
                int(tensor.device.device_type));
  constexpr int maxRank = 64;
  if (tensor.ndim < 0 || tensor.ndim > maxRank)
    return fail(error, FOVEA_BAD_SHAPE, "expected 0 to %d dimensions, found %d",
                maxRank, tensor.ndim);
  if (tensor.ndim > 0 && !tensor.shape)
    return fail(error, FOVEA_INVALID_ARGUMENT, "the tensor's shape is null");
  sizes.assign(tensor.shape, tensor.shape + tensor.ndim);
  bytes = (tensor.dtype.bits + 7) / 8;
  bool isEmpty = false;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 0)
      return fail(error, FOVEA_BAD_SHAPE,
                  "dimension %zu: expected a size of 0 or more, found %lld", d,
                  static_cast<long long>(sizes[d]));
    isEmpty |= sizes[d] == 0;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(sizes[d], 1), &bytes))
      return fail(error, FOVEA_BAD_SHAPE,
                  "the tensor's sizes exceed 2^63 - 1 bytes");
  }
  if (isEmpty)
    bytes = 0;
  if (bytes > 0 && !tensor.data)
    return fail(error, FOVEA_INVALID_ARGUMENT, "the tensor's data is null");
  strides = tensor.strides
                ? std::vector(tensor.strides, tensor.strides + tensor.ndim)
                : compactStrides(sizes);
  return FOVEA_OK;
}

fovea_status fovea_npy_save(const char *path, const DLTensor *tensor,
                            fovea_error *error) {
  if (!path || !tensor)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a path and a tensor, found null");
  return guarded(error, [&] {
    fovea_dtype type = fromDLPack(tensor->dtype);
    std::vector<int64_t> sizes, strides;
    int64_t bytes;
    if (fovea_status status = readShape(*tensor, sizes, strides, bytes, error))
      return status;
    std::string header = writeNpyHeader(type, sizes.data(), tensor->ndim);
    if (header.empty())
      return fail(error, FOVEA_BAD_DTYPE,
                  "npy files have no dtype for code %d of %d bits and %d lanes",
                  tensor->dtype.code, tensor->dtype.bits, tensor->dtype.lanes);

    const char *data = nullptr;
    std::vector<char> compact;
    if (bytes > 0) {
      data = static_cast<const char *>(tensor->data) + tensor->byte_offset;
      if (strides != compactStrides(sizes)) {
        compact.resize(size_t(bytes));
        copyToCompact(data, sizes, strides, byteSize(type), compact.data());
        data = compact.data();
      }
    }
    OutputFile file(path);
    if (!file.open() || !file.write(header.data(), header.size()) ||
        !file.write(data, size_t(bytes)) || !file.finish())
      return fail(error, FOVEA_IO_ERROR, "cannot write '%s': %s", path,
                  Text<128>::ofError(errno).c_str());
    return succeed(error);
  });
}
