//===- ResultsTest.cpp - several results of one attention ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
/// Rows of given scores: an output over `e`, one of the logarithms and of what
/// is computed from the scores, the greatest score and its key.
class ResultsTest : public EvaluatorTest {
protected:
  llvm::SmallVector<Tensor> attend(std::vector<double> scores,
                                   std::vector<double> values,
                                   std::string normalizer = "#attn.softmax",
                                   std::string sink = "") {
    int64_t keys = values.size() / 2, rows = scores.size() / keys;
    return run(R"mlir(
func.func @f(%s: tensor<?x?xf32>, %v: tensor<?x2xf32>)
    -> (tensor<?x2xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %I = tensor.dim %s, %c0 : tensor<?x?xf32>
  %J = tensor.dim %s, %c1 : tensor<?x?xf32>
  %o = tensor.empty(%I) : tensor<?x2xf32>
  %x = tensor.empty(%I) : tensor<?xf32>
  %p = tensor.empty(%I) : tensor<?xi32>
  %r:4 = attn.attention
      domain(i parallel %I, j key %J from 10, e value 2)
      score(%a = %s[i, j - 10] : tensor<?x?xf32>) { attn.yield %a : f32 }
      value(%a = %v[j - 10, e] : tensor<?x2xf32>) { attn.yield %a : f32 }
      value logweight
      value over() (%t : f32) { attn.yield %t : f32 }
      epilogue 1 (%a : f32, %b : f32, %c : f32) {
        %hundred = arith.constant 100.0 : f32
        %d = arith.mulf %c, %hundred : f32
        %e = arith.addf %b, %d : f32
        attn.yield %e : f32
      } )mlir" + sink +
                   "normalizer(" + normalizer + R"mlir()
      outs(output %o[i, e] : tensor<?x2xf32>, output %x[i] : tensor<?xf32>,
           max %x[i] : tensor<?xf32>, argmax %p[i] : tensor<?xi32>)
  return %r#0, %r#1, %r#2, %r#3 : tensor<?x2xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi32>
})mlir",
               {floats({rows, keys}, scores), floats({keys, 2}, values)});
  }
};
} // namespace

TEST_F(ResultsTest, SumsOverTheirOwnDimensions) {
  auto r = attend({0, std::log(3), std::log(4)}, {1, 2, 3, 4, 5, 6});
  ASSERT_EQ(r.size(), 4u);
  double w[] = {1.0 / 8, 3.0 / 8, 4.0 / 8};
  expectFloats(r[0], {1, 2},
               {w[0] + 3 * w[1] + 5 * w[2], 2 * w[0] + 4 * w[1] + 6 * w[2]});
  double logs = 0, scores = w[1] * std::log(3) + w[2] * std::log(4);
  for (double x : w)
    logs += x * std::log(x);
  expectFloats(r[1], {1}, {logs + 100 * scores});
  expectFloats(r[2], {1}, {std::log(4)});
  EXPECT_EQ(r[3].integers, std::vector<int64_t>({12}));
}

TEST_F(ResultsTest, SharesHaveLogarithmsToo) {
  auto r = attend({1, 0, 3}, {1, 2, 3, 4, 5, 6}, "#attn.ratio");
  ASSERT_EQ(r.size(), 4u);
  expectFloats(r[1], {1},
               {0.25 * std::log(0.25) + 0.75 * std::log(0.75) + 100 * 2.5});
}

TEST_F(ResultsTest, ASinkTakesWeightAndIsNotSummed) {
  auto r = attend({0, 0}, {1, 2, 3, 4}, "#attn.softmax", R"mlir(sink() {
        %two = arith.constant 2.0 : f32
        %ln = math.log %two : f32
        attn.yield %ln : f32
      } )mlir");
  ASSERT_EQ(r.size(), 4u);
  expectFloats(r[1], {1}, {0.5 * std::log(0.25)});
  expectFloats(r[2], {1}, {0});
}

TEST_F(ResultsTest, NothingInfinitiesNaNAndEqualScores) {
  auto r = attend({-infinity, -infinity, -infinity, //
                   2, -infinity, 2,                 //
                   1, notANumber, 5,                //
                   -infinity, 3, infinity},
                  {1, 2, 3, 4, 5, 6});
  ASSERT_EQ(r.size(), 4u);
  expectFloats(r[1], {4}, {0, std::log(0.5) + 200, notANumber, notANumber});
  expectFloats(r[2], {4}, {-infinity, 2, notANumber, infinity});
  EXPECT_EQ(r[3].integers, std::vector<int64_t>({-1, 10, 12, 12}));
}

TEST_F(ResultsTest, KeysInPartsAreKeysAtOnce) {
  // Keys 0 … 2, then 3 … 6, by the state of attn.online.
  Tensor none = integers({1}, {-1});
  none.elementType = mlir::IntegerType::get(&context, 64);
  auto state = run(R"mlir(
func.func @f(%s: tensor<7xf32>, %z: tensor<1xf32>, %low: tensor<1xf32>, %none: tensor<1xi64>)
    -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xi64>) {
  %a:6 = attn.online
      domain(i parallel 1, j key 3)
      score(%x = %s[j] : tensor<7xf32>) { attn.yield %x : f32 }
      value logweight
      normalizer(#attn.softmax) statistics(max, argmax)
      outs(%z[i] : tensor<1xf32>, %low[i] : tensor<1xf32>, %z[i] : tensor<1xf32>,
           %low[i] : tensor<1xf32>, %low[i] : tensor<1xf32>, %none[i] : tensor<1xi64>)
  %b:6 = attn.online
      domain(i parallel 1, j key 4 from 3)
      score(%x = %s[j] : tensor<7xf32>) { attn.yield %x : f32 }
      value logweight
      normalizer(#attn.softmax) statistics(max, argmax)
      outs(%a#0[i] : tensor<1xf32>, %a#1[i] : tensor<1xf32>, %a#2[i] : tensor<1xf32>,
           %a#3[i] : tensor<1xf32>, %a#4[i] : tensor<1xf32>, %a#5[i] : tensor<1xi64>)
  return %b#0, %b#1, %b#2, %b#3, %b#4, %b#5 : tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xi64>
})mlir",
                   {floats({7}, {1, 2, -1, 0, 4, 4, 3}), floats({1}, {0}),
                    floats({1}, {-infinity}), none});
  ASSERT_EQ(state.size(), 6u);
  double mass = 0, logs = 0;
  for (double score : {1, 2, -1, 0, 4, 4, 3}) {
    mass += std::exp(score - 4);
    logs += std::exp(score - 4) * (score - 4);
  }
  EXPECT_NEAR(state[0].floats[0], logs, 1e-13);
  EXPECT_NEAR(state[2].floats[0], mass, 1e-13);
  expectFloats(state[3], {1}, {4});
  EXPECT_EQ(state[5].integers, std::vector<int64_t>({4}));
}
