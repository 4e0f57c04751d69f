//===- ThreadsTest.cpp ----------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"
#include "TestTensors.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <sched.h>
#include <thread>

using namespace fovea::test;

/// One session on a model, with tensors of its own.
struct Caller {
  explicit Caller(fovea_model *model, int64_t batch = 5)
      : x(FOVEA_F32, {batch, 21, 4}), k(FOVEA_F32, {batch, 3}),
        flags(FOVEA_BOOL, {batch}), y(FOVEA_F32, {batch, 21, 4}) {
    EXPECT_EQ(fovea_session_create(model, &session, nullptr), FOVEA_OK);
    for (int64_t i = 0; i < batch * 21 * 4; ++i)
      x.data<float>()[i] = std::sin(float(i));
    for (int64_t i = 0; i < batch * 3; ++i)
      k.data<float>()[i] = std::cos(float(i));
  }
  ~Caller() { fovea_session_destroy(session); }

  fovea_status run() {
    const DLTensor *in[] = {&x.tensor, &k.tensor, &flags.tensor, &shift.tensor,
                            &n.tensor};
    DLTensor *out[] = {&y.tensor, &z.tensor};
    return fovea_session_run(session, 0, in, out, nullptr);
  }
  std::string result() {
    return {y.data<char>(), size_t(y.shape[0]) * 21 * 4 * sizeof(float)};
  }

  Tensor x, k, flags, shift{FOVEA_F32, {}}, n{FOVEA_I32, {}}, y,
      z{FOVEA_F32, {0}};
  fovea_session *session = nullptr;
};

static fovea_model *makeModel(const fovea_program &program, int32_t threads) {
  fovea_context_options options{sizeof options, threads, nullptr, nullptr,
                                nullptr};
  fovea_context *context;
  EXPECT_EQ(fovea_context_create(&options, &context, nullptr), FOVEA_OK);
  fovea_model *model;
  EXPECT_EQ(fovea_model_create(context, &program, nullptr, &model, nullptr),
            FOVEA_OK);
  fovea_context_destroy(context);
  return model;
}

TEST(Threads, ResultsAreBitwiseEqualForEveryCount) {
  fovea_program program = makeProgram();
  std::string expected;
  for (int32_t threads : {1, 2, 3, 8}) {
    fovea_model *model = makeModel(program, threads);
    Caller caller(model);
    ASSERT_EQ(caller.run(), FOVEA_OK);
    if (expected.empty())
      expected = caller.result();
    EXPECT_EQ(caller.result(), expected) << threads << " threads";
    fovea_model_destroy(model);
  }
}

TEST(Threads, ManyCallersShareAModel) {
  fovea_program program = makeProgram();
  fovea_model *model = makeModel(program, 3);
  Caller reference(model);
  ASSERT_EQ(reference.run(), FOVEA_OK);
  std::string expected = reference.result();
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      Caller caller(model);
      for (int round = 0; round < 50; ++round)
        failures += caller.run() != FOVEA_OK || caller.result() != expected;
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(failures, 0);
  fovea_model_destroy(model);
}

TEST(Threads, OneSessionServesOneCallerAtATime) {
  fovea_program program = makeProgram();
  fovea_model *model = makeModel(program, 2);
  Caller caller(model);
  std::atomic<int> ok = 0, busy = 0, other = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        fovea_status status = caller.run();
        ++(status == FOVEA_OK ? ok : status == FOVEA_BUSY ? busy : other);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_GT(ok, 0);
  EXPECT_EQ(ok + busy, 800);
  EXPECT_EQ(other, 0);
  fovea_model_destroy(model);
}

/// The results with the caller's own threads: `parallel` is a broken or lazy
/// callback.
static std::string resultWith(fovea_parallel parallel) {
  fovea_context_options options{sizeof options, 4, parallel, nullptr, nullptr};
  fovea_context *context;
  EXPECT_EQ(fovea_context_create(&options, &context, nullptr), FOVEA_OK);
  fovea_program program = makeProgram();
  fovea_model *model;
  EXPECT_EQ(fovea_model_create(context, &program, nullptr, &model, nullptr),
            FOVEA_OK);
  fovea_context_destroy(context);
  std::string result;
  {
    Caller caller(model);
    EXPECT_EQ(caller.run(), FOVEA_OK);
    result = caller.result();
  }
  fovea_model_destroy(model);
  return result;
}

TEST(Threads, WhatACallbackLeavesUndoneIsDone) {
  std::string expected = resultWith(nullptr);
  EXPECT_EQ(resultWith([](void *, fovea_task, void *, int32_t) {}), expected);
  EXPECT_EQ(resultWith([](void *, fovea_task task, void *argument, int32_t n) {
              task(argument, -1); // no such worker
              task(argument, n);
            }),
            expected);
  EXPECT_EQ(resultWith([](void *, fovea_task task, void *argument, int32_t n) {
              task(argument, n - 1);
            }),
            expected);
}

#if defined(__linux__)
TEST(Threads, CountsTheCpusThatTheProcessMayUse) {
  std::thread bound([] { // leaves the other tests their CPUs
    cpu_set_t all, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &all) && CPU_COUNT(&one) == 0)
        CPU_SET(cpu, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    fovea_context *context;
    ASSERT_EQ(fovea_context_create(nullptr, &context, nullptr), FOVEA_OK);
    EXPECT_EQ(fovea_context_threads(context), 1);
    fovea_context_destroy(context);
  });
  bound.join();
}
#endif
