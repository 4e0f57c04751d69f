//===- Builtins.h - Functions that are words of the language ----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_BUILTINS_H
#define FOVEA_FRONTEND_BUILTINS_H

#include "frontend/IndexExpr.h"

namespace fovea::frontend {

/// What an elementwise function takes and gives.
struct ElementwiseBuiltin {
  NodeOp op;
  unsigned arity;
  enum Signature {
    Reals,   ///< Reals (or integers, converted) to a real.
    Numbers, ///< Integers to an integer, or reals to a real.
    Rounding ///< A real to a real; an integer is left as it is.
  } signature;
};

/// What a reduction takes and gives.
struct ReductionBuiltin {
  NodeOp op;
  enum Signature {
    Numbers, ///< Of its operand's type.
    Reals,
    Bools,
    ToIndex ///< Numbers to an integer.
  } signature;
};

std::optional<ElementwiseBuiltin> findElementwise(llvm::StringRef name);
/// `mean` is not here: it is a sum divided by a count.
std::optional<ReductionBuiltin> findReduction(llvm::StringRef name);

/// A name that no function may take: how it is written and what it means.
struct Word {
  llvm::StringRef name, usage, meaning;
};
llvm::ArrayRef<Word> words();
/// Null for a name that is no word of the language.
const Word *findWord(llvm::StringRef name);
/// True for every name that no function may take.
bool isWord(llvm::StringRef name);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_BUILTINS_H
