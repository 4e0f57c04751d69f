//===- Execution.h - Running a compiled program -----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_EXECUTION_H
#define FOVEA_TOOLS_FOVEA_EXECUTION_H

#include "tools/fovea/HostTensor.h"

namespace fovea::tool {

/// Frees the runtime's objects.
struct Destroy {
  void operator()(fovea_context *p) const { fovea_context_destroy(p); }
  void operator()(fovea_weights *p) const { fovea_weights_destroy(p); }
  void operator()(fovea_model *p) const { fovea_model_destroy(p); }
  void operator()(fovea_session *p) const { fovea_session_destroy(p); }
};
using Weights = std::unique_ptr<fovea_weights, Destroy>;

llvm::Expected<Weights> openWeights(const std::string &path);

/// What a run gives.
struct ExecutionResult {
  std::vector<HostTensor> outputs;
  /// Of the fastest of a few runs.
  double seconds;
  /// What the runtime warns of; empty when nothing.
  std::string warning;
};

/// Runs an entry of a program through the runtime, as a program that links it
/// would. `weights` may be null; 0 threads are as many as there may be.
llvm::Expected<ExecutionResult> execute(const fovea_program *program,
                                        const std::string &entry,
                                        std::vector<HostTensor> &inputs,
                                        const fovea_weights *weights,
                                        int threads);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_EXECUTION_H
