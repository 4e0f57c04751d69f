//===- Jit.h - An object loaded into this process ---------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_JIT_H
#define FOVEA_TOOLS_EMIT_JIT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/ExecutionEngine/Orc/Shared/ExecutorAddress.h"
#include "llvm/Support/Error.h"

#include <memory>

typedef struct fovea_program fovea_program;

namespace llvm::orc {
class LLJIT;
}

namespace fovea::emit {

/// An object file, the very bytes that would be written, linked into this
/// process. The program lives as long as this does.
class LoadedObject {
public:
  static llvm::Expected<LoadedObject> load(llvm::StringRef object,
                                           llvm::StringRef prefix);
  LoadedObject(LoadedObject &&);
  ~LoadedObject();

  const fovea_program *program() const { return found; }

  /// Where a symbol that the object exports is.
  llvm::Expected<llvm::orc::ExecutorAddr> find(llvm::StringRef symbol) const;

private:
  LoadedObject();

  std::unique_ptr<llvm::orc::LLJIT> jit;
  const fovea_program *found = nullptr;
};

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_JIT_H
