//===- pool.h - Threads that work on loops ----------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_POOL_H
#define FOVEA_RUNTIME_POOL_H

#include "runtime/buffer.h"
#include "runtime/fovea_abi.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace fovea::runtime {

/// A parallel loop in progress. Its indices are in shares that follow each
/// other, as many as threads may work on it and about equally large. Whoever
/// works takes the next index of its own share, and then those that others have
/// left of theirs. So in each of several equal loops a thread has the same
/// indices, and neighbours: what it reads and writes is in its own caches.
class Loop {
public:
  Loop(fovea_body body, void *argument, int64_t count, int64_t scratchBytes)
      : body(body), argument(argument), count(count),
        scratchBytes(scratchBytes) {
    divide(1);
  }

  /// Makes shares for so many threads, at least one. Nobody may work yet.
  void divide(int64_t threads);

  /// Runs indices that nobody has taken; false when there was none. `worker`
  /// is a number, not negative, that the thread keeps from loop to loop; those
  /// of one loop should differ.
  bool work(int32_t worker, void *scratch);

  const fovea_body body;
  void *const argument;
  const int64_t count;
  const int64_t scratchBytes;

private:
  /// More threads have shares together.
  static constexpr int64_t maxShares = 32;

  /// [next, end) are the indices that nobody has taken; none if next > end.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  int32_t numShares = 1;
  std::array<Share, maxShares> shares;
};

/// Threads that help callers with their loops. Any number of callers may run
/// loops at once: each loop takes a slot, idle threads look through the slots,
/// and a caller that finds no slot works alone. A loop neither locks nor
/// allocates while the threads are awake; they wait awake for a moment before
/// they go to sleep.
class Pool {
public:
  Pool() = default;
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;
  /// Waits for the threads; no loop may be running.
  ~Pool();

  /// Starts threads; false when the system refuses one. Called once.
  bool start(int32_t threads);

  /// Works on `loop`, with help, until all its indices have returned. `scratch`
  /// is the caller's own.
  void run(Loop &loop, void *scratch);

private:
  struct alignas(64) Slot {
    std::atomic<bool> claimed{false};
    /// Null before the caller has published its loop, and after it has taken
    /// it back.
    std::atomic<Loop *> loop{nullptr};
    /// Threads that may hold the pointer above.
    std::atomic<int32_t> visitors{0};
    /// The caller sleeps until the last visitor has left.
    std::atomic<bool> callerWaits{false};
    std::mutex mutex;
    std::condition_variable left;
  };

  void helperMain(int32_t worker);
  /// True when it found work.
  static bool visit(Slot &slot, int32_t worker, AlignedBuffer &scratch);
  void sleepUntilNews(uint32_t seen);
  Slot *claim();
  void publish(Slot &slot, Loop &loop);
  static void takeBack(Slot &slot);

  std::vector<std::thread> helpers;
  std::array<Slot, 16> slots;
  /// Counts what helpers have to look at: loops published, and the end.
  alignas(64) std::atomic<uint32_t> news{0};
  std::atomic<int32_t> sleepers{0};
  std::atomic<bool> isEnding{false};
  std::mutex sleepMutex;
  std::condition_variable wake;
};

} // namespace fovea::runtime

#endif
