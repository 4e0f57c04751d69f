//===- context.cpp - Threads of a context ---------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/context.h"

#include "runtime/error.h"
#include "runtime/fp_environment.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <sched.h>
#endif

using namespace fovea::runtime;

static constexpr int32_t maxThreads = 1024;

//===----------------------------------------------------------------------===//
// Executor
//===----------------------------------------------------------------------===//

Executor::Executor(std::shared_ptr<Context> context)
    : context(std::move(context)),
      scratch(this->context->parallel ? size_t(this->context->threads) : 1) {}

bool Executor::reserveScratch(int32_t workers, int64_t bytes) {
  return std::all_of(scratch.begin(), scratch.begin() + workers,
                     [&](AlignedBuffer &area) { return area.reserve(bytes); });
}

bool Executor::takeFailure() { return std::exchange(hasFailed, false); }

namespace {
/// What the user's threads share of one loop.
struct SharedLoop {
  Loop &loop;
  const AlignedBuffer *scratch;
  int32_t workers;

  static void task(void *argument, int32_t worker) {
    auto *shared = static_cast<SharedLoop *>(argument);
    if (worker < 0 || worker >= shared->workers)
      return; // it has no scratch memory; others do its share
    FloatingPointScope floatingPoint;
    shared->loop.work(worker, shared->loop.scratchBytes
                                  ? shared->scratch[worker].data()
                                  : nullptr);
  }
};
} // namespace

void Executor::parallelFor(void *pool, fovea_body body, void *argument,
                           int64_t count, int64_t scratchBytes) {
  auto *executor = static_cast<Executor *>(pool);
  if (count <= 0)
    return;
  Loop loop(body, argument, count, std::max<int64_t>(scratchBytes, 0));
  Context &context = *executor->context;
  int32_t workers =
      context.parallel ? int32_t(std::min<int64_t>(context.threads, count)) : 1;
  if (!executor->reserveScratch(workers, loop.scratchBytes)) {
    executor->hasFailed = true;
    return;
  }
  if (workers > 1) {
    loop.divide(workers);
    SharedLoop shared{loop, executor->scratch.data(), workers};
    context.parallel(context.user, SharedLoop::task, &shared, workers);
  }
  // With a callback this is what it left undone: nothing, if it keeps its
  // promise.
  void *scratch = loop.scratchBytes ? executor->scratch[0].data() : nullptr;
  context.pool.run(loop, scratch);
}

//===----------------------------------------------------------------------===//
// C API
//===----------------------------------------------------------------------===//

/// The threads that the process may use: hardware_concurrency() counts CPUs to
/// which the process is not bound, too.
static int32_t usableThreads() {
  auto count = int32_t(std::min(std::thread::hardware_concurrency(), 1024u));
#if defined(__linux__)
  cpu_set_t usable;
  if (sched_getaffinity(0, sizeof usable, &usable) == 0)
    count = CPU_COUNT(&usable);
#endif
  return std::clamp(count, int32_t(1), maxThreads);
}

fovea_status fovea_context_create(const fovea_context_options *options,
                                  fovea_context **context, fovea_error *error) {
  if (!context)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the context, found null");
  *context = nullptr;
  return guarded(error, [&] {
    fovea_context_options wanted{};
    if (options) {
      // The size of the first version, which had no `cpu`.
      constexpr size_t least = offsetof(fovea_context_options, cpu);
      if (options->struct_size < least)
        return fail(error, FOVEA_INVALID_ARGUMENT,
                    "context options: expected struct_size to be at least %zu, "
                    "found %u",
                    least, options->struct_size);
      std::memcpy(&wanted, options,
                  std::min<size_t>(options->struct_size, sizeof wanted));
    }
    if (wanted.threads < 0 || wanted.threads > maxThreads)
      return fail(error, FOVEA_INVALID_ARGUMENT,
                  "context options: expected 0 to %d threads, found %d",
                  maxThreads, wanted.threads);

    auto created = std::make_shared<Context>();
    created->threads = wanted.threads ? wanted.threads : usableThreads();
    created->parallel = wanted.parallel;
    created->user = wanted.user;
    const char *cpu = wanted.cpu ? wanted.cpu : std::getenv("FOVEA_CPU");
    created->cpu = cpu ? cpu : "";
    if (!wanted.parallel && !created->pool.start(created->threads - 1))
      return fail(error, FOVEA_OUT_OF_MEMORY, "cannot start %d threads",
                  created->threads - 1);
    *context = new fovea_context{std::move(created)};
    return succeed(error);
  });
}

int32_t fovea_context_threads(const fovea_context *context) {
  return context ? context->context->threads : 0;
}

void fovea_context_destroy(fovea_context *context) { delete context; }
