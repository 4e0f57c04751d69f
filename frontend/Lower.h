//===- Lower.h - From checked programs to MLIR ------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_LOWER_H
#define FOVEA_FRONTEND_LOWER_H

#include "frontend/Frontend.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace fovea::frontend {

/// Loads the dialects that a lowered program is made of.
void loadDialects(mlir::MLIRContext &context);

/// Lowers the exported functions of `checked` (those named in `entries`; all
/// when it is empty) to a module in the graph form of docs/architecture.md,
/// with the places of the source as locations.
///
/// Gives null, with the reasons in `diags`, when a function cannot be lowered:
/// a compile-time parameter has no value, or a size is no affine expression.
mlir::OwningOpRef<mlir::ModuleOp>
lowerToMLIR(Checked &checked, mlir::MLIRContext &context, Diagnostics &diags,
            llvm::ArrayRef<std::string> entries = {});

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_LOWER_H
