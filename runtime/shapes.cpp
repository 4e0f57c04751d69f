//===- shapes.cpp - Sizes of indices --------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/shapes.h"

#include <algorithm>
#include <limits>

using namespace fovea::runtime;

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

/// "index 'j'", "indices (h, g)", or "" for a constant.
static Text<160> describeDim(const SymbolTable &table, const fovea_dim &dim) {
  Text<160> text;
  if (dim.count == 1) {
    if (dim.factors[0] < 0)
      text.append("index '%s'", table.symbols[~dim.factors[0]].name);
    return text;
  }
  text.append("indices (");
  for (int64_t i = 0; i < dim.count; ++i) {
    text.append("%s", i ? ", " : "");
    if (dim.factors[i] < 0)
      text.append("%s", table.symbols[~dim.factors[i]].name);
    else
      text.append("%lld", static_cast<long long>(dim.factors[i]));
  }
  return text.append(")"), text;
}

/// ", 4 in input 'k' dimension 1" for each symbol of `dim` that a tensor gave
/// its value.
static Text<256> describeOrigins(const SymbolTable &table,
                                 const fovea_dim &dim) {
  Text<256> text;
  for (int64_t i = 0; i < dim.count; ++i) {
    if (dim.factors[i] >= 0)
      continue;
    int64_t symbol = ~dim.factors[i];
    const SymbolOrigin &origin = table.origins[symbol];
    if (origin.kind != SymbolOrigin::Dimension)
      continue;
    const ShapedTensor &tensor = table.tensors[origin.tensor];
    text.append(", '%s' is %lld in %s '%s' dimension %d",
                table.symbols[symbol].name,
                static_cast<long long>(table.values[symbol]), tensor.role,
                tensor.name, origin.dimension);
  }
  return text;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool SymbolTable::isKnown(int64_t factor) const {
  return factor >= 0 || origins[~factor].kind != SymbolOrigin::Unknown;
}

int64_t SymbolTable::valueOf(int64_t factor) const {
  return factor >= 0 ? factor : values[~factor];
}

/// Multiplies sizes; a zero anywhere wins over an overflow.
namespace {
struct Product {
  int64_t value = 1;
  bool isZero = false, overflows = false;

  void multiply(int64_t factor) {
    isZero |= factor == 0;
    overflows |= __builtin_mul_overflow(value, factor, &value);
  }
  bool fits() const { return isZero || !overflows; }
  int64_t get() const { return isZero ? 0 : value; }
};
} // namespace

fovea_status SymbolTable::sizeOf(const fovea_dim &dim, const char *role,
                                 const char *name, int64_t *size,
                                 fovea_error *error) const {
  Product product;
  for (int64_t i = 0; i < dim.count; ++i)
    product.multiply(valueOf(dim.factors[i]));
  if (!product.fits())
    return fail(error, FOVEA_BAD_SHAPE,
                "%s '%s': the size of %s exceeds 2^63 - 1%s", role, name,
                describeDim(*this, dim).c_str(),
                describeOrigins(*this, dim).c_str());
  *size = product.get();
  return FOVEA_OK;
}

fovea_status SymbolTable::check(const ShapedTensor &tensor,
                                fovea_error *error) const {
  for (int32_t d = 0; d < tensor.rank; ++d) {
    const fovea_dim &dim = tensor.dims[d];
    int64_t expected;
    if (fovea_status status =
            sizeOf(dim, tensor.role, tensor.name, &expected, error))
      return status;
    if (expected == tensor.sizes[d])
      continue;
    Text<160> what = describeDim(*this, dim);
    Text<256> origins = describeOrigins(*this, dim);
    return fail(error, FOVEA_BAD_SHAPE,
                "%s '%s' dimension %d: expected size %lld%s%s%s, found %lld",
                tensor.role, tensor.name, d, static_cast<long long>(expected),
                *what.c_str() ? " for " : "", what.c_str(), origins.c_str(),
                static_cast<long long>(tensor.sizes[d]));
  }
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// Computed sizes
//===----------------------------------------------------------------------===//

/// Floor division; false for a zero divisor and for overflow.
static bool floorDivide(int64_t a, int64_t b, int64_t *quotient) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1))
    return false;
  *quotient = a / b - (a % b != 0 && (a < 0) != (b < 0));
  return true;
}

static bool ceilDivide(int64_t a, int64_t b, int64_t *quotient) {
  if (b == 0 || (a == std::numeric_limits<int64_t>::min() && b == -1))
    return false;
  *quotient = a / b + (a % b != 0 && (a < 0) == (b < 0));
  return true;
}

static bool floorModulo(int64_t a, int64_t b, int64_t *remainder) {
  if (b == 0)
    return false;
  *remainder = b == -1 ? 0 : a % b;
  if (*remainder != 0 && (*remainder < 0) != (b < 0))
    *remainder += b;
  return true;
}

static bool applyCode(int64_t code, int64_t a, int64_t b, int64_t *result) {
  switch (code) {
  case FOVEA_CODE_ADD:
    return !__builtin_add_overflow(a, b, result);
  case FOVEA_CODE_SUB:
    return !__builtin_sub_overflow(a, b, result);
  case FOVEA_CODE_MUL:
    return !__builtin_mul_overflow(a, b, result);
  case FOVEA_CODE_FLOORDIV:
    return floorDivide(a, b, result);
  case FOVEA_CODE_CEILDIV:
    return ceilDivide(a, b, result);
  case FOVEA_CODE_MOD:
    return floorModulo(a, b, result);
  case FOVEA_CODE_MIN:
    return *result = std::min(a, b), true;
  case FOVEA_CODE_MAX:
    return *result = std::max(a, b), true;
  }
  return false; // validateProgram has refused all others
}

/// Evaluates computed symbols whose operands are known; true when it did any.
bool SymbolTable::compute(fovea_status *status, fovea_error *error) {
  bool any = false;
  for (int32_t s = 0; s < count; ++s) {
    const fovea_symbol &symbol = symbols[s];
    if (symbol.kind != FOVEA_SYMBOL_COMPUTED || isKnown(~int64_t(s)))
      continue;
    int64_t stack[FOVEA_CODE_STACK];
    int depth = 0;
    bool isReady = true, isDefined = true;
    for (int32_t w = 0; w < symbol.code_words && isReady && isDefined; ++w) {
      int64_t code = symbol.code[w];
      if (code == FOVEA_CODE_CONST) {
        stack[depth++] = symbol.code[++w];
      } else if (code == FOVEA_CODE_INPUT) {
        stack[depth++] = scalars[symbol.code[++w]];
      } else if (code == FOVEA_CODE_SYMBOL) {
        int64_t operand = symbol.code[++w];
        isReady = isKnown(~operand);
        stack[depth++] = isReady ? values[operand] : 0;
      } else {
        --depth;
        isDefined =
            applyCode(code, stack[depth - 1], stack[depth], &stack[depth - 1]);
      }
    }
    if (!isReady)
      continue;
    if (!isDefined) {
      *status = fail(error, FOVEA_BAD_SHAPE,
                     "index '%s': its range divides by zero or exceeds 64 bits",
                     symbol.name);
      return false;
    }
    if (stack[0] < 0) {
      *status = fail(error, FOVEA_BAD_SHAPE,
                     "index '%s': expected a range of size 0 or more, found "
                     "%lld",
                     symbol.name, static_cast<long long>(stack[0]));
      return false;
    }
    values[s] = stack[0];
    origins[s] = {SymbolOrigin::Declared, 0, 0};
    any = true;
  }
  return any;
}

//===----------------------------------------------------------------------===//
// Solving
//===----------------------------------------------------------------------===//

void SymbolTable::initialize() {
  for (int32_t s = 0; s < count; ++s) {
    const fovea_symbol &symbol = symbols[s];
    origins[s] = {SymbolOrigin::Unknown, 0, 0};
    values[s] = 0;
    if (symbol.kind == FOVEA_SYMBOL_FIXED)
      values[s] = symbol.value;
    else if (symbol.kind == FOVEA_SYMBOL_PROGRAM)
      values[s] = programValues[symbol.value];
    else
      continue;
    origins[s] = {SymbolOrigin::Declared, 0, 0};
  }
}

bool SymbolTable::solveBareDimensions() {
  bool any = false;
  for (int32_t t = 0; t < tensorCount; ++t) {
    const ShapedTensor &tensor = tensors[t];
    for (int32_t d = 0; d < tensor.rank; ++d) {
      const fovea_dim &dim = tensor.dims[d];
      int64_t factor = dim.factors[0];
      if (dim.count != 1 || isKnown(factor) ||
          symbols[~factor].kind != FOVEA_SYMBOL_SOLVED)
        continue;
      values[~factor] = tensor.sizes[d];
      origins[~factor] = {SymbolOrigin::Dimension, t, d};
      any = true;
    }
  }
  return any;
}

/// Divides groups with one unknown factor; true when it solved any. A group
/// whose other factors are empty decides nothing: with `emptyOnesToo` its
/// unknown factor is 0.
bool SymbolTable::solveGroups(bool emptyOnesToo, fovea_status *status,
                              fovea_error *error) {
  bool any = false;
  for (int32_t t = 0; t < tensorCount; ++t) {
    const ShapedTensor &tensor = tensors[t];
    for (int32_t d = 0; d < tensor.rank; ++d) {
      const fovea_dim &dim = tensor.dims[d];
      Product known;
      int64_t unknown = 0;
      int unknowns = 0;
      for (int64_t i = 0; i < dim.count; ++i) {
        if (isKnown(dim.factors[i])) {
          known.multiply(valueOf(dim.factors[i]));
          continue;
        }
        unknown = ~dim.factors[i];
        ++unknowns;
      }
      if (unknowns != 1 || symbols[unknown].kind != FOVEA_SYMBOL_SOLVED ||
          (known.isZero && !emptyOnesToo))
        continue;
      int64_t size = tensor.sizes[d], quotient = 0;
      if (!known.isZero) {
        if (size != 0 && (!known.fits() || size % known.get() != 0)) {
          Text<32> multiple;
          if (known.fits())
            multiple.append("%lld", static_cast<long long>(known.get()));
          else
            multiple.append("more than 2^63 - 1");
          *status = fail(error, FOVEA_BAD_SHAPE,
                         "%s '%s' dimension %d: expected a multiple of %s for "
                         "%s%s, found %lld",
                         tensor.role, tensor.name, d, multiple.c_str(),
                         describeDim(*this, dim).c_str(),
                         describeOrigins(*this, dim).c_str(),
                         static_cast<long long>(size));
          return false;
        }
        quotient = size ? size / known.get() : 0;
      }
      values[unknown] = quotient;
      origins[unknown] = {SymbolOrigin::Dimension, t, d};
      any = true;
    }
  }
  return any;
}

fovea_status SymbolTable::solve(fovea_error *error) {
  initialize();
  solveBareDimensions();
  fovea_status status = FOVEA_OK;
  // Each round makes at least one symbol known. What decides an empty group by
  // default comes last.
  while (solveGroups(/*emptyOnesToo=*/false, &status, error) ||
         (!status && compute(&status, error)) ||
         (!status && solveGroups(/*emptyOnesToo=*/true, &status, error)))
    ;
  if (status)
    return status;

  for (int32_t s = 0; s < count; ++s)
    if (!isKnown(~int64_t(s)))
      return fail(error, FOVEA_BAD_SHAPE,
                  "index '%s': its size does not follow from the given shapes",
                  symbols[s].name);
  for (int32_t t = 0; t < tensorCount; ++t)
    if ((status = check(tensors[t], error)))
      return status;
  return FOVEA_OK;
}
