//===- pool.cpp - Threads that work on loops ------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/pool.h"

#include "runtime/fp_environment.h"

#include <system_error>

using namespace fovea::runtime;

// The orders below are sequentially consistent where two threads each write
// one variable and then read the other's (a loop's pointer and its visitors,
// the news and the sleepers): one of the two must see the other.

static void pauseBriefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Some tens of microseconds: what two loops of one call lie apart.
static constexpr int spins = 1000;

bool Loop::work(void *scratch) {
  bool any = false;
  while (true) {
    int64_t index = next.fetch_add(1, std::memory_order_relaxed);
    if (index >= count)
      return any;
    body(argument, index, scratch);
    any = true;
  }
}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

bool Pool::start(int32_t threads) {
  helpers.reserve(size_t(threads));
  try {
    for (int32_t i = 0; i < threads; ++i)
      helpers.emplace_back([this] { helperMain(); });
  } catch (const std::system_error &) {
    return false; // the destructor ends those that did start
  }
  return true;
}

Pool::~Pool() {
  isEnding.store(true);
  news.fetch_add(1);
  {
    std::lock_guard<std::mutex> lock(sleepMutex);
    wake.notify_all();
  }
  for (std::thread &helper : helpers)
    helper.join();
}

void Pool::helperMain() {
  FloatingPointScope floatingPoint;
  AlignedBuffer scratch;
  while (true) {
    uint32_t seen = news.load();
    if (isEnding.load())
      return;
    bool any = false;
    for (Slot &slot : slots)
      any |= visit(slot, scratch);
    if (any)
      continue;
    for (int i = 0; i < spins && news.load(std::memory_order_relaxed) == seen;
         ++i)
      pauseBriefly();
    sleepUntilNews(seen);
  }
}

bool Pool::visit(Slot &slot, AlignedBuffer &scratch) {
  if (!slot.loop.load(std::memory_order_relaxed))
    return false;
  slot.visitors.fetch_add(1);
  Loop *loop = slot.loop.load();
  // Without memory for its scratch a helper does not help: the caller, which
  // has it, does the work.
  bool any = loop && scratch.reserve(loop->scratchBytes) &&
             loop->work(loop->scratchBytes ? scratch.data() : nullptr);
  if (slot.visitors.fetch_sub(1) == 1 && slot.callerWaits.load()) {
    std::lock_guard<std::mutex> lock(slot.mutex);
    slot.left.notify_all();
  }
  return any;
}

void Pool::sleepUntilNews(uint32_t seen) {
  if (news.load() != seen)
    return;
  sleepers.fetch_add(1);
  {
    std::unique_lock<std::mutex> lock(sleepMutex);
    wake.wait(lock, [&] { return news.load() != seen; });
  }
  sleepers.fetch_sub(1);
}

//===----------------------------------------------------------------------===//
// Callers
//===----------------------------------------------------------------------===//

void Pool::run(Loop &loop, void *scratch) {
  Slot *slot = helpers.empty() || loop.count < 2 ? nullptr : claim();
  if (slot)
    publish(*slot, loop);
  loop.work(scratch);
  if (slot)
    takeBack(*slot);
}

Pool::Slot *Pool::claim() {
  for (Slot &slot : slots)
    if (!slot.claimed.load(std::memory_order_relaxed) &&
        !slot.claimed.exchange(true, std::memory_order_acquire))
      return &slot;
  return nullptr;
}

void Pool::publish(Slot &slot, Loop &loop) {
  slot.loop.store(&loop);
  news.fetch_add(1);
  int64_t sleeping = sleepers.load();
  if (sleeping == 0)
    return;
  // A helper that has counted itself but not yet gone to sleep holds the lock
  // or will see the news.
  std::lock_guard<std::mutex> lock(sleepMutex);
  if (loop.count - 1 >= sleeping) {
    wake.notify_all();
    return;
  }
  for (int64_t i = 1; i < loop.count; ++i)
    wake.notify_one();
}

void Pool::takeBack(Slot &slot) {
  slot.loop.store(nullptr);
  for (int i = 0; i < spins && slot.visitors.load() != 0; ++i)
    pauseBriefly();
  if (slot.visitors.load() != 0) {
    slot.callerWaits.store(true);
    std::unique_lock<std::mutex> lock(slot.mutex);
    slot.left.wait(lock, [&] { return slot.visitors.load() == 0; });
    slot.callerWaits.store(false);
  }
  slot.claimed.store(false, std::memory_order_release);
}
