//===- EntrySizes.h - Index sizes as values in an entry -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_ENTRYSIZES_H
#define FOVEA_PASSES_CPU_ENTRYSIZES_H

#include "passes/cpu/Signature.h"

namespace fovea::attn {

/// Computes index sizes from the dimensions of an entry's memref arguments.
/// Operations are inserted at the start of the entry, in the order of the
/// requests.
class EntrySizes {
public:
  EntrySizes(mlir::func::FuncOp entry, const EntrySignature &signature,
             mlir::OpBuilder &builder)
      : entry(entry), signature(signature), builder(builder) {}

  /// The size of a symbol, or null if the arguments' shapes do not give it.
  mlir::Value getSymbol(int64_t number);

private:
  mlir::Value solve(int64_t number);
  mlir::Value solveInGroup(mlir::Value argument, int64_t dim,
                           const DimFactors &factors, int64_t number);

  mlir::func::FuncOp entry;
  const EntrySignature &signature;
  mlir::OpBuilder &builder;
  llvm::DenseMap<int64_t, mlir::Value> known;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_ENTRYSIZES_H
