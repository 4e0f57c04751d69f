//===- Builtins.cpp - The functions that are words of the language --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Builtins.h"
#include "llvm/ADT/StringSwitch.h"

using namespace fovea::frontend;
using llvm::StringRef;

std::optional<ElementwiseBuiltin>
fovea::frontend::findElementwise(StringRef name) {
  using B = ElementwiseBuiltin;
  return llvm::StringSwitch<std::optional<B>>(name)
      .Case("abs", B{NodeOp::Abs, 1, B::Numbers})
      .Case("exp", B{NodeOp::Exp, 1, B::Reals})
      .Case("exp2", B{NodeOp::Exp2, 1, B::Reals})
      .Case("expm1", B{NodeOp::Expm1, 1, B::Reals})
      .Case("log", B{NodeOp::Log, 1, B::Reals})
      .Case("log1p", B{NodeOp::Log1p, 1, B::Reals})
      .Case("log2", B{NodeOp::Log2, 1, B::Reals})
      .Case("sqrt", B{NodeOp::Sqrt, 1, B::Reals})
      .Case("rsqrt", B{NodeOp::Rsqrt, 1, B::Reals})
      .Case("tanh", B{NodeOp::Tanh, 1, B::Reals})
      .Case("sigmoid", B{NodeOp::Sigmoid, 1, B::Reals})
      .Case("erf", B{NodeOp::Erf, 1, B::Reals})
      .Case("sin", B{NodeOp::Sin, 1, B::Reals})
      .Case("cos", B{NodeOp::Cos, 1, B::Reals})
      .Case("floor", B{NodeOp::Floor, 1, B::Rounding})
      .Case("ceil", B{NodeOp::Ceil, 1, B::Rounding})
      .Case("round", B{NodeOp::Round, 1, B::Rounding})
      .Case("min", B{NodeOp::Min, 2, B::Numbers})
      .Case("max", B{NodeOp::Max, 2, B::Numbers})
      .Default(std::nullopt);
}

std::optional<ReductionBuiltin> fovea::frontend::findReduction(StringRef name) {
  using B = ReductionBuiltin;
  return llvm::StringSwitch<std::optional<B>>(name)
      .Case("sum", B{NodeOp::Sum, B::Numbers})
      .Case("prod", B{NodeOp::Product, B::Numbers})
      .Case("max", B{NodeOp::Maximum, B::Numbers})
      .Case("min", B{NodeOp::Minimum, B::Numbers})
      .Case("any", B{NodeOp::Any, B::Bools})
      .Case("all", B{NodeOp::All, B::Bools})
      .Case("argmax", B{NodeOp::ArgMax, B::ToIndex})
      .Case("softmax", B{NodeOp::Softmax, B::Reals})
      .Case("logsumexp", B{NodeOp::LogSumExp, B::Reals})
      .Default(std::nullopt);
}

llvm::ArrayRef<Word> fovea::frontend::words() {
  static constexpr Word table[] = {
      {"abs", "abs(x)", "The absolute value."},
      {"exp", "exp(x)", "e to the power of x."},
      {"exp2", "exp2(x)", "2 to the power of x."},
      {"expm1", "expm1(x)", "exp(x) - 1, exact near 0."},
      {"log", "log(x)", "The natural logarithm."},
      {"log1p", "log1p(x)", "log(1 + x), exact near 0."},
      {"log2", "log2(x)", "The logarithm to base 2."},
      {"sqrt", "sqrt(x)", "The square root."},
      {"rsqrt", "rsqrt(x)", "1 / sqrt(x)."},
      {"tanh", "tanh(x)", "The hyperbolic tangent."},
      {"sigmoid", "sigmoid(x)", "1 / (1 + exp(-x))."},
      {"erf", "erf(x)", "The error function."},
      {"sin", "sin(x)", "The sine; x in radians."},
      {"cos", "cos(x)", "The cosine; x in radians."},
      {"floor", "floor(x)", "The greatest whole number that is at most x."},
      {"ceil", "ceil(x)", "The least whole number that is at least x."},
      {"round", "round(x)",
       "The nearest whole number; halves go to the even one."},
      {"min", "min(a, b), min[j](x where c)",
       "The lesser of two, or the least over indices; +inf of nothing."},
      {"max", "max(a, b), max[j](x where c)",
       "The greater of two, or the greatest over indices; -inf of nothing."},
      {"sum", "sum[j](x where c)", "The sum over indices; 0 of nothing."},
      {"prod", "prod[j](x where c)", "The product over indices; 1 of nothing."},
      {"mean", "mean[j](x where c)", "The mean over indices; 0 of nothing."},
      {"any", "any[j](c)", "Whether c holds for some; false of nothing."},
      {"all", "all[j](c)", "Whether c holds for all; true of nothing."},
      {"argmax", "argmax[j](x where c)",
       "The first position of the greatest; -1 of nothing."},
      {"softmax", "softmax[j](s where c)",
       "exp(s) divided by its sum over indices, which stay free; 0 where c "
       "does not hold."},
      {"logsumexp", "logsumexp[j](s where c)",
       "log of the sum of exp(s) over indices; -inf of nothing."},
      {"select", "select(c, a, b)",
       "a where c holds, else b; what is not selected is not read."},
      {"size", "size(d)", "The size of an index."},
      {"T", "T",
       "One floating type of a function, chosen when it is compiled: f32, f16 "
       "or bf16."},
      {"int", "<M: int>", "The type of a compile-time parameter."},
      {"real", "real(x)", "An integer as a real."},
      {"inf", "inf", "Infinity."},
      {"pi", "pi", "The circle's circumference by its diameter."},
      {"bool", "bool", "The type of truth values."},
      {"i8", "i8",
       "The type of 8-bit integers; `i8(x)` rounds a real towards zero."},
      {"i16", "i16",
       "The type of 16-bit integers; `i16(x)` rounds a real towards zero."},
      {"i32", "i32",
       "The type of 32-bit integers; `i32(x)` rounds a real towards zero."},
      {"i64", "i64",
       "The type of 64-bit integers; `i64(x)` rounds a real towards zero."},
      {"f8e4m3", "f8e4m3",
       "The type of 8-bit reals up to 448, without infinities; `f8e4m3(x)` "
       "rounds to it, and gives NaN beyond."},
      {"f8e5m2", "f8e5m2",
       "The type of 8-bit reals with the range of f16; `f8e5m2(x)` rounds to "
       "it."},
      {"f16", "f16", "The type of 16-bit reals; `f16(x)` rounds to it."},
      {"bf16", "bf16",
       "The type of 16-bit reals with the range of f32; `bf16(x)` rounds to "
       "it."},
      {"f32", "f32", "The type of 32-bit reals."},
      {"f64", "f64", "Reserved."},
      {"sparsemax", "sparsemax", "Reserved."},
      {"entmax", "entmax", "Reserved."},
  };
  return table;
}

const Word *fovea::frontend::findWord(StringRef name) {
  for (const Word &word : words())
    if (word.name == name)
      return &word;
  return nullptr;
}

bool fovea::frontend::isWord(StringRef name) { return findWord(name); }
