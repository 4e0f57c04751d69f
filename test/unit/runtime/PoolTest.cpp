//===- PoolTest.cpp -------------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/context.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace fovea::runtime;

/// Runs tasks on threads of its own, in reverse.
static void spawnThreads(void *user, fovea_task task, void *argument,
                         int32_t workers) {
  ++*static_cast<int *>(user);
  std::vector<std::thread> threads;
  for (int32_t w = workers - 1; w >= 0; --w)
    threads.emplace_back(task, argument, w);
  for (std::thread &thread : threads)
    thread.join();
}

/// How a loop may be run: on the pool, or on the user's threads.
struct Threads {
  int32_t count;
  bool areUsers;
};

class PoolTest : public testing::TestWithParam<Threads> {
protected:
  PoolTest() {
    context->threads = GetParam().count;
    if (GetParam().areUsers) {
      context->parallel = spawnThreads;
      context->user = &loopsOfUser;
    } else {
      EXPECT_TRUE(context->pool.start(context->threads - 1));
    }
  }

  /// Runs `body(index, scratch)` for each index.
  template <typename Body>
  static void loop(Executor &executor, int64_t count, int64_t scratchBytes,
                   Body body) {
    Executor::parallelFor(
        &executor,
        [](void *argument, int64_t index, void *scratch) {
          (*static_cast<Body *>(argument))(index, scratch);
        },
        &body, count, scratchBytes);
  }

  int loopsOfUser = 0;
  std::shared_ptr<Context> context = std::make_shared<Context>();
};

INSTANTIATE_TEST_SUITE_P(Threads, PoolTest,
                         testing::Values(Threads{1, false}, Threads{2, false},
                                         Threads{5, false}, Threads{40, false},
                                         Threads{1, true}, Threads{3, true}));

TEST_P(PoolTest, RunsEachIndexOnce) {
  Executor executor(context);
  for (int64_t count : {-1, 0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> runs(size_t(std::max<int64_t>(count, 1)));
    loop(executor, count, 0, [&](int64_t index, void *scratch) {
      EXPECT_EQ(scratch, nullptr);
      ++runs[size_t(index)];
    });
    for (int64_t i = 0; i < count; ++i)
      EXPECT_EQ(runs[size_t(i)], 1) << i;
    if (count <= 0) {
      EXPECT_EQ(runs[0], 0);
    }
  }
  EXPECT_FALSE(executor.takeFailure());
  EXPECT_EQ(loopsOfUser > 0, context->parallel && context->threads > 1);
}

TEST_P(PoolTest, GivesEachThreadItsOwnScratch) {
  Executor executor(context);
  for (int64_t bytes : {8, 200, 100000, 64}) {
    std::atomic<int> wrong = 0;
    loop(executor, 300, bytes, [&](int64_t index, void *scratch) {
      auto *values = static_cast<int64_t *>(scratch);
      wrong += reinterpret_cast<uintptr_t>(scratch) % 64 != 0;
      for (int64_t i = 0; i < bytes / 8; ++i)
        values[i] = index;
      for (int64_t i = 0; i < bytes / 8; ++i)
        wrong += values[i] != index;
    });
    EXPECT_EQ(wrong, 0);
  }
}

/// A thread whose first index takes long leaves the others of its share.
TEST_P(PoolTest, SharesThatAreBehindAreTakenOver) {
  if (context->threads == 1)
    GTEST_SKIP() << "nobody else is there";
  Executor executor(context);
  for (int64_t slow : {0, 1, 50, 99}) {
    std::atomic<int> runs = 0;
    loop(executor, 100, 0, [&](int64_t index, void *) {
      while (index == slow && runs < 99)
        std::this_thread::yield();
      ++runs;
    });
    EXPECT_EQ(runs, 100);
  }
}

/// What a thread has in its caches it finds there in the next loop.
TEST_P(PoolTest, ThreadsKeepTheirSharesFromLoopToLoop) {
  int32_t count = std::min(context->threads, 32);
  if (context->parallel || count != context->threads)
    GTEST_SKIP() << "threads have no number, or share their indices";
  Executor executor(context);
  std::vector<std::thread::id> first;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread::id> ran(static_cast<size_t>(count));
    std::atomic<int> inside = 0;
    loop(executor, count, 0, [&](int64_t index, void *) {
      ran[size_t(index)] = std::this_thread::get_id();
      ++inside;
      while (inside < count) // all have one index each
        std::this_thread::yield();
    });
    if (first.empty())
      first = ran;
    EXPECT_EQ(ran, first) << "round " << round;
    EXPECT_EQ(ran[0], std::this_thread::get_id());
  }
}

/// The indices that one worker alone runs, in order.
static std::vector<int64_t> runAlone(int64_t count, int64_t threads,
                                     int32_t worker) {
  std::vector<int64_t> order;
  Loop loop(
      [](void *argument, int64_t index, void *) {
        static_cast<std::vector<int64_t> *>(argument)->push_back(index);
      },
      &order, count, 0);
  loop.divide(threads);
  EXPECT_EQ(loop.work(worker, nullptr), count > 0);
  EXPECT_FALSE(loop.work(worker, nullptr));
  return order;
}

TEST(Loop, WorkersBeginWithTheirSharesAndGoOnWithTheNext) {
  using Order = std::vector<int64_t>;
  EXPECT_EQ(runAlone(8, 1, 0), (Order{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(runAlone(8, 3, 0), (Order{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(runAlone(8, 3, 1), (Order{3, 4, 5, 6, 7, 0, 1, 2}));
  EXPECT_EQ(runAlone(8, 3, 2), (Order{6, 7, 0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(runAlone(2, 5, 3), (Order{1, 0})); // no more shares than indices
  EXPECT_EQ(runAlone(0, 2, 1), Order());
}

TEST(Loop, SharesAreAboutEqual) {
  for (int64_t threads : {1, 2, 7, 31, 32})
    for (int64_t count : {32, 33, 100, 1001}) {
      std::vector<int64_t> begins;
      for (int32_t worker = 0; worker < threads; ++worker)
        begins.push_back(runAlone(count, threads, worker).front());
      begins.push_back(count);
      EXPECT_EQ(begins[0], 0);
      for (size_t n = 0; n + 1 < begins.size(); ++n) {
        int64_t size = begins[n + 1] - begins[n];
        EXPECT_GE(size, count / threads) << count << " / " << threads;
        EXPECT_LE(size, (count + threads - 1) / threads);
      }
    }
}

TEST(Loop, MoreThreadsThanSharesRunAllIndices) {
  for (int32_t worker : {0, 31, 32, 999}) {
    std::vector<int64_t> order = runAlone(3000, 1000, worker);
    std::sort(order.begin(), order.end());
    ASSERT_EQ(order.size(), 3000u);
    for (int64_t i = 0; i < 3000; ++i)
      ASSERT_EQ(order[size_t(i)], i);
  }
}

TEST_P(PoolTest, ServesManyCallersAtOnce) {
  constexpr int callers = 20; // more than the pool has slots
  std::vector<int64_t> sums(callers);
  std::vector<std::thread> threads;
  int rounds = context->parallel ? 5 : 100;
  std::mutex userMutex; // spawnThreads counts without a lock
  for (int c = 0; c < callers; ++c)
    threads.emplace_back([&, c] {
      Executor executor(context);
      for (int round = 0; round < rounds; ++round) {
        std::unique_lock<std::mutex> lock(userMutex, std::defer_lock);
        if (context->parallel)
          lock.lock();
        std::atomic<int64_t> sum = 0;
        loop(executor, 50, 256, [&](int64_t index, void *scratch) {
          *static_cast<int64_t *>(scratch) = index;
          sum += *static_cast<int64_t *>(scratch);
        });
        sums[size_t(c)] += sum;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (int64_t sum : sums)
    EXPECT_EQ(sum, rounds * 50 * 49 / 2);
}

TEST_P(PoolTest, WakesSleepingThreads) {
  Executor executor(context);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> runs = 0;
    loop(executor, 10, 0, [&](int64_t, void *) { ++runs; });
    EXPECT_EQ(runs, 10);
  }
}

#if defined(__x86_64__)
/// Threads inherit the state of the one that starts them.
TEST_P(PoolTest, ThreadsKeepDenormalsWhateverTheCallerDoes) {
  unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8040); // flush denormals
  auto flushed = std::make_shared<Context>();
  flushed->threads = context->threads;
  flushed->parallel = context->parallel;
  flushed->user = context->user;
  if (!flushed->parallel) {
    EXPECT_TRUE(flushed->pool.start(flushed->threads - 1));
  }
  Executor executor(flushed);
  std::atomic<int> flushing = 0;
  auto caller = std::this_thread::get_id();
  loop(executor, 100, 0, [&](int64_t, void *) {
    if (std::this_thread::get_id() != caller) // whom the session sets
      flushing += (_mm_getcsr() & 0x8040) != 0;
    std::this_thread::yield();
  });
  _mm_setcsr(saved);
  EXPECT_EQ(flushing, 0);
}
#endif

TEST(Context, Options) {
  fovea_error error;
  fovea_context *context = nullptr;
  fovea_context_options options{sizeof options, 3, nullptr, nullptr, nullptr};
  ASSERT_EQ(fovea_context_create(&options, &context, &error), FOVEA_OK);
  EXPECT_EQ(fovea_context_threads(context), 3);
  fovea_context_destroy(context);
  ASSERT_EQ(fovea_context_create(nullptr, &context, nullptr), FOVEA_OK);
  EXPECT_GE(fovea_context_threads(context), 1);
  fovea_context_destroy(context);
  EXPECT_EQ(fovea_context_threads(nullptr), 0);
  fovea_context_destroy(nullptr);
}

/// Programs compiled before a field was added leave it out.
TEST(Context, OptionsOfAnEarlierVersion) {
  fovea_context_options options{24, 1, nullptr, nullptr, "not a name to read"};
  fovea_context *context = nullptr;
  fovea_error error;
  ASSERT_EQ(fovea_context_create(&options, &context, &error), FOVEA_OK);
  EXPECT_EQ(context->context->cpu, "");
  fovea_context_destroy(context);
}

TEST(Context, CpuOfTheEnvironment) {
  fovea_context_options options{sizeof options, 1, nullptr, nullptr, nullptr};
  auto cpuOf = [&](const char *cpu) {
    options.cpu = cpu;
    fovea_context *context = nullptr;
    EXPECT_EQ(fovea_context_create(&options, &context, nullptr), FOVEA_OK);
    std::string found = context->context->cpu;
    fovea_context_destroy(context);
    return found;
  };
  unsetenv("FOVEA_CPU");
  EXPECT_EQ(cpuOf(nullptr), "");
  setenv("FOVEA_CPU", "znver4", 1);
  EXPECT_EQ(cpuOf(nullptr), "znver4");
  EXPECT_EQ(cpuOf("x86-64-v3"), "x86-64-v3");
  EXPECT_EQ(cpuOf(""), "");
  unsetenv("FOVEA_CPU");
}

TEST(Context, Errors) {
  fovea_error error;
  fovea_context *context = nullptr;
  fovea_context_options options{sizeof options, -1, nullptr, nullptr, nullptr};
  EXPECT_EQ(fovea_context_create(&options, &context, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message,
               "context options: expected 0 to 1024 threads, found -1");
  EXPECT_EQ(error.status, FOVEA_INVALID_ARGUMENT);
  options.threads = 2000;
  EXPECT_EQ(fovea_context_create(&options, &context, nullptr),
            FOVEA_INVALID_ARGUMENT);
  options = {4, 1, nullptr, nullptr, nullptr};
  EXPECT_EQ(fovea_context_create(&options, &context, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(
      error.message,
      "context options: expected struct_size to be at least 24, found 4");
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(fovea_context_create(nullptr, nullptr, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the context, found null");
}
