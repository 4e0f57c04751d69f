//===- Timing.h - Where compile time goes -----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EMIT_TIMING_H
#define FOVEA_TOOLS_EMIT_TIMING_H

#include "mlir/Support/Timing.h"

namespace llvm {
class PassInstrumentationCallbacks;
}

namespace fovea::emit {

/// What the stages of a compilation note their time in. By default nothing is
/// noted.
struct Timing {
  /// The timer that contains all stages; it runs.
  mlir::TimingScope scope;
  /// Whether each pass of a stage is noted too, except those of the code
  /// generator.
  bool withPasses = false;
  /// Where LLVM reports the time of each pass of the code generator, in a table
  /// of its own: they are passes of another kind, which nothing else can time.
  llvm::raw_ostream *codeGeneratorPasses = nullptr;

  /// Notes a stage until the result is destroyed.
  mlir::TimingScope stage(llvm::StringRef name) { return scope.nest(name); }
};

/// Notes the time of each pass and analysis of LLVM's optimizer within `stage`,
/// which must outlive the callbacks.
void timePasses(llvm::PassInstrumentationCallbacks &callbacks,
                mlir::TimingScope &stage);

} // namespace fovea::emit

#endif // FOVEA_TOOLS_EMIT_TIMING_H
