//===- Interpreter.cpp - runs functions in graph form ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Interpreter.h"

#include "tools/evaluator/ScalarProgram.h"

using namespace mlir;
using namespace fovea::evaluator;

static SmallVector<RuntimeValue> getAll(const Frame &frame, ValueRange values) {
  SmallVector<RuntimeValue> result;
  for (Value value : values)
    result.push_back(frame.at(value));
  return result;
}

static void setAll(Frame &frame, ValueRange values,
                   ArrayRef<RuntimeValue> contents) {
  for (auto [value, content] : llvm::zip_equal(values, contents))
    frame[value] = content;
}

FailureOr<SmallVector<RuntimeValue>>
Interpreter::call(func::FuncOp function, ArrayRef<RuntimeValue> arguments) {
  constexpr unsigned deepest = 64;
  if (function.isExternal())
    return function.emitError("has no body to evaluate");
  if (!function.getBody().hasOneBlock())
    return function.emitError("expects a body of one block");
  if (depth == deepest)
    return function.emitError()
           << "is called more than " << deepest << " calls deep";
  ++depth;
  Block &body = function.getBody().front();
  Frame frame;
  setAll(frame, body.getArguments(), arguments);
  LogicalResult ran = run(body, frame);
  --depth;
  if (failed(ran))
    return failure();
  return getAll(frame, body.getTerminator()->getOperands());
}

LogicalResult Interpreter::run(Block &block, Frame &frame) {
  for (Operation &op : block.without_terminator())
    if (failed(run(&op, frame)))
      return failure();
  return success();
}

LogicalResult Interpreter::runReport(attn::ReportOp op, Frame &frame) {
  if (frame.at(op.getCondition()).cell.i != 0)
    op.emitWarning() << op.getMessage();
  return success();
}

LogicalResult Interpreter::run(Operation *op, Frame &frame) {
  if (auto attention = dyn_cast<attn::AttentionOpInterface>(op))
    return evaluateAttention(attention, frame);
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return evaluateLinalg(structured, frame);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return runFor(loop, frame);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return runIf(branch, frame);
  if (auto callee = dyn_cast<func::CallOp>(op))
    return runCall(callee, frame);
  if (auto param = dyn_cast<attn::ParamRefOp>(op))
    return runParamRef(param, frame);
  if (auto require = dyn_cast<attn::RequireOp>(op))
    return runRequire(require, frame);
  if (auto report = dyn_cast<attn::ReportOp>(op))
    return runReport(report, frame);
  if (std::optional<LogicalResult> result = evaluateTensorOp(op, frame))
    return *result;

  FailureOr<ScalarProgram> program = ScalarProgram::compile(op, frame);
  if (failed(program) || failed(program->run()))
    return failure();
  for (auto [k, result] : llvm::enumerate(op->getResults()))
    frame[result] = {.cell = program->getResult(k), .array = {}};
  return success();
}

LogicalResult Interpreter::runCall(func::CallOp op, Frame &frame) {
  auto callee = symbols.lookup<func::FuncOp>(op.getCallee());
  FailureOr<SmallVector<RuntimeValue>> results =
      call(callee, getAll(frame, op.getOperands()));
  if (failed(results))
    return failure();
  setAll(frame, op.getResults(), *results);
  return success();
}

LogicalResult Interpreter::runFor(scf::ForOp op, Frame &frame) {
  int64_t lower = frame.at(op.getLowerBound()).cell.i;
  int64_t upper = frame.at(op.getUpperBound()).cell.i;
  int64_t step = frame.at(op.getStep()).cell.i;
  if (step <= 0)
    return op.emitError() << "expects a positive step, but got " << step;
  SmallVector<RuntimeValue> carried = getAll(frame, op.getInitArgs());
  for (int64_t value = lower; value < upper; value += step) {
    frame[op.getInductionVar()] = {.cell = {.i = value}, .array = {}};
    setAll(frame, op.getRegionIterArgs(), carried);
    if (failed(run(*op.getBody(), frame)))
      return failure();
    carried = getAll(frame, op.getYieldedValues());
  }
  setAll(frame, op.getResults(), carried);
  return success();
}

LogicalResult Interpreter::runIf(scf::IfOp op, Frame &frame) {
  bool condition = frame.at(op.getCondition()).cell.i != 0;
  Block *block = condition ? op.thenBlock() : op.elseBlock();
  if (!block)
    return success();
  if (failed(run(*block, frame)))
    return failure();
  setAll(frame, op.getResults(),
         getAll(frame, block->getTerminator()->getOperands()));
  return success();
}

LogicalResult Interpreter::runParamRef(attn::ParamRefOp op, Frame &frame) {
  auto param = symbols.lookup<attn::ParamOp>(op.getParam());
  int64_t member = op.getMember() ? frame.at(op.getMember()).cell.i : 0;
  int64_t family = param.getFamily();
  if (member < 0 || member >= family)
    return op.emitError() << "reads member " << member << " of '"
                          << op.getParam() << "', a family of " << family;
  if (param.getPanel())
    return op.emitError() << "reads '" << op.getParam()
                          << "', which is packed, so this is no longer the "
                             "form that the evaluator reads";
  if (!params)
    return op.emitError() << "reads the weight '" << op.getParam()
                          << "', but no weights were given";

  std::string source = param.getSource().str();
  if (size_t hole = source.find("{}"); hole != std::string::npos)
    source.replace(hole, 2, std::to_string(member));
  std::string key = (op.getParam() + "/" + Twine(member)).str();
  auto [it, isNew] = loadedParams.try_emplace(key);
  if (isNew) {
    auto type = cast<RankedTensorType>(param.getType());
    FailureOr<Tensor> tensor = params(source, type);
    if (failed(tensor))
      return op.emitError() << "could not load the weight '" << source << "'";
    FailureOr<RuntimeValue> value = toRuntimeValue(
        op, "weight '" + Twine(source) + "'", type, std::move(*tensor));
    if (failed(value))
      return failure();
    it->second = value->array;
  }
  frame[op.getResult()] = {.cell = {.i = 0}, .array = it->second};
  return success();
}

LogicalResult Interpreter::runRequire(attn::RequireOp op, Frame &frame) {
  if (frame.at(op.getCondition()).cell.i != 0)
    return success();
  return op.emitError() << op.getMessage();
}
