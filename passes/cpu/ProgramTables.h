//===- ProgramTables.h - What the runtime knows of a program --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_PROGRAMTABLES_H
#define FOVEA_PASSES_CPU_PROGRAMTABLES_H

#include "passes/cpu/Signature.h"

#include "mlir/IR/BuiltinOps.h"

namespace fovea::attn {

/// An entry whose body is a run function by now.
struct BoundEntry {
  EntrySignature signature;
  mlir::func::FuncOp run;
  /// Absent when no workspace is needed.
  mlir::func::FuncOp workspaceSize;
  llvm::SmallVector<std::string> requirements;
};

/// What the object says of itself.
struct ProgramIdentity {
  std::string prefix;
  std::string targetCpu;
  /// FOVEA_CPU_BIT of each feature that the code may use.
  uint64_t cpuFeatures = 0;
};

/// Adds the constant `PREFIX_program` (runtime/fovea_abi.h) to the module. It
/// has no alternative: programs for several CPUs are joined in LLVM's form.
mlir::LogicalResult addProgramTables(mlir::ModuleOp module,
                                     const ProgramIdentity &identity,
                                     llvm::ArrayRef<BoundEntry> entries,
                                     const ProgramParams &params);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_PROGRAMTABLES_H
