//===- sampler.cpp - Where a thread spends its time -----------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "sampler.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <vector>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <csignal>
#include <ctime>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// glibc before 2.36 has no name for it.
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace {

constexpr int kSignal = SIGPROF;
constexpr int32_t kMaxRate = 10000;

/// A handler of signals has no argument of ours, so what it writes to is
/// known to the whole process.
struct Sampler {
  std::vector<uint64_t> addresses;
  int64_t count = 0;
  timer_t timer = {};
  struct sigaction before = {};
} *sampler = nullptr;

void take(int, siginfo_t *, void *raw) {
  auto *context = static_cast<ucontext_t *>(raw);
  if (!sampler || sampler->count == int64_t(sampler->addresses.size()))
    return;
#if defined(__x86_64__)
  uint64_t address = context->uc_mcontext.gregs[REG_RIP];
#else
  uint64_t address = context->uc_mcontext.pc;
#endif
  sampler->addresses[sampler->count++] = address;
}

/// Installs the handler and starts the timer. Returns 0 or an errno.
int32_t start(Sampler &sampler, int32_t rate) {
  struct sigaction action = {};
  action.sa_sigaction = take;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  if (sigaction(kSignal, &action, &sampler.before))
    return errno;
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kSignal;
  event.sigev_notify_thread_id = pid_t(syscall(SYS_gettid));
  // Clocks of CPU time advance with the ticks of the system, a few hundred a
  // second; this one does not.
  if (timer_create(CLOCK_MONOTONIC, &event, &sampler.timer)) {
    int32_t status = errno;
    sigaction(kSignal, &sampler.before, nullptr);
    return status;
  }
  timespec period = {rate == 1, rate == 1 ? 0 : 1000000000 / rate};
  itimerspec times = {period, period};
  timer_settime(sampler.timer, 0, &times, nullptr);
  return 0;
}

} // namespace

int32_t fovea_sampler_start(int32_t rate, int64_t capacity) {
  if (rate < 1 || rate > kMaxRate || capacity < 1)
    return EINVAL;
  if (sampler)
    return EBUSY;
  auto *made = new (std::nothrow) Sampler;
  if (!made)
    return ENOMEM;
  made->addresses.resize(capacity);
  sampler = made;
  int32_t status = start(*made, rate);
  if (status) {
    sampler = nullptr;
    delete made;
  }
  return status;
}

int64_t fovea_sampler_stop(uint64_t *addresses, int64_t capacity) {
  if (!sampler)
    return 0;
  timer_delete(sampler->timer);
  Sampler *done = sampler;
  sampler = nullptr;
  sigaction(kSignal, &done->before, nullptr);
  int64_t count = std::min(done->count, capacity);
  std::copy_n(done->addresses.data(), count, addresses);
  delete done;
  return count;
}

#else

int32_t fovea_sampler_start(int32_t, int64_t) { return ENOSYS; }
int64_t fovea_sampler_stop(uint64_t *, int64_t) { return 0; }

#endif
