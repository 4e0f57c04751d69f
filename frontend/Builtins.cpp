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
      .Case("abs", B{Op::Abs, 1, B::Numbers})
      .Case("exp", B{Op::Exp, 1, B::Reals})
      .Case("exp2", B{Op::Exp2, 1, B::Reals})
      .Case("expm1", B{Op::Expm1, 1, B::Reals})
      .Case("log", B{Op::Log, 1, B::Reals})
      .Case("log1p", B{Op::Log1p, 1, B::Reals})
      .Case("log2", B{Op::Log2, 1, B::Reals})
      .Case("sqrt", B{Op::Sqrt, 1, B::Reals})
      .Case("rsqrt", B{Op::Rsqrt, 1, B::Reals})
      .Case("tanh", B{Op::Tanh, 1, B::Reals})
      .Case("sigmoid", B{Op::Sigmoid, 1, B::Reals})
      .Case("erf", B{Op::Erf, 1, B::Reals})
      .Case("sin", B{Op::Sin, 1, B::Reals})
      .Case("cos", B{Op::Cos, 1, B::Reals})
      .Case("floor", B{Op::Floor, 1, B::Rounding})
      .Case("ceil", B{Op::Ceil, 1, B::Rounding})
      .Case("round", B{Op::Round, 1, B::Rounding})
      .Case("min", B{Op::Min, 2, B::Numbers})
      .Case("max", B{Op::Max, 2, B::Numbers})
      .Default(std::nullopt);
}

std::optional<ReductionBuiltin> fovea::frontend::findReduction(StringRef name) {
  using B = ReductionBuiltin;
  return llvm::StringSwitch<std::optional<B>>(name)
      .Case("sum", B{Op::Sum, B::Numbers})
      .Case("prod", B{Op::Product, B::Numbers})
      .Case("max", B{Op::Maximum, B::Numbers})
      .Case("min", B{Op::Minimum, B::Numbers})
      .Case("any", B{Op::Any, B::Bools})
      .Case("all", B{Op::All, B::Bools})
      .Case("argmax", B{Op::ArgMax, B::ToIndex})
      .Case("softmax", B{Op::Softmax, B::Reals})
      .Case("logsumexp", B{Op::LogSumExp, B::Reals})
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
