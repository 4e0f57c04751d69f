//===- ProgramTest.cpp ----------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/program.h"

#include "TestProgram.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

using namespace fovea::runtime;
using namespace fovea::test;

namespace {
/// A copy of the test program of which all tables can be changed.
struct Tables {
  fovea_program program = makeProgram();
  fovea_entry entry = makeEntry();
  std::vector<fovea_symbol> symbols{entry.symbols,
                                    entry.symbols + entry.symbol_count};
  std::vector<fovea_tensor_desc> inputs{entry.inputs,
                                        entry.inputs + entry.input_count};
  std::vector<fovea_tensor_desc> outputs{entry.outputs,
                                         entry.outputs + entry.output_count};
  std::vector<int64_t> code{symbols[4].code, symbols[4].code + 5};
  std::vector<fovea_dim> dims{inputs[0].dims, inputs[0].dims + 3};
  std::vector<const char *> requirements{entry.requirements,
                                         entry.requirements + 2};
  int64_t factor = 0;
  uint8_t order[2] = {1, 0};
  fovea_param param{"p", dims.data(),         order, 0, 1, FOVEA_F32,
                    2,   FOVEA_LAYOUT_PANELS, 0,     1, 8, 0};

  Tables() {
    program.entries = &entry;
    entry.symbols = symbols.data();
    entry.inputs = inputs.data();
    entry.outputs = outputs.data();
    entry.requirements = requirements.data();
    symbols[4].code = code.data();
    inputs[0].dims = dims.data();
    static constexpr int64_t four[] = {4};
    dims[0] = dims[1] = {four, 1}; // for the parameter too
    program.params = &param;
    program.param_count = 1;
  }
  Tables(const Tables &) = delete;
};

struct Case {
  const char *message;
  std::function<void(Tables &)> change;
};
} // namespace

TEST(Program, AcceptsTheTables) {
  Tables tables;
  fovea_error error;
  EXPECT_EQ(validateProgram(tables.program, &error), FOVEA_OK) << error.message;
}

TEST(Program, VersionComesFirst) {
  fovea_program program{};
  program.abi_version = 7;
  program.struct_size = 9;
  fovea_error error;
  EXPECT_EQ(validateProgram(program, &error), FOVEA_BAD_PROGRAM);
  EXPECT_EQ(std::string(error.message),
            "expected a program of ABI version " +
                std::to_string(FOVEA_ABI_VERSION) +
                " (80 bytes), found version 7 (9 bytes): compile it again");
}

TEST(Program, Alternatives) {
  Tables tables, other;
  fovea_error error;
  tables.program.alternative = &other.program;
  EXPECT_EQ(validateProgram(tables.program, &error), FOVEA_OK) << error.message;

  other.entry.name = "mixture";
  EXPECT_EQ(validateProgram(tables.program, &error), FOVEA_BAD_PROGRAM);
  EXPECT_STREQ(error.message, "program 'test': its entries differ from those "
                              "for another CPU");
  other.program.name = nullptr;
  EXPECT_EQ(validateProgram(tables.program, &error), FOVEA_BAD_PROGRAM);
  EXPECT_STREQ(error.message, "program '?': it has no name");
  tables.program.alternative = &tables.program;
  EXPECT_EQ(validateProgram(tables.program, &error), FOVEA_BAD_PROGRAM);
  EXPECT_STREQ(error.message, "program 'test': it has more than 64 "
                              "alternatives");
}

TEST(Program, Errors) {
  const Case cases[] = {
      {": it has no name", [](Tables &t) { t.program.name = nullptr; }},
      {": it does not name its CPU",
       [](Tables &t) { t.program.target_cpu = nullptr; }},
      {": its table of symbols is missing",
       [](Tables &t) { t.program.symbol_count = 1; }},
      {": its table of parameters is missing",
       [](Tables &t) { t.program.params = nullptr; }},
      {": its table of entries is missing",
       [](Tables &t) { t.program.entry_count = -1; }},
      {": an entry has no name", [](Tables &t) { t.entry.name = nullptr; }},
      {", entry 'mix': it has no code",
       [](Tables &t) { t.entry.run = nullptr; }},
      {", entry 'mix': its table of requirements is missing",
       [](Tables &t) { t.entry.requirements = nullptr; }},
      {", entry 'mix': requirement 1 has no message",
       [](Tables &t) { t.requirements[1] = nullptr; }},
      {", entry 'mix': a table of tensors is missing",
       [](Tables &t) { t.entry.outputs = nullptr; }},
      {", entry 'mix': symbol 1 has no name",
       [](Tables &t) { t.symbols[1].name = nullptr; }},
      {", entry 'mix': index 'd' has the size -4",
       [](Tables &t) { t.symbols[3].value = -4; }},
      {", entry 'mix': index 'b' has the unknown kind 9",
       [](Tables &t) { t.symbols[0].kind = 9; }},
      {", entry 'mix': index 'b' refers to an unknown program symbol",
       [](Tables &t) { t.symbols[0].kind = FOVEA_SYMBOL_PROGRAM; }},
      {", entry 'mix': index 'r' has malformed code", // no operator
       [](Tables &t) { t.code[4] = 99; }},
      {", entry 'mix': index 'r' has malformed code", // cut off
       [](Tables &t) { t.symbols[4].code_words = 3; }},
      {", entry 'mix': index 'r' has malformed code", // leaves two values
       [](Tables &t) { t.symbols[4].code_words = 4; }},
      {", entry 'mix': index 'r' has malformed code", // not an integer
       [](Tables &t) { t.code[3] = 3; }},
      {", entry 'mix': index 'r' has malformed code", // no such input
       [](Tables &t) { t.code[3] = 5; }},
      {", entry 'mix': index 'r' has malformed code", // no such symbol
       [](Tables &t) { t.code[2] = FOVEA_CODE_SYMBOL, t.code[3] = -1; }},
      {", entry 'mix': index 'r' has malformed code", // nothing to add
       [](Tables &t) { t.code[0] = FOVEA_CODE_ADD; }},
      {", entry 'mix': index 'r' has malformed code", // too deep
       [](Tables &t) {
         t.code.assign(2 * (FOVEA_CODE_STACK + 1), FOVEA_CODE_CONST);
         t.code.insert(t.code.end(), FOVEA_CODE_STACK, FOVEA_CODE_ADD);
         t.symbols[4].code = t.code.data();
         t.symbols[4].code_words = int32_t(t.code.size());
       }},
      {", entry 'mix': tensor 1 has no name",
       [](Tables &t) { t.inputs[1].name = nullptr; }},
      {", entry 'mix': 'k' has the unknown dtype 77",
       [](Tables &t) { t.inputs[1].dtype = 77; }},
      {", entry 'mix': 'y' has the alignment 12, expected a power of two",
       [](Tables &t) { t.outputs[0].alignment = 12; }},
      {", entry 'mix': 'k' is a scalar of rank 2",
       [](Tables &t) { t.inputs[1].flags = FOVEA_TENSOR_SCALAR; }},
      {", entry 'mix': 'k' has rank 17, expected 0 to 16",
       [](Tables &t) { t.inputs[1].rank = 17; }},
      {", entry 'mix': 'k' has no dimensions",
       [](Tables &t) { t.inputs[1].dims = nullptr; }},
      {", entry 'mix': 'x' dimension 2 has no factors",
       [](Tables &t) { t.dims[2].count = 0; }},
      {", entry 'mix': 'x' dimension 2 refers to an unknown symbol",
       [](Tables &t) { t.factor = -6, t.dims[2].factors = &t.factor; }},
      {": a parameter has no name", [](Tables &t) { t.param.name = nullptr; }},
      {": parameter 'p' has 0 members", [](Tables &t) { t.param.count = 0; }},
      {": parameter 'p' has members beyond 2^63 - 1",
       [](Tables &t) { t.param.first = std::numeric_limits<int64_t>::max(); }},
      {": parameter 'p' has the unknown dtype 0",
       [](Tables &t) { t.param.dtype = 0; }},
      {": parameter 'p' has the alignment 128, expected a power of two up to "
       "64",
       [](Tables &t) { t.param.alignment = 128; }},
      {": 'p' dimension 0 refers to an unknown symbol",
       [](Tables &t) { t.factor = -1, t.dims[0].factors = &t.factor; }},
      {": parameter 'p' has the unknown layout 3",
       [](Tables &t) { t.param.layout = 3; }},
      {": parameter 'p' has malformed panels",
       [](Tables &t) { t.order[0] = 0; }},
      {": parameter 'p' has malformed panels",
       [](Tables &t) { t.param.order = nullptr; }},
      {": parameter 'p' has malformed panels",
       [](Tables &t) { t.param.block = 0; }},
      {": parameter 'p' has malformed panels",
       [](Tables &t) { t.param.outer_rank = 2; }},
  };
  for (const Case &c : cases) {
    SCOPED_TRACE(&c - cases);
    Tables tables;
    c.change(tables);
    fovea_error error;
    EXPECT_EQ(validateProgram(tables.program, &error), FOVEA_BAD_PROGRAM);
    std::string name = tables.program.name ? "test" : "?";
    EXPECT_EQ(error.message, "program '" + name + "'" + c.message);
  }
}
