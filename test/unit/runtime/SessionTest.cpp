//===- SessionTest.cpp ----------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SessionFixture.h"

#include <cstring>
#include <limits>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace fovea::test;

TEST_F(SessionTest, Computes) {
  ASSERT_EQ(run(), FOVEA_OK) << message();
  EXPECT_STREQ(message(), "");
  for (int64_t row = 0; row < 12; ++row)
    for (int64_t d = 0; d < 4; ++d)
      EXPECT_EQ(y.data<float>()[row * 4 + d],
                float(row * 4 + d) * float(row / 3 + 1) + 0.5f + 2.0f);
  EXPECT_EQ(std::memcmp(z.data<float>(), std::vector<float>{0, 1, 2, 3}.data(),
                        4 * sizeof(float)),
            0);
}

TEST_F(SessionTest, ReadsStridedViewsAndByteOffsets) {
  ASSERT_EQ(run(), FOVEA_OK);
  std::vector<float> expected(y.data<float>(), y.data<float>() + 48);

  // The rows of x, reversed in memory, with a gap after each.
  Tensor reversed(FOVEA_F32, {2, 6, 8});
  for (int64_t row = 0; row < 12; ++row)
    std::memcpy(reversed.data<float>() + (11 - row) * 8,
                x.data<float>() + row * 4, 4 * sizeof(float));
  reversed.shape[2] = 4;
  reversed.setStrides({-48, -8, 1});
  reversed.tensor.byte_offset = 11 * 8 * sizeof(float);
  in[0] = &reversed.tensor;
  std::memset(y.tensor.data, 0, 48 * sizeof(float));
  ASSERT_EQ(run(), FOVEA_OK) << message();
  EXPECT_EQ(std::memcmp(y.tensor.data, expected.data(), 48 * sizeof(float)), 0);
}

TEST_F(SessionTest, BroadcastsInputsByStrideZero) {
  x.setStrides({0, 0, 1});
  ASSERT_EQ(run(), FOVEA_OK) << message();
  EXPECT_EQ(y.data<float>()[47], 3.0f * 4.0f + 2.5f);
}

TEST_F(SessionTest, IgnoresStridesThatDoNotMatter) {
  Tensor one(FOVEA_F32, {1, 1, 4}), k1(FOVEA_F32, {1, 1}), f1(FOVEA_BOOL, {1}),
      y1(FOVEA_F32, {1, 1, 4});
  one.setStrides({-7, std::numeric_limits<int64_t>::max(), 1});
  k1.setStrides({99, 99});
  in[0] = &one.tensor, in[1] = &k1.tensor, in[2] = &f1.tensor;
  out[0] = &y1.tensor;
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

TEST_F(SessionTest, AcceptsUnsignedBytesAsBooleans) {
  flags.tensor.dtype = {kDLUInt, 8, 1};
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

TEST_F(SessionTest, AcceptsEmptyTensors) {
  Tensor x0(FOVEA_F32, {0, 6, 4}), k0(FOVEA_F32, {0, 2}), f0(FOVEA_BOOL, {0}),
      y0(FOVEA_F32, {0, 6, 4}), z0(FOVEA_F32, {0});
  for (Tensor *tensor : {&x0, &k0, &f0, &y0, &z0})
    tensor->tensor.data = nullptr;
  n.fill<int32_t>({0});
  in[0] = &x0.tensor, in[1] = &k0.tensor, in[2] = &f0.tensor;
  out[0] = &y0.tensor, out[1] = &z0.tensor;
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

TEST_F(SessionTest, GivesOutputShapes) {
  int64_t shape[3] = {};
  ASSERT_EQ(fovea_session_output_shape(session, 0, in.data(), 0, shape),
            FOVEA_OK);
  EXPECT_EQ(std::vector<int64_t>(shape, shape + 3),
            (std::vector<int64_t>{2, 6, 4}));
  ASSERT_EQ(fovea_session_output_shape(session, 0, in.data(), 1, shape),
            FOVEA_OK);
  EXPECT_EQ(shape[0], 4);
}

TEST_F(SessionTest, GrowsTheWorkspace) {
  ASSERT_EQ(run(), FOVEA_OK);
  Tensor big(FOVEA_F32, {2, 60000, 4}), y1(FOVEA_F32, {2, 60000, 4});
  in[0] = &big.tensor;
  out[0] = &y1.tensor;
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

#if defined(__x86_64__)
TEST_F(SessionTest, ComputesInItsOwnFloatingPointState) {
  x.data<float>()[0] = 0x1p-140f; // a denormal
  k.data<float>()[0] = 0x1p20f;
  shift.fill<float>({-2.0f});
  unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8040); // flush denormals
  fovea_status status = run();
  unsigned after = _mm_getcsr();
  _mm_setcsr(saved);
  EXPECT_EQ(status, FOVEA_OK);
  EXPECT_EQ(after & 0x8040, 0x8040u); // the caller's state is its own
  EXPECT_EQ(y.data<float>()[0], 0x1p-120f);
}
#endif

TEST_F(SessionTest, ReportsRequirements) {
  n.fill<int32_t>({13});
  Tensor z26(FOVEA_F32, {26});
  out[1] = &z26.tensor;
  EXPECT_EQ(run(), FOVEA_REQUIREMENT_FAILED);
  EXPECT_STREQ(message(), "entry 'mix': n must not be 13");
  // The next call is not affected.
  n.fill<int32_t>({2});
  out[1] = &z.tensor;
  EXPECT_EQ(run(), FOVEA_OK);
  EXPECT_STREQ(message(), "");
}

TEST_F(SessionTest, ReportsClampedIndices) {
  n.fill<int32_t>({14});
  Tensor z28(FOVEA_F32, {28});
  out[1] = &z28.tensor;
  EXPECT_EQ(run(), FOVEA_INDEX_CLAMPED);
  EXPECT_STREQ(message(), "entry 'mix': n must not be 12");
  EXPECT_EQ(z28.data<float>()[27], 27.0f);
  // A program that does not say which.
  n.fill<int32_t>({15});
  Tensor z30(FOVEA_F32, {30});
  out[1] = &z30.tensor;
  EXPECT_EQ(run(), FOVEA_INDEX_CLAMPED);
  EXPECT_STREQ(message(), "entry 'mix': an index read from a tensor is out of "
                          "range, and was clamped");
}

TEST_F(SessionTest, OutlivesItsModelAndContext) {
  fovea_model_destroy(model);
  fovea_context_destroy(context);
  model = nullptr;
  context = nullptr;
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

TEST_F(SessionTest, TellsTheEntryItsWorkers) {
  changed.run = [](const fovea_invocation *call) -> int32_t {
    return call->workers == 2 ? 0 : 1;
  };
  useEntry(changed);
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

TEST_F(SessionTest, AnswersQueries) {
  EXPECT_EQ(fovea_model_entry_count(model), 1);
  EXPECT_STREQ(fovea_model_entry_name(model, 0), "mix");
  EXPECT_EQ(fovea_model_entry_name(model, 1), nullptr);
  EXPECT_EQ(fovea_model_find_entry(model, "mix"), 0);
  EXPECT_EQ(fovea_model_find_entry(model, "mi"), -1);
  EXPECT_EQ(fovea_model_find_entry(model, nullptr), -1);
  EXPECT_EQ(fovea_model_input_count(model, 0), 5);
  EXPECT_EQ(fovea_model_output_count(model, 0), 2);
  EXPECT_EQ(fovea_model_output_count(model, -1), 0);

  fovea_tensor_info info;
  ASSERT_EQ(fovea_model_input(model, 0, 2, &info), FOVEA_OK);
  EXPECT_STREQ(info.name, "flags");
  EXPECT_EQ(info.rank, 1);
  EXPECT_EQ(info.dtype.code, 6);
  EXPECT_EQ(info.alignment, 1u);
  EXPECT_EQ(info.is_scalar, 0);
  ASSERT_EQ(fovea_model_input(model, 0, 3, &info), FOVEA_OK);
  EXPECT_EQ(info.is_scalar, 1);
  ASSERT_EQ(fovea_model_output(model, 0, 0, &info), FOVEA_OK);
  EXPECT_EQ(info.alignment, 16u);
  EXPECT_EQ(fovea_model_output(model, 0, 2, &info), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_model_input(model, 1, 0, &info), FOVEA_INVALID_ARGUMENT);
}
