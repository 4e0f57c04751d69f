//===- AttentionFormsTest.cpp - lookups, contractions, regions, results ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
using AttentionFormsTest = EvaluatorTest;
} // namespace

// An attention of 2 queries and 3 keys around `parts`; the score is x * y + 0.
static std::string program(llvm::StringRef arguments, llvm::StringRef parts,
                           llvm::StringRef outs) {
  return ("func.func @f(" + arguments + ") -> tensor<2xf32> {\n" +
          "  %o = tensor.empty() : tensor<2xf32>\n" +
          "  %r = attn.attention\n" + parts +
          "\n  normalizer(#attn.softmax)\n" + outs +
          "\n  return %r : tensor<2xf32>\n}")
      .str();
}

TEST_F(AttentionFormsTest, PagesAreLookedUp) {
  // Keys 0 … 4 lie in pages of 2: page 2, then 0, then 1.
  auto results = run(
      program("%c: tensor<3x2xf32>, %page: tensor<3xi32>, %v: tensor<3x2xf32>",
              R"(domain(i parallel 2, j key 5)
  lookup(%p = %page[j floordiv 2] : tensor<3xi32>) {
    %q = arith.index_cast %p : i32 to index
    attn.yield %q : index
  }
  contraction over() (%x = %c[l0, j mod 2] : tensor<3x2xf32>) {
    attn.yield %x : f32
  }
  mask() {
    %i = attn.index 0
    %j = attn.index 1
    %m = arith.cmpi sge, %j, %i : index
    attn.yield %m : i1
  }
  value(%x = %v[l0, j mod 2] : tensor<3x2xf32>) { attn.yield %x : f32 })",
              "outs(output %o[i] : tensor<2xf32>)"),
      {floats({3, 2}, {0, 1, 2, 3, 4, 5}), integers({3}, {2, 0, 1}),
       floats({3, 2}, {1, 2, 4, 8, 16, 32})});
  std::vector<double> scores = {4, 5, 0, 1, 2}, values = {16, 32, 1, 2, 4};
  std::vector<double> expected;
  for (int i = 0; i < 2; ++i) {
    std::vector<double> row = scores;
    if (i == 1)
      row[0] = -infinity;
    std::vector<double> weights = softmaxRow(row);
    expected.push_back(0.0);
    for (int j = 0; j < 5; ++j)
      expected.back() += weights[j] * values[j];
  }
  expectFloats(results[0], {2}, expected);
}

TEST_F(AttentionFormsTest, LookupsOfLookupsAreClamped) {
  // t[u[j]] with u out of range at both ends; the value is what was read.
  auto results =
      run(program("%u: tensor<3xi32>, %t: tensor<2xi32>, %v: tensor<4xf32>",
                  R"(domain(i parallel 2, j key 3)
  lookup(%p = %u[j] : tensor<3xi32>) {
    %q = arith.index_cast %p : i32 to index
    attn.yield %q : index
  }
  lookup(%p = %t[l0] : tensor<2xi32>) {
    %q = arith.index_cast %p : i32 to index
    attn.yield %q : index
  }
  contraction over() () {
    %z = arith.constant 0.0 : f32
    attn.yield %z : f32
  }
  mask() {
    %i = attn.index 0
    %j = attn.index 1
    %m = arith.cmpi sle, %j, %i : index
    attn.yield %m : i1
  }
  value(%x = %v[l1 + 1] : tensor<4xf32>) { attn.yield %x : f32 })",
                  "outs(output %o[i] : tensor<2xf32>)"),
          {integers({3}, {-5, 7, 0}), integers({2}, {9, -9}),
           floats({4}, {1, 2, 4, 8})});
  // j = 0: u = -5 -> 0, t = 9, v[10 -> 3]; j = 1: u = 7 -> 1, t = -9, v[0].
  expectFloats(results[0], {2}, {8, 4.5});
}

TEST_F(AttentionFormsTest, LookupOfAContractionDimension) {
  auto results = run(
      program("%q: tensor<2x3xf32>, %order: tensor<3xi32>, %v: tensor<2xf32>",
              R"(domain(i parallel 2, j key 2, d contraction 3)
  lookup(%p = %order[d] : tensor<3xi32>) {
    %n = arith.index_cast %p : i32 to index
    attn.yield %n : index
  }
  contraction over(d) (%x = %q[i, l0] : tensor<2x3xf32>) {
    %d = attn.index 2
    %j = attn.index 1
    %dj = arith.muli %d, %j : index
    %n = arith.index_cast %dj : index to i64
    %w = arith.sitofp %n : i64 to f32
    %t = arith.mulf %x, %w : f32
    attn.yield %t : f32
  }
  value(%x = %v[j] : tensor<2xf32>) { attn.yield %x : f32 })",
              "outs(output %o[i] : tensor<2xf32>)"),
      {floats({2, 3}, {1, 2, 3, 4, 5, 6}), integers({3}, {2, 0, 1}),
       floats({2}, {0, 1})});
  // s(i, 1) = 0 q[i,2] + 1 q[i,0] + 2 q[i,1]
  auto weight = [](double score) { return softmaxRow({0.0, score})[1]; };
  expectFloats(results[0], {2}, {weight(5), weight(14)});
}

TEST_F(AttentionFormsTest, TwoContractionsAndATable) {
  auto results = run(
      program("%q: tensor<2x2xf32>, %k: tensor<3x2xf32>, %u: tensor<2x1xf32>,"
              "%t: tensor<4xf32>, %v: tensor<3xf32>",
              R"(domain(i parallel 2, j key 3, c contraction 2, d contraction 1)
  contraction over(c) (%x = %q[i, c] : tensor<2x2xf32>, %y = %k[j, c] : tensor<3x2xf32>) {
    %n = arith.subf %x, %y : f32
    %s = arith.mulf %n, %n : f32
    attn.yield %s : f32
  }
  contraction over(d) (%x = %u[i, d] : tensor<2x1xf32>) { attn.yield %x : f32 }
  score(%near : f32, %extra : f32, %b = %t[i - j + 2] : tensor<4xf32>) {
    %a = arith.negf %near : f32
    %c = arith.addf %a, %b : f32
    %s = arith.mulf %c, %extra : f32
    attn.yield %s : f32
  }
  value(%x = %v[j] : tensor<3xf32>) { attn.yield %x : f32 })",
              "outs(output %o[i] : tensor<2xf32>)"),
      {floats({2, 2}, {0, 1, 1, 0}), floats({3, 2}, {0, 0, 1, 1, 0.5, 0}),
       floats({2, 1}, {1, 2}), floats({4}, {0.1, 0.2, 0.3, 0.4}),
       floats({3}, {1, 2, 4})});
  auto row = [](std::vector<double> scores) {
    std::vector<double> w = softmaxRow(scores);
    return w[0] + 2 * w[1] + 4 * w[2];
  };
  expectFloats(results[0], {2},
               {row({-1 + 0.3, -1 + 0.2, -1.25 + 0.1}),
                row({2 * (-1 + 0.4), 2 * (-1 + 0.3), 2 * (-0.25 + 0.2)})});
}

TEST_F(AttentionFormsTest, AdditiveScoreAndGatedOutput) {
  auto results =
      run(program("%q: tensor<2x2xf32>, %k: tensor<3x2xf32>, %u: tensor<2xf32>,"
                  "%g: tensor<2xf32>",
                  R"(domain(i parallel 2, j key 3, a contraction 2)
  contraction over(a) (%x = %q[i, a] : tensor<2x2xf32>, %y = %k[j, a] : tensor<3x2xf32>,
                       %z = %u[a] : tensor<2xf32>) {
    %n = arith.addf %x, %y : f32
    %t = math.tanh %n : f32
    %s = arith.mulf %z, %t : f32
    attn.yield %s : f32
  }
  value(%y = %k[j, 1] : tensor<3x2xf32>) {
    %j = attn.index 1
    %n = arith.index_cast %j : index to i32
    %f = arith.sitofp %n : i32 to f32
    %s = arith.addf %y, %f : f32
    attn.yield %s : f32
  }
  epilogue(%a : f32, %y = %g[i] : tensor<2xf32>) {
    %s = arith.mulf %a, %y : f32
    attn.yield %s : f32
  })",
                  "outs(output %o[i] : tensor<2xf32>)"),
          {floats({2, 2}, {0.1, 0.2, -0.3, 0.4}),
           floats({3, 2}, {1, 2, 0.5, -1, -2, 0.25}), floats({2}, {0.7, -1.3}),
           floats({2}, {3, -5})});
  std::vector<double> expected;
  double q[2][2] = {{0.1, 0.2}, {-0.3, 0.4}};
  double k[3][2] = {{1, 2}, {0.5, -1}, {-2, 0.25}}, gate[2] = {3, -5};
  for (int i = 0; i < 2; ++i) {
    std::vector<double> scores;
    for (auto &key : k)
      scores.push_back(0.7 * std::tanh(q[i][0] + key[0]) -
                       1.3 * std::tanh(q[i][1] + key[1]));
    std::vector<double> w = softmaxRow(scores);
    expected.push_back(gate[i] * (w[0] * k[0][1] + w[1] * (k[1][1] + 1) +
                                  w[2] * (k[2][1] + 2)));
  }
  expectFloats(results[0], {2}, expected);
}

TEST_F(AttentionFormsTest, WeightsOverTwoKeyDimensions) {
  auto results = run(R"mlir(
func.func @f(%t: tensor<2x2x3xf32>) -> tensor<3x2x2xf32> {
  %w = tensor.empty() : tensor<3x2x2xf32>
  %r = attn.attention
      domain(i parallel 2, y key 2, x key 3)
      contraction over() (%a = %t[i, y, x] : tensor<2x2x3xf32>) { attn.yield %a : f32 }
      normalizer(#attn.softmax)
      outs(weights %w[x, i, y] : tensor<3x2x2xf32>)
  return %r : tensor<3x2x2xf32>
})mlir",
                     {floats({2, 2, 3}, {0, 1, 2, 3, 4, 5, 5, 1, 0, 2, 2, 2})});
  std::vector<double> first = softmaxRow({0, 1, 2, 3, 4, 5});
  std::vector<double> second = softmaxRow({5, 1, 0, 2, 2, 2});
  std::vector<double> expected;
  for (int x = 0; x < 3; ++x)
    for (const std::vector<double> &row : {first, second})
      for (int y = 0; y < 2; ++y)
        expected.push_back(row[y * 3 + x]);
  expectFloats(results[0], {3, 2, 2}, expected);
}
