//===- context.h - Threads of a context -------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_CONTEXT_H
#define FOVEA_RUNTIME_CONTEXT_H

#include "runtime/pool.h"

#include "runtime/fovea.h"

#include <memory>
#include <string>
#include <vector>

namespace fovea::runtime {

/// What a context owns. Sessions share it and use it at once.
struct Context {
  int32_t threads = 1;
  /// Null when the context has threads of its own, in `pool`.
  fovea_parallel parallel = nullptr;
  void *user = nullptr;
  /// The CPU whose code is asked for; empty for the best.
  std::string cpu;
  Pool pool;
};

/// A context as one session uses it: the `pool` of fovea_invocation, with the
/// caller's scratch memory.
class Executor {
public:
  explicit Executor(std::shared_ptr<Context> context);

  /// The fovea_parallel_for of generated code; `pool` is an Executor. Without
  /// memory for its scratch it runs nothing and remembers that.
  static void parallelFor(void *pool, fovea_body body, void *argument,
                          int64_t count, int64_t scratchBytes);

  /// True, once, when a loop did not run for lack of memory.
  bool takeFailure();

private:
  bool reserveScratch(int32_t workers, int64_t bytes);

  std::shared_ptr<Context> context;
  /// One for each worker of the user's callback; one with our own pool, whose
  /// threads have their own.
  std::vector<AlignedBuffer> scratch;
  bool hasFailed = false;
};

} // namespace fovea::runtime

struct fovea_context {
  std::shared_ptr<fovea::runtime::Context> context;
};

#endif
