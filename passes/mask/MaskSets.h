//===- MaskSets.h - Masks as sets of integers -------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_MASKSETS_H
#define FOVEA_PASSES_MASK_MASKSETS_H

#include "mlir/IR/Block.h"
#include "sets/IndexExpr.h"

namespace fovea::attn {

/// What a value in a mask region stands for.
struct MaskLeaf {
  enum class Kind {
    Dim,   ///< the index of a dimension of the domain
    Symbol ///< an integer that is uniform in a tile; of an i1, 0 or -1
  };
  Kind kind;
  unsigned number;
};

/// Says what `value` stands for, or nothing if only its definition counts.
using MaskLeafClassifier =
    llvm::function_ref<std::optional<MaskLeaf>(mlir::Value value)>;

/// The points (dims, symbols) that a mask keeps and those that it drops, both
/// as over-approximations. Columns of the rows: the dims, the symbols, then
/// the floor divisions.
struct MaskSets {
  unsigned numDims = 0, numSymbols = 0;
  llvm::SmallVector<FloorDiv> divs;
  Predicate mask = Predicate::unknown();
  /// The comparisons and booleans, of which `mask` is made, that are not
  /// understood.
  llvm::SmallVector<mlir::Value> unknownConditions;

  unsigned getSymbolColumn(unsigned symbol) const { return numDims + symbol; }
  unsigned getDivColumn(unsigned div) const {
    return numDims + numSymbols + div;
  }
};

/// Translates the i1 value `result`, computed by the scalar and pure ops of
/// `block`. `nonNegative` has a bit for each dim, then one for each symbol; set
/// if it is never negative. Its size less `numDims` is the number of symbols.
///
/// Understood: comparisons, and/or/xor and selections of i1; sums, differences,
/// products and quotients with constants, minima, maxima and selections of
/// integers. Integers are exact: the language has no wrap-around, so neither
/// have widths a meaning here. All else is unknown: it may hold and may not.
MaskSets translateMask(mlir::Block &block, mlir::Value result, unsigned numDims,
                       const llvm::SmallBitVector &nonNegative,
                       MaskLeafClassifier classify);

} // namespace fovea::attn

#endif // FOVEA_PASSES_MASK_MASKSETS_H
