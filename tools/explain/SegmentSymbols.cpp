//===- SegmentSymbols.cpp - What segments are made of ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/SegmentSymbols.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

SizePolynomial explain::formulaOf(AffineExpr expr,
                                  ArrayRef<SizePolynomial> dims,
                                  ArrayRef<SizePolynomial> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return SizePolynomial(static_cast<double>(constant.getValue()));
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  SizePolynomial lhs = formulaOf(binary.getLHS(), dims, symbols);
  SizePolynomial rhs = formulaOf(binary.getRHS(), dims, symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return lhs + rhs;
  case AffineExprKind::Mul:
    return lhs * rhs;
  case AffineExprKind::FloorDiv:
    return lhs.floorDiv(rhs);
  case AffineExprKind::CeilDiv:
    return (lhs + rhs - SizePolynomial(1)).floorDiv(rhs);
  default: // Mod
    return lhs - lhs.floorDiv(rhs) * rhs;
  }
}

std::string explain::dimName(AttentionOp op, unsigned dim) {
  return op.getDomain().getNames()[dim].getValue().str();
}

std::string explain::accessText(AttentionOp op, Value operand, AffineMap access,
                                Sizes &sizes) {
  std::string name = sizes.nameOf(operand);
  if (name.empty())
    name = "(computed)";
  if (access.getNumResults() == 0)
    return name;
  std::vector<SizePolynomial> dims, symbols;
  for (unsigned dim = 0; dim < access.getNumDims(); ++dim)
    dims.push_back(SizePolynomial::integer(
        dim < op.getDomain().getNumDims()
            ? dimName(op, dim)
            : "l" + std::to_string(dim - op.getDomain().getNumDims())));
  for (Value symbol : op.getSymbols())
    symbols.push_back(sizes.valueOf(symbol));
  auto coordinates = llvm::map_range(access.getResults(), [&](AffineExpr expr) {
    return formulaOf(expr, dims, symbols).text();
  });
  return name + "[" + llvm::join(coordinates, ", ") + "]";
}

unsigned SegmentSymbols::numSymbols() {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  return 3 * numDims() + op.getSymbols().size() +
         self.getInputsOf(op.getMask()).size();
}

bool SegmentSymbols::isUsed(unsigned symbol) {
  std::optional<SegmentsAttr> segments = op.getSegments();
  if (!segments)
    return false;
  for (ArrayRef<AffineMap> maps :
       {segments->getVisitLower(), segments->getVisitUpper(),
        segments->getMaskedLower(), segments->getMaskedUpper()})
    for (AffineMap map : maps)
      if (map.isFunctionOfSymbol(symbol))
        return true;
  return false;
}

std::pair<Value, AffineMap> SegmentSymbols::maskOperand(unsigned number) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  unsigned k = number - 3 * numDims() - op.getSymbols().size();
  return {self.getInputsOf(op.getMask())[k],
          self.getAccessesOf(op.getMask())[k]};
}

SizePolynomial SegmentSymbols::operand(unsigned number) {
  unsigned first = 3 * numDims();
  if (number < first + op.getSymbols().size())
    return sizes.valueOf(op.getSymbols()[number - first]);
  auto [value, access] = maskOperand(number);
  SizePolynomial result =
      SizePolynomial::integer(accessText(op, value, access, sizes));
  if (std::optional<int64_t> element = sizes.commonElement(value))
    result = SizePolynomial(static_cast<double>(*element));
  else if (!isa<ShapedType>(value.getType()))
    result = sizes.valueOf(value);
  // The symbol of a boolean is its sign-extended value.
  bool isBool = getElementTypeOrSelf(value.getType()).isInteger(1);
  return isBool ? SizePolynomial(0) - result : result;
}

std::optional<SegmentSymbols::Elements>
SegmentSymbols::elements(unsigned number) {
  if (number < 3 * numDims() + op.getSymbols().size())
    return std::nullopt;
  auto [value, access] = maskOperand(number);
  ArrayRef<int64_t> given = sizes.elementsOf(value);
  if (given.empty() || llvm::all_equal(given))
    return std::nullopt;
  for (unsigned dim = 0; dim < access.getNumDims(); ++dim)
    if (access.isFunctionOfDim(dim) && (dim >= numDims() || !isWalked(dim)))
      return std::nullopt;
  for (unsigned symbol = 0; symbol < access.getNumSymbols(); ++symbol)
    if (access.isFunctionOfSymbol(symbol))
      return std::nullopt;
  Elements result{SmallVector<int64_t>(given), {}, access};
  int64_t count = 1;
  for (const SizePolynomial &size : sizes.shapeOf(value)) {
    std::optional<double> known = size.constant();
    if (!known)
      return std::nullopt;
    result.shape.push_back(static_cast<int64_t>(*known));
    count *= result.shape.back();
  }
  if (count != static_cast<int64_t>(given.size()))
    return std::nullopt;
  if (getElementTypeOrSelf(value.getType()).isInteger(1))
    for (int64_t &element : result.values)
      element = -element; // as in `operand`
  return result;
}

std::string SegmentSymbols::optionFor(unsigned number) {
  if (number < 3 * numDims() + op.getSymbols().size())
    return "";
  std::string name = sizes.nameOf(maskOperand(number).first);
  return name.empty() ? "" : "--in " + name + "=N";
}

std::vector<SizePolynomial> SegmentSymbols::formulas() {
  std::vector<SizePolynomial> symbols;
  for (unsigned dim = 0; dim < numDims(); ++dim) {
    SizePolynomial end = begin(dim) + bound(dim);
    if (!end.constant())
      end = SizePolynomial::integer("size(" + dimName(op, dim) + ")");
    if (dim == queryDim()) {
      SizePolynomial tileBegin = SizePolynomial::integer("begin");
      SizePolynomial tileEnd = SizePolynomial::integer("end");
      symbols.insert(symbols.end(), {tileBegin, tileEnd - tileBegin, end});
    } else if (isWalked(dim)) {
      symbols.insert(symbols.end(), {SizePolynomial::integer(dimName(op, dim)),
                                     SizePolynomial(1), end});
    } else {
      symbols.insert(symbols.end(), {begin(dim), end - begin(dim), end});
    }
  }
  for (unsigned k = symbols.size(); k < numSymbols(); ++k)
    symbols.push_back(isUsed(k) ? operand(k) : SizePolynomial(0));
  return symbols;
}
