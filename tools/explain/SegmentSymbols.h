//===- SegmentSymbols.h - What segments are made of -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_SEGMENTSYMBOLS_H
#define FOVEA_TOOLS_EXPLAIN_SEGMENTSYMBOLS_H

#include "dialect/Attn.h"
#include "tools/explain/Sizes.h"

namespace fovea::explain {

/// `expr` with the formulas of its dimensions and symbols in their places.
SizePolynomial formulaOf(mlir::AffineExpr expr,
                         llvm::ArrayRef<SizePolynomial> dims,
                         llvm::ArrayRef<SizePolynomial> symbols);

/// The name of a dimension of an attention's domain.
std::string dimName(attn::AttentionOp op, unsigned dim);

/// The name of the operand, and the indices it is read at: `len[b]`.
std::string accessText(attn::AttentionOp op, mlir::Value operand,
                       mlir::AffineMap access, Sizes &sizes);

/// The symbols of `#attn.segments`, in its order, for the tiles of an
/// attention.
class SegmentSymbols {
public:
  SegmentSymbols(attn::AttentionOp op, Sizes &sizes) : op(op), sizes(sizes) {}

  unsigned queryDim() { return op.getSchedule()->getQueryDim(); }
  unsigned keyDim() { return op.getSchedule()->getKeyDim(); }
  /// The dimensions that tiles are made for one by one.
  bool isWalked(unsigned dim) {
    return dim != queryDim() && dim != keyDim() &&
           (op.getDomain().isKind(dim, attn::DimKind::parallel) ||
            op.getDomain().isKind(dim, attn::DimKind::key));
  }
  SizePolynomial begin(unsigned dim) {
    return sizes.valueOf(op.getMixedOffsets()[dim]);
  }
  SizePolynomial bound(unsigned dim) {
    return sizes.valueOf(op.getMixedBounds()[dim]);
  }
  unsigned numDims() { return op.getDomain().getNumDims(); }
  bool isUsed(unsigned symbol);

  /// For reading: tiles are called `begin` and `end`.
  std::vector<SizePolynomial> formulas();
  /// The value of symbol `number`, which must be one after the dimensions'; an
  /// operand that the call says nothing of is named.
  SizePolynomial operand(unsigned number);
  /// The elements of a symbol that differ, where the call gives each and which
  /// one it is depends on nothing but dimensions that are walked.
  struct Elements {
    llvm::SmallVector<int64_t> values; ///< row-major, of `shape`
    llvm::SmallVector<int64_t> shape;
    mlir::AffineMap access; ///< over the dimensions of the domain
  };
  std::optional<Elements> elements(unsigned number);
  /// The option that gives it a value, or empty.
  std::string optionFor(unsigned number);
  unsigned numSymbols();

private:
  std::pair<mlir::Value, mlir::AffineMap> maskOperand(unsigned number);

  attn::AttentionOp op;
  Sizes &sizes;
};

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_SEGMENTSYMBOLS_H
