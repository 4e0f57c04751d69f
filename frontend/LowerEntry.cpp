//===- LowerEntry.cpp - Entries of models ---------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Lowering.h"

using namespace fovea::frontend;

llvm::LogicalResult
FunctionLowering::lowerEntry(llvm::SmallVectorImpl<mlir::Value> &) {
  error(function.loc, "entries of models are unsupported");
  return llvm::failure();
}
