//===- PackTest.cpp -------------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

using namespace fovea::runtime;

namespace {
struct Case {
  std::vector<int64_t> sizes;
  std::vector<uint8_t> order;
  int32_t outerRank, nRank, block;
};
} // namespace

static fovea_param paramOf(const Case &c,
                           int32_t layout = FOVEA_LAYOUT_PANELS) {
  fovea_param param{};
  param.order = c.order.data();
  param.rank = int32_t(c.sizes.size());
  param.layout = layout;
  param.outer_rank = c.outerRank;
  param.n_rank = c.nRank;
  param.block = c.block;
  return param;
}

/// The definition: each source element on its own, by its multi-index.
template <typename T>
static std::vector<T> packNaively(const Case &c, const std::vector<T> &source,
                                  int64_t bytes, int64_t group) {
  std::vector<T> target(size_t(bytes) / sizeof(T), T(0));
  size_t rank = c.sizes.size();
  for (int64_t e = 0; e < int64_t(source.size()); ++e) {
    std::vector<int64_t> index(rank);
    int64_t rest = e;
    for (size_t d = rank; d-- > 0; rest /= c.sizes[d])
      index[d] = rest % c.sizes[d];
    int64_t flat[3] = {0, 0, 0}, extent[3] = {1, 1, 1};
    for (size_t i = 0; i < rank; ++i) {
      int group = int32_t(i) < c.outerRank             ? 0
                  : int32_t(i) < c.outerRank + c.nRank ? 1
                                                       : 2;
      flat[group] = flat[group] * c.sizes[c.order[i]] + index[c.order[i]];
      extent[group] *= c.sizes[c.order[i]];
    }
    int64_t panels = (extent[1] + c.block - 1) / c.block;
    int64_t panel = flat[0] * panels + flat[1] / c.block;
    int64_t tile = group == 1 ? 1 : FOVEA_PANEL_PAIRS;
    int64_t groups = (extent[2] + group * tile - 1) / (group * tile) * tile;
    target[size_t(
        ((panel * groups + flat[2] / group) * c.block + flat[1] % c.block) *
            group +
        flat[2] % group)] = source[size_t(e)];
  }
  return target;
}

template <typename T>
static void expectPacks(const Case &c, int32_t layout) {
  int64_t count = std::accumulate(c.sizes.begin(), c.sizes.end(), int64_t(1),
                                  std::multiplies<>());
  std::vector<T> source(static_cast<size_t>(count));
  for (size_t i = 0; i < source.size(); ++i)
    source[i] = T(i % 120 + 1);
  fovea_param param = paramOf(c, layout);
  PanelShape shape;
  ASSERT_TRUE(shape.set(param, c.sizes.data(), sizeof(T)));
  std::vector<T> packed(size_t(shape.bytes()) / sizeof(T), T(77));
  packPanels(param, c.sizes.data(), shape, sizeof(T), source.data(),
             packed.data());
  EXPECT_EQ(packed, packNaively(c, source, shape.bytes(),
                                layout == FOVEA_LAYOUT_PAIR_PANELS ? 2 : 1));
}

TEST(Pack, AgreesWithTheDefinition) {
  const Case cases[] = {
      {{7, 5}, {0, 1}, 0, 1, 4},  // the columns of a row-major matrix
      {{7, 5}, {1, 0}, 0, 1, 4},  // of its transpose
      {{8, 3}, {0, 1}, 0, 1, 8},  // whole panels
      {{1, 9}, {0, 1}, 0, 1, 16}, // fewer columns than a panel
      {{2, 3, 4, 5}, {2, 0, 3, 1}, 0, 2, 3},
      {{2, 3, 4, 5}, {3, 1, 0, 2}, 1, 2, 4},
      {{3, 4}, {0, 1}, 2, 0, 2}, // no columns: one of each
      {{6}, {0}, 0, 1, 4},       // no k
      {{0, 4}, {0, 1}, 0, 1, 4}, // nothing
      {{4, 0}, {0, 1}, 0, 1, 4},
      {{5, 33}, {0, 1}, 0, 1, 4}, // one more than a tile of pairs
      {{9, 2, 40}, {0, 1, 2}, 0, 1, 8},
      {{}, {}, 0, 0, 4},
  };
  for (const Case &c : cases) {
    SCOPED_TRACE(&c - cases);
    for (int32_t layout : {FOVEA_LAYOUT_PANELS, FOVEA_LAYOUT_PAIR_PANELS}) {
      expectPacks<int8_t>(c, layout);
      expectPacks<int16_t>(c, layout);
      expectPacks<float>(c, layout);
      expectPacks<double>(c, layout);
    }
  }
}

TEST(Pack, SizesThatDoNotFit) {
  Case c{{int64_t(1) << 40, int64_t(1) << 22}, {0, 1}, 0, 1, 16};
  PanelShape shape;
  EXPECT_TRUE(shape.set(paramOf(c), c.sizes.data(), 1));
  EXPECT_FALSE(shape.set(paramOf(c), c.sizes.data(), 4));
  c.sizes = {std::numeric_limits<int64_t>::max(), 2};
  c.nRank = 2;
  EXPECT_FALSE(shape.set(paramOf(c), c.sizes.data(), 1));
}
