//===- npy.h - Reading npy files --------------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_NPY_H
#define FOVEA_RUNTIME_NPY_H

#include "runtime/buffer.h"
#include "runtime/mapped_file.h"

namespace fovea::runtime {

/// The contents of an npy file, and what keeps them alive.
struct NpyContents {
  MappedFile file;
  AlignedBuffer buffer;
  char *data = nullptr;
  size_t size = 0;
};

/// Makes a compact row-major tensor of the contents, in place if they lie as
/// they should. `where` begins messages.
fovea_status makeNpyTensor(const char *where, NpyContents contents,
                           DLManagedTensor **tensor, fovea_error *error);

} // namespace fovea::runtime

#endif
