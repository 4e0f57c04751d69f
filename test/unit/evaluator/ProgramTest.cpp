//===- ProgramTest.cpp - weights, loops, calls, inputs and results ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
using ProgramTest = EvaluatorTest;
} // namespace

static const char *layers = R"mlir(
attn.param @scale family 3 from "layer.{}.scale" : tensor<2xf32>
attn.param @shift from "shift" : tensor<2xf32>
func.func private @layer(%x: tensor<2xf32>, %l: index) -> tensor<2xf32> {
  %s = attn.param_ref @scale[%l] : tensor<2xf32>
  %b = attn.param_ref @shift : tensor<2xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%s, %b : tensor<2xf32>, tensor<2xf32>) outs(%x : tensor<2xf32>) {
  ^bb0(%a: f32, %c: f32, %y: f32):
    %m = arith.mulf %a, %y : f32
    %t = arith.addf %m, %c : f32
    linalg.yield %t : f32
  } -> tensor<2xf32>
  return %r : tensor<2xf32>
}
func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %l = %c0 to %c3 step %c1 iter_args(%y = %x) -> tensor<2xf32> {
    %n = func.call @layer(%y, %l) : (tensor<2xf32>, index) -> tensor<2xf32>
    scf.yield %n : tensor<2xf32>
  }
  return %r : tensor<2xf32>
})mlir";

TEST_F(ProgramTest, WeightsOfEachLayerAreAskedForOnce) {
  std::vector<std::string> asked;
  auto r = run(layers, {floats({2}, {1, 2})},
               [&](llvm::StringRef source,
                   mlir::RankedTensorType type) -> mlir::FailureOr<Tensor> {
                 EXPECT_EQ(type.getShape(), llvm::ArrayRef<int64_t>({2}));
                 asked.push_back(source.str());
                 if (source == "shift")
                   return floats({2}, {1, -1});
                 double scale = asked.size() + 1; // 2, 4, 5
                 return floats({2}, {scale, -scale});
               });
  EXPECT_EQ(asked,
            (std::vector<std::string>{"layer.0.scale", "shift", "layer.1.scale",
                                      "layer.2.scale"}));
  expectFloats(
      r[0], {2},
      {((1 * 2 + 1) * 4 + 1) * 5 + 1., ((2 * -2 - 1) * -4 - 1) * -5 - 1.});
}

TEST_F(ProgramTest, BranchesAndConditions) {
  const char *text = R"mlir(
func.func @f(%n: i32, %a: tensor<1xf32>, %b: tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>, i1) {
  %c0 = arith.constant 0 : i32
  %c9 = arith.constant 9 : i32
  %ok = arith.cmpi slt, %n, %c9 : i32
  attn.require %ok, "n is at most 8"
  %is = arith.cmpi sgt, %n, %c0 : i32
  %r = scf.if %is -> tensor<1xf32> {
    scf.yield %a : tensor<1xf32>
  } else {
    scf.yield %b : tensor<1xf32>
  }
  %s = arith.select %is, %b, %a : tensor<1xf32>
  return %r, %s, %is : tensor<1xf32>, tensor<1xf32>, i1
})mlir";
  Tensor a = floats({1}, {1}), b = floats({1}, {2});
  auto yes = run(text, {integer(8), a, b});
  expectFloats(yes[0], {1}, {1});
  expectFloats(yes[1], {1}, {2});
  EXPECT_EQ(yes[2].integers, std::vector<int64_t>{1});
  auto no = run(text, {integer(0), a, b});
  expectFloats(no[0], {1}, {2});
  expectFloats(no[1], {1}, {1});
  EXPECT_EQ(no[2].integers, std::vector<int64_t>{0});
  EXPECT_EQ(runFails(text, {integer(9), a, b}), "6: n is at most 8\n");
}

TEST_F(ProgramTest, ResultsAreRoundedOnlyWhenAsked) {
  const char *text = R"mlir(
func.func @f(%a: f32, %b: f32) -> (f32, bf16, f16) {
  %s = arith.divf %a, %b : f32
  %h = arith.truncf %s : f32 to bf16
  %i = arith.truncf %s : f32 to f16
  return %s, %h, %i : f32, bf16, f16
})mlir";
  llvm::SmallVector<Tensor> inputs = {floats({}, {1}), floats({}, {3})};
  auto exact = run(text, inputs);
  for (const Tensor &result : exact)
    EXPECT_EQ(result.floats[0], 1.0 / 3.0);
  EvaluatorOptions options;
  options.roundToTypes = true;
  auto rounded = run(text, inputs, nullptr, options);
  EXPECT_EQ(rounded[0].floats[0], static_cast<double>(1.0f / 3.0f));
  EXPECT_EQ(rounded[1].floats[0], 0.333984375);
  EXPECT_EQ(rounded[2].floats[0], 0.333251953125);
}

TEST_F(ProgramTest, UnwrittenElementsShow) {
  auto r = run(R"mlir(
func.func @f() -> (tensor<2xf32>, tensor<3xi64>) {
  %e = tensor.empty() : tensor<2xf32>
  %c = arith.constant dense<[1, -2, 3]> : tensor<3xi64>
  return %e, %c : tensor<2xf32>, tensor<3xi64>
})mlir",
               {});
  expectFloats(r[0], {2}, {notANumber, notANumber});
  EXPECT_EQ(r[1].integers, (std::vector<int64_t>{1, -2, 3}));
}
