//===- Access.h - which element of an operand a point reads -------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_ACCESS_H
#define FOVEA_TOOLS_EVALUATOR_ACCESS_H

#include "tools/evaluator/Values.h"

#include "mlir/IR/AffineMap.h"

namespace fovea::evaluator {

/// An affine map from points to the elements of one tensor, with its symbols
/// and the tensor's shape filled in.
class Access {
public:
  /// Dimensions of `map` from `firstLookup` on are lookups: a coordinate that
  /// depends on one is clamped into the tensor. Fails at `op` if a divisor is
  /// not a positive constant once `symbols` are known.
  static mlir::FailureOr<Access> get(mlir::Operation *op, mlir::AffineMap map,
                                     llvm::ArrayRef<int64_t> symbols,
                                     unsigned firstLookup,
                                     llvm::ArrayRef<int64_t> shape);

  /// The offset of the element that `point` names, or -1 when it is out of
  /// range (a clamped coordinate is so only in an empty tensor).
  int64_t locate(llvm::ArrayRef<int64_t> point) const;

  /// The points from `point` on, `count` of them along dimension `dim`.
  struct Run {
    int64_t offset, stride;
  };
  /// Their offsets, when all are in range and evenly spaced.
  std::optional<Run> locateRun(llvm::ArrayRef<int64_t> point, unsigned dim,
                               int64_t count) const;

  /// The offset of the origin and the stride along each of the `sizes`, when
  /// every point of that box is in range and the map is linear.
  std::optional<std::pair<int64_t, llvm::SmallVector<int64_t>>>
  linearize(llvm::ArrayRef<int64_t> sizes) const;

private:
  struct Term {
    unsigned dim;
    int64_t factor;
  };
  /// One step of a coordinate that is not linear, on a stack of values.
  struct Step {
    mlir::AffineExprKind kind;
    int64_t operand;
  };
  struct Coordinate {
    llvm::SmallVector<Term, 2> terms;
    int64_t constant = 0;
    /// When not empty, stands in place of the terms and the constant.
    llvm::SmallVector<Step, 0> steps;
    /// The dimensions that `steps` read.
    llvm::SmallVector<unsigned, 0> usedDims;
    bool clamped = false;
    int64_t size, stride;

    int64_t evaluate(llvm::ArrayRef<int64_t> point) const;
    /// How much it grows with `dim`; none if not evenly.
    std::optional<int64_t> getFactor(unsigned dim) const;
  };
  static bool addTerms(mlir::AffineExpr expr, int64_t factor,
                       Coordinate &coordinate);
  static mlir::LogicalResult
  addSteps(mlir::Operation *op, mlir::AffineExpr expr, Coordinate &coordinate);

  llvm::SmallVector<Coordinate, 4> coordinates;
};

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_ACCESS_H
