//===- strided.cpp - Copying strided tensors ------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/strided.h"

#include <algorithm>
#include <cstring>

using namespace fovea::runtime;

std::vector<int64_t>
fovea::runtime::compactStrides(const std::vector<int64_t> &sizes) {
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = 1;
  for (size_t d = sizes.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
  return strides;
}

void fovea::runtime::copyToCompact(const char *source,
                                   const std::vector<int64_t> &sizes,
                                   const std::vector<int64_t> &strides,
                                   int64_t elementSize, char *target) {
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end())
    return;
  // The dimensions that are compact already are copied as one run.
  size_t outer = sizes.size();
  int64_t run = 1;
  while (outer > 0 && (sizes[outer - 1] == 1 || strides[outer - 1] == run))
    run *= sizes[--outer];
  size_t runBytes = size_t(run * elementSize);

  std::vector<int64_t> index(outer, 0);
  int64_t offset = 0;
  while (true) {
    std::memcpy(target, source + offset * elementSize, runBytes);
    target += runBytes;
    size_t d = outer;
    while (d > 0 && ++index[d - 1] == sizes[d - 1]) {
      --d;
      offset -= (sizes[d] - 1) * strides[d];
      index[d] = 0;
    }
    if (d == 0)
      return;
    offset += strides[d - 1];
  }
}
