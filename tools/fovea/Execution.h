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

/// Reads a safetensors file; null for an empty path.
llvm::Expected<Weights> openWeights(const std::string &path);

/// An entry of a program with its inputs and outputs in place, to be run any
/// number of times through the runtime, as a program that links it would.
class Invocation {
public:
  /// `inputs` must outlive the invocation; `weights` may be null; 0 threads are
  /// as many as there may be. Outputs are allocated, of zeros.
  static llvm::Expected<Invocation> prepare(const fovea_program *program,
                                            const std::string &entry,
                                            std::vector<HostTensor> &inputs,
                                            const fovea_weights *weights,
                                            int threads);

  /// Runs the entry; gives the seconds that it took.
  llvm::Expected<double> run();

  /// What the runtime warns of; empty when nothing.
  const std::string &getWarning() const { return warning; }

  /// The outputs of the last run, which cannot be followed by another.
  std::vector<HostTensor> takeOutputs() { return std::move(outputs); }

private:
  Invocation() = default;
  llvm::Error makeOutputs();

  // Destroyed from last to first: each uses those before it.
  std::unique_ptr<fovea_context, Destroy> context;
  std::unique_ptr<fovea_model, Destroy> model;
  std::unique_ptr<fovea_session, Destroy> session;
  int32_t entry = -1;
  std::vector<HostTensor> outputs;
  std::vector<const DLTensor *> inputViews;
  std::vector<DLTensor *> outputViews;
  std::string warning;
};

/// What a run gives.
struct ExecutionResult {
  std::vector<HostTensor> outputs;
  /// Of the fastest of a few runs.
  double seconds;
  /// See Invocation::getWarning.
  std::string warning;
};

/// Prepares an invocation and runs it at most `maxRuns` times, a few if it is
/// short.
llvm::Expected<ExecutionResult> execute(const fovea_program *program,
                                        const std::string &entry,
                                        std::vector<HostTensor> &inputs,
                                        const fovea_weights *weights,
                                        int threads, int maxRuns);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_EXECUTION_H
