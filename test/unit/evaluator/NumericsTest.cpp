//===- NumericsTest.cpp - empty rows, infinities, NaN, ranges ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
/// Attention whose scores are an input, with every result.
class NumericsTest : public EvaluatorTest {
protected:
  struct Results {
    Tensor output, logsumexp, weights;
  };
  /// Scores and keep are `rows` x 2, values are 2.
  Results attend(std::vector<double> scores, std::vector<int64_t> keep,
                 std::vector<double> values) {
    int64_t rows = scores.size() / 2;
    Tensor mask = integers({rows, 2}, keep);
    auto r = run(R"mlir(
func.func @f(%s: tensor<?x2xf32>, %k: tensor<?x2xi32>, %v: tensor<2xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %I = tensor.dim %s, %c0 : tensor<?x2xf32>
  %o = tensor.empty(%I) : tensor<?xf32>
  %w = tensor.empty(%I) : tensor<?x2xf32>
  %r:3 = attn.attention
      domain(i parallel %I, j key 2)
      contraction over() (%x = %s[i, j] : tensor<?x2xf32>) { attn.yield %x : f32 }
      mask(%x = %k[i, j] : tensor<?x2xi32>) {
        %c = arith.constant 1 : i32
        %m = arith.cmpi eq, %x, %c : i32
        attn.yield %m : i1
      }
      value(%x = %v[j] : tensor<2xf32>) { attn.yield %x : f32 }
      epilogue(%a : f32) {
        %c = arith.constant 10.0 : f32
        %t = arith.mulf %a, %c : f32
        attn.yield %t : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[i] : tensor<?xf32>, logsumexp %o[i] : tensor<?xf32>,
           weights %w[i, j] : tensor<?x2xf32>)
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<?x2xf32>
})mlir",
                 {floats({rows, 2}, scores), mask, floats({2}, values)});
    if (r.size() != 3)
      return {};
    return {r[0], r[1], r[2]};
  }
};
} // namespace

TEST_F(NumericsTest, EmptyRows) {
  Results r = attend({1, 2, -infinity, -infinity}, {0, 0, 1, 1}, {3, 4});
  expectFloats(r.output, {2}, {0, 0});
  expectFloats(r.logsumexp, {2}, {-infinity, -infinity});
  expectFloats(r.weights, {2, 2}, {0, 0, 0, 0});
}

TEST_F(NumericsTest, ScoreOfMinusInfinityIsNotKept) {
  Results r = attend({-infinity, 2}, {1, 1}, {notANumber, 4});
  expectFloats(r.output, {1}, {40});
  expectFloats(r.logsumexp, {1}, {2});
  expectFloats(r.weights, {1, 2}, {0, 1});
}

TEST_F(NumericsTest, MaskedKeysHaveNoEffect) {
  Results r = attend({notANumber, 2, infinity, 3}, {0, 1, 0, 1}, {infinity, 4});
  expectFloats(r.output, {2}, {40, 40});
  expectFloats(r.logsumexp, {2}, {2, 3});
  expectFloats(r.weights, {2, 2}, {0, 1, 0, 1});
}

TEST_F(NumericsTest, KeptNaNOrInfinitySpoilsItsRowAlone) {
  Results r =
      attend({notANumber, 2, infinity, 0, 0, 0}, {1, 1, 1, 0, 1, 1}, {2, 4});
  expectFloats(r.output, {3}, {notANumber, notANumber, 30});
  expectFloats(r.logsumexp, {3}, {notANumber, notANumber, std::log(2.0)});
  expectFloats(r.weights, {3, 2},
               {notANumber, notANumber, notANumber, notANumber, 0.5, 0.5});
}

TEST_F(NumericsTest, LargeScoresDoNotOverflow) {
  Results r = attend({1e6, 1e6, -1e6, -1e6 + 1}, {1, 1, 1, 1}, {2, 4});
  double small = 1 / (1 + std::exp(1.0));
  expectFloats(r.output, {2}, {30, 10 * (2 * small + 4 * (1 - small))}, 1e-12);
  expectFloats(r.logsumexp, {2},
               {1e6 + std::log(2.0), -1e6 + std::log1p(std::exp(1.0))}, 1e-9);
}

TEST_F(NumericsTest, PlainWeights) {
  auto r = run(R"mlir(
func.func @f(%s: tensor<3x2xf32>, %v: tensor<2xf32>) -> (tensor<3xf32>, tensor<3x2xf32>) {
  %o = tensor.empty() : tensor<3xf32>
  %w = tensor.empty() : tensor<3x2xf32>
  %r:2 = attn.attention
      domain(i parallel 3, j key 2)
      contraction over() (%x = %s[i, j] : tensor<3x2xf32>) { attn.yield %x : f32 }
      value(%x = %v[j] : tensor<2xf32>) { attn.yield %x : f32 }
      normalizer(#attn.plain)
      outs(output %o[i] : tensor<3xf32>, weights %w[i, j] : tensor<3x2xf32>)
  return %r#0, %r#1 : tensor<3xf32>, tensor<3x2xf32>
})mlir",
               {floats({3, 2}, {1, -2, -infinity, 5, -infinity, -infinity}),
                floats({2}, {3, 4})});
  expectFloats(r[0], {3}, {-5, 20, 0});
  expectFloats(r[1], {3, 2}, {1, -2, 0, 5, 0, 0});
}

TEST_F(NumericsTest, OutOfRangeReadsZero) {
  // The table has entries for i - j in 0 … 1 only; an index is data too.
  auto r = run(R"mlir(
func.func @f(%t: tensor<2xf32>, %v: tensor<1xf32>) -> (tensor<3xf32>, tensor<3x3xf32>) {
  %o = tensor.empty() : tensor<3xf32>
  %w = tensor.empty() : tensor<3x3xf32>
  %r:2 = attn.attention
      domain(i parallel 3, j key 3)
      contraction over() (%x = %t[i - j] : tensor<2xf32>) { attn.yield %x : f32 }
      value(%x = %v[j - 1] : tensor<1xf32>) { attn.yield %x : f32 }
      normalizer(#attn.plain)
      outs(output %o[i] : tensor<3xf32>, weights %w[i, j] : tensor<3x3xf32>)
  return %r#0, %r#1 : tensor<3xf32>, tensor<3x3xf32>
})mlir",
               {floats({2}, {5, 7}), floats({1}, {2})});
  expectFloats(r[0], {3}, {0, 10, 14});
  expectFloats(r[1], {3, 3}, {5, 0, 0, 7, 5, 0, 0, 7, 5});
}

TEST_F(NumericsTest, LookupIntoAnEmptyTableReadsZero) {
  auto r = run(R"mlir(
func.func @f(%n: tensor<1xi32>, %t: tensor<?xf32>) -> tensor<1x1xf32> {
  %w = tensor.empty() : tensor<1x1xf32>
  %r = attn.attention
      domain(i parallel 1, j key 1)
      lookup(%x = %n[j] : tensor<1xi32>) {
        %p = arith.index_cast %x : i32 to index
        attn.yield %p : index
      }
      contraction over() (%x = %t[l0] : tensor<?xf32>) { attn.yield %x : f32 }
      normalizer(#attn.plain)
      outs(weights %w[i, j] : tensor<1x1xf32>)
  return %r : tensor<1x1xf32>
})mlir",
               {integers({1}, {0}), floats({0}, {})});
  expectFloats(r[0], {1, 1}, {0});
}
