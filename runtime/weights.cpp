//===- weights.cpp - Weights in the C API ---------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/safetensors.h"

using namespace fovea::runtime;

fovea_status fovea_weights_open(const char *path, fovea_weights **weights,
                                fovea_error *error) {
  if (!weights)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the weights, found null");
  *weights = nullptr;
  if (!path)
    return fail(error, FOVEA_INVALID_ARGUMENT, "expected a path, found null");
  return guarded(error, [&] {
    auto opened = std::make_shared<Weights>();
    if (fovea_status status = opened->openFile(path, error))
      return status;
    *weights = new fovea_weights{std::move(opened)};
    return succeed(error);
  });
}

fovea_status fovea_weights_from_memory(const void *data, size_t size,
                                       fovea_weights **weights,
                                       fovea_error *error) {
  if (!weights)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the weights, found null");
  *weights = nullptr;
  if (!data)
    return fail(error, FOVEA_INVALID_ARGUMENT, "expected data, found null");
  return guarded(error, [&] {
    auto opened = std::make_shared<Weights>();
    if (fovea_status status =
            opened->openMemory(static_cast<const char *>(data), size, error))
      return status;
    *weights = new fovea_weights{std::move(opened)};
    return succeed(error);
  });
}

int64_t fovea_weights_count(const fovea_weights *weights) {
  return weights ? int64_t(weights->weights->tensors().size()) : 0;
}

const char *fovea_weights_name(const fovea_weights *weights, int64_t index) {
  if (index < 0 || index >= fovea_weights_count(weights))
    return nullptr;
  return weights->weights->tensors()[size_t(index)].name.c_str();
}

fovea_status fovea_weights_tensor(const fovea_weights *weights,
                                  const char *name, DLTensor *tensor,
                                  fovea_error *error) {
  if (!weights || !name || !tensor)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected weights, a name and a tensor, found null");
  return guarded(error, [&] {
    const FileTensor *found = weights->weights->find(name);
    if (!found)
      return fail(error, FOVEA_BAD_WEIGHTS, "no tensor is named '%s'", name);
    if (found->dtype == noType)
      return fail(error, FOVEA_BAD_WEIGHTS,
                  "tensor '%s' has the unsupported dtype '%s'", name,
                  found->typeText.c_str());
    // DLPack knows no read-only tensors.
    *tensor = DLTensor{const_cast<char *>(found->data),
                       {kDLCPU, 0},
                       int(found->shape.size()),
                       toDLPack(found->dtype),
                       const_cast<int64_t *>(found->shape.data()),
                       nullptr,
                       0};
    return succeed(error);
  });
}

void fovea_weights_destroy(fovea_weights *weights) { delete weights; }
