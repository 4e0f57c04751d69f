//===- Reference.h - Running the f64 reference evaluator --------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_REFERENCE_H
#define FOVEA_TOOLS_FOVEA_REFERENCE_H

#include "passes/cpu/Signature.h"
#include "tools/fovea/HostTensor.h"

#include "mlir/IR/BuiltinOps.h"

namespace fovea::tool {

/// Computes an entry of a program in graph form in f64; real results are f64,
/// whatever type the entry gives them. `weights` may be null. Errors are
/// diagnostics of the program's context.
mlir::FailureOr<std::vector<HostTensor>>
runReference(mlir::ModuleOp program, const attn::EntrySignature &entry,
             llvm::ArrayRef<HostTensor> inputs, const fovea_weights *weights);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_REFERENCE_H
