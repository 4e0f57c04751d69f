//===- SafetensorsTest.cpp ------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestTensors.h"

#include <gtest/gtest.h>

using namespace fovea::test;

/// Weights from memory that is exactly as large as the file, so that a reader
/// that goes too far is caught by the sanitizer.
struct Opened {
  explicit Opened(const std::string &file) : bytes(file.begin(), file.end()) {
    status =
        fovea_weights_from_memory(bytes.data(), bytes.size(), &weights, &error);
  }
  ~Opened() { fovea_weights_destroy(weights); }
  std::vector<char> bytes;
  fovea_weights *weights = nullptr;
  fovea_error error{};
  fovea_status status;
};

static const std::string good =
    R"({"__metadata__":{"format":"pt"},)"
    R"("b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},)"
    R"("a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}  )";

TEST(Safetensors, Reads) {
  Opened file(safetensors(good, bytesOf<float>({1, 2, 3})));
  ASSERT_EQ(file.status, FOVEA_OK) << file.error.message;
  EXPECT_EQ(fovea_weights_count(file.weights), 2);
  EXPECT_STREQ(fovea_weights_name(file.weights, 0), "b");
  EXPECT_STREQ(fovea_weights_name(file.weights, 1), "a");
  EXPECT_EQ(fovea_weights_name(file.weights, 2), nullptr);
  DLTensor tensor;
  ASSERT_EQ(fovea_weights_tensor(file.weights, "b", &tensor, nullptr),
            FOVEA_OK);
  EXPECT_EQ(tensor.ndim, 2);
  EXPECT_EQ(tensor.shape[0], 2);
  EXPECT_EQ(tensor.dtype.code, kDLFloat);
  float values[2];
  std::memcpy(values, tensor.data, sizeof values);
  EXPECT_EQ(values[1], 3.0f);
}

TEST(Safetensors, ReadsEmptyFilesAndScalarsAndEscapes) {
  EXPECT_EQ(Opened(safetensors("{}", "")).status, FOVEA_OK);
  EXPECT_EQ(Opened(safetensors(R"({"__metadata__":{}})", "")).status, FOVEA_OK);
  Opened file(safetensors(
      R"({"\u00e4\ud83d\ude00\/\n":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})",
      "x"));
  ASSERT_EQ(file.status, FOVEA_OK) << file.error.message;
  EXPECT_STREQ(fovea_weights_name(file.weights, 0),
               "\xc3\xa4\xf0\x9f\x98\x80/\n");
}

TEST(Safetensors, KeepsUnknownTypesApart) {
  Opened file(safetensors(
      R"({"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", "12345678"));
  ASSERT_EQ(file.status, FOVEA_OK) << file.error.message;
  DLTensor tensor;
  EXPECT_EQ(fovea_weights_tensor(file.weights, "x", &tensor, &file.error),
            FOVEA_BAD_WEIGHTS);
  EXPECT_STREQ(file.error.message,
               "tensor 'x' has the unsupported dtype 'C64'");
  EXPECT_EQ(fovea_weights_tensor(file.weights, "y", &tensor, &file.error),
            FOVEA_BAD_WEIGHTS);
  EXPECT_STREQ(file.error.message, "no tensor is named 'y'");
  EXPECT_EQ(fovea_weights_tensor(nullptr, "y", &tensor, &file.error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(file.error.message,
               "expected weights, a name and a tensor, found null");
}

TEST(Safetensors, EveryTruncationIsAnError) {
  std::string file = safetensors(good, bytesOf<float>({1, 2, 3}));
  for (size_t size = 0; size < file.size(); ++size) {
    Opened opened(file.substr(0, size));
    EXPECT_EQ(opened.status, size ? FOVEA_BAD_FILE : FOVEA_INVALID_ARGUMENT)
        << size;
    EXPECT_STRNE(opened.error.message, "");
  }
}

TEST(Safetensors, EveryChangedByteIsReadOrRefused) {
  std::string file = safetensors(good, bytesOf<float>({1, 2, 3}));
  for (size_t i = 0; i < file.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = file;
      changed[i] = char(changed[i] ^ 1 << bit);
      Opened opened(changed);
      EXPECT_TRUE(opened.status == FOVEA_OK || opened.status == FOVEA_BAD_FILE);
    }
}

namespace {
struct BadHeader {
  const char *header, *message;
};
} // namespace

/// One tensor "x" of 4 bytes, whose description ends so.
#define TENSOR(rest) R"({"x":{"dtype":"F32","shape":[1],)" rest

TEST(Safetensors, BadHeaders) {
  const BadHeader cases[] = {
      {"", "header, byte 0: expected '{'"},
      {"[]", "header, byte 0: expected '{'"},
      {"{", "header, byte 1: expected a string"},
      {R"({"x)", "header, byte 3: string does not end"},
      {R"({"x\)", "header, byte 4: string does not end"},
      {"{\"x\n\":1}", "header, byte 4: control character in a string"},
      {R"({"\q":1})", "header, byte 4: unknown escape in a string"},
      {R"({"\u12g4":1})", "header, byte 6: expected four hexadecimal digits"},
      {R"({"\u0000":1})", "header, byte 8: string contains a zero byte"},
      {R"({"\udc00":1})", "header, byte 8: surrogate without its first half"},
      {R"({"\ud800":1})", "header, byte 8: surrogate without its second half"},
      {R"({"\ud800\u0041":1})",
       "header, byte 14: surrogate without its second half"},
      {R"({"x":1})", "header, byte 5: expected '{'"},
      {R"({"x":{}})", "header, byte 6: expected a string"},
      {R"({"x":{"shape":[-1]}})",
       "header, byte 15: expected a non-negative integer"},
      {R"({"x":{"shape":[1.5]}})",
       "header, byte 16: expected an integer, found "
       "a fraction or an exponent"},
      {R"({"x":{"shape":[01]}})", "header, byte 17: integer begins with 0"},
      {R"({"x":{"shape":[9223372036854775808]}})",
       "header, byte 15: integer exceeds 2^63 - 1"},
      {R"({"x":{"shape":[1}})", "header, byte 16: expected ']'"},
      {R"({"x":{"shape":[1],"shape":[1]}})",
       "header, byte 26: key 'shape' appears twice"},
      {R"({"x":{"strides":[1]}})", "header, byte 16: unknown key 'strides'"},
      {TENSOR(R"("data_offsets":[0,4]}}!)"),
       "header, byte 54: expected the end of the header"},
      {R"({"x":{"dtype":"F32","shape":[1]}})",
       "header, byte 32: tensor 'x' lacks its dtype, shape or data_offsets"},
      {TENSOR(R"("data_offsets":[0]}})"),
       "header, byte 51: tensor 'x': expected two data_offsets"},
      {TENSOR(R"("data_offsets":[4,0]}})"),
       "header, byte 53: tensor 'x' ends before it begins"},
      {TENSOR(R"("data_offsets":[0,3]}})"),
       "header, byte 53: tensor 'x': expected 4 bytes for its shape and dtype, "
       "found 3"},
      {TENSOR(R"("data_offsets":[1,5]}})"),
       "tensor 'x' ends at byte 5 of the data, which has 4"},
      {R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       "tensor 'x': expected to begin at byte 0 of the data, found 1"},
      {R"({"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
       "the tensors take 2 bytes, but the data has 4"},
      {R"({"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
       R"("y":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "tensor 'y': expected to begin at byte 3 of the data, found 2"},
      {R"({"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
       R"("x":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
       "tensor 'x' appears twice"},
      {R"({"x":{"dtype":"U8","shape":[4294967296,4294967296],)"
       R"("data_offsets":[0,0]}})",
       "header, byte 72: tensor 'x' has more than 2^63 - 1 bytes"},
      // Also where another size is 0.
      {R"({"x":{"dtype":"U8","shape":[0,4294967296,4294967296],)"
       R"("data_offsets":[0,0]}})",
       "header, byte 74: tensor 'x' has more than 2^63 - 1 bytes"},
      {R"({"__metadata__":{"a":1}})", "header, byte 21: expected a string"},
      {R"({"__metadata__":{},"__metadata__":{}})",
       "header, byte 34: __metadata__ appears twice"},
  };
  for (const BadHeader &c : cases) {
    Opened opened(safetensors(c.header, "1234"));
    EXPECT_EQ(opened.status, FOVEA_BAD_FILE) << c.header;
    EXPECT_EQ(opened.error.message,
              std::string("weights in memory: ") + c.message)
        << c.header;
    EXPECT_EQ(opened.weights, nullptr);
  }
}

TEST(Safetensors, HeaderSizes) {
  std::string file = safetensors("{}", "");
  file[7] = char(0xff);
  Opened far(file);
  EXPECT_EQ(far.status, FOVEA_BAD_FILE);
  EXPECT_STREQ(far.error.message,
               "weights in memory: the header has 18374686479671623682 bytes, "
               "but the file only 10");
  EXPECT_STREQ(Opened("1234567").error.message,
               "weights in memory: expected a safetensors file of at least 8 "
               "bytes, found 7");
  Opened large(safetensors(std::string(100'000'001, ' '), ""));
  EXPECT_STREQ(large.error.message,
               "weights in memory: expected a header of at most 100000000 "
               "bytes, found 100000001");
}

TEST(Safetensors, Paths) {
  fovea_error error;
  fovea_weights *weights;
  EXPECT_EQ(fovea_weights_open("/nonexistent/x", &weights, &error),
            FOVEA_IO_ERROR);
  EXPECT_STREQ(error.message,
               "cannot open '/nonexistent/x': No such file or directory");
  EXPECT_EQ(fovea_weights_open("/dev", &weights, &error), FOVEA_IO_ERROR);
  EXPECT_STREQ(error.message, "cannot open '/dev': not a regular file");
  EXPECT_EQ(fovea_weights_open(nullptr, &weights, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a path, found null");
  EXPECT_EQ(fovea_weights_open("x", nullptr, &error), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the weights, found null");
  EXPECT_EQ(fovea_weights_from_memory(nullptr, 0, &weights, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected data, found null");
  EXPECT_EQ(fovea_weights_from_memory("", 0, nullptr, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the weights, found null");
  EXPECT_EQ(fovea_weights_count(nullptr), 0);
}
