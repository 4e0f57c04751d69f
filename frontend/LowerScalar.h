//===- LowerScalar.h - Elementwise expressions as scalar ops ----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An integer is an `index`, a real an `f32`, a truth value an `i1`, whatever
// the elements are in memory.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_LOWERSCALAR_H
#define FOVEA_FRONTEND_LOWERSCALAR_H

#include "frontend/IndexExpr.h"
#include "mlir/IR/Builders.h"

namespace fovea::frontend {

/// Places of the source as MLIR locations.
class Locations {
public:
  Locations(const llvm::SourceMgr &sources, mlir::MLIRContext *context)
      : sources(sources), context(context) {}
  mlir::Location operator()(llvm::SMLoc loc) const;

private:
  const llvm::SourceMgr &sources;
  mlir::MLIRContext *context;
};

/// The type of an element in memory.
mlir::Type storageType(DType dtype, mlir::MLIRContext *context);
/// The type of a value in an expression.
mlir::Type valueType(Elem elem, mlir::MLIRContext *context);

/// An element as it was read, as a value of an expression.
mlir::Value fromStorage(mlir::OpBuilder &builder, mlir::Location loc,
                        mlir::Value element);
/// A value of an expression as an element of `dtype`, rounded once.
mlir::Value toStorage(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value value, DType dtype);

/// Emits one elementwise expression at the builder's insertion point.
/// `leaf` gives the value of what the expression reads: reads, indices, sizes
/// and whatever was computed elsewhere; null for all that is to be emitted.
/// `read` gives the element of a read that is no leaf, at its positions.
mlir::Value emitScalar(
    mlir::OpBuilder &builder, const Locations &locations, const Node *root,
    llvm::function_ref<mlir::Value(const Node *)> leaf,
    llvm::function_ref<mlir::Value(const Node *, llvm::ArrayRef<mlir::Value>)>
        read = nullptr);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_LOWERSCALAR_H
