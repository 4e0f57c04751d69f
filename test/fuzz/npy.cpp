//===- npy.cpp - Any bytes as an npy file ---------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "runtime/npy.h"

#include <cstring>
#include <memory>

using namespace fovea::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A copy of exactly this size: a read beyond it is seen, which in a mapped
  // file it is not.
  auto copy = std::make_unique<char[]>(size);
  std::memcpy(copy.get(), data, size);
  NpyContents contents;
  contents.data = copy.get();
  contents.size = size;
  DLManagedTensor *tensor = nullptr;
  fovea_error error;
  fovea_status status =
      makeNpyTensor("input", std::move(contents), &tensor, &error);
  checkError(status, error);
  check((status == FOVEA_OK) == (tensor != nullptr),
        "a tensor is given on success alone");
  if (!tensor)
    return 0;
  checkElements(tensor->dl_tensor);
  tensor->deleter(tensor);
  return 0;
}
