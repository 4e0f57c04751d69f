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

bool fovea::frontend::isWord(StringRef name) {
  return findElementwise(name) || findReduction(name) || parseDType(name) ||
         llvm::StringSwitch<bool>(name)
             .Cases({"mean", "select", "size", "T", "int", "real", "inf", "pi"},
                    true)
             .Cases({"sparsemax", "entmax", "f64"}, true)
             .Default(false);
}
