//===- npy.cpp - Reading npy files ----------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/npy.h"

#include "runtime/npy_header.h"
#include "runtime/strided.h"

#include <algorithm>
#include <memory>

using namespace fovea::runtime;

namespace {
/// A tensor and all that it points to.
struct OwnedTensor {
  DLManagedTensor managed;
  std::vector<int64_t> shape;
  NpyContents contents;

  static void destroy(DLManagedTensor *managed) {
    if (managed)
      delete static_cast<OwnedTensor *>(managed->manager_ctx);
  }
};
} // namespace

/// Strides of an array whose first dimension is the innermost.
static std::vector<int64_t> fortranStrides(const std::vector<int64_t> &shape) {
  std::vector<int64_t> strides;
  int64_t stride = 1;
  for (int64_t size : shape) {
    strides.push_back(stride);
    stride *= std::max<int64_t>(size, 1);
  }
  return strides;
}

static void swapBytes(char *data, int64_t count, int64_t elementSize) {
  for (int64_t i = 0; i < count; ++i)
    std::reverse(data + i * elementSize, data + (i + 1) * elementSize);
}

fovea_status fovea::runtime::makeNpyTensor(const char *where,
                                           NpyContents contents,
                                           DLManagedTensor **tensor,
                                           fovea_error *error) {
  NpyHeader header;
  if (fovea_status status =
          readNpyHeader(where, contents.data, contents.size, header, error))
    return status;
  char *data = contents.data + header.dataAt;
  bool isAligned = reinterpret_cast<uintptr_t>(data) % 64 == 0;
  if (!isAligned || header.isFortranOrder || header.isSwapped) {
    int64_t elementSize = byteSize(header.dtype);
    AlignedBuffer copy;
    if (!copy.reserve(std::max<int64_t>(header.bytes, 1)))
      return fail(error, FOVEA_OUT_OF_MEMORY,
                  "%s: cannot allocate %lld bytes for the array", where,
                  static_cast<long long>(header.bytes));
    std::vector<int64_t> strides = header.isFortranOrder
                                       ? fortranStrides(header.shape)
                                       : compactStrides(header.shape);
    copyToCompact(data, header.shape, strides, elementSize, copy.data());
    if (header.isSwapped)
      swapBytes(copy.data(), header.count, elementSize);
    contents = NpyContents();
    contents.buffer = std::move(copy);
    data = contents.buffer.data();
  }

  auto owned = std::make_unique<OwnedTensor>();
  owned->shape = std::move(header.shape);
  owned->contents = std::move(contents);
  owned->managed = {{data,
                     {kDLCPU, 0},
                     int(owned->shape.size()),
                     toDLPack(header.dtype),
                     owned->shape.data(),
                     nullptr,
                     0},
                    owned.get(),
                    OwnedTensor::destroy};
  *tensor = &owned.release()->managed;
  return succeed(error);
}

fovea_status fovea_npy_load(const char *path, DLManagedTensor **tensor,
                            fovea_error *error) {
  if (!tensor)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the tensor, found null");
  *tensor = nullptr;
  if (!path)
    return fail(error, FOVEA_INVALID_ARGUMENT, "expected a path, found null");
  return guarded(error, [&] {
    NpyContents contents;
    if (fovea_status status =
            contents.file.open(path, /*isWritable=*/true, error))
      return status;
    contents.data = contents.file.data();
    contents.size = contents.file.size();
    Text<300> where;
    where.append("'%s'", path);
    return makeNpyTensor(where.c_str(), std::move(contents), tensor, error);
  });
}
