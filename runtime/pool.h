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

/// A parallel loop in progress. Whoever works on it takes the next index until
/// there is none.
struct Loop {
  fovea_body body;
  void *argument;
  int64_t count;
  int64_t scratchBytes;
  alignas(64) std::atomic<int64_t> next{0};

  /// Runs indices that nobody has taken; false when there was none.
  bool work(void *scratch);
};

/// Threads that help callers with their loops. Any number of callers may run
/// loops at once: each loop takes a slot, idle threads look through the slots,
/// and a caller that finds no slot works alone. A loop neither locks nor
/// allocates while the threads are awake; they spin for a moment before they
/// go to sleep.
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

  void helperMain();
  /// True when it found work.
  static bool visit(Slot &slot, AlignedBuffer &scratch);
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
