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

void ScalarProgram::addLanes() {
  // Small enough that the lanes of a strided operand stay in the first cache.
  constexpr unsigned mostLanes = 32;
  bool jumps = llvm::any_of(code, [](const Instruction &in) {
    return in.opcode == Opcode::Jump || in.opcode == Opcode::JumpUnless;
  });
  numLanes = jumps ? 1 : mostLanes;
  registers.resize(std::max<size_t>(registers.size(), 1));
  std::vector<Cell> widened;
  for (Cell cell : registers)
    widened.insert(widened.end(), numLanes, cell);
  registers = std::move(widened);
}

void ScalarProgram::loadArgument(unsigned argument, const Array &array,
                                 int64_t offset, int64_t stride,
                                 unsigned count) {
  Cell *lanes = getLanes(argument);
  if (stride == 0) {
    std::fill_n(lanes, count, array.load(offset));
    return;
  }
  const char *from = array.data() + offset * sizeof(Cell);
  for (unsigned k = 0; k < count; ++k, from += stride * sizeof(Cell))
    std::memcpy(&lanes[k], from, sizeof(Cell));
}

void ScalarProgram::setIndex(unsigned dim, int64_t first, int64_t step) {
  Cell *lanes = getLanes(numArguments + dim);
  for (unsigned k = 0; k < numLanes; ++k)
    lanes[k].i = first + k * step;
}

LogicalResult ScalarProgram::divide(const Instruction &in, unsigned count) {
  for (unsigned k = 0; k < count; ++k) {
    Cell a = getLanes(in.a)[k], b = getLanes(in.b)[k];
    if (b.i == 0)
      return in.op->emitError("divides an integer by zero");
    uint64_t ua = zeroExtend(a.i, in.from), ub = zeroExtend(b.i, in.from);
    int64_t value = 0;
    // The only quotient that does not fit is that of the least integer by -1.
    bool negates = b.i == -1;
    bool isExact = negates || a.i % b.i == 0;
    bool isNegative = (a.i < 0) != (b.i < 0);
    switch (in.opcode) {
    case Opcode::DivSI:
      value = negates ? -bits(a.i) : a.i / b.i;
      break;
    case Opcode::RemSI:
      value = negates ? 0 : a.i % b.i;
      break;
    case Opcode::FloorDivSI:
      value = negates ? -bits(a.i) : a.i / b.i - (!isExact && isNegative);
      break;
    case Opcode::CeilDivSI:
      value = negates ? -bits(a.i) : a.i / b.i + (!isExact && !isNegative);
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
    getLanes(in.result)[k].i = wrap(value, in.width);
  }
  return success();
}

LogicalResult ScalarProgram::extract(const Instruction &in, unsigned count) {
  const CapturedTensor &tensor = tensors[in.extra];
  ArrayRef<int64_t> shape = tensor.array.getShape();
  for (unsigned k = 0; k < count; ++k) {
    int64_t offset = 0;
    for (auto [dim, size] : llvm::enumerate(shape)) {
      int64_t coordinate = getLanes(operands[in.a + dim])[k].i;
      if (coordinate < 0 || coordinate >= size)
        return in.op->emitError()
               << "reads coordinate " << coordinate << " of dimension " << dim
               << " of size " << size;
      offset += coordinate * tensor.strides[dim];
    }
    getLanes(in.result)[k] = tensor.array.load(offset);
  }
  return success();
}

LogicalResult ScalarProgram::run(unsigned count) {
  const Instruction *begin = code.data(), *end = begin + code.size();
  for (const Instruction *next = begin; next != end;) {
    const Instruction &in = *next++;
    const Cell *as = getLanes(in.a), *bs = getLanes(in.b), *cs = getLanes(in.c);
    Cell *results = getLanes(in.result);
    // Runs the rest of a case for each lane.
    auto forLanes = [&](auto compute) {
      for (unsigned k = 0; k < count; ++k)
        results[k] = compute(as[k], bs[k], cs[k]);
    };
    auto unsignedOf = [&](Cell cell) { return zeroExtend(cell.i, in.from); };
    switch (in.opcode) {
#define FLOAT(op, name, value)                                                 \
  case Opcode::name:                                                           \
    forLanes([&](Cell a, [[maybe_unused]] Cell b, [[maybe_unused]] Cell c) {   \
      [[maybe_unused]] uint64_t ua = unsignedOf(a);                            \
      return Cell{.f = value};                                                 \
    });                                                                        \
    break;
#define INTEGER(op, name, value)                                               \
  case Opcode::name:                                                           \
    forLanes([&](Cell a, [[maybe_unused]] Cell b, Cell) {                      \
      [[maybe_unused]] uint64_t ua = unsignedOf(a), ub = unsignedOf(b);        \
      return Cell{.i = wrap(static_cast<int64_t>(value), in.width)};           \
    });                                                                        \
    break;
#include "tools/evaluator/ScalarOps.def"
    case Opcode::CmpF:
      forLanes([&](Cell a, Cell b, Cell) {
        auto predicate = static_cast<arith::CmpFPredicate>(in.predicate);
        return Cell{.i = truth(compare(predicate, a.f, b.f))};
      });
      break;
    case Opcode::CmpI:
      forLanes([&](Cell a, Cell b, Cell) {
        auto predicate = static_cast<arith::CmpIPredicate>(in.predicate);
        return Cell{.i = truth(compare(predicate, a.i, b.i, unsignedOf(a),
                                       unsignedOf(b)))};
      });
      break;
    case Opcode::Select:
      forLanes([](Cell a, Cell b, Cell c) { return a.i != 0 ? b : c; });
      break;
    case Opcode::Move:
      forLanes([](Cell a, Cell, Cell) { return a; });
      break;
    case Opcode::Jump:
      next = begin + in.extra;
      break;
    case Opcode::JumpUnless:
      if (as->i == 0)
        next = begin + in.extra;
      break;
    case Opcode::Extract:
      if (failed(extract(in, count)))
        return failure();
      break;
    default:
      if (failed(divide(in, count)))
        return failure();
      break;
    }
  }
  return success();
}
