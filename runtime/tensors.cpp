//===- tensors.cpp - Checking what callers pass ---------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/tensors.h"

#include "runtime/dtype.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace fovea::runtime;

using LL = long long; // for printf

const char *fovea::runtime::roleName(TensorRole role) {
  return role == TensorRole::Input ? "input" : "output";
}

namespace {
/// One tensor under check.
struct Check {
  const fovea_tensor_desc &desc;
  TensorRole role;
  const DLTensor &tensor;
  fovea_error *error;

  __attribute__((format(printf, 3, 4))) fovea_status bad(fovea_status status,
                                                         const char *format,
                                                         ...) const {
    Text<384> what;
    va_list arguments;
    va_start(arguments, format);
    what.vappend(format, arguments);
    va_end(arguments);
    return fail(error, status, "%s '%s'%s", roleName(role), desc.name,
                what.c_str());
  }

  fovea_status checkType() const;
  fovea_status checkSizes(int64_t &count) const;
  fovea_status setStrides(int64_t count, int64_t *strides) const;
  fovea_status checkDistinct(const int64_t *strides) const;
  fovea_status checkMemory(int64_t count, const int64_t *strides,
                           TensorView &view, MemoryRange &range) const;
};
} // namespace

fovea_status Check::checkType() const {
  if (tensor.device.device_type != kDLCPU)
    return bad(FOVEA_BAD_DEVICE,
               ": expected a tensor in CPU memory, found device type %d",
               int(tensor.device.device_type));
  fovea_dtype expected = fovea_dtype(desc.dtype),
              found = fromDLPack(tensor.dtype);
  if (expected == FOVEA_BOOL && found == FOVEA_U8)
    found = FOVEA_BOOL; // for lack of the newer code
  if (found == noType)
    return bad(FOVEA_BAD_DTYPE,
               ": expected dtype %s, found code %d of %d bits and %d lanes",
               typeName(expected), tensor.dtype.code, tensor.dtype.bits,
               tensor.dtype.lanes);
  if (found != expected)
    return bad(FOVEA_BAD_DTYPE, ": expected dtype %s, found %s",
               typeName(expected), typeName(found));
  if (tensor.ndim != desc.rank)
    return bad(FOVEA_BAD_SHAPE, ": expected %d dimensions, found %d", desc.rank,
               tensor.ndim);
  if (desc.rank > 0 && !tensor.shape)
    return bad(FOVEA_INVALID_ARGUMENT, ": its shape is null");
  return FOVEA_OK;
}

/// Sizes must not be negative, and their product must fit even without those
/// that are 0, so that code may multiply any of them.
fovea_status Check::checkSizes(int64_t &count) const {
  int64_t bytes = byteSize(desc.dtype);
  count = 1;
  for (int32_t d = 0; d < desc.rank; ++d) {
    int64_t size = tensor.shape[d];
    if (size < 0)
      return bad(FOVEA_BAD_SHAPE,
                 " dimension %d: expected a size of 0 or more, found %lld", d,
                 LL(size));
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes))
      return bad(FOVEA_BAD_SHAPE, ": its sizes exceed 2^63 - 1 bytes");
    count *= size;
  }
  return FOVEA_OK;
}

fovea_status Check::setStrides(int64_t count, int64_t *strides) const {
  int64_t compact = 1;
  for (int32_t d = desc.rank - 1; d >= 0; --d) {
    int64_t size = tensor.shape[d];
    bool isFree = size <= 1 || count == 0 || !tensor.strides;
    strides[d] = isFree ? compact : tensor.strides[d];
    compact *= std::max<int64_t>(size, 1);
  }
  if (desc.rank > 0 && strides[desc.rank - 1] != 1)
    return bad(FOVEA_BAD_LAYOUT, ": expected innermost stride 1, found %lld",
               LL(strides[desc.rank - 1]));
  return FOVEA_OK;
}

/// Fails unless each element has its own place: taken by growing stride, each
/// dimension steps over all that the ones before it span.
fovea_status Check::checkDistinct(const int64_t *strides) const {
  int32_t order[FOVEA_MAX_RANK], dims = 0;
  for (int32_t d = 0; d < desc.rank; ++d)
    if (tensor.shape[d] > 1)
      order[dims++] = d;
  auto magnitude = [&](int32_t d) {
    return strides[d] < 0 ? 0 - uint64_t(strides[d]) : uint64_t(strides[d]);
  };
  std::sort(order, order + dims,
            [&](int32_t a, int32_t b) { return magnitude(a) < magnitude(b); });
  uint64_t span = 1; // fits: checkMemory comes first
  for (int32_t i = 0; i < dims; ++i) {
    int32_t d = order[i];
    if (magnitude(d) < span)
      return bad(FOVEA_BAD_LAYOUT,
                 " dimension %d: expected a stride of at least %lld, found "
                 "%lld: elements would share memory",
                 d, LL(span), LL(strides[d]));
    span += magnitude(d) * uint64_t(tensor.shape[d] - 1);
  }
  return FOVEA_OK;
}

fovea_status Check::checkMemory(int64_t count, const int64_t *strides,
                                TensorView &view, MemoryRange &range) const {
  int64_t elementSize = byteSize(desc.dtype);
  auto address = reinterpret_cast<uintptr_t>(tensor.data);
  if (__builtin_add_overflow(address, tensor.byte_offset, &address))
    return bad(FOVEA_BAD_LAYOUT, ": its byte_offset leaves the address space");
  view.data = view.allocated = reinterpret_cast<char *>(address);
  view.offset = 0;
  range = {0, 0};
  if (count == 0)
    return FOVEA_OK;
  if (!tensor.data)
    return bad(FOVEA_INVALID_ARGUMENT, ": its data is null");
  uintptr_t alignment =
      std::max<uintptr_t>(desc.alignment, uintptr_t(elementSize));
  if (address % alignment != 0)
    return bad(FOVEA_BAD_LAYOUT,
               ": expected data aligned to %d bytes, found an address %d bytes "
               "past",
               int(alignment), int(address % alignment));

  // The lowest and the highest element, in bytes from the first.
  int64_t low = 0, high = elementSize;
  bool fits = true;
  for (int32_t d = 0; d < desc.rank; ++d) {
    int64_t reach;
    fits = fits && !__builtin_mul_overflow(strides[d], elementSize, &reach) &&
           !__builtin_mul_overflow(reach, tensor.shape[d] - 1, &reach) &&
           !__builtin_add_overflow(reach < 0 ? low : high, reach,
                                   reach < 0 ? &low : &high);
  }
  fits = fits && !__builtin_add_overflow(address, low, &range.begin) &&
         !__builtin_add_overflow(address, high, &range.end);
  if (!fits)
    return bad(FOVEA_BAD_LAYOUT, ": its strides leave the address space");
  return FOVEA_OK;
}

fovea_status fovea::runtime::checkTensor(const fovea_tensor_desc &desc,
                                         TensorRole role,
                                         const DLTensor *tensor,
                                         TensorView &view, MemoryRange &range,
                                         fovea_error *error) {
  if (!tensor)
    return fail(error, FOVEA_INVALID_ARGUMENT, "%s '%s' is null",
                roleName(role), desc.name);
  Check check{desc, role, *tensor, error};
  int64_t count, *strides = view.words + desc.rank;
  if (fovea_status status = check.checkType())
    return status;
  if (fovea_status status = check.checkSizes(count))
    return status;
  std::copy_n(tensor->shape, desc.rank, view.words);
  if (fovea_status status = check.setStrides(count, strides))
    return status;
  if (fovea_status status = check.checkMemory(count, strides, view, range))
    return status;
  return role == TensorRole::Output && count > 1 ? check.checkDistinct(strides)
                                                 : FOVEA_OK;
}

template <typename Integer>
static int64_t read(const void *data) {
  Integer value;
  std::memcpy(&value, data, sizeof value);
  if constexpr (sizeof value == sizeof(int64_t))
    if (value > Integer(std::numeric_limits<int64_t>::max()))
      return std::numeric_limits<int64_t>::max();
  return int64_t(value);
}

int64_t fovea::runtime::scalarValue(const fovea_tensor_desc &desc,
                                    const TensorView &view) {
  if (!(desc.flags & FOVEA_TENSOR_SCALAR))
    return 0;
  switch (desc.dtype) {
  case FOVEA_I8:
    return read<int8_t>(view.data);
  case FOVEA_I16:
    return read<int16_t>(view.data);
  case FOVEA_I32:
    return read<int32_t>(view.data);
  case FOVEA_I64:
    return read<int64_t>(view.data);
  case FOVEA_U8:
    return read<uint8_t>(view.data);
  case FOVEA_U16:
    return read<uint16_t>(view.data);
  case FOVEA_U32:
    return read<uint32_t>(view.data);
  case FOVEA_U64:
    return read<uint64_t>(view.data);
  }
  return 0;
}
