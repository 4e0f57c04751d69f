//===- Target.h - The CPU that code is generated for ------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_TARGET_H
#define FOVEA_TOOLS_EMIT_TARGET_H

#include "passes/Pipelines.h"

#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>

namespace fovea::emit {

/// The CPU to generate code for, and LLVM's generator for it.
struct Target {
  attn::CpuOptions cpu;
  std::unique_ptr<llvm::TargetMachine> machine;
  /// Whether code checks its reads and writes with AddressSanitizer, whose
  /// runtime must then be in the process that runs it.
  bool isSanitized = false;
};

/// The target called `name`: `native` for the CPU that this runs on, else a
/// name that LLVM knows for this architecture, such as `x86-64-v3` or `znver4`.
llvm::Expected<Target> makeTarget(llvm::StringRef name);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_TARGET_H
