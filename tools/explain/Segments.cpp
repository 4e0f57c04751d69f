//===- Segments.cpp - Segments of an attention, as text -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Segments.h"

#include "passes/mask/MaskSegments.h"
#include "tools/explain/SegmentSymbols.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringExtras.h"

#include <set>

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

//===----------------------------------------------------------------------===//
// Formulas
//===----------------------------------------------------------------------===//

/// The condition g >= 0 on symbols alone that a lower bound stands for (see
/// KeyInterval), or null.
static AffineExpr conditionOf(AffineExpr bound) {
  constexpr int64_t kBeyond = int64_t(1) << 62;
  auto product = dyn_cast<AffineBinaryOpExpr>(bound);
  if (!product || product.getKind() != AffineExprKind::Mul)
    return {};
  auto factor = dyn_cast<AffineConstantExpr>(product.getRHS());
  auto quotient = dyn_cast<AffineBinaryOpExpr>(product.getLHS());
  if (!factor || factor.getValue() != -kBeyond || !quotient ||
      quotient.getKind() != AffineExprKind::FloorDiv)
    return {};
  auto divisor = dyn_cast<AffineConstantExpr>(quotient.getRHS());
  return divisor && divisor.getValue() == kBeyond ? quotient.getLHS()
                                                  : AffineExpr();
}

/// The interval's text, or nothing when it is empty for every tile.
static std::optional<std::string>
intervalText(AffineMap lower, AffineMap upper,
             ArrayRef<SizePolynomial> symbols) {
  std::string conditions;
  auto extremum = [&](AffineMap map, bool isLower) {
    std::vector<std::string> parts;
    auto insert = [&](std::string part) {
      if (!llvm::is_contained(parts, part))
        parts.push_back(std::move(part));
    };
    for (AffineExpr expr : map.getResults())
      if (!isLower || !conditionOf(expr))
        insert(formulaOf(expr, {}, symbols).text());
    if (parts.empty())
      insert("0");
    std::string list = llvm::join(parts, ", ");
    if (parts.size() == 1)
      return list;
    return (isLower ? "max(" : "min(") + list + ")";
  };
  for (AffineExpr expr : lower.getResults()) {
    AffineExpr condition = conditionOf(expr);
    if (!condition)
      continue;
    SizePolynomial gap = formulaOf(condition, {}, symbols);
    if (std::optional<double> value = gap.constant()) {
      if (*value < 0)
        return std::nullopt;
      continue;
    }
    double constant = gap.constantTerm();
    conditions += conditions.empty() ? "  if " : " and ";
    conditions += (gap - SizePolynomial(constant)).text() +
                  " >= " + SizePolynomial(-constant).text();
  }
  return "[" + extremum(lower, true) + ", " + extremum(upper, false) + ")" +
         conditions;
}

SegmentFormulas explain::describeSegments(AttentionOp op, Sizes &sizes) {
  SegmentFormulas result;
  std::optional<SegmentsAttr> segments = op.getSegments();
  if (!segments) {
    result.visit.push_back("all");
    if (!op.getMask().empty())
      result.masked.push_back("all");
    return result;
  }
  std::vector<SizePolynomial> symbols = SegmentSymbols(op, sizes).formulas();
  auto describe = [&](ArrayRef<AffineMap> lower, ArrayRef<AffineMap> upper,
                      std::vector<std::string> &texts) {
    for (auto [from, to] : llvm::zip_equal(lower, upper))
      if (auto text = intervalText(from, to, symbols))
        texts.push_back(*text);
  };
  describe(segments->getVisitLower(), segments->getVisitUpper(), result.visit);
  describe(segments->getMaskedLower(), segments->getMaskedUpper(),
           result.masked);
  return result;
}

//===----------------------------------------------------------------------===//
// Conditions that are not understood
//===----------------------------------------------------------------------===//

static std::string reasonFor(AttentionOp op, Value condition, Sizes &sizes) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  auto accesses = self.getAccessesOf(op.getMask());
  auto inputs = self.getInputsOf(op.getMask());
  unsigned queryDim = op.getSchedule()->getQueryDim();
  auto varies = [&](AffineMap access) {
    for (unsigned dim = 0; dim < access.getNumDims(); ++dim)
      if (access.isFunctionOfDim(dim) &&
          (dim == queryDim || dim >= op.getDomain().getNumDims() ||
           !op.getDomain().isKind(dim, DimKind::parallel)))
        return true;
    return false;
  };

  std::set<std::string> varying;
  std::string culprit;
  SmallVector<Value> worklist = {condition};
  llvm::SmallPtrSet<Value, 16> seen;
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      unsigned k = argument.getArgNumber();
      if (varies(accesses[k]))
        varying.insert(accessText(op, inputs[k], accesses[k], sizes));
      else if (isa<FloatType>(value.getType()))
        culprit = "it is about a float";
      continue;
    }
    Operation *definition = value.getDefiningOp();
    bool isScaled = llvm::any_of(definition->getOperands(), [](Value operand) {
      return matchPattern(operand, m_Constant());
    });
    if (isa<arith::CmpFOp>(definition))
      culprit = "it is about floats";
    else if (isa<arith::MulIOp>(definition) && !isScaled)
      culprit = "a product of two values that are not constant";
    else if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp,
                 arith::CeilDivSIOp, arith::CeilDivUIOp, arith::RemSIOp,
                 arith::RemUIOp>(definition) &&
             !matchPattern(definition->getOperand(1), m_Constant()))
      culprit = "a division by a value that is not constant";
    llvm::append_range(worklist, definition->getOperands());
  }
  if (!varying.empty()) {
    return llvm::join(varying, " and ") +
           (varying.size() == 1 ? " differs" : " differ") + " within a tile";
  }
  return culprit.empty() ? "it has more cases than are looked at" : culprit;
}

std::vector<UnknownCondition> explain::explainUnknown(AttentionOp op,
                                                      Sizes &sizes) {
  std::vector<UnknownCondition> result;
  for (Value condition : findUnknownConditions(op))
    result.push_back({condition.getLoc(), reasonFor(op, condition, sizes)});
  return result;
}
