//===- ErrorsTest.cpp - every diagnostic of the evaluator ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
class ErrorsTest : public EvaluatorTest {
protected:
  /// Expects the one diagnostic of a failing run.
  void check(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs,
             llvm::StringRef expected, const ParamProvider &params = nullptr) {
    messages.clear();
    EXPECT_EQ(runFails(text, inputs, params), (expected + "\n").str());
  }
  Tensor one = floats({1}, {1}), none = floats({0}, {});
};
} // namespace

TEST_F(ErrorsTest, Inputs) {
  const char *text =
      "func.func @f(%x: tensor<?x2xf32> {attn.name = \"x\"}) { return }";
  check("module {}", {}, "1: has no function 'f'");
  check(text, {}, "1: expects 1 inputs, but got 0");
  check(text, {one}, "1: input 'x' expects rank 2, but got rank 1");
  check(text, {floats({1, 3}, {1, 2, 3})},
        "1: input 'x' expects size 2 in dimension 1, but got 3");
  check(text, {integers({1, 2}, {1, 2})},
        "1: input 'x' expects elements of the type 'f32', but got 'i32'");
  check(text, {floats({1, 2}, {1})},
        "1: input 'x' expects 2 elements, but got 1");
  check(
      "func.func @f(%x: memref<2xf32>) { return }", {one},
      R"(1: input 0 has the type 'memref<2xf32>', which the evaluator cannot hold)");
  check("func.func @f(%x: tensor<?xf32> {attn.dims = [[\"i\"]]}, %y: "
        "tensor<?xf32> {attn.dims = [[\"i\"]]}) { return }",
        {one, none},
        "1: index 'i' has size 1 in input 0, but size 0 in input 1");
  check("func.func private @f()", {}, "1: has no body to evaluate");
}

TEST_F(ErrorsTest, Functions) {
  check("func.func @f() {\n return\n^bb1:\n return }", {},
        "1: expects a body of one block");
  check("func.func @f() {\n func.call @f() : () -> ()\n return }", {},
        "1: is called more than 64 calls deep");
}

TEST_F(ErrorsTest, Weights) {
  const char *text = R"mlir(attn.param @w family 2 from "w{}" : tensor<1xf32>
func.func @f(%n: i32) -> tensor<1xf32> {
  %k = arith.index_cast %n : i32 to index
  %r = attn.param_ref @w[%k] : tensor<1xf32>
  return %r : tensor<1xf32>
})mlir";
  auto give = [&](Tensor tensor) {
    return [tensor](llvm::StringRef,
                    mlir::RankedTensorType) -> mlir::FailureOr<Tensor> {
      return tensor;
    };
  };
  check(text, {integer(2)}, "4: reads member 2 of 'w', a family of 2");
  check(text, {integer(1)},
        "4: reads the weight 'w', but no weights were given");
  check(text, {integer(1)}, "4: could not load the weight 'w1'",
        [](llvm::StringRef, mlir::RankedTensorType) -> mlir::FailureOr<Tensor> {
          return mlir::failure();
        });
  check(text, {integer(1)},
        "4: weight 'w1' expects size 1 in dimension 0, but got 0", give(none));
  check(
      R"mlir(attn.param @w from "w" : tensor<1x2x4xf32>
    panel <rows [0] columns [1] width 4> of tensor<3x2xf32>
func.func @f() -> tensor<1x2x4xf32> {
  %r = attn.param_ref @w : tensor<1x2x4xf32>
  return %r : tensor<1x2x4xf32>
})mlir",
      {},
      R"(4: reads 'w', which is packed, so this is no longer the form that the evaluator reads)");
}

TEST_F(ErrorsTest, Scalars) {
  check(R"mlir(func.func @f(%a: i32, %b: i32) -> i32 {
  %r = arith.floordivsi %a, %b : i32
  return %r : i32
})mlir",
        {integer(1), integer(0)}, "2: divides an integer by zero");
  check(R"mlir(func.func @f(%a: tensor<?xf32>, %n: index) -> f32 {
  %r = tensor.extract %a[%n] : tensor<?xf32>
  return %r : f32
})mlir",
        {one, integer(1)}, "2: reads coordinate 1 of dimension 0 of size 1");
  check(
      R"mlir(func.func @f(%a: tensor<1xf32>) -> tensor<1xf32> {
  %r = arith.negf %a : tensor<1xf32>
  return %r : tensor<1xf32>
})mlir",
      {one},
      R"(2: 'arith.negf' computes on tensors, where the evaluator expects scalars)");
  check(
      R"mlir(func.func @f(%a: i32) -> i32 {
  %r = math.ctpop %a : i32
  return %r : i32
})mlir",
      {integer(1)},
      R"(2: 'math.ctpop' is not an op of the graph form that the evaluator knows)");
  check(R"mlir(func.func @f(%n: index, %a: tensor<1xi32>) -> tensor<1xi32> {
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%a : tensor<1xi32>) {
  ^bb0(%x: i32):
    %y = scf.for %i = %n to %n step %n iter_args(%z = %x) -> (i32) {
      scf.yield %z : i32
    }
    linalg.yield %y : i32
  } -> tensor<1xi32>
  return %r : tensor<1xi32>
})mlir",
        {integer(3), integers({1}, {0})},
        "5: expects a positive constant step");
  check(R"mlir(func.func @f(%a: tensor<1xindex>) -> tensor<1xindex> {
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%a : tensor<1xindex>) {
  ^bb0(%x: index):
    %d = tensor.dim %a, %x : tensor<1xindex>
    linalg.yield %d : index
  } -> tensor<1xindex>
  return %r : tensor<1xindex>
})mlir",
        {integers({1}, {0})},
        "5: expects a known dimension of a tensor of rank 1");
  check(R"mlir(func.func @f(%a: tensor<1xf32>) -> tensor<1xf32> {
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%a : tensor<1xf32>) {
  ^bb0(%x: f32):
    %d = arith.constant dense<0> : tensor<1xi32>
    linalg.yield %x : f32
  } -> tensor<1xf32>
  return %r : tensor<1xf32>
})mlir",
        {one}, "5: is not a scalar constant");
  check(R"mlir(func.func @f(%n: index) {
  %c = arith.constant 0 : index
  scf.for %i = %c to %n step %c { }
  return
})mlir",
        {integer(3)}, "3: expects a positive step, but got 0");
}

TEST_F(ErrorsTest, Tensors) {
  check(R"mlir(func.func @f(%n: index) -> tensor<?xf32> {
  %r = tensor.empty(%n) : tensor<?xf32>
  return %r : tensor<?xf32>
})mlir",
        {integer(-1)}, "2: has a tensor of the negative size -1");
  messages.clear();
  check(
      R"mlir(func.func @f(%n: index) -> tensor<?x?xf32> {
  %r = tensor.empty(%n, %n) : tensor<?x?xf32>
  return %r : tensor<?x?xf32>
})mlir",
      {integer(1000000)},
      R"(2: has a tensor of more than 2147483648 elements, the most the evaluator holds)");
  check(R"mlir(func.func @f(%a: tensor<?xf32>, %n: index) -> index {
  %r = tensor.dim %a, %n : tensor<?xf32>
  return %r : index
})mlir",
        {one, integer(1)}, "2: names dimension 1 of a tensor of rank 1");
  check(R"mlir(func.func @f(%a: tensor<?xf32>, %n: index) -> tensor<?x2xf32> {
  %r = tensor.expand_shape %a [[0, 1]] output_shape [%n, 2] : tensor<?xf32> into tensor<?x2xf32>
  return %r : tensor<?x2xf32>
})mlir",
        {one, integer(1)}, "2: reshapes 1 elements into a tensor of 2");
  check(R"mlir(func.func @f(%a: tensor<?xf32>) -> tensor<2xf32> {
  %r = tensor.cast %a : tensor<?xf32> to tensor<2xf32>
  return %r : tensor<2xf32>
})mlir",
        {one}, "2: casts dimension 0 of size 1 to the static size 2");
  check(R"mlir(func.func @f(%a: tensor<?xf32>) -> tensor<2xf32> {
  %r = tensor.extract_slice %a[0] [2] [1] : tensor<?xf32> to tensor<2xf32>
  return %r : tensor<2xf32>
})mlir",
        {one}, "2: takes 2 elements from offset 0 of dimension 0 of size 1");
}

TEST_F(ErrorsTest, TensorConstantsAndChoices) {
  check(R"mlir(func.func @f() -> tensor<2xf32> {
  %r = arith.constant sparse<[[0]], [1.0]> : tensor<2xf32>
  return %r : tensor<2xf32>
})mlir",
        {}, "2: expects the elements of a tensor constant as dense");
  check(
      R"mlir(func.func @f(%a: tensor<1xi1>, %b: tensor<1xf32>) -> tensor<1xf32> {
  %r = arith.select %a, %b, %b : tensor<1xi1>, tensor<1xf32>
  return %r : tensor<1xf32>
})mlir",
      {integers({1}, {1}), one}, "2: expects a scalar condition");
  check(
      R"mlir(func.func @f(%a: tensor<?xf32>, %b: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %r = tensor.insert_slice %a into %b[0] [%n] [1] : tensor<?xf32> into tensor<?xf32>
  return %r : tensor<?xf32>
})mlir",
      {one, one, integer(0)}, "2: inserts 1 elements into a slice of 0");
  check(R"mlir(func.func @f(%a: tensor<?xf32>) -> tensor<*xf32> {
  %r = tensor.cast %a : tensor<?xf32> to tensor<*xf32>
  return %r : tensor<*xf32>
})mlir",
        {one}, "2: expects a ranked tensor, but got 'tensor<*xf32>'");
}

static const char *product = R"mlir(
func.func @f(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (MAP)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%y : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
})mlir";

TEST_F(ErrorsTest, StructuredOps) {
  auto with = [](llvm::StringRef map) {
    std::string text = product;
    return text.replace(text.find("MAP"), 3, map);
  };
  check(
      with("i"), {one, none},
      R"(3: has 1 iterations of loop 0, but operand 1 has size 0 in dimension 0)");
  check(with("i + 1"), {one, one}, "3: reads operand 0 out of range");
}

TEST_F(ErrorsTest, Attention) {
  auto text = [](llvm::StringRef bound, llvm::StringRef access,
                 llvm::StringRef out) {
    return ("func.func @f(%x: tensor<?xf32>, %n: index, %o: tensor<?xf32>) -> "
            "tensor<?xf32> {\n  %r = attn.attention domain(i parallel " +
            bound + ", j key 1) symbols(%n)\n  contraction over() (%a = %x[" +
            access +
            "] : tensor<?xf32>) { attn.yield %a : f32 }\n  "
            "normalizer(#attn.softmax) outs(logsumexp %o[" +
            out + "] : tensor<?xf32>)\n  return %r : tensor<?xf32>\n}")
        .str();
  };
  check(text("%n", "i", "i"), {one, integer(-2), one},
        "2: has the bound -2 in dimension 'i', where it expects a size");
  check(text("1", "i", "i + 1"), {one, integer(0), one},
        "2: writes a result out of range");
  check(
      text("1", "i floordiv s0", "i"), {one, integer(0), one},
      R"(2: has an access that divides by 0, where it expects a positive number)");
  check(
      R"mlir(func.func @f(%t: tensor<1xi32>, %x: tensor<1xf32>, %o: tensor<1xf32>) -> tensor<1xf32> {
  %r = attn.attention domain(i parallel 1, j key 1)
      lookup(%p = %t[j] : tensor<1xi32>) {
        %q = arith.index_cast %p : i32 to index
        attn.yield %q : index
      }
      contraction over() (%a = %x[i] : tensor<1xf32>) { attn.yield %a : f32 }
      value(%a = %x[j] : tensor<1xf32>) { attn.yield %a : f32 }
      epilogue(%s : f32, %a = %x[l0] : tensor<1xf32>) { attn.yield %a : f32 }
      normalizer(#attn.softmax) outs(output %o[i] : tensor<1xf32>)
  return %r : tensor<1xf32>
})mlir",
      {integers({1}, {0}), one, one},
      R"(2: the epilogue uses lookup 0, which depends on dimension 'j', which has no value there)");
}

TEST_F(ErrorsTest, Buffers) {
  auto give = [&](llvm::StringRef,
                  mlir::RankedTensorType) -> mlir::FailureOr<Tensor> {
    return one;
  };
  check(R"mlir(attn.param @w from "w" : tensor<1xf32>
func.func @f() {
  %w = attn.param_ref @w : memref<1xf32>
  linalg.copy ins(%w : memref<1xf32>) outs(%w : memref<1xf32>)
  return
})mlir",
        {}, "4: expects tensors, not buffers", give);
  check(R"mlir(attn.param @w from "w" : tensor<1xf32>
func.func @f() {
  %w = attn.param_ref @w : memref<1xf32>
  attn.attention domain(i parallel 1, j key 1)
      contraction over() (%a = %w[i] : memref<1xf32>) { attn.yield %a : f32 }
      normalizer(#attn.softmax) outs(logsumexp %w[i] : memref<1xf32>)
  return
})mlir",
        {}, "4: expects tensors, not buffers", give);
}

namespace {
/// A normalizer that a later dialect might have: here, the unit attribute.
struct Unheard
    : fovea::attn::NormalizerAttrInterface::ExternalModel<Unheard,
                                                          mlir::UnitAttr> {
  bool hasShift(mlir::Attribute) const { return false; }
  bool hasMass(mlir::Attribute) const { return true; }
  mlir::Value buildWeight(mlir::Attribute, mlir::OpBuilder &, mlir::Location,
                          mlir::Value score, mlir::Value) const {
    return score;
  }
  mlir::Value buildRescale(mlir::Attribute, mlir::OpBuilder &, mlir::Location,
                           mlir::Value shift, mlir::Value) const {
    return shift;
  }
  mlir::Value buildLogWeight(mlir::Attribute, mlir::OpBuilder &, mlir::Location,
                             mlir::Value score, mlir::Value) const {
    return score;
  }
  mlir::Value buildLogRescale(mlir::Attribute, mlir::OpBuilder &,
                              mlir::Location, mlir::Value shift,
                              mlir::Value) const {
    return shift;
  }
  mlir::Value buildFinalFactor(mlir::Attribute, mlir::OpBuilder &,
                               mlir::Location, mlir::Value,
                               mlir::Value mass) const {
    return mass;
  }
  mlir::Value buildLogMass(mlir::Attribute, mlir::OpBuilder &, mlir::Location,
                           mlir::Value, mlir::Value mass) const {
    return mass;
  }
};
} // namespace

TEST_F(ErrorsTest, UnknownNormalizer) {
  mlir::UnitAttr::attachInterface<Unheard>(context);
  check(R"mlir(func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
  %r = attn.attention domain(i parallel 1, j key 1)
      contraction over() (%a = %x[i] : tensor<1xf32>) { attn.yield %a : f32 }
      normalizer(unit) outs(logsumexp %x[i] : tensor<1xf32>)
  return %r : tensor<1xf32>
})mlir",
        {one}, "2: has the normalizer unit, which the evaluator does not know");
}
