//===- OutOfMemoryTest.cpp ------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestProgram.h"
#include "TestTensors.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

using namespace fovea::test;

static constexpr size_t mebibyte = size_t(1) << 20;

namespace {
/// While it lives, the process gets at most `room` bytes more of address space.
class MemoryLimit {
public:
  explicit MemoryLimit(size_t room) {
    size_t pages;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before);
    rlimit limit = before;
    limit.rlim_cur = pages * 4096 + room;
    setrlimit(RLIMIT_AS, &limit);
  }
  MemoryLimit(const MemoryLimit &) = delete;
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before); }

private:
  rlimit before;
};

class OutOfMemory : public testing::Test {
protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
    GTEST_SKIP() << "the sanitizer itself needs address space";
#endif
  }
  /// A file of `start`, then zeros up to `size`, of which nothing is stored.
  std::string sparse(const std::string &start, size_t size) {
    std::string path = directory.write("sparse", start);
    std::filesystem::resize_file(path, size);
    return path;
  }

  TemporaryDirectory directory;
  fovea_error error{};
};
} // namespace

TEST_F(OutOfMemory, Threads) {
  MemoryLimit limit(32 * mebibyte);
  fovea_context_options options{sizeof options, 1000, nullptr, nullptr,
                                nullptr};
  fovea_context *context;
  EXPECT_EQ(fovea_context_create(&options, &context, &error),
            FOVEA_OUT_OF_MEMORY);
  EXPECT_STREQ(error.message, "cannot start 999 threads");
  EXPECT_EQ(context, nullptr);
}

TEST_F(OutOfMemory, Mapping) {
  std::string path = sparse("", 256 * mebibyte);
  MemoryLimit limit(64 * mebibyte);
  fovea_weights *weights;
  EXPECT_EQ(fovea_weights_open(path.c_str(), &weights, &error), FOVEA_IO_ERROR);
  EXPECT_EQ(error.message, "cannot map '" + path + "': Cannot allocate memory");
}

TEST_F(OutOfMemory, Array) {
  std::string dict = "{'descr': '>f4', 'fortran_order': False, 'shape': "
                     "(67108864,)}";
  std::string start =
      std::string("\x93NUMPY\1\0", 8) + char(dict.size()) + '\0' + dict;
  std::string path = sparse(start, start.size() + 256 * mebibyte);
  MemoryLimit limit(384 * mebibyte); // for the file, but not for its copy
  DLManagedTensor *tensor;
  EXPECT_EQ(fovea_npy_load(path.c_str(), &tensor, &error), FOVEA_OUT_OF_MEMORY);
  EXPECT_EQ(error.message,
            "'" + path + "': cannot allocate 268435456 bytes for the array");
  EXPECT_EQ(tensor, nullptr);
}

namespace {
/// Weights of 256 MiB in f32, for one parameter of another type or layout.
class OutOfMemoryWeights : public OutOfMemory {
protected:
  void expectFailure(const fovea_param &param, size_t room,
                     const char *message) {
    std::string start = safetensors(R"({"w":{"dtype":"F32","shape":[67108864],)"
                                    R"("data_offsets":[0,268435456]}})",
                                    "");
    std::string path = sparse(start, start.size() + 256 * mebibyte);
    fovea_program program = makeProgram();
    program.params = &param;
    program.param_count = 1;
    fovea_weights *weights;
    ASSERT_EQ(fovea_weights_open(path.c_str(), &weights, &error), FOVEA_OK)
        << error.message;
    fovea_context_options options{sizeof options, 1, nullptr, nullptr, nullptr};
    fovea_context *context;
    ASSERT_EQ(fovea_context_create(&options, &context, &error), FOVEA_OK);
    fovea_model *model;
    {
      MemoryLimit limit(room);
      EXPECT_EQ(fovea_model_create(context, &program, weights, &model, &error),
                FOVEA_OUT_OF_MEMORY);
    }
    EXPECT_STREQ(error.message, message);
    EXPECT_EQ(model, nullptr);
    fovea_weights_destroy(weights);
    fovea_context_destroy(context);
  }

  static constexpr int64_t size[] = {67108864};
  static constexpr fovea_dim dims[] = {{size, 1}};
  static constexpr uint8_t order[] = {0};
};
} // namespace

TEST_F(OutOfMemoryWeights, Arena) {
  expectFailure({"w", dims, nullptr, 0, 1, FOVEA_F64, 1, FOVEA_LAYOUT_ROW_MAJOR,
                 0, 0, 0, 0},
                64 * mebibyte, "cannot allocate 536870912 bytes for weights");
}

TEST_F(OutOfMemoryWeights, Conversion) {
  expectFailure(
      {"w", dims, order, 0, 1, FOVEA_F16, 1, FOVEA_LAYOUT_PANELS, 0, 1, 8, 0},
      192 * mebibyte, "parameter 'w': cannot allocate 67108864 elements");
}
