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
#include <vector>

namespace fovea::emit {

/// The CPU to generate code for, and LLVM's generator for it.
struct Target {
  attn::CpuOptions cpu;
  std::unique_ptr<llvm::TargetMachine> machine;
  /// Whether code checks its reads and writes with AddressSanitizer, whose
  /// runtime must then be in the process that runs it.
  bool isSanitized = false;
};

/// The targets called `names`: `native` for the CPU that this runs on, else a
/// name that LLVM knows for the architecture, such as `x86-64-v3`, `znver4` or
/// `neoverse-n1`. `triple` names the architecture and the system, such as
/// `aarch64-linux-gnu`; empty for those that this runs on. Without names it is
/// `native`, and for another architecture `generic`. The best comes first,
/// whatever the order of the names: the one with the wider vectors, of two with
/// equally wide ones that with more features. So a CPU comes before all those
/// whose code it can run. Two that the runtime could not tell apart by their
/// features are an error.
llvm::Expected<std::vector<Target>>
makeTargets(llvm::ArrayRef<std::string> names, llvm::StringRef triple);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_TARGET_H
