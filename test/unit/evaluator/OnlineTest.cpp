//===- OnlineTest.cpp - offsets of domains, states that merge ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
using OnlineTest = EvaluatorTest;
} // namespace

// Scores t[i, j] with a causal mask, over some keys; `%i0` is where i starts.
static const char *tile = R"mlir(
func.func private @tile(%t: tensor<?x?xf32>, %v: tensor<?xf32>, %i0: index, %M: index,
    %j0: index, %N: index, %a: tensor<?xf32>, %m: tensor<?xf32>, %l: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %r:3 = attn.online
      domain(i parallel %M from %i0, j key %N from %j0)
      contraction over() (%x = %t[i, j] : tensor<?x?xf32>) { attn.yield %x : f32 }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %k = arith.cmpi sle, %j, %i : index
        attn.yield %k : i1
      }
      value(%x = %v[j] : tensor<?xf32>) { attn.yield %x : f32 }
      normalizer(#attn.softmax)
      outs(%a[i] : tensor<?xf32>, %m[i] : tensor<?xf32>, %l[i] : tensor<?xf32>)
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
)mlir";

static const char *whole = R"mlir(
func.func @f(%t: tensor<?x?xf32>, %v: tensor<?xf32>, %i0: index, %M: index, %o: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %N = tensor.dim %v, %c0 : tensor<?xf32>
  %r:2 = attn.attention
      domain(i parallel %M from %i0, j key %N)
      contraction over() (%x = %t[i, j] : tensor<?x?xf32>) { attn.yield %x : f32 }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %k = arith.cmpi sle, %j, %i : index
        attn.yield %k : i1
      }
      value(%x = %v[j] : tensor<?xf32>) { attn.yield %x : f32 }
      normalizer(#attn.softmax)
      outs(output %o[i] : tensor<?xf32>, logsumexp %o[i] : tensor<?xf32>)
  return %r#0, %r#1 : tensor<?xf32>, tensor<?xf32>
})mlir";

static Tensor asIndex(Tensor tensor, mlir::MLIRContext &context) {
  tensor.elementType = mlir::IndexType::get(&context);
  return tensor;
}

TEST_F(OnlineTest, ATileKeepsItsIndexValuesAndTheRestOfTheResult) {
  Tensor scores = random({5, 5}, 1), values = random({5}, 2);
  Tensor init = floats({5}, {9, 9, 9, 9, 9});
  Tensor zero = asIndex(integer(0), context),
         two = asIndex(integer(2), context);
  Tensor five = asIndex(integer(5), context);
  auto all = run(whole, {scores, values, zero, five, init});
  auto part = run(whole, {scores, values, two, two, init});
  expectFloats(part[0], {5}, {9, 9, all[0].floats[2], all[0].floats[3], 9});
  expectFloats(part[1], {5}, {9, 9, all[1].floats[2], all[1].floats[3], 9});
}

TEST_F(OnlineTest, KeysInPartsAreKeysAtOnce) {
  // Queries 1 … 3, keys in parts 3 … 4, 0 … 0, 1 … 2: row 1 sees nothing of
  // the first part, and no row sees key 4.
  std::string text = std::string(tile) + R"mlir(
func.func @f(%t: tensor<?x?xf32>, %v: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %e = tensor.empty(%c3) : tensor<?xf32>
  %a = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %m = linalg.fill ins(%lowest : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %r:3 = func.call @tile(%t, %v, %c1, %c3, %c3, %c2, %a, %m, %a) : (tensor<?x?xf32>, tensor<?xf32>, index, index, index, index, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  %s:3 = func.call @tile(%t, %v, %c1, %c3, %c0, %c1, %r#0, %r#1, %r#2) : (tensor<?x?xf32>, tensor<?xf32>, index, index, index, index, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  %u:3 = func.call @tile(%t, %v, %c1, %c3, %c1, %c2, %s#0, %s#1, %s#2) : (tensor<?x?xf32>, tensor<?xf32>, index, index, index, index, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return %u#0, %u#1, %u#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
})mlir";
  Tensor scores = random({5, 5}, 3), values = random({5}, 4);
  auto state = run(text, {scores, values});
  Tensor init = floats({5}, {0, 0, 0, 0, 0});
  auto all = run(whole, {scores, values, asIndex(integer(0), context),
                         asIndex(integer(5), context), init});
  ASSERT_EQ(state.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(state[0].floats[i] / state[2].floats[i], all[0].floats[i + 1],
                1e-13);
    EXPECT_NEAR(state[1].floats[i] + std::log(state[2].floats[i]),
                all[1].floats[i + 1], 1e-13);
  }
}

TEST_F(OnlineTest, OnlyVisitedKeysOfABlockAreAdded) {
  // The block starts at key 10; keys 12 and 13 are visited, by index value.
  auto state = run(R"mlir(
func.func @f(%t: tensor<?xf32>, %v: tensor<?xf32>, %s: tensor<?xf32>, %m: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %from = arith.constant 12 : index
  %to = arith.constant 14 : index
  %r:3 = attn.online
      domain(i parallel 1, j key 5 from 10)
      score(%x = %t[j - 10] : tensor<?xf32>) { attn.yield %x : f32 }
      value(%x = %v[j - 10] : tensor<?xf32>) { attn.yield %x : f32 }
      normalizer(#attn.softmax)
      visit(%from, %to)
      outs(%s[i] : tensor<?xf32>, %m[i] : tensor<?xf32>, %s[i] : tensor<?xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 1, keyDim = 1, keyBlock = 5>}
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
})mlir",
                   {floats({5}, {notANumber, 9, 1, 1, 9}),
                    floats({5}, {100, 100, 2, 3, notANumber}), floats({1}, {0}),
                    floats({1}, {-infinity})});
  expectFloats(state[0], {1}, {5});
  expectFloats(state[1], {1}, {1});
  expectFloats(state[2], {1}, {2});
}

TEST_F(OnlineTest, NoKeysLeaveAnEmptyState) {
  std::string text = std::string(tile) + R"mlir(
func.func @f(%t: tensor<?x?xf32>, %v: tensor<?xf32>, %a: tensor<?xf32>, %m: tensor<?xf32>)
    -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %r:3 = func.call @tile(%t, %v, %c0, %c2, %c1, %c1, %a, %m, %a) : (tensor<?x?xf32>, tensor<?xf32>, index, index, index, index, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
  return %r#0, %r#1, %r#2 : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
})mlir";
  auto state =
      run(text, {floats({2, 2}, {1, 1, 1, notANumber}), floats({2}, {2, 3}),
                 floats({2}, {0, 0}), floats({2}, {-infinity, -infinity})});
  expectFloats(state[0], {2}, {0, notANumber});
  expectFloats(state[1], {2}, {-infinity, notANumber});
  expectFloats(state[2], {2}, {0, notANumber});
}
