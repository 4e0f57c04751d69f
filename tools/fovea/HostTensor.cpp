//===- HostTensor.cpp - Tensors in memory, for running programs -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/HostTensor.h"

#include "runtime/dtype.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>
#include <cstring>
#include <unistd.h>

using namespace fovea;
using namespace fovea::tool;

llvm::Expected<HostTensor> HostTensor::zeros(fovea_dtype type,
                                             llvm::ArrayRef<int64_t> shape) {
  HostTensor result;
  result.dtype = type;
  result.sizes.assign(shape.begin(), shape.end());
  constexpr size_t alignment = 64;
  // The system promises more than it has; what it cannot hold is refused here.
  int64_t limit = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) *
                  static_cast<int64_t>(sysconf(_SC_PAGESIZE));
  int64_t bytes = runtime::byteSize(type);
  bool isTooLarge = false;
  for (int64_t size : shape)
    isTooLarge |= llvm::MulOverflow(bytes, size, bytes);
  // A size of 0 makes the others harmless.
  if (llvm::is_contained(shape, 0))
    bytes = 0;
  else if (isTooLarge || bytes > limit)
    return llvm::createStringError("expected a tensor that fits the memory of "
                                   "this machine, but found " +
                                   result.typeText());
  // No more than the elements, so that AddressSanitizer knows their end.
  size_t size = std::max<int64_t>(bytes, 1);
  void *data = nullptr;
  if (posix_memalign(&data, alignment, size) != 0)
    return llvm::createStringError("no memory for " + result.typeText());
  std::memset(data, 0, size);
  result.memory = std::shared_ptr<void>(data, std::free);
  return result;
}

llvm::Expected<HostTensor> HostTensor::load(llvm::StringRef path) {
  DLManagedTensor *loaded = nullptr;
  fovea_error error;
  if (fovea_npy_load(path.str().c_str(), &loaded, &error) != FOVEA_OK)
    return llvm::createStringError(error.message);
  HostTensor result;
  const DLTensor &from = loaded->dl_tensor;
  result.dtype = runtime::fromDLPack(from.dtype);
  result.sizes.assign(from.shape, from.shape + from.ndim);
  result.memory =
      std::shared_ptr<void>(static_cast<char *>(from.data) + from.byte_offset,
                            [loaded](void *) { loaded->deleter(loaded); });
#if LLVM_ADDRESS_SANITIZER_BUILD
  // A mapped file has no end that is watched.
  llvm::Expected<HostTensor> copy = zeros(result.dtype, result.sizes);
  if (copy && result.count() > 0)
    std::memcpy(copy->memory.get(), result.memory.get(),
                result.count() * runtime::byteSize(result.dtype));
  return copy;
#else
  return result;
#endif
}

DLTensor *HostTensor::view() {
  tensor = {};
  tensor.data = memory.get();
  tensor.device = {kDLCPU, 0};
  tensor.ndim = static_cast<int32_t>(sizes.size());
  tensor.dtype = runtime::toDLPack(dtype);
  tensor.shape = sizes.data();
  return &tensor;
}

llvm::Error HostTensor::save(llvm::StringRef path) const {
  HostTensor copy = *this; // shares the elements
  fovea_error error;
  if (fovea_npy_save(path.str().c_str(), copy.view(), &error) != FOVEA_OK)
    return llvm::createStringError(error.message);
  return llvm::Error::success();
}

int64_t HostTensor::count() const {
  if (llvm::is_contained(sizes, 0))
    return 0;
  int64_t product = 1;
  for (int64_t size : sizes)
    product *= size;
  return product;
}

bool HostTensor::isFloat() const {
  return runtime::isConvertible(dtype, FOVEA_F64) &&
         !runtime::isInteger(dtype) && dtype != FOVEA_BOOL;
}

template <typename T>
static std::vector<T> convertTo(const HostTensor &tensor, fovea_dtype type) {
  std::vector<T> values(tensor.count());
  int64_t position;
  runtime::convert(tensor.data(), tensor.type(), values.data(), type,
                   tensor.count(), &position);
  return values;
}

std::vector<double> HostTensor::floats() const {
  return convertTo<double>(*this, FOVEA_F64);
}

std::vector<int64_t> HostTensor::integers() const {
  return convertTo<int64_t>(*this, FOVEA_I64);
}

void HostTensor::setFloats(llvm::ArrayRef<double> values) {
  int64_t position;
  runtime::convert(values.data(), FOVEA_F64, memory.get(), dtype, count(),
                   &position);
}

void HostTensor::setIntegers(llvm::ArrayRef<int64_t> values) {
  int64_t position;
  if (dtype == FOVEA_BOOL) {
    for (auto [number, value] : llvm::enumerate(values))
      static_cast<char *>(memory.get())[number] = value != 0;
    return;
  }
  runtime::convert(values.data(), FOVEA_I64, memory.get(), dtype, count(),
                   &position);
}

std::string HostTensor::typeText() const {
  std::string text = runtime::typeName(dtype);
  if (!sizes.empty())
    text += "[" +
            llvm::join(llvm::map_range(
                           sizes, [](int64_t s) { return std::to_string(s); }),
                       ", ") +
            "]";
  return text;
}
