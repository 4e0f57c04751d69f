//===- SessionFixture.h - A session to call and to break --------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TEST_UNIT_RUNTIME_SESSIONFIXTURE_H
#define FOVEA_TEST_UNIT_RUNTIME_SESSIONFIXTURE_H

#include "TestProgram.h"
#include "TestTensors.h"

#include <gtest/gtest.h>

#include <numeric>

namespace fovea::test {

/// A session of the test program, and one call that succeeds: b = 2, h = 2,
/// g = 3, n = 2.
class SessionTest : public testing::Test {
protected:
  void SetUp() override {
    fovea_context_options options{sizeof options, 2, nullptr, nullptr, ""};
    ASSERT_EQ(fovea_context_create(&options, &context, &error), FOVEA_OK);
    ASSERT_EQ(fovea_model_create(context, &program, nullptr, &model, &error),
              FOVEA_OK)
        << error.message;
    ASSERT_EQ(fovea_session_create(model, &session, &error), FOVEA_OK);
    std::iota(x.data<float>(), x.data<float>() + 48, 0.0f);
    k.fill<float>({1, 2, 3, 4});
    shift.fill<float>({0.5f});
    n.fill<int32_t>({2});
  }

  void TearDown() override {
    fovea_session_destroy(session);
    fovea_model_destroy(model);
    fovea_context_destroy(context);
  }

  /// Starts again, with another entry.
  void useEntry(const fovea_entry &entry) {
    changed = entry;
    program.entries = &changed;
    fovea_session_destroy(session);
    fovea_model_destroy(model);
    ASSERT_EQ(fovea_model_create(context, &program, nullptr, &model, &error),
              FOVEA_OK);
    ASSERT_EQ(fovea_session_create(model, &session, &error), FOVEA_OK);
  }
  fovea_status run() {
    return fovea_session_run(session, 0, in.data(), out.data(), nullptr);
  }
  const char *message() { return fovea_session_message(session); }

  Tensor x{FOVEA_F32, {2, 6, 4}}, k{FOVEA_F32, {2, 2}}, flags{FOVEA_BOOL, {2}},
      shift{FOVEA_F32, {}}, n{FOVEA_I32, {}}, y{FOVEA_F32, {2, 6, 4}},
      z{FOVEA_F32, {4}};
  std::vector<const DLTensor *> in{&x.tensor, &k.tensor, &flags.tensor,
                                   &shift.tensor, &n.tensor};
  std::vector<DLTensor *> out{&y.tensor, &z.tensor};

  fovea_program program = makeProgram();
  /// What to change of the entry before `useEntry`.
  fovea_entry changed = makeEntry();
  fovea_error error{};
  fovea_context *context = nullptr;
  fovea_model *model = nullptr;
  fovea_session *session = nullptr;
};

} // namespace fovea::test

#endif
