//===- pool.cpp - Threads that work on loops ------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/pool.h"

#include "runtime/fp_environment.h"

#include <algorithm>
#include <chrono>
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

/// How long a thread stays awake for what it waits for. Waking one takes some
/// 50 us; two loops of a call are mostly no farther apart, nor are two calls,
/// nor the ends of two threads' shares.
static constexpr std::chrono::microseconds patience(200);

/// Waits until a condition holds, but not for long; says whether it does. Other
/// threads that wait for this CPU go first.
template <typename Condition>
static bool waitAwake(Condition holds) {
  auto end = std::chrono::steady_clock::now() + patience;
  do {
    for (int i = 0; i < 32; ++i) {
      if (holds())
        return true;
      pauseBriefly();
    }
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

void Loop::divide(int64_t threads) {
  numShares =
      int32_t(std::max<int64_t>(std::min({threads, count, maxShares}), 1));
  int64_t begin = 0;
  for (int32_t n = 0; n < numShares; ++n) {
    Share &share = shares[size_t(n)];
    share.next.store(begin, std::memory_order_relaxed);
    // The first are the larger ones: their threads are awake already.
    begin += (count - begin - 1) / (numShares - n) + 1;
    share.end = begin;
  }
}

bool Loop::work(int32_t worker, void *scratch) {
  bool any = false;
  for (int32_t n = 0; n < numShares; ++n) {
    Share &share = shares[size_t((worker + n) % numShares)];
    // Only looked at when it is used up: others may be at their last indices.
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      int64_t index = share.next.fetch_add(1, std::memory_order_relaxed);
      if (index >= share.end)
        break;
      body(argument, index, scratch);
      any = true;
    }
  }
  return any;
}

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

bool Pool::start(int32_t threads) {
  helpers.reserve(size_t(threads));
  try {
    for (int32_t i = 0; i < threads; ++i)
      helpers.emplace_back([this, i] { helperMain(i + 1); });
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

void Pool::helperMain(int32_t worker) {
  FloatingPointScope floatingPoint;
  AlignedBuffer scratch;
  while (true) {
    uint32_t seen = news.load();
    if (isEnding.load())
      return;
    bool any = false;
    for (Slot &slot : slots)
      any |= visit(slot, worker, scratch);
    if (any)
      continue;
    if (!waitAwake(
            [&] { return news.load(std::memory_order_relaxed) != seen; }))
      sleepUntilNews(seen);
  }
}

bool Pool::visit(Slot &slot, int32_t worker, AlignedBuffer &scratch) {
  if (!slot.loop.load(std::memory_order_relaxed))
    return false;
  slot.visitors.fetch_add(1);
  Loop *loop = slot.loop.load();
  // Without memory for its scratch a helper does not help: the caller, which
  // has it, does the work.
  bool any = loop && scratch.reserve(loop->scratchBytes) &&
             loop->work(worker, loop->scratchBytes ? scratch.data() : nullptr);
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
  if (slot) {
    loop.divide(int64_t(helpers.size()) + 1);
    publish(*slot, loop);
  }
  loop.work(/*worker=*/0, scratch);
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
  if (!waitAwake([&] { return slot.visitors.load() == 0; })) {
    slot.callerWaits.store(true);
    std::unique_lock<std::mutex> lock(slot.mutex);
    slot.left.wait(lock, [&] { return slot.visitors.load() == 0; });
    slot.callerWaits.store(false);
  }
  slot.claimed.store(false, std::memory_order_release);
}
