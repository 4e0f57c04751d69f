//===- LinalgTest.cpp - linalg ops and tensor reshapes ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
using LinalgTest = EvaluatorTest;
} // namespace

TEST_F(LinalgTest, MatrixProductThenBias) {
  auto r = run(R"mlir(
#x = affine_map<(n, o, c) -> (n, c)>
#w = affine_map<(n, o, c) -> (o, c)>
#y = affine_map<(n, o, c) -> (n, o)>
#row = affine_map<(n, o) -> (o)>
#all = affine_map<(n, o) -> (n, o)>
func.func @f(%x: tensor<?x3xf32>, %w: tensor<2x3xf32>, %b: tensor<2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %e = tensor.empty(%n) : tensor<?x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %p = linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x3xf32>, tensor<2x3xf32>) outs(%z : tensor<?x2xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %m = arith.mulf %a, %c : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  %r = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]}
      ins(%p, %b : tensor<?x2xf32>, tensor<2xf32>) outs(%e : tensor<?x2xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %t = arith.addf %a, %c : f32
    linalg.yield %t : f32
  } -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
})mlir",
               {floats({2, 3}, {1, 2, 3, 4, 5, 6}),
                floats({2, 3}, {1, 0, -1, 2, 1, 0}), floats({2}, {10, 20})});
  expectFloats(r[0], {2, 2}, {8, 24, 8, 33});
}

// A mean over no elements is asked for through a select, as the frontend does.
static const char *layerNorm = R"mlir(
#row = affine_map<(n, c) -> (n)>
#col = affine_map<(n, c) -> (c)>
#all = affine_map<(n, c) -> (n, c)>
func.func @f(%x: tensor<?x?xf32>, %g: tensor<?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %N = tensor.dim %x, %c0 : tensor<?x?xf32>
  %C = tensor.dim %x, %c1 : tensor<?x?xf32>
  %Ci = arith.index_cast %C : index to i64
  %Cf = arith.sitofp %Ci : i64 to f32
  %e = tensor.empty(%N) : tensor<?xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %s:2 = linalg.generic {indexing_maps = [#all, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%z, %z : tensor<?xf32>, tensor<?xf32>) {
  ^bb0(%a: f32, %u: f32, %v: f32):
    %t = arith.addf %u, %a : f32
    %q = arith.mulf %a, %a : f32
    %w = arith.addf %v, %q : f32
    linalg.yield %t, %w : f32, f32
  } -> (tensor<?xf32>, tensor<?xf32>)
  %o = tensor.empty(%N, %C) : tensor<?x?xf32>
  %r = linalg.generic {indexing_maps = [#all, #row, #row, #col, #all], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s#0, %s#1, %g : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>)
      outs(%o : tensor<?x?xf32>) {
  ^bb0(%a: f32, %u: f32, %v: f32, %k: f32, %old: f32):
    %m = arith.divf %u, %Cf : f32
    %q = arith.divf %v, %Cf : f32
    %mm = arith.mulf %m, %m : f32
    %var = arith.subf %q, %mm : f32
    %i = math.rsqrt %var : f32
    %d = arith.subf %a, %m : f32
    %n = arith.mulf %d, %i : f32
    %t = arith.mulf %n, %k : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
})mlir";

TEST_F(LinalgTest, LayerNorm) {
  Tensor x = random({3, 7}, 1), gamma = random({7}, 2);
  auto r = run(layerNorm, {x, gamma});
  std::vector<double> expected;
  for (int n = 0; n < 3; ++n) {
    double mean = 0, variance = 0;
    for (int c = 0; c < 7; ++c)
      mean += x.floats[n * 7 + c] / 7;
    for (int c = 0; c < 7; ++c)
      variance += std::pow(x.floats[n * 7 + c] - mean, 2) / 7;
    for (int c = 0; c < 7; ++c)
      expected.push_back((x.floats[n * 7 + c] - mean) / std::sqrt(variance) *
                         gamma.floats[c]);
  }
  expectFloats(r[0], {3, 7}, expected, 1e-12);
}

TEST_F(LinalgTest, ZeroLengths) {
  auto none = run(layerNorm, {floats({0, 3}, {}), floats({3}, {1, 1, 1})});
  expectFloats(none[0], {0, 3}, {});
  auto empty = run(layerNorm, {floats({2, 0}, {}), floats({0}, {})});
  expectFloats(empty[0], {2, 0}, {});
}

TEST_F(LinalgTest, GatherReversedWithGuard) {
  // y[i, c] = i < 2 ? words[ids[1 - i], c] : c, the read only where selected.
  auto r =
      run(R"mlir(
#all = affine_map<(i, c) -> (i, c)>
func.func @f(%words: tensor<4x2xf32>, %ids: tensor<2xi32>) -> tensor<3x2xf32> {
  %e = tensor.empty() : tensor<3x2xf32>
  %r = linalg.generic {indexing_maps = [#all], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<3x2xf32>) {
  ^bb0(%old: f32):
    %c1 = arith.constant 1 : index
    %i = linalg.index 0 : index
    %c = linalg.index 1 : index
    %in = arith.cmpi sle, %i, %c1 : index
    %x = scf.if %in -> f32 {
      %k = affine.apply affine_map<(d0)[s0] -> (s0 - d0)>(%i)[%c1]
      %id = tensor.extract %ids[%k] : tensor<2xi32>
      %n = arith.index_cast %id : i32 to index
      %w = tensor.extract %words[%n, %c] : tensor<4x2xf32>
      scf.yield %w : f32
    } else {
      %ci = arith.index_cast %c : index to i32
      %cf = arith.sitofp %ci : i32 to f32
      scf.yield %cf : f32
    }
    linalg.yield %x : f32
  } -> tensor<3x2xf32>
  return %r : tensor<3x2xf32>
})mlir",
          {floats({4, 2}, {0, 1, 2, 3, 4, 5, 6, 7}), integers({2}, {3, 1})});
  expectFloats(r[0], {3, 2}, {2, 3, 6, 7, 0, 1});
}

TEST_F(LinalgTest, ConvolutionMapsAndNamedOps) {
  // y[i] = sum over k of x[i + k] w[k], then y transposed out of two rows.
  auto r = run(R"mlir(
func.func @f(%x: tensor<5xf32>, %w: tensor<2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, k) -> (i + k)>,
      affine_map<(i, k) -> (k)>, affine_map<(i, k) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<5xf32>, tensor<2xf32>) outs(%z : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<4xf32>
  %m = tensor.expand_shape %y [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
  %o = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%m : tensor<2x2xf32>) outs(%o : tensor<2x2xf32>) permutation = [1, 0]
  return %t : tensor<2x2xf32>
})mlir",
               {floats({5}, {1, 2, 3, 4, 5}), floats({2}, {1, 10})});
  expectFloats(r[0], {2, 2}, {21, 43, 32, 54});
}

TEST_F(LinalgTest, MoreColumnsThanRunAtOnce) {
  // y[n, o] = sum over c of x[n, c] w[o, c] (o + 1) (c + 2)
  Tensor x = random({3, 5}, 1), w = random({70, 5}, 2);
  auto r = run(R"mlir(
func.func @f(%x: tensor<3x5xf32>, %w: tensor<?x5xf32>, %z: tensor<3x?xf32>) -> tensor<3x?xf32> {
  %p = linalg.generic {indexing_maps = [affine_map<(n, c, o) -> (n, c)>,
      affine_map<(n, c, o) -> (o, c)>, affine_map<(n, c, o) -> (n, o)>],
      iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %w : tensor<3x5xf32>, tensor<?x5xf32>) outs(%z : tensor<3x?xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %o = linalg.index 2 : index
    %c = linalg.index 1 : index
    %k = arith.addi %o, %c1 : index
    %l = arith.addi %c, %c2 : index
    %kl = arith.muli %k, %l : index
    %n = arith.index_cast %kl : index to i64
    %f = arith.sitofp %n : i64 to f32
    %m = arith.mulf %a, %b : f32
    %g = arith.mulf %m, %f : f32
    %t = arith.addf %s, %g : f32
    linalg.yield %t : f32
  } -> tensor<3x?xf32>
  return %p : tensor<3x?xf32>
})mlir",
               {x, w, floats({3, 70}, std::vector<double>(210, 0.0))});
  std::vector<double> expected;
  for (int n = 0; n < 3; ++n)
    for (int o = 0; o < 70; ++o) {
      expected.push_back(0.0);
      for (int c = 0; c < 5; ++c)
        expected.back() +=
            x.floats[n * 5 + c] * w.floats[o * 5 + c] * (o + 1) * (c + 2);
    }
  expectFloats(r[0], {3, 70}, expected, 1e-11);
}

TEST_F(LinalgTest, ElementwiseAlongALongLoop) {
  Tensor x = random({2, 67}, 1);
  auto r = run(R"mlir(
func.func @f(%x: tensor<2x67xf32>, %z: tensor<67x2xf32>) -> tensor<67x2xf32> {
  %p = linalg.generic {indexing_maps = [affine_map<(n, o) -> (n, o)>, affine_map<(n, o) -> (o, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x67xf32>) outs(%z : tensor<67x2xf32>) {
  ^bb0(%a: f32, %s: f32):
    %o = linalg.index 1 : index
    %n = arith.index_cast %o : index to i64
    %f = arith.sitofp %n : i64 to f32
    %t = arith.addf %a, %f : f32
    linalg.yield %t : f32
  } -> tensor<67x2xf32>
  return %p : tensor<67x2xf32>
})mlir",
               {x, floats({67, 2}, std::vector<double>(134, 0.0))});
  std::vector<double> expected;
  for (int o = 0; o < 67; ++o)
    for (int n = 0; n < 2; ++n)
      expected.push_back(x.floats[n * 67 + o] + o);
  expectFloats(r[0], {67, 2}, expected);
}

TEST_F(LinalgTest, SlicesAndShapes) {
  auto r = run(R"mlir(
func.func @f(%x: tensor<?x6xf32>, %n: index) -> (tensor<?x?xf32>, tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %d = tensor.dim %x, %c0 : tensor<?x6xf32>
  %g = tensor.expand_shape %x [[0], [1, 2]] output_shape [%d, 2, 3] : tensor<?x6xf32> into tensor<?x2x3xf32>
  %flat = tensor.collapse_shape %g [[0, 1], [2]] : tensor<?x2x3xf32> into tensor<?x3xf32>
  %row = tensor.extract_slice %flat[%n, 0] [1, 3] [1, 1] : tensor<?x3xf32> to tensor<3xf32>
  %back = tensor.insert_slice %row into %flat[0, 0] [1, 3] [1, 1] : tensor<3xf32> into tensor<?x3xf32>
  %s = tensor.extract_slice %x[0, 1] [%d, %c2] [1, %c3] : tensor<?x6xf32> to tensor<?x?xf32>
  return %s, %back : tensor<?x?xf32>, tensor<?x3xf32>
})mlir",
               {floats({2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), [&] {
                  Tensor n = integer(3);
                  n.elementType = mlir::IndexType::get(&context);
                  return n;
                }()});
  expectFloats(r[0], {2, 2}, {1, 4, 7, 10});
  expectFloats(r[1], {4, 3}, {9, 10, 11, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}
