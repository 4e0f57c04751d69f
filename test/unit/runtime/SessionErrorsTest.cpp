//===- SessionErrorsTest.cpp ----------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SessionFixture.h"

#include <limits>

using namespace fovea::test;

static constexpr int64_t huge = std::numeric_limits<int64_t>::max();

/// Each test breaks one thing about a good call.
class SessionErrors : public SessionTest {
protected:
  void expectFailure(fovea_status status, const char *text) {
    EXPECT_EQ(run(), status);
    EXPECT_STREQ(message(), text);
  }
};

TEST_F(SessionErrors, Nulls) {
  EXPECT_EQ(fovea_session_run(nullptr, 0, in.data(), out.data(), nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_session_message(nullptr),
               "expected a session, found null");
  EXPECT_EQ(fovea_session_run(session, 0, nullptr, out.data(), nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(message(), "entry 'mix': expected 5 inputs, found null");
  EXPECT_EQ(fovea_session_run(session, 0, in.data(), nullptr, nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(message(), "entry 'mix': expected 2 outputs, found null");
  in[1] = nullptr;
  expectFailure(FOVEA_INVALID_ARGUMENT, "input 'k' is null");
  in[1] = &k.tensor;
  x.tensor.data = nullptr;
  expectFailure(FOVEA_INVALID_ARGUMENT, "input 'x': its data is null");
}

TEST_F(SessionErrors, NullShape) {
  y.tensor.shape = nullptr;
  expectFailure(FOVEA_INVALID_ARGUMENT, "output 'y': its shape is null");
}

TEST_F(SessionErrors, NullScalar) {
  n.tensor.data = nullptr;
  expectFailure(FOVEA_INVALID_ARGUMENT, "input 'n': its data is null");
}

TEST_F(SessionErrors, Entry) {
  EXPECT_EQ(fovea_session_run(session, 1, in.data(), out.data(), nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(message(),
               "program 'test': expected an entry from 0 to 0, found 1");
}

TEST_F(SessionErrors, Stream) {
  EXPECT_EQ(fovea_session_run(session, 0, in.data(), out.data(), this),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(message(),
               "entry 'mix': expected no stream for the CPU, found one");
}

TEST_F(SessionErrors, Device) {
  k.tensor.device.device_type = kDLCUDA;
  expectFailure(
      FOVEA_BAD_DEVICE,
      "input 'k': expected a tensor in CPU memory, found device type 2");
}

TEST_F(SessionErrors, DType) {
  k.tensor.dtype = {kDLFloat, 16, 1};
  expectFailure(FOVEA_BAD_DTYPE, "input 'k': expected dtype f32, found f16");
  k.tensor.dtype = {kDLFloat, 32, 4};
  expectFailure(FOVEA_BAD_DTYPE, "input 'k': expected dtype f32, found code 2 "
                                 "of 32 bits and 4 lanes");
}

TEST_F(SessionErrors, Rank) {
  k.tensor.ndim = 1;
  expectFailure(FOVEA_BAD_SHAPE, "input 'k': expected 2 dimensions, found 1");
  k.tensor.ndim = -1;
  expectFailure(FOVEA_BAD_SHAPE, "input 'k': expected 2 dimensions, found -1");
  k.tensor.ndim = 2;
  n.tensor.ndim = 1;
  expectFailure(FOVEA_BAD_SHAPE, "input 'n': expected 0 dimensions, found 1");
}

TEST_F(SessionErrors, Sizes) {
  x.shape[0] = -2;
  expectFailure(
      FOVEA_BAD_SHAPE,
      "input 'x' dimension 0: expected a size of 0 or more, found -2");
  x.shape = {huge, huge, 4};
  expectFailure(FOVEA_BAD_SHAPE, "input 'x': its sizes exceed 2^63 - 1 bytes");
  x.shape = {0, huge, 4}; // also where another size is 0
  expectFailure(FOVEA_BAD_SHAPE, "input 'x': its sizes exceed 2^63 - 1 bytes");
}

TEST_F(SessionErrors, FixedIndex) {
  x.shape[2] = 3;
  expectFailure(
      FOVEA_BAD_SHAPE,
      "input 'x' dimension 2: expected size 4 for index 'd', found 3");
}

TEST_F(SessionErrors, DisagreeingIndex) {
  k.shape[0] = 1;
  expectFailure(FOVEA_BAD_SHAPE,
                "input 'k' dimension 0: expected size 2 for index 'b', 'b' is "
                "2 in input 'x' dimension 0, found 1");
}

TEST_F(SessionErrors, GroupThatDoesNotDivide) {
  x.shape[1] = 5;
  expectFailure(FOVEA_BAD_SHAPE,
                "input 'x' dimension 1: expected a multiple of 2 for indices "
                "(h, g), 'h' is 2 in input 'k' dimension 1, found 5");
}

TEST_F(SessionErrors, OutputShape) {
  y.shape[1] = 5;
  expectFailure(
      FOVEA_BAD_SHAPE,
      "output 'y' dimension 1: expected size 6 for indices (h, g), 'h' is 2 in "
      "input 'k' dimension 1, 'g' is 3 in input 'x' dimension 1, found 5");
  y.shape[1] = 6;
  z.shape[0] = 3;
  expectFailure(
      FOVEA_BAD_SHAPE,
      "output 'z' dimension 0: expected size 4 for index 'r', found 3");
}

TEST_F(SessionErrors, ComputedIndex) {
  n.fill<int32_t>({-1});
  expectFailure(FOVEA_BAD_SHAPE,
                "index 'r': expected a range of size 0 or more, found -2");
}

TEST_F(SessionErrors, InnermostStride) {
  x.setStrides({24, 4, 2});
  expectFailure(FOVEA_BAD_LAYOUT,
                "input 'x': expected innermost stride 1, found 2");
}

TEST_F(SessionErrors, StridesThatLeaveMemory) {
  x.setStrides({huge, 4, 1});
  expectFailure(FOVEA_BAD_LAYOUT,
                "input 'x': its strides leave the address space");
  x.setStrides({-(int64_t(1) << 60), 4, 1});
  expectFailure(FOVEA_BAD_LAYOUT,
                "input 'x': its strides leave the address space");
  x.tensor.strides = nullptr;
  x.tensor.byte_offset = ~uint64_t(0);
  expectFailure(FOVEA_BAD_LAYOUT,
                "input 'x': its byte_offset leaves the address space");
}

TEST_F(SessionErrors, OutputsThatShareMemory) {
  y.setStrides({24, 3, 1});
  expectFailure(FOVEA_BAD_LAYOUT,
                "output 'y' dimension 1: expected a stride of at least 4, "
                "found 3: elements would share memory");
  y.setStrides({0, 4, 1});
  expectFailure(FOVEA_BAD_LAYOUT,
                "output 'y' dimension 0: expected a stride of at least 1, "
                "found 0: elements would share memory");
}

TEST_F(SessionErrors, Alignment) {
  x.tensor.byte_offset = 2;
  expectFailure(FOVEA_BAD_LAYOUT, "input 'x': expected data aligned to 4 "
                                  "bytes, found an address 2 bytes past");
  x.tensor.byte_offset = 0;
  y.tensor.byte_offset = 8;
  expectFailure(FOVEA_BAD_LAYOUT, "output 'y': expected data aligned to 16 "
                                  "bytes, found an address 8 bytes past");
}

TEST_F(SessionErrors, Overlaps) {
  out[0] = &x.tensor;
  expectFailure(FOVEA_BAD_LAYOUT, "output 'y' overlaps input 'x' in memory");
  out[0] = &y.tensor;
  z.tensor.data = y.data<float>() + 44; // its last row
  expectFailure(FOVEA_BAD_LAYOUT, "output 'z' overlaps output 'y' in memory");
  z.tensor.data = y.data<float>() + 48; // behind it
  z.shape[0] = 0;
  n.fill<int32_t>({0});
  EXPECT_EQ(run(), FOVEA_OK) << message();
}

/// The same session, of an entry whose memory needs are beyond all bounds.
using MemoryErrors = SessionErrors;

TEST_F(MemoryErrors, WorkspaceThatCannotBeCounted) {
  changed.workspace_size = [](const int64_t *) -> int64_t { return -1; };
  useEntry(changed);
  expectFailure(FOVEA_OUT_OF_MEMORY, "entry 'mix': the workspace for these "
                                     "sizes exceeds 2^63 - 1 bytes");
}

TEST_F(MemoryErrors, WorkspaceThatCannotBeAllocated) {
  changed.workspace_size = [](const int64_t *) { return huge; };
  useEntry(changed);
  expectFailure(FOVEA_OUT_OF_MEMORY,
                "entry 'mix': cannot allocate a workspace of "
                "9223372036854775807 bytes");
}

TEST_F(MemoryErrors, ScratchThatCannotBeAllocated) {
  changed.run = [](const fovea_invocation *call) -> int32_t {
    call->parallel_for(
        call->pool, [](void *, int64_t, void *) { FAIL(); }, nullptr, 8, huge);
    return 0;
  };
  useEntry(changed);
  expectFailure(FOVEA_OUT_OF_MEMORY, "entry 'mix': cannot allocate scratch "
                                     "memory for its threads");
}

TEST_F(MemoryErrors, RangeThatCannotBeComputed) {
  std::vector<fovea_symbol> symbols(changed.symbols,
                                    changed.symbols + changed.symbol_count);
  const int64_t overflow[] = {FOVEA_CODE_CONST, huge, FOVEA_CODE_INPUT, 4,
                              FOVEA_CODE_MUL};
  const int64_t division[] = {FOVEA_CODE_CONST, 1, FOVEA_CODE_CONST, 0,
                              FOVEA_CODE_FLOORDIV};
  for (const int64_t *code : {overflow, division}) {
    symbols[4].code = code;
    changed.symbols = symbols.data();
    useEntry(changed);
    expectFailure(FOVEA_BAD_SHAPE, "index 'r': its range divides by zero or "
                                   "exceeds 64 bits");
  }
}

TEST_F(MemoryErrors, RequirementWithoutAMessage) {
  changed.run = [](const fovea_invocation *) -> int32_t { return 3; };
  useEntry(changed);
  expectFailure(FOVEA_REQUIREMENT_FAILED,
                "entry 'mix': an unnamed requirement does not hold");
}

/// A session that is called from inside its own call.
static fovea_session *running;
static fovea_status innerStatus;

TEST_F(MemoryErrors, Busy) {
  changed.run = [](const fovea_invocation *) -> int32_t {
    innerStatus = fovea_session_run(running, 0, nullptr, nullptr, nullptr);
    return 0;
  };
  useEntry(changed);
  running = session;
  EXPECT_EQ(run(), FOVEA_OK) << message();
  EXPECT_EQ(innerStatus, FOVEA_BUSY);
}

TEST_F(SessionErrors, OutputShapeArguments) {
  int64_t shape[3];
  EXPECT_EQ(fovea_session_output_shape(session, 0, in.data(), 2, shape),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(message(), "entry 'mix': expected an output from 0 to 1, found "
                          "2");
  EXPECT_EQ(fovea_session_output_shape(session, 0, in.data(), 0, nullptr),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(message(),
               "output 'y': expected a place for its shape, found null");
  EXPECT_EQ(fovea_session_output_shape(nullptr, 0, in.data(), 0, shape),
            FOVEA_INVALID_ARGUMENT);
}

TEST_F(SessionErrors, Creation) {
  fovea_session *none = session;
  EXPECT_EQ(fovea_session_create(nullptr, &none, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(none, nullptr);
  EXPECT_STREQ(error.message, "expected a model, found null");
  EXPECT_EQ(fovea_session_create(model, nullptr, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the session, found null");
}
