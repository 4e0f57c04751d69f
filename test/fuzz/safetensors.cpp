//===- safetensors.cpp - Any bytes as a weights file ----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fovea_weights *weights = nullptr;
  fovea_error error;
  fovea_status status = fovea_weights_from_memory(data, size, &weights, &error);
  checkError(status, error);
  check((status == FOVEA_OK) == (weights != nullptr),
        "weights are given on success alone");
  for (int64_t i = 0; i < fovea_weights_count(weights); ++i) {
    const char *name = fovea_weights_name(weights, i);
    check(name != nullptr, "every tensor has a name");
    DLTensor tensor;
    status = fovea_weights_tensor(weights, name, &tensor, &error);
    checkError(status, error);
    if (status == FOVEA_OK)
      checkElements(tensor);
  }
  fovea_weights_destroy(weights);
  return 0;
}
