//===- ScalarTest.cpp - scalar ops ===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/evaluator/Harness.h"

using namespace fovea::evaluator;

namespace {
/// Evaluates one op on scalars.
class ScalarTest : public EvaluatorTest {
protected:
  Tensor apply(llvm::StringRef op, llvm::StringRef from, llvm::StringRef to,
               llvm::ArrayRef<Tensor> inputs) {
    std::string names, arguments;
    for (size_t k = 0; k < inputs.size(); ++k) {
      std::string comma = k ? ", " : "";
      names += comma + "%a" + std::to_string(k);
      arguments += comma + "%a" + std::to_string(k) + ": " + from.str();
    }
    std::string casts = from == to ? "" : (" to " + to).str();
    auto r = run(("func.func @f(" + arguments + ") -> " + to +
                  " {\n %r = " + op + " " + names + " : " + from + casts +
                  "\n return %r : " + to + "\n}")
                     .str(),
                 inputs);
    return r.empty() ? Tensor() : r[0];
  }
  int64_t ints(llvm::StringRef op, llvm::StringRef type, int64_t a, int64_t b) {
    return apply(op, type, type, {integer(a), integer(b)}).integers[0];
  }
  double reals(llvm::StringRef op, llvm::ArrayRef<double> numbers) {
    llvm::SmallVector<Tensor> inputs;
    for (double number : numbers)
      inputs.push_back(floats({}, {number}));
    return apply(op, "f32", "f32", inputs).floats[0];
  }
  int64_t compare(llvm::StringRef op, llvm::StringRef type, Tensor a,
                  Tensor b) {
    auto r = run(("func.func @f(%a: " + type + ", %b: " + type +
                  ") -> i1 {\n %r = " + op + ", %a, %b : " + type +
                  "\n return %r : i1\n}")
                     .str(),
                 {a, b});
    return r[0].integers[0];
  }
};
} // namespace

TEST_F(ScalarTest, DivisionRoundsAsNamed) {
  EXPECT_EQ(ints("arith.divsi", "i32", -7, 2), -3);
  EXPECT_EQ(ints("arith.floordivsi", "i32", -7, 2), -4);
  EXPECT_EQ(ints("arith.floordivsi", "i32", 7, -2), -4);
  EXPECT_EQ(ints("arith.floordivsi", "index", -8, 2), -4);
  EXPECT_EQ(ints("arith.ceildivsi", "i32", -7, 2), -3);
  EXPECT_EQ(ints("arith.ceildivsi", "i32", 7, 2), 4);
  EXPECT_EQ(ints("arith.remsi", "i32", -7, 2), -1);
  EXPECT_EQ(ints("arith.divui", "i8", -1, 2), 127);
  EXPECT_EQ(ints("arith.ceildivui", "i8", -1, 2), -128);
  EXPECT_EQ(ints("arith.remui", "i8", -1, 16), 15);
  EXPECT_EQ(ints("arith.divsi", "i64", INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(ints("arith.remsi", "i64", INT64_MIN, -1), 0);
}

TEST_F(ScalarTest, IntegersKeepTheirWidth) {
  EXPECT_EQ(ints("arith.addi", "i32", 2147483647, 1), -2147483648);
  EXPECT_EQ(ints("arith.addi", "index", 2147483647, 1), 2147483648);
  EXPECT_EQ(ints("arith.muli", "i8", 100, 3), 44);
  EXPECT_EQ(ints("arith.shli", "i32", 1, 31), -2147483648);
  EXPECT_EQ(ints("arith.shrui", "i32", -1, 28), 15);
  EXPECT_EQ(ints("arith.shrsi", "i32", -8, 1), -4);
  EXPECT_EQ(ints("arith.maxui", "i32", -1, 1), -1);
  EXPECT_EQ(ints("arith.maxsi", "i32", -1, 1), 1);
  EXPECT_EQ(ints("arith.xori", "i1", 1, 1), 0);
  EXPECT_EQ(ints("arith.xori", "i1", 1, 0), 1);
}

TEST_F(ScalarTest, ChangesOfType) {
  auto cast = [&](llvm::StringRef op, llvm::StringRef from, llvm::StringRef to,
                  Tensor value) { return apply(op, from, to, {value}); };
  EXPECT_EQ(cast("arith.extsi", "i1", "i32", integer(1)).integers[0], -1);
  EXPECT_EQ(cast("arith.extui", "i1", "i32", integer(1)).integers[0], 1);
  EXPECT_EQ(cast("arith.trunci", "i32", "i8", integer(200)).integers[0], -56);
  EXPECT_EQ(cast("arith.index_castui", "i32", "index", integer(-1)).integers[0],
            4294967295);
  EXPECT_EQ(cast("arith.uitofp", "i1", "f32", integer(1)).floats[0], 1.0);
  EXPECT_EQ(cast("arith.sitofp", "i32", "bf16", integer(-257)).floats[0],
            -257.0);
  auto real = [&](double value) { return floats({}, {value}); };
  EXPECT_EQ(cast("arith.fptosi", "f32", "i32", real(-2.9)).integers[0], -2);
  EXPECT_EQ(cast("arith.fptosi", "f32", "i64", real(notANumber)).integers[0],
            0);
  EXPECT_EQ(cast("arith.truncf", "f32", "bf16", real(0.1)).floats[0], 0.1);
}

TEST_F(ScalarTest, Comparisons) {
  Tensor nan = floats({}, {notANumber}), one = floats({}, {1.0});
  EXPECT_EQ(compare("arith.cmpf olt", "f32", nan, one), 0);
  EXPECT_EQ(compare("arith.cmpf ult", "f32", nan, one), 1);
  EXPECT_EQ(compare("arith.cmpf une", "f32", nan, nan), 1);
  EXPECT_EQ(compare("arith.cmpf one", "f32", nan, one), 0);
  EXPECT_EQ(compare("arith.cmpf ord", "f32", one, one), 1);
  EXPECT_EQ(compare("arith.cmpf uno", "f32", one, nan), 1);
  EXPECT_EQ(compare("arith.cmpf oge", "f32", one, one), 1);
  EXPECT_EQ(compare("arith.cmpi slt", "i32", integer(-1), integer(1)), 1);
  EXPECT_EQ(compare("arith.cmpi ult", "i32", integer(-1), integer(1)), 0);
  EXPECT_EQ(compare("arith.cmpi uge", "index", integer(-1), integer(1)), 1);
  EXPECT_EQ(compare("arith.cmpi ne", "i32", integer(3), integer(3)), 0);
}

TEST_F(ScalarTest, Floats) {
  EXPECT_TRUE(std::isnan(reals("arith.maximumf", {1, notANumber})));
  EXPECT_EQ(reals("arith.maxnumf", {1, notANumber}), 1);
  EXPECT_EQ(reals("arith.minimumf", {1, -2}), -2);
  EXPECT_TRUE(std::signbit(reals("arith.minimumf", {0.0, -0.0})));
  EXPECT_FALSE(std::signbit(reals("arith.maximumf", {-0.0, 0.0})));
  EXPECT_EQ(reals("arith.remf", {-7, 4}), -3);
  EXPECT_EQ(reals("math.roundeven", {2.5}), 2);
  EXPECT_EQ(reals("math.round", {2.5}), 3);
  EXPECT_EQ(reals("math.floor", {-0.5}), -1);
  EXPECT_EQ(reals("math.powf", {2, 0.5}), std::sqrt(2.0));
  EXPECT_EQ(reals("math.rsqrt", {4}), 0.5);
  EXPECT_EQ(reals("math.erf", {0.3}), std::erf(0.3));
  EXPECT_EQ(reals("math.exp", {1}), std::exp(1.0));
  EXPECT_EQ(reals("math.fma", {2, 3, 4}), 10);
  EXPECT_EQ(reals("math.absf", {-2}), 2);
}

TEST_F(ScalarTest, LoopsInRegions) {
  // Fibonacci numbers: the carried values swap, so moves are at once.
  auto r = run(R"mlir(
func.func @f(%n: tensor<4xi32>) -> tensor<4xi32> {
  %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      outs(%n : tensor<4xi32>) {
  ^bb0(%x: i32):
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %z = arith.constant 0 : i32
    %o = arith.constant 1 : i32
    %end = arith.index_cast %x : i32 to index
    %p:2 = scf.for %k = %c0 to %end step %c1 iter_args(%a = %z, %b = %o) -> (i32, i32) {
      %s = arith.addi %a, %b : i32
      scf.yield %b, %s : i32, i32
    }
    linalg.yield %p#0 : i32
  } -> tensor<4xi32>
  return %r : tensor<4xi32>
})mlir",
               {integers({4}, {0, 1, 7, 10})});
  EXPECT_EQ(r[0].integers, (std::vector<int64_t>{0, 1, 13, 55}));
}
