//===- MaskModel.cpp - A mask, its segments, and its truth ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskModel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace mlir;

namespace fovea::attn::test {

static const char *const prologue = R"(
func.func @mask(%i: index, %j: index, %a: index, %b: index, %u: index) -> i1 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c64 = arith.constant 64 : index
  %true = arith.constant true
)";

static func::FuncOp getFunc(ModuleOp module) {
  return *module.getOps<func::FuncOp>().begin();
}

MaskModel::MaskModel(llvm::StringRef body)
    : context(MLIRContext::Threading::DISABLED) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect>();
  module = parseSourceString<ModuleOp>(
      prologue + body.str() + "\n  func.return %keep : i1\n}\n", &context);
  if (!module)
    return;
  auto start = std::chrono::steady_clock::now();
  Block &block = getFunc(*module).getBody().front();
  // Symbols: begin and length of the tile, numQueries, numKeys, then %a, %b.
  llvm::SmallBitVector nonNegative(8, true);
  nonNegative.reset(6, 8);
  sets =
      translateMask(block, block.getTerminator()->getOperand(0), /*numDims=*/2,
                    nonNegative, [&](Value value) -> std::optional<MaskLeaf> {
                      auto argument = dyn_cast<BlockArgument>(value);
                      if (!argument || argument.getArgNumber() == 4)
                        return std::nullopt;
                      unsigned number = argument.getArgNumber();
                      return number < 2
                                 ? MaskLeaf{MaskLeaf::Kind::Dim, number}
                                 : MaskLeaf{MaskLeaf::Kind::Symbol, number + 2};
                    });
  auto symbol = [&](unsigned s) { return getAffineSymbolExpr(s, &context); };
  TileDomain domain;
  domain.dims = {{symbol(0), symbol(0) + symbol(1)},
                 {getAffineConstantExpr(0, &context), symbol(3)}};
  domain.key = 1;
  domain.facts = {symbol(0), symbol(2) - symbol(0) - symbol(1)};
  segments = computeKeySegments(&context, sets, domain);
  milliseconds = std::chrono::duration<double, std::milli>(
                     std::chrono::steady_clock::now() - start)
                     .count();
}

//===----------------------------------------------------------------------===//
// The truth
//===----------------------------------------------------------------------===//

static int64_t evaluate(Operation &op, llvm::ArrayRef<int64_t> in) {
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return arith::applyCmpPredicate(cmp.getPredicate(), APInt(64, in[0], true),
                                    APInt(64, in[1], true));
  llvm::StringRef name = op.getName().stripDialect();
  int64_t a = in[0], b = in[1];
  if (name == "addi")
    return a + b;
  if (name == "subi")
    return a - b;
  if (name == "muli")
    return a * b;
  if (name == "floordivsi")
    return llvm::divideFloorSigned(a, b);
  if (name == "ceildivsi")
    return llvm::divideCeilSigned(a, b);
  if (name == "divsi")
    return a / b;
  if (name == "remsi")
    return a % b;
  if (name == "minsi")
    return std::min(a, b);
  if (name == "maxsi")
    return std::max(a, b);
  if (name == "andi")
    return a & b;
  if (name == "ori")
    return a | b;
  if (name == "xori")
    return a ^ b;
  if (name == "select")
    return a ? b : in[2];
  llvm::report_fatal_error("the model lacks an op: " + name);
}

bool MaskModel::isKept(int64_t i, int64_t j, const MaskSizes &sizes) const {
  Block &block = getFunc(*module).getBody().front();
  llvm::DenseMap<Value, int64_t> values;
  int64_t hash = (i * 7 + j * 13 + i * j * 5) % 11;
  const int64_t arguments[] = {i, j, sizes.scalars[0], sizes.scalars[1], hash};
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
    values[argument] = value;
  for (Operation &op : block.without_terminator()) {
    APInt constant;
    llvm::SmallVector<int64_t> operands;
    for (Value operand : op.getOperands())
      operands.push_back(values.lookup(operand));
    if (matchPattern(&op, m_ConstantInt(&constant)))
      values[op.getResult(0)] = op.getResult(0).getType().isInteger(1)
                                    ? constant.getZExtValue()
                                    : constant.getSExtValue();
    else
      values[op.getResult(0)] = evaluate(op, operands);
  }
  return values.lookup(block.getTerminator()->getOperand(0)) != 0;
}

std::vector<bool> MaskModel::getKept(const MaskSizes &sizes) const {
  std::vector<bool> kept;
  for (int64_t i = 0; i != sizes.numQueries; ++i)
    for (int64_t j = 0; j != sizes.numKeys; ++j)
      kept.push_back(isKept(i, j, sizes));
  return kept;
}

std::vector<KeyClass> MaskModel::getTruth(int64_t begin, int64_t end,
                                          const MaskSizes &sizes,
                                          const std::vector<bool> &kept) {
  std::vector<KeyClass> classes;
  for (int64_t j = 0; j != sizes.numKeys; ++j) {
    int64_t count = 0;
    for (int64_t i = begin; i != end; ++i)
      count += kept[i * sizes.numKeys + j];
    classes.push_back(count == 0             ? KeyClass::None
                      : count == end - begin ? KeyClass::Full
                                             : KeyClass::Partial);
  }
  return classes;
}

//===----------------------------------------------------------------------===//
// The segments
//===----------------------------------------------------------------------===//

static int64_t evaluate(AffineExpr expr, llvm::ArrayRef<int64_t> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  int64_t a = evaluate(binary.getLHS(), symbols);
  int64_t b = evaluate(binary.getRHS(), symbols);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return a + b;
  case AffineExprKind::Mul:
    return a * b;
  case AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(a, b);
  case AffineExprKind::CeilDiv:
    return llvm::divideCeilSigned(a, b);
  case AffineExprKind::Mod:
    return llvm::mod(a, b);
  default:
    llvm::report_fatal_error("not a binary expression");
  }
}

static void mark(std::vector<bool> &keys, llvm::ArrayRef<KeyInterval> intervals,
                 llvm::ArrayRef<int64_t> symbols) {
  for (const KeyInterval &interval : intervals) {
    int64_t lower = 0, upper = keys.size();
    for (AffineExpr expr : interval.lower.getResults())
      lower = std::max(lower, evaluate(expr, symbols));
    for (AffineExpr expr : interval.upper.getResults())
      upper = std::min(upper, evaluate(expr, symbols));
    for (int64_t j = lower; j < upper; ++j)
      keys[j] = true;
  }
}

std::vector<KeyClass> MaskModel::getClasses(int64_t begin, int64_t end,
                                            const MaskSizes &sizes) const {
  int64_t symbols[] = {begin,         end - begin,      sizes.numQueries,
                       sizes.numKeys, sizes.scalars[0], sizes.scalars[1]};
  std::vector<bool> visit(sizes.numKeys), masked(sizes.numKeys);
  mark(visit, segments.visit, symbols);
  mark(masked, segments.masked, symbols);
  std::vector<KeyClass> classes;
  for (int64_t j = 0; j != sizes.numKeys; ++j)
    classes.push_back(!visit[j]   ? KeyClass::None
                      : masked[j] ? KeyClass::Partial
                                  : KeyClass::Full);
  return classes;
}

std::string MaskModel::printSegments() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (const KeyInterval &interval : segments.visit)
    os << "visit  " << interval.lower << " .. " << interval.upper << "\n";
  for (const KeyInterval &interval : segments.masked)
    os << "masked " << interval.lower << " .. " << interval.upper << "\n";
  return text;
}

} // namespace fovea::attn::test
