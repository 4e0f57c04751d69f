//===- LowerScalar.cpp - Elementwise expressions as scalar ops ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/LowerScalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/SourceMgr.h"

using namespace fovea::frontend;
using namespace mlir;

Location Locations::operator()(llvm::SMLoc loc) const {
  unsigned buffer = loc.isValid() ? sources.FindBufferContainingLoc(loc) : 0;
  if (!buffer)
    return UnknownLoc::get(context);
  auto [line, column] = sources.getLineAndColumn(loc, buffer);
  return FileLineColLoc::get(
      context, sources.getMemoryBuffer(buffer)->getBufferIdentifier(), line,
      column);
}

Type fovea::frontend::storageType(DType dtype, MLIRContext *context) {
  switch (dtype) {
  case DType::I1:
    return IntegerType::get(context, 1);
  case DType::I8:
    return IntegerType::get(context, 8);
  case DType::I16:
    return IntegerType::get(context, 16);
  case DType::I32:
    return IntegerType::get(context, 32);
  case DType::I64:
    return IntegerType::get(context, 64);
  case DType::F8E4M3:
    return Float8E4M3FNType::get(context);
  case DType::F8E5M2:
    return Float8E5M2Type::get(context);
  case DType::F16:
    return Float16Type::get(context);
  case DType::BF16:
    return BFloat16Type::get(context);
  case DType::F32:
    return Float32Type::get(context);
  }
  llvm_unreachable("unknown element type");
}

Type fovea::frontend::valueType(Elem elem, MLIRContext *context) {
  switch (elem) {
  case Elem::Bool:
    return IntegerType::get(context, 1);
  case Elem::Int:
    return IndexType::get(context);
  default:
    return Float32Type::get(context);
  }
}

Value fovea::frontend::fromStorage(OpBuilder &builder, Location loc,
                                   Value element) {
  Type type = element.getType();
  if (isa<IndexType>(type) || type.isInteger(1) || type.isF32())
    return element;
  if (isa<FloatType>(type))
    return arith::ExtFOp::create(builder, loc, builder.getF32Type(), element);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element);
}

Value fovea::frontend::toStorage(OpBuilder &builder, Location loc, Value value,
                                 DType dtype) {
  Type type = storageType(dtype, builder.getContext());
  if (value.getType() == type)
    return value;
  if (isa<FloatType>(type))
    return arith::TruncFOp::create(builder, loc, type, value);
  return arith::IndexCastOp::create(builder, loc, type, value);
}

namespace {
class Emitter {
public:
  Emitter(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  Value emit(const Node *node, ArrayRef<Value> args) {
    switch (node->op) {
    case NodeOp::Integer:
      return index(node->integer);
    case NodeOp::Real:
      return real(node->real);
    case NodeOp::Bool:
      return arith::ConstantOp::create(builder, loc,
                                       builder.getBoolAttr(node->integer));
    case NodeOp::ToReal: {
      Value wide = arith::IndexCastOp::create(builder, loc,
                                              builder.getI64Type(), args[0]);
      return arith::SIToFPOp::create(builder, loc, builder.getF32Type(), wide);
    }
    case NodeOp::Convert:
      return convert(node->dtype, args[0]);
    case NodeOp::Not:
      return arith::XOrIOp::create(
          builder, loc, args[0],
          arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true)));
    case NodeOp::And:
      return arith::AndIOp::create(builder, loc, args[0], args[1]);
    case NodeOp::Or:
      return arith::OrIOp::create(builder, loc, args[0], args[1]);
    case NodeOp::Select:
      return arith::SelectOp::create(builder, loc, args[0], args[1], args[2]);
    default:
      if (isComparison(node->op))
        return compare(node->op, args[0], args[1]);
      return isa<FloatType>(args[0].getType()) ? emitReal(node, args)
                                               : emitInteger(node, args);
    }
  }

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  Value real(double value) {
    return arith::ConstantOp::create(
        builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
  }

  /// Rounds to `dtype`, and back to the type of an expression.
  Value convert(DType dtype, Value value) {
    Type type = storageType(dtype, builder.getContext());
    if (isa<FloatType>(type)) {
      Value narrow = arith::TruncFOp::create(builder, loc, type, value);
      return arith::ExtFOp::create(builder, loc, builder.getF32Type(), narrow);
    }
    if (isa<FloatType>(value.getType()))
      value = arith::FPToSIOp::create(builder, loc, type, value);
    else
      value = arith::IndexCastOp::create(builder, loc, type, value);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      value);
  }

  Value compare(NodeOp op, Value lhs, Value rhs) {
    unsigned which =
        static_cast<unsigned>(op) - static_cast<unsigned>(NodeOp::Equal);
    if (isa<FloatType>(lhs.getType())) {
      // As in C: every comparison with a NaN is false but `!=`.
      static constexpr arith::CmpFPredicate predicates[] = {
          arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE,
          arith::CmpFPredicate::OLT, arith::CmpFPredicate::OLE,
          arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
      return arith::CmpFOp::create(builder, loc, predicates[which], lhs, rhs);
    }
    static constexpr arith::CmpIPredicate predicates[] = {
        arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,
        arith::CmpIPredicate::slt, arith::CmpIPredicate::sle,
        arith::CmpIPredicate::sgt, arith::CmpIPredicate::sge};
    return arith::CmpIOp::create(builder, loc, predicates[which], lhs, rhs);
  }

  Value emitReal(const Node *node, ArrayRef<Value> args) {
    Value a = args[0], b = args.size() > 1 ? args[1] : Value();
    switch (node->op) {
    case NodeOp::Negate:
      return arith::NegFOp::create(builder, loc, a);
    case NodeOp::Abs:
      return math::AbsFOp::create(builder, loc, a);
    case NodeOp::Exp:
      return math::ExpOp::create(builder, loc, a);
    case NodeOp::Exp2:
      return math::Exp2Op::create(builder, loc, a);
    case NodeOp::Expm1:
      return math::ExpM1Op::create(builder, loc, a);
    case NodeOp::Log:
      return math::LogOp::create(builder, loc, a);
    case NodeOp::Log1p:
      return math::Log1pOp::create(builder, loc, a);
    case NodeOp::Log2:
      return math::Log2Op::create(builder, loc, a);
    case NodeOp::Sqrt:
      return math::SqrtOp::create(builder, loc, a);
    case NodeOp::Rsqrt:
      return math::RsqrtOp::create(builder, loc, a);
    case NodeOp::Tanh:
      return math::TanhOp::create(builder, loc, a);
    case NodeOp::Erf:
      return math::ErfOp::create(builder, loc, a);
    case NodeOp::Sin:
      return math::SinOp::create(builder, loc, a);
    case NodeOp::Cos:
      return math::CosOp::create(builder, loc, a);
    case NodeOp::Floor:
      return math::FloorOp::create(builder, loc, a);
    case NodeOp::Ceil:
      return math::CeilOp::create(builder, loc, a);
    case NodeOp::Round:
      return math::RoundEvenOp::create(builder, loc, a);
    case NodeOp::Sigmoid: {
      Value negated = arith::NegFOp::create(builder, loc, a);
      Value power = math::ExpOp::create(builder, loc, negated);
      Value sum = arith::AddFOp::create(builder, loc, real(1), power);
      return arith::DivFOp::create(builder, loc, real(1), sum);
    }
    case NodeOp::Add:
      return arith::AddFOp::create(builder, loc, a, b);
    case NodeOp::Subtract:
      return arith::SubFOp::create(builder, loc, a, b);
    case NodeOp::Multiply:
      return arith::MulFOp::create(builder, loc, a, b);
    case NodeOp::Divide:
      return arith::DivFOp::create(builder, loc, a, b);
    case NodeOp::Min:
      return arith::MinimumFOp::create(builder, loc, a, b);
    case NodeOp::Max:
      return arith::MaximumFOp::create(builder, loc, a, b);
    case NodeOp::FloorDivide: {
      Value quotient = arith::DivFOp::create(builder, loc, a, b);
      return math::FloorOp::create(builder, loc, quotient);
    }
    case NodeOp::Modulo: {
      Value quotient = arith::DivFOp::create(builder, loc, a, b);
      Value floor = math::FloorOp::create(builder, loc, quotient);
      Value whole = arith::MulFOp::create(builder, loc, floor, b);
      return arith::SubFOp::create(builder, loc, a, whole);
    }
    case NodeOp::Power:
      return power(node, a, b);
    default:
      llvm_unreachable("not an elementwise operation of reals");
    }
  }

  /// A small integer power is a product; others go through the library.
  Value power(const Node *node, Value base, Value exponent) {
    std::optional<int64_t> count = node->operands[1]->asInteger();
    if (!count && isa<IndexType>(exponent.getType())) {
      Value wide = arith::IndexCastOp::create(builder, loc,
                                              builder.getI64Type(), exponent);
      exponent =
          arith::SIToFPOp::create(builder, loc, builder.getF32Type(), wide);
    }
    if (!count)
      return math::PowFOp::create(builder, loc, base, exponent);
    if (*count > maxProduct || *count < -maxProduct)
      return math::PowFOp::create(builder, loc, base,
                                  real(static_cast<double>(*count)));
    Value result;
    Value square = base;
    for (uint64_t rest = std::abs(*count); rest; rest >>= 1) {
      if (rest & 1)
        result =
            result ? Value(arith::MulFOp::create(builder, loc, result, square))
                   : square;
      if (rest > 1)
        square = arith::MulFOp::create(builder, loc, square, square);
    }
    if (!result)
      return real(1);
    return *count < 0
               ? Value(arith::DivFOp::create(builder, loc, real(1), result))
               : result;
  }

  Value emitInteger(const Node *node, ArrayRef<Value> args) {
    Value a = args[0], b = args.size() > 1 ? args[1] : Value();
    switch (node->op) {
    case NodeOp::Negate:
      return arith::SubIOp::create(builder, loc, index(0), a);
    case NodeOp::Abs: {
      Value negated = arith::SubIOp::create(builder, loc, index(0), a);
      return arith::MaxSIOp::create(builder, loc, a, negated);
    }
    case NodeOp::Add:
      return arith::AddIOp::create(builder, loc, a, b);
    case NodeOp::Subtract:
      return arith::SubIOp::create(builder, loc, a, b);
    case NodeOp::Multiply:
      return arith::MulIOp::create(builder, loc, a, b);
    case NodeOp::Min:
      return arith::MinSIOp::create(builder, loc, a, b);
    case NodeOp::Max:
      return arith::MaxSIOp::create(builder, loc, a, b);
    case NodeOp::FloorDivide:
      return arith::FloorDivSIOp::create(builder, loc, a, divisor(node, b));
    case NodeOp::Modulo: {
      Value safe = divisor(node, b);
      Value quotient = arith::FloorDivSIOp::create(builder, loc, a, safe);
      Value whole = arith::MulIOp::create(builder, loc, quotient, safe);
      return arith::SubIOp::create(builder, loc, a, whole);
    }
    case NodeOp::Power: {
      Value result = index(1);
      for (int64_t k = 0; k < *node->operands[1]->asInteger(); ++k)
        result = arith::MulIOp::create(builder, loc, result, a);
      return result;
    }
    default:
      llvm_unreachable("not an elementwise operation of integers");
    }
  }

  /// A divisor that is known only at the call may be 0, which traps: such a
  /// quotient is that by 1. (The least integer over -1 is out of any range.)
  Value divisor(const Node *node, Value value) {
    if (node->operands[1]->asInteger())
      return value;
    Value isZero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                         value, index(0));
    return arith::SelectOp::create(builder, loc, isZero, index(1), value);
  }

  static constexpr int64_t maxProduct = 16;
  OpBuilder &builder;
  Location loc;
};
} // namespace

Value fovea::frontend::emitScalar(
    OpBuilder &builder, const Locations &locations, const Node *root,
    llvm::function_ref<Value(const Node *)> leaf,
    llvm::function_ref<Value(const Node *, ArrayRef<Value>)> read) {
  llvm::DenseMap<const Node *, Value> values;
  auto isLeaf = [&](const Node *node) {
    auto [it, isNew] = values.try_emplace(node);
    if (isNew)
      it->second = leaf(node);
    return it->second != nullptr;
  };
  std::vector<const Node *> order =
      reachable(root, [&](const Node *node) { return !isLeaf(node); });
  for (const Node *node : order) {
    if (values.lookup(node))
      continue;
    SmallVector<Value> args;
    for (const Node *operand : node->operands)
      args.push_back(values.lookup(operand));
    values[node] =
        node->op == NodeOp::Read
            ? read(node, args)
            : Emitter(builder, locations(node->loc)).emit(node, args);
  }
  return values.lookup(root);
}
