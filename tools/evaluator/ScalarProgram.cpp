//===- ScalarProgram.cpp - runs scalar regions ----------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace fovea::evaluator;

// What ScalarOps.def is written in.

/// The larger one, or NaN if either is; +0 is larger than -0.
static double maximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return a + b;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

static double roundEven(double a) { return std::nearbyint(a); }
static uint64_t bits(int64_t a) { return static_cast<uint64_t>(a); }
static int64_t truth(bool a) { return a ? -1 : 0; }

/// The nearest integer towards zero that fits; 0 for NaN.
static int64_t saturate(double a) {
  if (std::isnan(a))
    return 0;
  if (a >= 0x1p63)
    return std::numeric_limits<int64_t>::max();
  return a <= -0x1p63 ? std::numeric_limits<int64_t>::min()
                      : static_cast<int64_t>(a);
}
static uint64_t saturateUnsigned(double a) {
  if (!(a > 0))
    return 0;
  return a >= 0x1p64 ? ~uint64_t(0) : static_cast<uint64_t>(a);
}

/// `a` without its sign extension from `width` bits.
static uint64_t zeroExtend(int64_t a, unsigned width) {
  return width >= 64 ? bits(a) : bits(a) & ((uint64_t(1) << width) - 1);
}

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using Predicate = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case Predicate::AlwaysFalse:
    return false;
  case Predicate::OEQ:
    return a == b;
  case Predicate::OGT:
    return a > b;
  case Predicate::OGE:
    return a >= b;
  case Predicate::OLT:
    return a < b;
  case Predicate::OLE:
    return a <= b;
  case Predicate::ONE:
    return !unordered && a != b;
  case Predicate::ORD:
    return !unordered;
  case Predicate::UEQ:
    return unordered || a == b;
  case Predicate::UGT:
    return unordered || a > b;
  case Predicate::UGE:
    return unordered || a >= b;
  case Predicate::ULT:
    return unordered || a < b;
  case Predicate::ULE:
    return unordered || a <= b;
  case Predicate::UNE:
    return a != b;
  case Predicate::UNO:
    return unordered;
  case Predicate::AlwaysTrue:
    return true;
  }
  llvm_unreachable("not a predicate");
}

static bool compare(arith::CmpIPredicate predicate, int64_t a, int64_t b,
                    uint64_t ua, uint64_t ub) {
  using Predicate = arith::CmpIPredicate;
  switch (predicate) {
  case Predicate::eq:
    return a == b;
  case Predicate::ne:
    return a != b;
  case Predicate::slt:
    return a < b;
  case Predicate::sle:
    return a <= b;
  case Predicate::sgt:
    return a > b;
  case Predicate::sge:
    return a >= b;
  case Predicate::ult:
    return ua < ub;
  case Predicate::ule:
    return ua <= ub;
  case Predicate::ugt:
    return ua > ub;
  case Predicate::uge:
    return ua >= ub;
  }
  llvm_unreachable("not a predicate");
}

LogicalResult ScalarProgram::divide(const Instruction &in, Cell a, Cell b) {
  if (b.i == 0)
    return in.op->emitError("divides an integer by zero");
  uint64_t ua = zeroExtend(a.i, in.from), ub = zeroExtend(b.i, in.from);
  int64_t value = 0;
  // The only quotient that does not fit is that of the least integer by -1.
  bool negates = b.i == -1;
  switch (in.opcode) {
  case Opcode::DivSI:
    value = negates ? -bits(a.i) : a.i / b.i;
    break;
  case Opcode::RemSI:
    value = negates ? 0 : a.i % b.i;
    break;
  case Opcode::FloorDivSI:
    value = negates ? -bits(a.i)
                    : a.i / b.i - (a.i % b.i != 0 && (a.i < 0) != (b.i < 0));
    break;
  case Opcode::CeilDivSI:
    value = negates ? -bits(a.i)
                    : a.i / b.i + (a.i % b.i != 0 && (a.i < 0) == (b.i < 0));
    break;
  case Opcode::DivUI:
    value = ua / ub;
    break;
  case Opcode::CeilDivUI:
    value = ua / ub + (ua % ub != 0);
    break;
  case Opcode::RemUI:
    value = ua % ub;
    break;
  default:
    llvm_unreachable("not a division");
  }
  registers[in.result].i = wrap(value, in.width);
  return success();
}

LogicalResult ScalarProgram::extract(const Instruction &in) {
  const CapturedTensor &tensor = tensors[in.extra];
  ArrayRef<int64_t> shape = tensor.array.getShape();
  int64_t offset = 0;
  for (auto [dim, size] : llvm::enumerate(shape)) {
    int64_t coordinate = registers[operands[in.a + dim]].i;
    if (coordinate < 0 || coordinate >= size)
      return in.op->emitError()
             << "reads coordinate " << coordinate << " of dimension " << dim
             << " of size " << size;
    offset += coordinate * tensor.strides[dim];
  }
  registers[in.result] = tensor.array.load(offset);
  return success();
}

LogicalResult ScalarProgram::run() {
  Cell *r = registers.data();
  const Instruction *begin = code.data(), *end = begin + code.size();
  for (const Instruction *next = begin; next != end;) {
    const Instruction &in = *next++;
    const Cell a = r[in.a], b = r[in.b], c = r[in.c];
    Cell &result = r[in.result];
    [[maybe_unused]] auto unsignedOf = [&](Cell cell) {
      return zeroExtend(cell.i, in.from);
    };
    switch (in.opcode) {
#define FLOAT(op, name, value)                                                 \
  case Opcode::name: {                                                         \
    [[maybe_unused]] uint64_t ua = unsignedOf(a);                              \
    result.f = value;                                                          \
    break;                                                                     \
  }
#define INTEGER(op, name, value)                                               \
  case Opcode::name: {                                                         \
    [[maybe_unused]] uint64_t ua = unsignedOf(a), ub = unsignedOf(b);          \
    result.i = wrap(static_cast<int64_t>(value), in.width);                    \
    break;                                                                     \
  }
#include "tools/evaluator/ScalarOps.def"
    case Opcode::CmpF:
      result.i = truth(
          compare(static_cast<arith::CmpFPredicate>(in.predicate), a.f, b.f));
      break;
    case Opcode::CmpI:
      result.i = truth(compare(static_cast<arith::CmpIPredicate>(in.predicate),
                               a.i, b.i, unsignedOf(a), unsignedOf(b)));
      break;
    case Opcode::Select:
      result = a.i != 0 ? b : c;
      break;
    case Opcode::Move:
      result = a;
      break;
    case Opcode::Jump:
      next = begin + in.extra;
      break;
    case Opcode::JumpUnless:
      if (a.i == 0)
        next = begin + in.extra;
      break;
    case Opcode::Extract:
      if (failed(extract(in)))
        return failure();
      break;
    default:
      if (failed(divide(in, a, b)))
        return failure();
      break;
    }
  }
  return success();
}
