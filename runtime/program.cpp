//===- program.cpp - Checking the tables of an object ---------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/program.h"

#include "runtime/dtype.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace fovea::runtime;

namespace {
/// Where in the program a mistake lies.
struct Place {
  const fovea_program &program;
  const char *entry; // null for what belongs to the whole program
  fovea_error *error;

  __attribute__((format(printf, 2, 3))) fovea_status bad(const char *format,
                                                         ...) const {
    Text<300> what;
    va_list arguments;
    va_start(arguments, format);
    what.vappend(format, arguments);
    va_end(arguments);
    const char *name = program.name ? program.name : "?";
    if (!entry)
      return fail(error, FOVEA_BAD_PROGRAM, "program '%s': %s", name,
                  what.c_str());
    return fail(error, FOVEA_BAD_PROGRAM, "program '%s', entry '%s': %s", name,
                entry, what.c_str());
  }
};

/// A table of symbols and what its codes may refer to.
struct Symbols {
  const fovea_symbol *symbols;
  int32_t count;
  int32_t programCount; // of the program's own symbols
  const fovea_tensor_desc *inputs;
  int32_t inputCount;
};
} // namespace

static bool isTable(const void *table, int32_t count) {
  return count == 0 || (count > 0 && table);
}

static bool isPowerOfTwoOrZero(uint32_t value) {
  return (value & (value - 1)) == 0;
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// Whether the word that follows `code` refers to something that exists.
static bool isOperand(const Symbols &table, int64_t code, int64_t operand) {
  if (code == FOVEA_CODE_CONST)
    return true;
  if (code == FOVEA_CODE_SYMBOL)
    return operand >= 0 && operand < table.count;
  if (operand < 0 || operand >= table.inputCount)
    return false;
  const fovea_tensor_desc &input = table.inputs[operand];
  return (input.flags & FOVEA_TENSOR_SCALAR) &&
         isInteger(fovea_dtype(input.dtype));
}

/// Whether the code leaves one value and stays within the stack.
static bool isWellFormed(const Symbols &table, const fovea_symbol &symbol) {
  int depth = 0;
  for (int32_t w = 0; w < symbol.code_words; ++w) {
    int64_t code = symbol.code[w];
    if (code < FOVEA_CODE_CONST || code > FOVEA_CODE_MAX)
      return false;
    if (code > FOVEA_CODE_INPUT) {
      if (--depth < 1)
        return false;
      continue;
    }
    if (++w >= symbol.code_words || !isOperand(table, code, symbol.code[w]) ||
        ++depth > FOVEA_CODE_STACK)
      return false;
  }
  return depth == 1;
}

static fovea_status checkSymbols(const Place &place, const Symbols &table) {
  if (!isTable(table.symbols, table.count))
    return place.bad("its table of symbols is missing");
  for (int32_t s = 0; s < table.count; ++s) {
    const fovea_symbol &symbol = table.symbols[s];
    if (!symbol.name)
      return place.bad("symbol %d has no name", s);
    switch (symbol.kind) {
    case FOVEA_SYMBOL_SOLVED:
      break;
    case FOVEA_SYMBOL_FIXED:
      if (symbol.value < 0)
        return place.bad("index '%s' has the size %lld", symbol.name,
                         static_cast<long long>(symbol.value));
      break;
    case FOVEA_SYMBOL_COMPUTED:
      if (!isTable(symbol.code, symbol.code_words) ||
          !isWellFormed(table, symbol))
        return place.bad("index '%s' has malformed code", symbol.name);
      break;
    case FOVEA_SYMBOL_PROGRAM:
      if (symbol.value < 0 || symbol.value >= table.programCount)
        return place.bad("index '%s' refers to an unknown program symbol",
                         symbol.name);
      break;
    default:
      return place.bad("index '%s' has the unknown kind %d", symbol.name,
                       symbol.kind);
    }
  }
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// Tensors and parameters
//===----------------------------------------------------------------------===//

static fovea_status checkDims(const Place &place, const char *name,
                              const fovea_dim *dims, int32_t rank,
                              int32_t symbolCount) {
  if (rank < 0 || rank > FOVEA_MAX_RANK)
    return place.bad("'%s' has rank %d, expected 0 to %d", name, rank,
                     FOVEA_MAX_RANK);
  if (!isTable(dims, rank))
    return place.bad("'%s' has no dimensions", name);
  for (int32_t d = 0; d < rank; ++d) {
    if (dims[d].count < 1 || !dims[d].factors)
      return place.bad("'%s' dimension %d has no factors", name, d);
    for (int64_t i = 0; i < dims[d].count; ++i)
      if (dims[d].factors[i] < 0 && ~dims[d].factors[i] >= symbolCount)
        return place.bad("'%s' dimension %d refers to an unknown symbol", name,
                         d);
  }
  return FOVEA_OK;
}

static fovea_status checkTensors(const Place &place,
                                 const fovea_tensor_desc *tensors,
                                 int32_t count, int32_t symbolCount) {
  if (!isTable(tensors, count))
    return place.bad("a table of tensors is missing");
  for (int32_t t = 0; t < count; ++t) {
    const fovea_tensor_desc &tensor = tensors[t];
    if (!tensor.name)
      return place.bad("tensor %d has no name", t);
    if (byteSize(tensor.dtype) == 0)
      return place.bad("'%s' has the unknown dtype %d", tensor.name,
                       tensor.dtype);
    if (!isPowerOfTwoOrZero(tensor.alignment))
      return place.bad("'%s' has the alignment %u, expected a power of two",
                       tensor.name, tensor.alignment);
    if ((tensor.flags & FOVEA_TENSOR_SCALAR) && tensor.rank != 0)
      return place.bad("'%s' is a scalar of rank %d", tensor.name, tensor.rank);
    if (fovea_status status = checkDims(place, tensor.name, tensor.dims,
                                        tensor.rank, symbolCount))
      return status;
  }
  return FOVEA_OK;
}

static fovea_status checkParam(const Place &place, const fovea_param &param,
                               int32_t symbolCount) {
  if (!param.name)
    return place.bad("a parameter has no name");
  if (param.count < 1)
    return place.bad("parameter '%s' has %d members", param.name, param.count);
  if (param.first > std::numeric_limits<int64_t>::max() - param.count)
    return place.bad("parameter '%s' has members beyond 2^63 - 1", param.name);
  if (byteSize(param.dtype) == 0)
    return place.bad("parameter '%s' has the unknown dtype %d", param.name,
                     param.dtype);
  if (!isPowerOfTwoOrZero(param.alignment) || param.alignment > 64)
    return place.bad("parameter '%s' has the alignment %u, expected a power of "
                     "two up to 64",
                     param.name, param.alignment);
  if (fovea_status status =
          checkDims(place, param.name, param.dims, param.rank, symbolCount))
    return status;
  if (param.layout == FOVEA_LAYOUT_ROW_MAJOR)
    return FOVEA_OK;
  if (param.layout != FOVEA_LAYOUT_PANELS &&
      param.layout != FOVEA_LAYOUT_PAIR_PANELS)
    return place.bad("parameter '%s' has the unknown layout %d", param.name,
                     param.layout);

  uint32_t seen = 0;
  for (int32_t d = 0; param.order && d < param.rank; ++d)
    if (param.order[d] < param.rank)
      seen |= 1u << param.order[d];
  bool isPermutation =
      isTable(param.order, param.rank) && seen == (1u << param.rank) - 1;
  if (!isPermutation || param.outer_rank < 0 || param.n_rank < 0 ||
      param.outer_rank > param.rank - param.n_rank || param.block < 1)
    return place.bad("parameter '%s' has malformed panels", param.name);
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

static fovea_status checkEntry(const fovea_program &program,
                               const fovea_entry &entry, fovea_error *error) {
  Place place{program, entry.name, error};
  if (!entry.name)
    return place.bad("an entry has no name");
  if (!entry.run)
    return place.bad("it has no code");
  if (!isTable(entry.requirements, entry.requirement_count))
    return place.bad("its table of requirements is missing");
  for (int32_t r = 0; r < entry.requirement_count; ++r)
    if (!entry.requirements[r])
      return place.bad("requirement %d has no message", r);
  if (fovea_status status = checkTensors(place, entry.inputs, entry.input_count,
                                         entry.symbol_count))
    return status;
  if (fovea_status status = checkTensors(
          place, entry.outputs, entry.output_count, entry.symbol_count))
    return status;
  return checkSymbols(place,
                      {entry.symbols, entry.symbol_count, program.symbol_count,
                       entry.inputs, entry.input_count});
}

/// Checks one program of a chain.
static fovea_status checkProgram(const fovea_program &program,
                                 fovea_error *error) {
  // Nothing else can be read before these agree.
  if (program.abi_version != FOVEA_ABI_VERSION ||
      program.struct_size != sizeof(fovea_program))
    return fail(error, FOVEA_BAD_PROGRAM,
                "expected a program of ABI version %d (%zu bytes), found "
                "version %u (%u bytes): compile it again",
                FOVEA_ABI_VERSION, sizeof(fovea_program), program.abi_version,
                program.struct_size);

  Place place{program, nullptr, error};
  if (!program.name)
    return place.bad("it has no name");
  if (!program.target_cpu)
    return place.bad("it does not name its CPU");
  if (fovea_status status = checkSymbols(
          place, {program.symbols, program.symbol_count, 0, nullptr, 0}))
    return status;
  if (!isTable(program.params, program.param_count))
    return place.bad("its table of parameters is missing");
  for (int32_t p = 0; p < program.param_count; ++p)
    if (fovea_status status =
            checkParam(place, program.params[p], program.symbol_count))
      return status;
  if (!isTable(program.entries, program.entry_count))
    return place.bad("its table of entries is missing");
  for (int32_t e = 0; e < program.entry_count; ++e)
    if (fovea_status status = checkEntry(program, program.entries[e], error))
      return status;
  return FOVEA_OK;
}

/// Whether callers cannot tell the entries of two programs apart by number.
static bool haveSameEntries(const fovea_program &a, const fovea_program &b) {
  auto isSame = [](const fovea_entry &x, const fovea_entry &y) {
    return std::strcmp(x.name, y.name) == 0 && x.input_count == y.input_count &&
           x.output_count == y.output_count;
  };
  return a.entry_count == b.entry_count &&
         std::equal(a.entries, a.entries + a.entry_count, b.entries, isSame);
}

fovea_status fovea::runtime::validateProgram(const fovea_program &program,
                                             fovea_error *error) {
  int count = 0;
  for (const fovea_program *each = &program; each; each = each->alternative) {
    if (fovea_status status = checkProgram(*each, error))
      return status;
    Place place{program, nullptr, error};
    if (count++ == FOVEA_MAX_ALTERNATIVES)
      return place.bad("it has more than 64 alternatives");
    if (!haveSameEntries(program, *each))
      return place.bad("its entries differ from those for another CPU");
  }
  return FOVEA_OK;
}
