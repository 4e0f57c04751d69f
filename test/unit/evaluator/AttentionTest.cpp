//===- AttentionTest.cpp - scores, masks, shapes of plain attention ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

// q: b h g i d, k: b h j d, v: b h j e, causal from past[b], in a window.
static const char *grouped = R"mlir(
func.func @f(%q: tensor<?x?x?x?x?xf32>, %k: tensor<?x?x?x?xf32>, %v: tensor<?x?x?x?xf32>,
    %past: tensor<?xi32>, %window: i32) -> (tensor<?x?x?x?x?xf32>, tensor<?x?x?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %B = tensor.dim %q, %c0 : tensor<?x?x?x?x?xf32>
  %H = tensor.dim %q, %c1 : tensor<?x?x?x?x?xf32>
  %G = tensor.dim %q, %c2 : tensor<?x?x?x?x?xf32>
  %I = tensor.dim %q, %c3 : tensor<?x?x?x?x?xf32>
  %D = tensor.dim %q, %c4 : tensor<?x?x?x?x?xf32>
  %J = tensor.dim %k, %c2 : tensor<?x?x?x?xf32>
  %E = tensor.dim %v, %c3 : tensor<?x?x?x?xf32>
  %o = tensor.empty(%B, %H, %G, %I, %E) : tensor<?x?x?x?x?xf32>
  %l = tensor.empty(%B, %H, %G, %I) : tensor<?x?x?x?xf32>
  %r:2 = attn.attention
      domain(b parallel %B, h parallel %H, g parallel %G, i parallel %I, j key %J,
             d contraction %D, e value %E)
      symbols(%D)
      contraction over(d) (%x = %q[b, h, g, i, d] : tensor<?x?x?x?x?xf32>,
                           %y = %k[b, h, j, d] : tensor<?x?x?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      score(%s : f32) {
        %c = arith.constant 0.5 : f32
        %t = arith.mulf %s, %c : f32
        attn.yield %t : f32
      }
      mask(%p = %past[b] : tensor<?xi32>, %w = %window[] : i32) {
        %i = attn.index 3
        %j = attn.index 4
        %pi = arith.index_cast %p : i32 to index
        %wi = arith.index_cast %w : i32 to index
        %last = arith.addi %i, %pi : index
        %seen = arith.cmpi sle, %j, %last : index
        %back = arith.subi %last, %j : index
        %near = arith.cmpi slt, %back, %wi : index
        %m = arith.andi %seen, %near : i1
        attn.yield %m : i1
      }
      value(%z = %v[b, h, j, e] : tensor<?x?x?x?xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[b, h, g, i, e] : tensor<?x?x?x?x?xf32>,
           logsumexp %l[b, h, g, i] : tensor<?x?x?x?xf32>)
  return %r#0, %r#1 : tensor<?x?x?x?x?xf32>, tensor<?x?x?x?xf32>
})mlir";

namespace {
struct Sizes {
  int64_t b, h, g, i, j, d, e, window;
};
class AttentionTest : public EvaluatorTest {
protected:
  void check(Sizes n, std::vector<int64_t> past) {
    Tensor q = random({n.b, n.h, n.g, n.i, n.d}, 1);
    Tensor k = random({n.b, n.h, n.j, n.d}, 2);
    Tensor v = random({n.b, n.h, n.j, n.e}, 3);
    auto results =
        run(grouped, {q, k, v, integers({n.b}, past), integer(n.window)});
    ASSERT_EQ(results.size(), 2u);
    std::vector<double> out, lse;
    for (int64_t row = 0; row < n.b * n.h * n.g * n.i; ++row) {
      int64_t i = row % n.i, bh = row / n.i / n.g, b = bh / n.h;
      std::vector<double> scores(n.j, -infinity);
      double mass = 0.0;
      for (int64_t j = 0; j < n.j; ++j) {
        if (j > i + past[b] || i + past[b] - j >= n.window)
          continue;
        scores[j] = 0.0;
        for (int64_t d = 0; d < n.d; ++d)
          scores[j] += 0.5 * q.floats[row * n.d + d] *
                       k.floats[(bh * n.j + j) * n.d + d];
        mass += std::exp(scores[j]);
      }
      lse.push_back(std::log(mass));
      std::vector<double> weights = softmaxRow(scores);
      for (int64_t e = 0; e < n.e; ++e) {
        out.push_back(0.0);
        for (int64_t j = 0; j < n.j; ++j)
          out.back() += weights[j] * v.floats[(bh * n.j + j) * n.e + e];
      }
    }
    expectFloats(results[0], {n.b, n.h, n.g, n.i, n.e}, out);
    expectFloats(results[1], {n.b, n.h, n.g, n.i}, lse);
  }
};
} // namespace

TEST_F(AttentionTest, OneElement) { check({1, 1, 1, 1, 1, 1, 1, 9}, {0}); }
TEST_F(AttentionTest, Causal) { check({1, 1, 1, 7, 7, 4, 3, 99}, {0}); }
TEST_F(AttentionTest, GroupsShareKeys) {
  check({2, 3, 4, 3, 5, 2, 2, 99}, {2, 1});
}
TEST_F(AttentionTest, WindowFromPast) {
  check({2, 1, 2, 5, 11, 3, 4, 3}, {0, 6});
}
TEST_F(AttentionTest, DecodesOneQuery) {
  check({3, 2, 8, 1, 13, 4, 4, 99}, {0, 5, 12});
}
TEST_F(AttentionTest, FullyMaskedRows) {
  check({2, 1, 1, 4, 5, 2, 2, 99}, {-2, -9});
}
TEST_F(AttentionTest, NoKeys) { check({1, 2, 1, 3, 0, 2, 2, 99}, {0}); }
TEST_F(AttentionTest, NoQueries) { check({1, 2, 1, 0, 3, 2, 2, 99}, {0}); }
TEST_F(AttentionTest, NoContraction) { check({1, 2, 1, 3, 3, 0, 2, 99}, {0}); }
TEST_F(AttentionTest, NoValues) { check({1, 2, 1, 3, 3, 2, 0, 99}, {0}); }
TEST_F(AttentionTest, WideHeads) { check({1, 2, 2, 3, 4, 70, 45, 99}, {1}); }
