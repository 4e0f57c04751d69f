//===- Access.cpp - which element of an operand a point reads -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Access.h"

#include "mlir/IR/AffineExpr.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fovea::evaluator;

/// Adds `factor * expr` to the terms of a coordinate; false if not linear.
bool Access::addTerms(AffineExpr expr, int64_t factor, Coordinate &coordinate) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    coordinate.constant += factor * constant.getValue();
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    for (Term &term : coordinate.terms)
      if (term.dim == dim.getPosition()) {
        term.factor += factor;
        return true;
      }
    coordinate.terms.push_back({dim.getPosition(), factor});
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (binary.getKind() == AffineExprKind::Add)
    return addTerms(binary.getLHS(), factor, coordinate) &&
           addTerms(binary.getRHS(), factor, coordinate);
  if (binary.getKind() != AffineExprKind::Mul)
    return false;
  if (auto rhs = dyn_cast<AffineConstantExpr>(binary.getRHS()))
    return addTerms(binary.getLHS(), factor * rhs.getValue(), coordinate);
  if (auto lhs = dyn_cast<AffineConstantExpr>(binary.getLHS()))
    return addTerms(binary.getRHS(), factor * lhs.getValue(), coordinate);
  return false;
}

/// Appends the steps that leave the value of `expr` on the stack.
LogicalResult Access::addSteps(Operation *op, AffineExpr expr,
                               Coordinate &coordinate) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    coordinate.steps.push_back({AffineExprKind::Constant, constant.getValue()});
    return success();
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    coordinate.steps.push_back({AffineExprKind::DimId, dim.getPosition()});
    coordinate.usedDims.push_back(dim.getPosition());
    return success();
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  bool divides = binary.getKind() != AffineExprKind::Add &&
                 binary.getKind() != AffineExprKind::Mul;
  auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (divides && (!divisor || divisor.getValue() <= 0))
    return op->emitError() << "has an access that divides by "
                           << (divisor ? std::to_string(divisor.getValue())
                                       : std::string("an index"))
                           << ", where it expects a positive number";
  if (failed(addSteps(op, binary.getLHS(), coordinate)) ||
      failed(addSteps(op, binary.getRHS(), coordinate)))
    return failure();
  coordinate.steps.push_back({binary.getKind(), 0});
  return success();
}

FailureOr<Access> Access::get(Operation *op, AffineMap map,
                              ArrayRef<int64_t> symbols, unsigned firstLookup,
                              ArrayRef<int64_t> shape) {
  SmallVector<AffineExpr> constants;
  for (int64_t symbol : symbols)
    constants.push_back(getAffineConstantExpr(symbol, op->getContext()));
  SmallVector<int64_t> strides = getStrides(shape);
  Access access;
  for (auto [k, expr] : llvm::enumerate(map.getResults())) {
    // Substitution folds what is constant now, so a size may divide.
    AffineExpr known = expr.replaceSymbols(constants);
    Coordinate coordinate;
    coordinate.size = shape[k];
    coordinate.stride = strides[k];
    for (unsigned dim = firstLookup; dim < map.getNumDims(); ++dim)
      coordinate.clamped |= expr.isFunctionOfDim(dim);
    if (!addTerms(known, 1, coordinate) &&
        failed(addSteps(op, known, coordinate)))
      return failure();
    access.coordinates.push_back(std::move(coordinate));
  }
  return access;
}

int64_t Access::Coordinate::evaluate(ArrayRef<int64_t> point) const {
  if (steps.empty()) {
    int64_t value = constant;
    for (const Term &term : terms)
      value += term.factor * point[term.dim];
    return value;
  }
  SmallVector<int64_t, 8> stack;
  for (const Step &step : steps) {
    if (step.kind == AffineExprKind::Constant) {
      stack.push_back(step.operand);
      continue;
    }
    if (step.kind == AffineExprKind::DimId) {
      stack.push_back(point[step.operand]);
      continue;
    }
    int64_t rhs = stack.pop_back_val();
    int64_t &lhs = stack.back();
    switch (step.kind) {
    case AffineExprKind::Add:
      lhs += rhs;
      break;
    case AffineExprKind::Mul:
      lhs *= rhs;
      break;
    case AffineExprKind::FloorDiv:
      lhs = llvm::divideFloorSigned(lhs, rhs);
      break;
    case AffineExprKind::CeilDiv:
      lhs = llvm::divideCeilSigned(lhs, rhs);
      break;
    default: // Mod
      lhs -= llvm::divideFloorSigned(lhs, rhs) * rhs;
      break;
    }
  }
  return stack.front();
}

std::optional<int64_t> Access::Coordinate::getFactor(unsigned dim) const {
  if (!steps.empty())
    return llvm::is_contained(usedDims, dim) ? std::nullopt
                                             : std::optional<int64_t>(0);
  for (const Term &term : terms)
    if (term.dim == dim)
      return term.factor;
  return 0;
}

int64_t Access::locate(ArrayRef<int64_t> point) const {
  int64_t offset = 0;
  for (const Coordinate &coordinate : coordinates) {
    int64_t value = coordinate.evaluate(point);
    if (value < 0 || value >= coordinate.size) {
      if (!coordinate.clamped || coordinate.size == 0)
        return -1;
      value = value < 0 ? 0 : coordinate.size - 1;
    }
    offset += value * coordinate.stride;
  }
  return offset;
}

std::optional<Access::Run>
Access::locateRun(ArrayRef<int64_t> point, unsigned dim, int64_t count) const {
  Run run = {0, 0};
  for (const Coordinate &coordinate : coordinates) {
    std::optional<int64_t> factor = coordinate.getFactor(dim);
    if (!factor)
      return std::nullopt;
    int64_t first = coordinate.evaluate(point);
    if (coordinate.clamped && *factor == 0 && coordinate.size > 0)
      first = std::clamp<int64_t>(first, 0, coordinate.size - 1);
    int64_t last = first + *factor * (count - 1);
    if (std::min(first, last) < 0 || std::max(first, last) >= coordinate.size)
      return std::nullopt;
    run.offset += first * coordinate.stride;
    run.stride += *factor * coordinate.stride;
  }
  return run;
}

std::optional<std::pair<int64_t, SmallVector<int64_t>>>
Access::linearize(ArrayRef<int64_t> sizes) const {
  int64_t origin = 0;
  SmallVector<int64_t> strides(sizes.size(), 0);
  for (const Coordinate &coordinate : coordinates) {
    if (!coordinate.steps.empty() || coordinate.clamped)
      return std::nullopt;
    int64_t least = coordinate.constant, most = coordinate.constant;
    for (const Term &term : coordinate.terms) {
      int64_t reach = term.factor * (sizes[term.dim] - 1);
      (reach < 0 ? least : most) += reach;
      strides[term.dim] += term.factor * coordinate.stride;
    }
    if (least < 0 || most >= coordinate.size)
      return std::nullopt;
    origin += coordinate.constant * coordinate.stride;
  }
  return std::pair(origin, strides);
}
