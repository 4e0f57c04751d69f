//===- ScalarCompiler.cpp - turns scalar regions into flat code -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/ScalarProgram.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace fovea::evaluator {

/// Builds a ScalarProgram op by op.
class ScalarCompiler {
public:
  explicit ScalarCompiler(const Frame &frame) : frame(frame) {}

  void addArguments(Block &body, unsigned numIndices);
  LogicalResult compile(Block &body);
  LogicalResult compile(Operation *op);
  LogicalResult addResults(ValueRange values);

  ScalarProgram program;

private:
  using Opcode = ScalarProgram::Opcode;
  using Instruction = ScalarProgram::Instruction;

  unsigned addRegister(Cell value = {.i = 0}) {
    program.registers.push_back(value);
    return program.registers.size() - 1;
  }
  /// The register of a value; one of a captured scalar is filled now.
  FailureOr<unsigned> getRegister(Operation *user, Value value);
  /// A tensor, which is always one from outside: regions compute scalars.
  const Array &getTensor(Value value) {
    return frame.find(value)->second.array;
  }
  Instruction &add(Opcode opcode, Operation *op) {
    program.code.emplace_back();
    program.code.back().opcode = opcode;
    program.code.back().op = op;
    return program.code.back();
  }
  void addMove(Operation *op, unsigned from, unsigned to) {
    Instruction &in = add(Opcode::Move, op);
    in.a = from;
    in.result = to;
  }
  void addJump(Operation *op, unsigned target) {
    add(Opcode::Jump, op).extra = target;
  }
  void define(Value value, unsigned reg) { numbers[value] = reg; }

  LogicalResult compileSimple(Operation *op, Opcode opcode,
                              unsigned predicate = 0);
  LogicalResult compileConstant(arith::ConstantOp op);
  LogicalResult compileIndex(Operation *op, unsigned dim);
  LogicalResult compileExtract(tensor::ExtractOp op);
  LogicalResult compileDim(tensor::DimOp op);
  LogicalResult compileApply(affine::AffineApplyOp op);
  FailureOr<unsigned> compileExpr(affine::AffineApplyOp op, AffineExpr expr);
  LogicalResult compileIf(scf::IfOp op);
  LogicalResult compileFor(scf::ForOp op);
  LogicalResult moveAll(Operation *op, ValueRange from, ArrayRef<unsigned> to);

  const Frame &frame;
  llvm::DenseMap<Value, unsigned> numbers;
};

void ScalarCompiler::addArguments(Block &body, unsigned numIndices) {
  for (BlockArgument argument : body.getArguments())
    define(argument, addRegister());
  program.numArguments = body.getNumArguments();
  program.usedIndices.assign(numIndices, false);
  for (unsigned dim = 0; dim < numIndices; ++dim)
    addRegister();
}

FailureOr<unsigned> ScalarCompiler::getRegister(Operation *user, Value value) {
  if (auto it = numbers.find(value); it != numbers.end())
    return it->second;
  auto it = frame.find(value);
  if (it == frame.end() || it->second.array.isTensor())
    return user->emitError() << "'" << user->getName()
                             << "' computes on tensors, where the evaluator "
                                "expects scalars";
  unsigned reg = addRegister(it->second.cell);
  define(value, reg);
  return reg;
}

LogicalResult ScalarCompiler::compile(Block &body) {
  for (Operation &op : body.without_terminator())
    if (failed(compile(&op)))
      return failure();
  return success();
}

LogicalResult ScalarCompiler::addResults(ValueRange values) {
  for (Value value : values) {
    FailureOr<unsigned> reg = getRegister(
        value.getDefiningOp() ? value.getDefiningOp()
                              : value.getParentBlock()->getParentOp(),
        value);
    if (failed(reg))
      return failure();
    program.results.push_back(*reg);
  }
  return success();
}

LogicalResult ScalarCompiler::compileSimple(Operation *op, Opcode opcode,
                                            unsigned predicate) {
  SmallVector<unsigned, 3> regs(3, 0);
  for (auto [k, operand] : llvm::enumerate(op->getOperands())) {
    FailureOr<unsigned> reg = getRegister(op, operand);
    if (failed(reg))
      return failure();
    regs[k] = *reg;
  }
  unsigned result = addRegister();
  Instruction &in = add(opcode, op);
  in.width = getWidth(op->getResult(0).getType());
  in.from = getWidth(op->getOperand(0).getType());
  in.predicate = predicate;
  in.a = regs[0];
  in.b = regs[1];
  in.c = regs[2];
  in.result = result;
  define(op->getResult(0), result);
  return success();
}

LogicalResult ScalarCompiler::compileConstant(arith::ConstantOp op) {
  Cell cell;
  if (auto value = dyn_cast<FloatAttr>(op.getValue()))
    cell.f = value.getValueAsDouble();
  else if (auto value = dyn_cast<IntegerAttr>(op.getValue()))
    cell.i = value.getValue().getSExtValue();
  else
    return op.emitError("is not a scalar constant");
  define(op, addRegister(cell));
  return success();
}

LogicalResult ScalarCompiler::compileIndex(Operation *op, unsigned dim) {
  if (dim >= program.usedIndices.size())
    return op->emitError() << "names dimension " << dim << ", but there are "
                           << program.usedIndices.size();
  program.usedIndices[dim] = true;
  define(op->getResult(0), program.numArguments + dim);
  return success();
}

LogicalResult ScalarCompiler::compileExtract(tensor::ExtractOp op) {
  const Array &tensor = getTensor(op.getTensor());
  SmallVector<unsigned> coordinates;
  for (Value index : op.getIndices()) {
    FailureOr<unsigned> reg = getRegister(op, index);
    if (failed(reg))
      return failure();
    coordinates.push_back(*reg);
  }
  unsigned result = addRegister();
  Instruction &in = add(Opcode::Extract, op);
  in.a = program.operands.size();
  in.extra = program.tensors.size();
  in.result = result;
  llvm::append_range(program.operands, coordinates);
  program.tensors.push_back({tensor, getStrides(tensor.getShape())});
  define(op, result);
  return success();
}

LogicalResult ScalarCompiler::compileDim(tensor::DimOp op) {
  const Array &tensor = getTensor(op.getSource());
  std::optional<int64_t> dim = getConstantIntValue(op.getIndex());
  if (!dim)
    if (auto it = frame.find(op.getIndex()); it != frame.end())
      dim = it->second.cell.i;
  int64_t rank = tensor.getShape().size();
  if (!dim || *dim < 0 || *dim >= rank)
    return op.emitError() << "expects a known dimension of a tensor of rank "
                          << rank;
  define(op, addRegister({.i = tensor.getShape()[*dim]}));
  return success();
}

FailureOr<unsigned> ScalarCompiler::compileExpr(affine::AffineApplyOp op,
                                                AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return addRegister({.i = constant.getValue()});
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return getRegister(op, op.getOperand(dim.getPosition()));
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return getRegister(op, op.getOperand(op.getAffineMap().getNumDims() +
                                         symbol.getPosition()));
  auto binary = cast<AffineBinaryOpExpr>(expr);
  FailureOr<unsigned> lhs = compileExpr(op, binary.getLHS());
  FailureOr<unsigned> rhs = compileExpr(op, binary.getRHS());
  if (failed(lhs) || failed(rhs))
    return failure();
  auto apply = [&](Opcode opcode, unsigned a, unsigned b) {
    unsigned result = addRegister();
    Instruction &in = add(opcode, op);
    in.a = a;
    in.b = b;
    in.result = result;
    return result;
  };
  switch (binary.getKind()) {
  case AffineExprKind::Add:
    return apply(Opcode::AddI, *lhs, *rhs);
  case AffineExprKind::Mul:
    return apply(Opcode::MulI, *lhs, *rhs);
  case AffineExprKind::FloorDiv:
    return apply(Opcode::FloorDivSI, *lhs, *rhs);
  case AffineExprKind::CeilDiv:
    return apply(Opcode::CeilDivSI, *lhs, *rhs);
  default: { // Mod: a - (a floordiv b) * b
    unsigned quotient = apply(Opcode::FloorDivSI, *lhs, *rhs);
    return apply(Opcode::SubI, *lhs, apply(Opcode::MulI, quotient, *rhs));
  }
  }
}

LogicalResult ScalarCompiler::compileApply(affine::AffineApplyOp op) {
  FailureOr<unsigned> reg = compileExpr(op, op.getAffineMap().getResult(0));
  if (failed(reg))
    return failure();
  define(op, *reg);
  return success();
}

/// Moves values into registers as if at once: a value may be one of them.
LogicalResult ScalarCompiler::moveAll(Operation *op, ValueRange from,
                                      ArrayRef<unsigned> to) {
  SmallVector<unsigned> copies;
  for (Value value : from) {
    FailureOr<unsigned> reg = getRegister(op, value);
    if (failed(reg))
      return failure();
    copies.push_back(addRegister());
    addMove(op, *reg, copies.back());
  }
  for (auto [copy, reg] : llvm::zip(copies, to))
    addMove(op, copy, reg);
  return success();
}

LogicalResult ScalarCompiler::compileIf(scf::IfOp op) {
  FailureOr<unsigned> condition = getRegister(op, op.getCondition());
  if (failed(condition))
    return failure();
  SmallVector<unsigned> results;
  for (Value result : op.getResults()) {
    results.push_back(addRegister());
    define(result, results.back());
  }
  size_t test = program.code.size();
  add(Opcode::JumpUnless, op).a = *condition;
  if (failed(compile(*op.thenBlock())) ||
      failed(moveAll(op, op.thenYield().getOperands(), results)))
    return failure();
  size_t skip = program.code.size();
  addJump(op, 0);
  program.code[test].extra = program.code.size();
  if (op.elseBlock() &&
      (failed(compile(*op.elseBlock())) ||
       failed(moveAll(op, op.elseYield().getOperands(), results))))
    return failure();
  program.code[skip].extra = program.code.size();
  return success();
}

LogicalResult ScalarCompiler::compileFor(scf::ForOp op) {
  std::optional<int64_t> constantStep = getConstantIntValue(op.getStep());
  if (!constantStep || *constantStep <= 0)
    return op.emitError("expects a positive constant step");
  FailureOr<unsigned> lower = getRegister(op, op.getLowerBound());
  FailureOr<unsigned> upper = getRegister(op, op.getUpperBound());
  FailureOr<unsigned> step = getRegister(op, op.getStep());
  if (failed(lower) || failed(upper) || failed(step))
    return failure();
  SmallVector<unsigned> carried;
  for (auto [argument, result] :
       llvm::zip(op.getRegionIterArgs(), op.getResults())) {
    carried.push_back(addRegister());
    define(argument, carried.back());
    define(result, carried.back());
  }
  unsigned variable = addRegister();
  define(op.getInductionVar(), variable);
  addMove(op, *lower, variable);
  if (failed(moveAll(op, op.getInitArgs(), carried)))
    return failure();

  size_t head = program.code.size();
  unsigned goesOn = addRegister();
  Instruction &test = add(Opcode::CmpI, op);
  test.predicate = static_cast<unsigned>(arith::CmpIPredicate::slt);
  test.a = variable;
  test.b = *upper;
  test.result = goesOn;
  size_t leave = program.code.size();
  add(Opcode::JumpUnless, op).a = goesOn;
  if (failed(compile(*op.getBody())) ||
      failed(moveAll(op, op.getYieldedValues(), carried)))
    return failure();
  Instruction &increment = add(Opcode::AddI, op);
  increment.a = variable;
  increment.b = *step;
  increment.result = variable;
  addJump(op, head);
  program.code[leave].extra = program.code.size();
  return success();
}

LogicalResult ScalarCompiler::compile(Operation *op) {
  if (auto cmp = dyn_cast<arith::CmpFOp>(op))
    return compileSimple(op, Opcode::CmpF,
                         static_cast<unsigned>(cmp.getPredicate()));
  if (auto cmp = dyn_cast<arith::CmpIOp>(op))
    return compileSimple(op, Opcode::CmpI,
                         static_cast<unsigned>(cmp.getPredicate()));
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return compileConstant(constant);
  if (auto index = dyn_cast<attn::IndexOp>(op))
    return compileIndex(op, index.getDim());
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return compileIndex(op, index.getDim());
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return compileExtract(extract);
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return compileDim(dim);
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return compileApply(apply);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return compileIf(branch);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return compileFor(loop);

  auto opcode =
      llvm::StringSwitch<std::optional<Opcode>>(op->getName().getStringRef())
#define FLOAT(op, name, value) .Case(op, Opcode::name)
#define INTEGER(op, name, value) .Case(op, Opcode::name)
#include "tools/evaluator/ScalarOps.def"
          .Case("arith.select", Opcode::Select)
          .Case("arith.divsi", Opcode::DivSI)
          .Case("arith.divui", Opcode::DivUI)
          .Case("arith.remsi", Opcode::RemSI)
          .Case("arith.remui", Opcode::RemUI)
          .Case("arith.floordivsi", Opcode::FloorDivSI)
          .Case("arith.ceildivsi", Opcode::CeilDivSI)
          .Case("arith.ceildivui", Opcode::CeilDivUI)
          .Default(std::nullopt);
  if (!opcode)
    return op->emitError() << "'" << op->getName()
                           << "' is not an op of the graph form that the "
                              "evaluator knows";
  return compileSimple(op, *opcode);
}

FailureOr<ScalarProgram>
ScalarProgram::compile(Block &body, unsigned numIndices, const Frame &frame) {
  ScalarCompiler compiler(frame);
  compiler.addArguments(body, numIndices);
  if (failed(compiler.compile(body)) ||
      failed(compiler.addResults(body.getTerminator()->getOperands())))
    return failure();
  compiler.program.addLanes();
  return std::move(compiler.program);
}

FailureOr<ScalarProgram> ScalarProgram::compile(Operation *op,
                                                const Frame &frame) {
  ScalarCompiler compiler(frame);
  if (failed(compiler.compile(op)) ||
      failed(compiler.addResults(op->getResults())))
    return failure();
  compiler.program.addLanes();
  return std::move(compiler.program);
}

} // namespace fovea::evaluator
