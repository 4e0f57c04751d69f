//===- pack.cpp - Weights as panels ---------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/pack.h"

#include <algorithm>
#include <cstring>
#include <vector>

using namespace fovea::runtime;

bool PanelShape::set(const fovea_param &param, const int64_t *sizes,
                     int64_t elementSize) {
  outer = n = k = 1;
  block = param.block;
  group = param.layout == FOVEA_LAYOUT_PAIR_PANELS ? 2 : 1;
  for (int32_t i = 0; i < param.rank; ++i) {
    int64_t &extent = i < param.outer_rank                  ? outer
                      : i < param.outer_rank + param.n_rank ? n
                                                            : k;
    if (__builtin_mul_overflow(extent, sizes[param.order[i]], &extent))
      return false;
  }
  int64_t panels = n / block + (n % block != 0);
  storedBytes = elementSize;
  for (int64_t extent : {outer, panels, storedGroups(), block, group})
    if (__builtin_mul_overflow(storedBytes, extent, &storedBytes))
      return false;
  return true;
}

int64_t PanelShape::storedGroups() const {
  if (group == 1)
    return k;
  int64_t step = group * FOVEA_PANEL_PAIRS;
  return (k / step + (k % step != 0)) * FOVEA_PANEL_PAIRS;
}

/// Where each element of a flattened group of dimensions lies in the source:
/// offsets, in elements, of `count` dimensions named by `order`, row-major.
static std::vector<int64_t> offsetsOf(const uint8_t *order, int32_t count,
                                      const int64_t *sizes,
                                      const int64_t *strides) {
  std::vector<int64_t> offsets{0};
  for (int32_t i = 0; i < count; ++i) {
    int64_t size = sizes[order[i]], stride = strides[order[i]];
    std::vector<int64_t> finer;
    finer.reserve(offsets.size() * size_t(size));
    for (int64_t offset : offsets)
      for (int64_t index = 0; index < size; ++index)
        finer.push_back(offset + index * stride);
    offsets = std::move(finer);
  }
  return offsets;
}

/// Copies elements of `Size` bytes.
template <size_t Size>
static void pack(const PanelShape &shape, const std::vector<int64_t> &outer,
                 const std::vector<int64_t> &n, const std::vector<int64_t> &k,
                 const char *source, char *target) {
  const int64_t size = int64_t(Size), stride = shape.group * size;
  const size_t group = size_t(shape.group);
  const int64_t rowBytes = shape.block * stride;
  for (int64_t outerOffset : outer)
    for (int64_t first = 0; first < shape.n; first += shape.block) {
      int64_t columns = std::min(shape.block, shape.n - first);
      for (int64_t g = 0; g < shape.storedGroups(); ++g) {
        size_t begin = size_t(g) * group,
               end = std::min(begin + group, k.size());
        // What nothing is copied to is zero.
        if (columns < shape.block || end < begin + group)
          std::memset(target, 0, size_t(rowBytes));
        for (size_t at = begin; at < end; ++at) {
          const char *row = source + (outerOffset + k[at]) * size;
          char *to = target + int64_t(at - begin) * size;
          for (int64_t c = 0; c < columns; ++c)
            std::memcpy(to + c * stride, row + n[size_t(first + c)] * size,
                        Size);
        }
        target += rowBytes;
      }
    }
}

void fovea::runtime::packPanels(const fovea_param &param, const int64_t *sizes,
                                const PanelShape &shape, int64_t elementSize,
                                const void *source, void *target) {
  if (shape.bytes() == 0)
    return;
  int64_t strides[FOVEA_MAX_RANK];
  int64_t stride = 1;
  for (int32_t d = param.rank - 1; d >= 0; --d) {
    strides[d] = stride;
    stride *= sizes[d];
  }
  const uint8_t *order = param.order;
  int32_t kRank = param.rank - param.outer_rank - param.n_rank;
  auto outer = offsetsOf(order, param.outer_rank, sizes, strides);
  auto n = offsetsOf(order + param.outer_rank, param.n_rank, sizes, strides);
  auto k =
      offsetsOf(order + param.outer_rank + param.n_rank, kRank, sizes, strides);
  const char *from = static_cast<const char *>(source);
  char *to = static_cast<char *>(target);
  switch (elementSize) {
  case 1:
    return pack<1>(shape, outer, n, k, from, to);
  case 2:
    return pack<2>(shape, outer, n, k, from, to);
  case 4:
    return pack<4>(shape, outer, n, k, from, to);
  case 8:
    return pack<8>(shape, outer, n, k, from, to);
  }
}
