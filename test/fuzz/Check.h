//===- Check.h - Promises that fuzzing holds code to ------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TEST_FUZZ_CHECK_H
#define FOVEA_TEST_FUZZ_CHECK_H

#include "runtime/fovea.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sanitizer/asan_interface.h>

/// Ends the run, so that libFuzzer keeps the input, when a promise is broken.
inline void check(bool holds, const char *promise) {
  if (holds)
    return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

/// A failure has a message, and only a failure has.
inline void checkError(fovea_status status, const fovea_error &error) {
  check(error.status == status, "the error has the status that was returned");
  check((status == FOVEA_OK) == (error.message[0] == '\0'),
        "failures alone have messages");
}

/// Every element of a compact tensor lies in memory that is there.
inline void checkElements(const DLTensor &tensor) {
  size_t bytes = (tensor.dtype.bits + 7) / 8;
  for (int32_t d = 0; d < tensor.ndim; ++d) {
    check(tensor.shape[d] >= 0, "sizes are not negative");
    bytes *= static_cast<size_t>(tensor.shape[d]);
  }
  char *data = static_cast<char *>(tensor.data) + tensor.byte_offset;
  check(bytes == 0 || !__asan_region_is_poisoned(data, bytes),
        "the elements are in memory");
}

#endif // FOVEA_TEST_FUZZ_CHECK_H
