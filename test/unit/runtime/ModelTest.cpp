//===- ModelTest.cpp ------------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestProgram.h"
#include "TestTensors.h"

#include "runtime/model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

using namespace fovea::runtime;
using namespace fovea::test;

namespace {
constexpr int64_t a[] = {~int64_t(0)}, b[] = {~int64_t(1)}, two[] = {2};
constexpr fovea_symbol symbols[] = {{"a", nullptr, 0, FOVEA_SYMBOL_SOLVED, 0},
                                    {"b", nullptr, 0, FOVEA_SYMBOL_SOLVED, 0}};
constexpr fovea_dim abDims[] = {{a, 1}, {b, 1}}, twoDims[] = {{two, 1}};
constexpr uint8_t order[] = {0, 1};
constexpr fovea_param params[] = {
    {"layer.{0}.w", abDims, order, 3, 2, FOVEA_F32, 2, FOVEA_LAYOUT_PANELS, 0,
     1, 4, 0},
    {"bias", twoDims, nullptr, 0, 1, FOVEA_F32, 1, FOVEA_LAYOUT_ROW_MAJOR, 0, 0,
     0, 0},
    {"table", twoDims, nullptr, 0, 1, FOVEA_I32, 1, FOVEA_LAYOUT_ROW_MAJOR, 0,
     0, 0, 64},
};

/// A file for the parameters above, which tests may change.
struct WeightsFile {
  std::string text =
      R"({"layer.3.w":{"dtype":"BF16","shape":[3,2],"data_offsets":[0,12]},)"
      R"("layer.4.w":{"dtype":"F32","shape":[3,2],"data_offsets":[12,36]},)"
      R"("bias":{"dtype":"F32","shape":[2],"data_offsets":[36,44]},)"
      R"("table":{"dtype":"I64","shape":[2],"data_offsets":[44,60]},)"
      R"("unused":{"dtype":"C64","shape":[9],"data_offsets":[60,60]}})";
  std::string data = bytesOf<uint16_t>({0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0,
                                        0x40c0}) + // 1 to 6
                     bytesOf<float>({11, 12, 13, 14, 15, 16}) +
                     bytesOf<float>({0.5f, 0.25f}) + bytesOf<int64_t>({7, -8});

  void replace(const std::string &from, const std::string &to) {
    text.replace(text.find(from), from.size(), to);
  }
};
} // namespace

class ModelTest : public testing::Test {
protected:
  ModelTest() {
    EXPECT_EQ(fovea_context_create(nullptr, &context, nullptr), FOVEA_OK);
    program.params = params;
    program.param_count = 3;
    program.symbols = symbols;
    program.symbol_count = 2;
  }
  ~ModelTest() override {
    fovea_model_destroy(model);
    fovea_context_destroy(context);
  }

  fovea_status create() {
    while (file.text.size() % 4) // so that f32 is aligned in the file
      file.text += ' ';
    std::string path =
        directory.write("w.safetensors", safetensors(file.text, file.data));
    fovea_weights *weights;
    EXPECT_EQ(fovea_weights_open(path.c_str(), &weights, &error), FOVEA_OK)
        << error.message;
    fovea_status status =
        fovea_model_create(context, &program, weights, &model, &error);
    fovea_weights_destroy(weights); // the model keeps what it needs
    return status;
  }
  void expectFailure(fovea_status status, const char *message) {
    EXPECT_EQ(create(), status);
    EXPECT_STREQ(error.message, message);
    EXPECT_EQ(model, nullptr);
  }

  TemporaryDirectory directory;
  WeightsFile file;
  fovea_program program = makeProgram();
  fovea_context *context = nullptr;
  fovea_model *model = nullptr;
  fovea_error error{};
};

TEST_F(ModelTest, BindsParameters) {
  ASSERT_EQ(create(), FOVEA_OK) << error.message;
  const Model &bound = *model->model;
  EXPECT_EQ(bound.symbols()[0], 3);
  EXPECT_EQ(bound.symbols()[1], 2);
  const float first[] = {1, 3, 5, 0, 2, 4, 6, 0};
  const float second[] = {11, 13, 15, 0, 12, 14, 16, 0};
  const float bias[] = {0.5f, 0.25f};
  const int32_t table[] = {7, -8};
  EXPECT_EQ(std::memcmp(bound.params()[0], first, sizeof first), 0);
  EXPECT_EQ(std::memcmp(bound.params()[1], second, sizeof second), 0);
  EXPECT_EQ(std::memcmp(bound.params()[2], bias, sizeof bias), 0);
  EXPECT_EQ(std::memcmp(bound.params()[3], table, sizeof table), 0);
  for (int i : {0, 1, 3})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bound.params()[i]) % 64, 0u);
}

TEST_F(ModelTest, ReadsParametersInPlaceWhereTheyAreAligned) {
  while (file.text.size() % 4)
    file.text += ' ';
  std::string bytes = safetensors(file.text, file.data);
  for (size_t shift : {0, 1}) {
    std::vector<char> memory(bytes.size() + 1);
    std::copy(bytes.begin(), bytes.end(), memory.begin() + long(shift));
    fovea_weights *weights;
    ASSERT_EQ(fovea_weights_from_memory(memory.data() + shift, bytes.size(),
                                        &weights, &error),
              FOVEA_OK);
    ASSERT_EQ(fovea_model_create(context, &program, weights, &model, &error),
              FOVEA_OK);
    const char *inFile = memory.data() + shift + 8 + file.text.size() + 36;
    const void *bias = model->model->params()[2];
    EXPECT_EQ(bias == inFile, shift == 0);
    EXPECT_EQ(std::memcmp(bias, inFile, 8), 0);
    fovea_weights_destroy(weights);
    fovea_model_destroy(model);
    model = nullptr;
  }
}

TEST_F(ModelTest, MakesBooleansOneOrZero) {
  static constexpr fovea_param flags = {
      "flags", twoDims, nullptr, 0, 1, FOVEA_BOOL, 1, FOVEA_LAYOUT_ROW_MAJOR,
      0,       0,       0,       0};
  program.params = &flags;
  program.param_count = 1;
  program.symbol_count = 0;
  file.text = R"({"flags":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})";
  file.data = std::string("\xff\0", 2);
  ASSERT_EQ(create(), FOVEA_OK) << error.message;
  auto *bytes = static_cast<const char *>(model->model->params()[0]);
  EXPECT_EQ(bytes[0], 1);
  EXPECT_EQ(bytes[1], 0);
}

TEST_F(ModelTest, WeightsThatCannotBeCounted) {
  static constexpr fovea_param panels = {
      "w", abDims, order, 0, 1, FOVEA_F64, 2, FOVEA_LAYOUT_PANELS, 0, 1, 1, 0};
  program.params = &panels;
  program.param_count = 1;
  file.text = R"({"w":{"dtype":"BF16","shape":[2305843009213693952,0],)"
              R"("data_offsets":[0,0]}})";
  file.data = "";
  expectFailure(FOVEA_OUT_OF_MEMORY,
                "parameter 'w': the weights exceed 2^63 - 1 bytes");
}

TEST_F(ModelTest, IndexThatNoWeightDecides) {
  static constexpr int64_t ab[] = {~int64_t(0), ~int64_t(1)};
  static constexpr fovea_dim dims[] = {{ab, 2}};
  static constexpr fovea_param group = {
      "w", dims, nullptr, 0, 1, FOVEA_F32, 1, FOVEA_LAYOUT_ROW_MAJOR,
      0,   0,    0,       0};
  program.params = &group;
  program.param_count = 1;
  file.text = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  file.data = bytesOf<float>({1});
  expectFailure(FOVEA_BAD_WEIGHTS,
                "index 'a': its size does not follow from the given shapes");
}

TEST_F(ModelTest, MissingWeights) {
  EXPECT_EQ(fovea_model_create(context, &program, nullptr, &model, &error),
            FOVEA_BAD_WEIGHTS);
  EXPECT_STREQ(error.message, "program 'test' has parameters: expected "
                              "weights, found null");
}

TEST_F(ModelTest, MissingParameter) {
  file.replace("layer.4.w", "layer.5.w");
  expectFailure(FOVEA_BAD_WEIGHTS, "parameter 'layer.4.w': the weights have no "
                                   "tensor of this name");
}

TEST_F(ModelTest, WrongRank) {
  file.replace("[3,2]", "[6]");
  expectFailure(FOVEA_BAD_WEIGHTS,
                "parameter 'layer.3.w': expected 2 dimensions, found 1");
}

TEST_F(ModelTest, WrongShape) {
  file.replace(R"("F32","shape":[3,2])", R"("F32","shape":[2,3])");
  expectFailure(FOVEA_BAD_WEIGHTS,
                "parameter 'layer.4.w' dimension 0: expected size 3 for index "
                "'a', 'a' is 3 in parameter 'layer.3.w' dimension 0, found 2");
  EXPECT_EQ(error.status, FOVEA_BAD_WEIGHTS);
}

TEST_F(ModelTest, WrongConstantSize) {
  file.replace(R"("F32","shape":[2])", R"("F16","shape":[4])");
  expectFailure(FOVEA_BAD_WEIGHTS,
                "parameter 'bias' dimension 0: expected size 2, found 4");
}

TEST_F(ModelTest, WrongType) {
  file.replace(R"("BF16")", R"("I16")");
  expectFailure(FOVEA_BAD_WEIGHTS, "parameter 'layer.3.w': expected a dtype "
                                   "that converts to f32, found I16");
}

TEST_F(ModelTest, IntegerThatDoesNotFit) {
  file.data.replace(44, 16, bytesOf<int64_t>({1, int64_t(1) << 31}));
  expectFailure(FOVEA_BAD_WEIGHTS,
                "parameter 'table': element 1 does not fit in i32");
}

TEST_F(ModelTest, CpuWithoutTheFeatures) {
  program.param_count = 0;
  program.cpu_features = uint64_t(1) << 40;
  program.target_cpu = "strange";
  expectFailure(FOVEA_UNSUPPORTED_CPU, "program 'test' was compiled for "
                                       "strange; this CPU lacks bit 40");
}

TEST_F(ModelTest, CodeForThisCpu) {
  program.param_count = program.symbol_count = 0;
  fovea_program strange = program;
  strange.cpu_features = uint64_t(1) << 40;
  strange.target_cpu = "strange";
  strange.alternative = &program;
  ASSERT_EQ(fovea_model_create(context, &strange, nullptr, &model, &error),
            FOVEA_OK)
      << error.message;
  EXPECT_STREQ(fovea_model_cpu(model), "generic");
  EXPECT_EQ(fovea_model_cpu(nullptr), nullptr);
}

TEST_F(ModelTest, Arguments) {
  EXPECT_EQ(fovea_model_create(nullptr, &program, nullptr, &model, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a context and a program, found null");
  EXPECT_EQ(fovea_model_create(context, nullptr, nullptr, &model, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_model_create(context, &program, nullptr, nullptr, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the model, found null");
  EXPECT_EQ(fovea_model_entry_count(nullptr), 0);
}
