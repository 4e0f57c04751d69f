//===- MaskSets.cpp - Masks as sets of integers ---------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/mask/MaskSets.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fovea::attn {

namespace {
/// Walks a block once, in order, and keeps what each value means.
class MaskTranslator {
public:
  MaskTranslator(unsigned numDims, const llvm::SmallBitVector &nonNegative,
                 MaskLeafClassifier classify)
      : numDims(numDims), classify(classify), algebra(nonNegative) {}

  void translate(Operation &op);
  Predicate getPredicate(Value value);
  ArrayRef<FloorDiv> getDivs() const { return algebra.getDivs(); }
  ArrayRef<Value> getUnknownConditions() const { return unknownConditions; }

private:
  using Ref = IndexExpr::Ref;

  Ref getIndex(Value value);
  std::optional<unsigned> getColumn(Value value);
  Ref translateIndex(Operation &op);
  Predicate translatePredicate(Operation &op);
  Predicate compare(arith::CmpIOp op);
  /// `a >= b`, `a == b` of integers.
  Predicate isAtLeast(const Ref &a, const Ref &b) {
    return IndexAlgebra::isNonNegative(algebra.addScaled(a, b, -1));
  }
  Predicate isEqual(const Ref &a, const Ref &b) {
    return isAtLeast(a, b) && isAtLeast(b, a);
  }
  /// `a >= b` of numbers whose sign bit counts as the largest digit.
  Predicate isUnsignedAtLeast(const Ref &a, const Ref &b) {
    Predicate aPlain = IndexAlgebra::isNonNegative(a);
    Predicate bPlain = IndexAlgebra::isNonNegative(b);
    return (!aPlain && bPlain) ||
           (((aPlain && bPlain) || (!aPlain && !bPlain)) && isAtLeast(a, b));
  }

  unsigned numDims;
  MaskLeafClassifier classify;
  IndexAlgebra algebra;
  DenseMap<Value, Ref> indices;
  DenseMap<Value, Predicate> predicates;
  SmallVector<Value> unknownConditions;
};
} // namespace

static bool isBool(Value value) { return value.getType().isInteger(1); }

std::optional<unsigned> MaskTranslator::getColumn(Value value) {
  std::optional<MaskLeaf> leaf = classify(value);
  if (!leaf)
    return std::nullopt;
  return leaf->kind == MaskLeaf::Kind::Dim ? leaf->number
                                           : numDims + leaf->number;
}

MaskTranslator::Ref MaskTranslator::getIndex(Value value) {
  if (!value.getType().isIntOrIndex())
    return nullptr;
  if (isBool(value))
    return algebra.select(getPredicate(value), algebra.constant(1),
                          algebra.constant(0));
  auto [it, isNew] = indices.try_emplace(value);
  if (isNew) // computed outside of the block, or one of its arguments
    if (std::optional<unsigned> column = getColumn(value))
      it->second = algebra.column(*column);
  return it->second;
}

Predicate MaskTranslator::getPredicate(Value value) {
  auto [it, isNew] = predicates.try_emplace(value, Predicate::unknown());
  if (isNew) {
    if (std::optional<unsigned> column = getColumn(value))
      it->second = !Predicate::nonNegative(Linear::column(*column));
    else
      unknownConditions.push_back(value);
  }
  return it->second;
}

Predicate MaskTranslator::compare(arith::CmpIOp op) {
  if (!op.getLhs().getType().isIntOrIndex())
    return Predicate::unknown();
  Ref a = getIndex(op.getLhs()), b = getIndex(op.getRhs());
  if (isBool(op.getLhs())) { // the signed value of a true i1 is -1
    a = algebra.scale(a, -1);
    b = algebra.scale(b, -1);
  }
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return isEqual(a, b);
  case arith::CmpIPredicate::ne:
    return !isEqual(a, b);
  case arith::CmpIPredicate::sge:
    return isAtLeast(a, b);
  case arith::CmpIPredicate::sle:
    return isAtLeast(b, a);
  case arith::CmpIPredicate::slt:
    return !isAtLeast(a, b);
  case arith::CmpIPredicate::sgt:
    return !isAtLeast(b, a);
  case arith::CmpIPredicate::uge:
    return isUnsignedAtLeast(a, b);
  case arith::CmpIPredicate::ule:
    return isUnsignedAtLeast(b, a);
  case arith::CmpIPredicate::ult:
    return !isUnsignedAtLeast(a, b);
  case arith::CmpIPredicate::ugt:
    return !isUnsignedAtLeast(b, a);
  }
  return Predicate::unknown();
}

Predicate MaskTranslator::translatePredicate(Operation &op) {
  auto operand = [&](unsigned k) { return getPredicate(op.getOperand(k)); };
  return llvm::TypeSwitch<Operation *, Predicate>(&op)
      .Case([&](arith::ConstantOp) {
        return Predicate::constant(matchPattern(&op, m_One()));
      })
      .Case([&](arith::CmpIOp cmp) { return compare(cmp); })
      .Case([&](arith::AndIOp) { return operand(0) && operand(1); })
      .Case([&](arith::OrIOp) { return operand(0) || operand(1); })
      .Case([&](arith::XOrIOp) {
        return (operand(0) && !operand(1)) || (!operand(0) && operand(1));
      })
      .Case([&](arith::SelectOp) {
        return (operand(0) && operand(1)) || (!operand(0) && operand(2));
      })
      .Default([](Operation *) { return Predicate::unknown(); });
}

MaskTranslator::Ref MaskTranslator::translateIndex(Operation &op) {
  APInt value;
  if (matchPattern(&op, m_ConstantInt(&value)))
    return value.isSignedIntN(64) ? algebra.constant(value.getSExtValue())
                                  : nullptr;
  auto operand = [&](unsigned k) { return getIndex(op.getOperand(k)); };
  auto divide = [&](Ref (IndexAlgebra::*function)(const Ref &, int64_t),
                    bool isUnsigned = false) -> Ref {
    Ref dividend = operand(0);
    std::optional<int64_t> divisor = IndexAlgebra::getConstant(operand(1));
    if (!divisor || *divisor <= 0 ||
        (isUnsigned && !algebra.isNeverNegative(dividend)))
      return nullptr;
    return (algebra.*function)(dividend, *divisor);
  };
  return llvm::TypeSwitch<Operation *, Ref>(&op)
      .Case([&](arith::AddIOp) {
        return algebra.addScaled(operand(0), operand(1));
      })
      .Case([&](arith::SubIOp) {
        return algebra.addScaled(operand(0), operand(1), -1);
      })
      .Case([&](arith::MulIOp) -> Ref {
        Ref a = operand(0), b = operand(1);
        if (std::optional<int64_t> factor = IndexAlgebra::getConstant(b))
          return algebra.scale(a, *factor);
        if (std::optional<int64_t> factor = IndexAlgebra::getConstant(a))
          return algebra.scale(b, *factor);
        return nullptr;
      })
      .Case(
          [&](arith::FloorDivSIOp) { return divide(&IndexAlgebra::floorDiv); })
      .Case([&](arith::CeilDivSIOp) { return divide(&IndexAlgebra::ceilDiv); })
      .Case([&](arith::DivSIOp) { return divide(&IndexAlgebra::truncDiv); })
      .Case([&](arith::RemSIOp) { return divide(&IndexAlgebra::truncRem); })
      .Case([&](arith::DivUIOp) {
        return divide(&IndexAlgebra::floorDiv, /*isUnsigned=*/true);
      })
      .Case([&](arith::CeilDivUIOp) {
        return divide(&IndexAlgebra::ceilDiv, /*isUnsigned=*/true);
      })
      .Case([&](arith::RemUIOp) {
        return divide(&IndexAlgebra::truncRem, /*isUnsigned=*/true);
      })
      .Case([&](arith::MinSIOp) { return algebra.min(operand(0), operand(1)); })
      .Case([&](arith::MaxSIOp) { return algebra.max(operand(0), operand(1)); })
      .Case([&](arith::SelectOp) {
        return algebra.select(getPredicate(op.getOperand(0)), operand(1),
                              operand(2));
      })
      .Case([&](arith::ExtSIOp) { // of a true i1: -1
        return algebra.scale(operand(0), isBool(op.getOperand(0)) ? -1 : 1);
      })
      .Case([&](arith::ExtUIOp) -> Ref {
        Ref a = operand(0);
        return algebra.isNeverNegative(a) ? a : nullptr;
      })
      .Case([&](arith::IndexCastOp) {
        return algebra.scale(operand(0), isBool(op.getOperand(0)) ? -1 : 1);
      })
      .Case([&](arith::TruncIOp) { return operand(0); })
      .Default([](Operation *) -> Ref { return nullptr; });
}

void MaskTranslator::translate(Operation &op) {
  if (op.getNumResults() != 1 || op.getNumRegions() != 0 ||
      getColumn(op.getResult(0)))
    return; // a leaf, or never understood
  Value result = op.getResult(0);
  if (isBool(result)) {
    Predicate predicate = translatePredicate(op);
    bool isConnective =
        isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::SelectOp>(op);
    if (!isConnective && predicate.isUnknown())
      unknownConditions.push_back(result);
    predicates.insert_or_assign(result, std::move(predicate));
  } else if (result.getType().isIntOrIndex()) {
    indices.insert_or_assign(result, translateIndex(op));
  }
}

MaskSets translateMask(Block &block, Value result, unsigned numDims,
                       const llvm::SmallBitVector &nonNegative,
                       MaskLeafClassifier classify) {
  MaskTranslator translator(numDims, nonNegative, classify);
  for (Operation &op : block)
    translator.translate(op);
  MaskSets sets;
  sets.numDims = numDims;
  sets.numSymbols = nonNegative.size() - numDims;
  sets.mask = translator.getPredicate(result);
  sets.divs.assign(translator.getDivs().begin(), translator.getDivs().end());
  llvm::append_range(sets.unknownConditions, translator.getUnknownConditions());
  return sets;
}

} // namespace fovea::attn
