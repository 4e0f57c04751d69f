//===- Linalg.cpp - structured ops, as plain loops ------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Access.h"
#include "tools/evaluator/Interpreter.h"
#include "tools/evaluator/ScalarProgram.h"

using namespace mlir;
using namespace fovea::evaluator;

namespace {
/// A tensor operand of a structured op.
struct Operand {
  unsigned number;
  Array array;
  Access access;
  bool isInit, isRead;
  Access::Run run = {0, 0};
};

/// The loops of one structured op.
class LoopNest {
public:
  LoopNest(linalg::LinalgOp op, ScalarProgram program)
      : op(op), program(std::move(program)) {}

  LogicalResult prepare(const Frame &frame);
  LogicalResult run();
  void setResults(Frame &frame);

private:
  LogicalResult resolveSizes(const Frame &frame);
  LogicalResult runInnermost();
  LogicalResult runPoint();

  linalg::LinalgOp op;
  ScalarProgram program;
  std::vector<Operand> operands;
  SmallVector<int64_t> sizes, point;
};
} // namespace

/// The trip counts, which the shapes of the operands must agree on.
LogicalResult LoopNest::resolveSizes(const Frame &frame) {
  AffineMap toLoops = op.getShapesToLoopsMap();
  SmallVector<int64_t> shapes;
  for (Value operand : op->getOperands())
    llvm::append_range(shapes, frame.at(operand).array.getShape());
  for (AffineExpr expr : toLoops.getResults())
    sizes.push_back(shapes[cast<AffineDimExpr>(expr).getPosition()]);
  for (OpOperand &operand : op->getOpOperands()) {
    ArrayRef<int64_t> shape = frame.at(operand.get()).array.getShape();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (auto loop = dyn_cast<AffineDimExpr>(expr))
        if (sizes[loop.getPosition()] != shape[dim])
          return op.emitError()
                 << "has " << sizes[loop.getPosition()]
                 << " iterations of loop " << loop.getPosition()
                 << ", but operand " << operand.getOperandNumber()
                 << " has size " << shape[dim] << " in dimension " << dim;
  }
  return success();
}

LogicalResult LoopNest::prepare(const Frame &frame) {
  if (failed(resolveSizes(frame)))
    return failure();
  for (OpOperand &operand : op->getOpOperands()) {
    const RuntimeValue &value = frame.at(operand.get());
    unsigned number = operand.getOperandNumber();
    if (!value.array.isTensor()) {
      program.setArgument(number, value.cell);
      continue;
    }
    AffineMap map = op.getMatchingIndexingMap(&operand);
    FailureOr<Access> access =
        Access::get(op, map, {}, map.getNumDims(), value.array.getShape());
    if (failed(access))
      return failure();
    bool isInit = op.isDpsInit(&operand);
    operands.push_back({number, isInit ? value.array.clone() : value.array,
                        std::move(*access), isInit,
                        op.payloadUsesValueFromOperand(&operand)});
  }
  return success();
}

LogicalResult LoopNest::runPoint() {
  for (Operand &operand : operands) {
    operand.run = {operand.access.locate(point), 0};
    if (operand.run.offset < 0)
      return op.emitError()
             << "reads operand " << operand.number << " out of range";
    if (operand.isRead)
      program.setArgument(operand.number,
                          operand.array.load(operand.run.offset));
  }
  if (failed(program.run()))
    return failure();
  unsigned result = 0;
  for (Operand &operand : operands)
    if (operand.isInit)
      operand.array.store(operand.run.offset, program.getResult(result++));
  return success();
}

/// All iterations of the last loop.
LogicalResult LoopNest::runInnermost() {
  unsigned dim = sizes.size() - 1;
  point[dim] = 0;
  bool isEven = true;
  for (Operand &operand : operands) {
    std::optional<Access::Run> run =
        operand.access.locateRun(point, dim, sizes[dim]);
    if (!run) {
      isEven = false;
      break;
    }
    operand.run = *run;
  }
  for (int64_t k = 0; k < sizes[dim]; ++k) {
    point[dim] = k;
    if (program.usesIndex(dim))
      program.setIndex(dim, k);
    if (!isEven) {
      if (failed(runPoint()))
        return failure();
      continue;
    }
    for (Operand &operand : operands)
      if (operand.isRead)
        program.setArgument(operand.number,
                            operand.array.load(operand.run.offset));
    if (failed(program.run()))
      return failure();
    unsigned result = 0;
    for (Operand &operand : operands) {
      if (operand.isInit)
        operand.array.store(operand.run.offset, program.getResult(result++));
      operand.run.offset += operand.run.stride;
    }
  }
  point[dim] = 0;
  return success();
}

LogicalResult LoopNest::run() {
  if (llvm::is_contained(sizes, 0))
    return success();
  point.assign(sizes.size(), 0);
  if (sizes.empty())
    return runPoint();
  ArrayRef<int64_t> outer = ArrayRef(sizes).drop_back();
  do {
    for (unsigned dim = 0; dim < outer.size(); ++dim)
      if (program.usesIndex(dim))
        program.setIndex(dim, point[dim]);
    if (failed(runInnermost()))
      return failure();
  } while (advance(MutableArrayRef(point).drop_back(), outer));
  return success();
}

void LoopNest::setResults(Frame &frame) {
  unsigned result = 0;
  for (Operand &operand : operands)
    if (operand.isInit)
      frame[op->getResult(result++)] = {.cell = {.i = 0},
                                        .array = operand.array};
}

LogicalResult fovea::evaluator::evaluateLinalg(linalg::LinalgOp op,
                                               Frame &frame) {
  if (!op.hasPureTensorSemantics())
    return op.emitError("expects tensors, not buffers");
  FailureOr<ScalarProgram> program =
      ScalarProgram::compile(*op.getBlock(), op.getNumLoops(), frame);
  if (failed(program))
    return failure();
  LoopNest nest(op, std::move(*program));
  if (failed(nest.prepare(frame)) || failed(nest.run()))
    return failure();
  nest.setResults(frame);
  return success();
}
