//===- NpyTest.cpp --------------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestTensors.h"

#include "runtime/npy.h"

#include <gtest/gtest.h>

#include <limits>

using namespace fovea::test;

/// The bytes of an npy file of version `major`.
static std::string npy(const std::string &dict, const std::string &data,
                       int major = 1) {
  std::string file = "\x93NUMPY";
  file += char(major);
  file += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i)
    file += char(dict.size() >> (8 * i));
  return file + dict + data;
}

class NpyTest : public testing::Test {
protected:
  ~NpyTest() override { release(); }
  void release() {
    if (tensor)
      tensor->deleter(tensor);
    tensor = nullptr;
  }
  fovea_status load(const std::string &bytes) {
    release();
    path = directory.write("x.npy", bytes);
    return fovea_npy_load(path.c_str(), &tensor, &error);
  }
  template <typename T>
  std::vector<T> values(size_t count) {
    auto *data = static_cast<const T *>(tensor->dl_tensor.data);
    return std::vector<T>(data, data + count);
  }
  void expectBad(const std::string &bytes, const std::string &message) {
    EXPECT_EQ(load(bytes), FOVEA_BAD_FILE);
    EXPECT_EQ(error.message, "'" + path + "': " + message);
    EXPECT_EQ(tensor, nullptr);
  }

  TemporaryDirectory directory;
  std::string path;
  DLManagedTensor *tensor = nullptr;
  fovea_error error{};
};

TEST_F(NpyTest, ReadsAllVersions) {
  std::string dict =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)}";
  for (int major : {1, 2, 3}) {
    ASSERT_EQ(load(npy(dict, bytesOf<float>({1, 2}), major)), FOVEA_OK)
        << error.message;
    const DLTensor &t = tensor->dl_tensor;
    EXPECT_EQ(t.ndim, 2);
    EXPECT_EQ(t.shape[0], 2);
    EXPECT_EQ(t.shape[1], 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t.data) % 64, 0u);
    EXPECT_EQ(values<float>(2), (std::vector<float>{1, 2}));
  }
}

TEST_F(NpyTest, WritesToTheTensorStayInMemory) {
  std::string dict =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  dict.resize(128 - 10, ' '); // so that the file is used in place
  std::string file = npy(dict, bytesOf<float>({1}));
  ASSERT_EQ(load(file), FOVEA_OK) << error.message;
  *static_cast<float *>(tensor->dl_tensor.data) = 5;
  EXPECT_EQ(directory.read("x.npy"), file);
}

TEST_F(NpyTest, ReadsFortranOrderAndForeignBytes) {
  ASSERT_EQ(load(npy("{'shape': (2, 3), 'fortran_order': True, 'descr': '<i2'}",
                     bytesOf<int16_t>({0, 10, 1, 11, 2, 12}))),
            FOVEA_OK)
      << error.message;
  EXPECT_EQ(values<int16_t>(6), (std::vector<int16_t>{0, 1, 2, 10, 11, 12}));
  ASSERT_EQ(
      load(npy("{\"descr\": '>i4', 'fortran_order': False, 'shape': (1L,)}",
               std::string("\x01\x02\x03\x04", 4))),
      FOVEA_OK)
      << error.message;
  EXPECT_EQ(values<int32_t>(1), std::vector<int32_t>{0x01020304});
}

TEST_F(NpyTest, ReadsScalarsAndEmptyArrays) {
  ASSERT_EQ(load(npy("{'descr': '|b1', 'fortran_order': False, 'shape': ()}",
                     "\x01")),
            FOVEA_OK);
  EXPECT_EQ(tensor->dl_tensor.ndim, 0);
  EXPECT_EQ(tensor->dl_tensor.dtype.code, 6);
  ASSERT_EQ(
      load(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (0, 3)}", "")),
      FOVEA_OK);
  EXPECT_EQ(tensor->dl_tensor.shape[1], 3);
}

TEST_F(NpyTest, SavesWhatItLoads) {
  struct Case {
    fovea_dtype type;
    std::vector<int64_t> shape;
  };
  const Case cases[] = {{FOVEA_F32, {2, 3}},
                        {FOVEA_BF16, {5}},
                        {FOVEA_I64, {}},
                        {FOVEA_BOOL, {3, 0}},
                        {FOVEA_U8, {1, 2, 3}}};
  for (const Case &c : cases) {
    release();
    Tensor saved(c.type, c.shape);
    size_t bytes = fovea::runtime::byteSize(c.type);
    for (int64_t size : c.shape)
      bytes *= size_t(size);
    for (size_t i = 0; i < bytes; ++i)
      saved.data<char>()[i] = char(i % 2);
    path = directory.path("y.npy");
    ASSERT_EQ(fovea_npy_save(path.c_str(), &saved.tensor, &error), FOVEA_OK)
        << error.message;
    ASSERT_EQ(fovea_npy_load(path.c_str(), &tensor, &error), FOVEA_OK)
        << error.message;
    const DLTensor &t = tensor->dl_tensor;
    EXPECT_EQ(fovea::runtime::fromDLPack(t.dtype), c.type);
    EXPECT_EQ(std::vector<int64_t>(t.shape, t.shape + t.ndim), c.shape);
    if (bytes > 0) {
      EXPECT_EQ(std::memcmp(t.data, saved.tensor.data, bytes), 0);
    }
    EXPECT_EQ(directory.count(), 1u); // and no temporary file
  }
}

TEST_F(NpyTest, SavesStridedViewsOverOldFiles) {
  Tensor view(FOVEA_I32, {2, 8});
  view.fill<int32_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  view.shape = {3, 2};
  view.tensor.shape = view.shape.data();
  view.setStrides({-2, 8});
  view.tensor.byte_offset = 5 * sizeof(int32_t);
  path = directory.write("x.npy", "an old file");
  ASSERT_EQ(fovea_npy_save(path.c_str(), &view.tensor, &error), FOVEA_OK);
  ASSERT_EQ(fovea_npy_load(path.c_str(), &tensor, &error), FOVEA_OK);
  EXPECT_EQ(values<int32_t>(6), (std::vector<int32_t>{5, 13, 3, 11, 1, 9}));
}

TEST_F(NpyTest, SaveErrorsLeaveNoFile) {
  Tensor x(FOVEA_F32, {2});
  path = directory.path("no/x.npy");
  EXPECT_EQ(fovea_npy_save(path.c_str(), &x.tensor, &error), FOVEA_IO_ERROR);
  EXPECT_EQ(error.message,
            "cannot write '" + path + "': No such file or directory");
  EXPECT_EQ(fovea_npy_save("/dev/full", &x.tensor, &error), FOVEA_IO_ERROR);
  EXPECT_STREQ(error.message,
               "cannot write '/dev/full': No space left on device");

  path = directory.path("x.npy");
  auto expectFailure = [&](fovea_status status, const char *message) {
    EXPECT_EQ(fovea_npy_save(path.c_str(), &x.tensor, &error), status);
    EXPECT_STREQ(error.message, message);
    EXPECT_EQ(directory.count(), 0u);
  };
  x.tensor.device.device_type = kDLCUDA;
  expectFailure(FOVEA_BAD_DEVICE,
                "expected a tensor in CPU memory, found device type 2");
  x.tensor.device.device_type = kDLCPU;
  x.tensor.dtype = {kDLComplex, 64, 1};
  expectFailure(FOVEA_BAD_DTYPE, "npy files have no dtype for code 5 of 64 "
                                 "bits and 1 lanes");
  x.tensor.dtype = {kDLFloat, 32, 1};
  x.tensor.ndim = -1;
  expectFailure(FOVEA_BAD_SHAPE, "expected 0 to 64 dimensions, found -1");
  x.tensor.ndim = 1;
  x.shape[0] = -1;
  expectFailure(FOVEA_BAD_SHAPE,
                "dimension 0: expected a size of 0 or more, found -1");
  x.shape[0] = std::numeric_limits<int64_t>::max();
  expectFailure(FOVEA_BAD_SHAPE, "the tensor's sizes exceed 2^63 - 1 bytes");
  x.shape[0] = 2;
  x.tensor.data = nullptr;
  expectFailure(FOVEA_INVALID_ARGUMENT, "the tensor's data is null");
  x.tensor.shape = nullptr;
  expectFailure(FOVEA_INVALID_ARGUMENT, "the tensor's shape is null");
  EXPECT_EQ(fovea_npy_save(nullptr, &x.tensor, &error), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a path and a tensor, found null");
}

/// Reads a file from memory of exactly its size, so that a reader that goes too
/// far is caught by the sanitizer.
static fovea_status loadFromMemory(const std::string &bytes) {
  std::vector<char> memory(bytes.begin(), bytes.end());
  fovea::runtime::NpyContents contents;
  contents.data = memory.data();
  contents.size = memory.size();
  DLManagedTensor *tensor = nullptr;
  fovea_error error;
  fovea_status status = fovea::runtime::makeNpyTensor(
      "memory", std::move(contents), &tensor, &error);
  if (tensor)
    tensor->deleter(tensor);
  return status;
}

static const std::string small =
    npy("{'descr': '>f4', 'fortran_order': True, 'shape': (2,), }",
        bytesOf<float>({1, 2}));

TEST_F(NpyTest, EveryTruncationIsAnError) {
  EXPECT_EQ(loadFromMemory(small), FOVEA_OK);
  for (size_t size = 0; size < small.size(); ++size)
    EXPECT_EQ(loadFromMemory(small.substr(0, size)), FOVEA_BAD_FILE) << size;
}

TEST_F(NpyTest, EveryChangedByteIsReadOrRefused) {
  for (size_t i = 0; i < small.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = small;
      changed[i] = char(changed[i] ^ 1 << bit);
      fovea_status status = loadFromMemory(changed);
      EXPECT_TRUE(status == FOVEA_OK || status == FOVEA_BAD_FILE);
    }
}

TEST_F(NpyTest, BadHeaders) {
  expectBad("not an npy file", "expected an npy file");
  expectBad(npy("", "", 4), "expected an npy file of version 1 to 3, found 4");
  expectBad(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
                "12345678901"),
            "expected 12 bytes of npy data, found 11");
  expectBad(npy("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", ""),
            "the npy dtype '<c8' is not supported");
  expectBad(npy("{'descr': [('x', '<f4')], 'fortran_order': False}", ""),
            "npy header, byte 10: expected a plain dtype, found a structured "
            "one");
  expectBad(npy("[]", ""), "npy header, byte 0: expected '{'");
  expectBad(npy("{3: 4}", ""), "npy header, byte 1: expected a key, or '}'");
  const char *once = "expected one each of 'descr', 'fortran_order' and "
                     "'shape'";
  expectBad(npy("{}", ""), std::string("npy header, byte 2: ") + once);
  expectBad(npy("{'shape': (), 'shape': ()}", ""),
            std::string("npy header, byte 22: ") + once);
  expectBad(npy("{'fortran_order': None}", ""),
            "npy header, byte 18: expected True or False");
  expectBad(npy("{'shape': (3)}", ""),
            "npy header, byte 12: expected a tuple of sizes");
  expectBad(npy("{'shape': (-3,)}", ""),
            "npy header, byte 11: expected a tuple of sizes");
  expectBad(npy("{'shape': () 'descr'}", ""),
            "npy header, byte 13: expected ',' or '}'");
  expectBad(npy("{'shape': ()} x", ""),
            "npy header, byte 14: expected the end of the header");
  expectBad(npy("{'descr': '<f4', 'fortran_order': False, "
                "'shape': (0, 4611686018427387904)}",
                ""),
            "the npy array exceeds 2^63 - 1 bytes");
  std::string sizes;
  for (int d = 0; d < 65; ++d)
    sizes += "1,";
  expectBad(
      npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + sizes + ")}",
          "1234"),
      "expected an npy array of at most 64 dimensions, found 65");
  std::string cut = npy("{}", "");
  cut[8] = 100;
  expectBad(cut, "the npy header has 100 bytes, but the file only 12");
}

TEST_F(NpyTest, Arguments) {
  EXPECT_EQ(fovea_npy_load("/nonexistent", &tensor, &error), FOVEA_IO_ERROR);
  EXPECT_EQ(fovea_npy_load(nullptr, &tensor, &error), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a path, found null");
  EXPECT_EQ(fovea_npy_load("x", nullptr, &error), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the tensor, found null");
}
