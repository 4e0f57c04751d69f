//===- npz.cpp - Any bytes as an npz archive ------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

#include "runtime/fovea_npz.h"

#include <string>
#include <sys/mman.h>
#include <unistd.h>

/// A file of these bytes that has no name on a disk.
static int makeFile(const uint8_t *data, size_t size) {
  int file = memfd_create("npz", MFD_CLOEXEC);
  check(file >= 0, "the fuzzer can make files");
  while (size > 0) {
    ssize_t written = write(file, data, size);
    check(written > 0, "the fuzzer can write files");
    data += written;
    size -= static_cast<size_t>(written);
  }
  return file;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int file = makeFile(data, size);
  fovea_npz *npz = nullptr;
  fovea_error error;
  fovea_status status = fovea_npz_open(
      ("/proc/self/fd/" + std::to_string(file)).c_str(), &npz, &error);
  close(file);
  checkError(status, error);
  check((status == FOVEA_OK) == (npz != nullptr),
        "an archive is given on success alone");
  for (int64_t i = 0; i < fovea_npz_count(npz); ++i) {
    DLManagedTensor *tensor = nullptr;
    status = fovea_npz_load(npz, fovea_npz_name(npz, i), &tensor, &error);
    checkError(status, error);
    check((status == FOVEA_OK) == (tensor != nullptr),
          "a tensor is given on success alone");
    if (!tensor)
      continue;
    checkElements(tensor->dl_tensor);
    tensor->deleter(tensor);
  }
  fovea_npz_close(npz);
  return 0;
}
