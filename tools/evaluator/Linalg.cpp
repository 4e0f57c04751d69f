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
  /// Where it is read, if that is the same form throughout.
  int64_t origin = 0;
  SmallVector<int64_t> strides = {};
  /// Where the current point reads it.
  int64_t offset = 0;
};

/// The loops of one structured op. Several points along one parallel loop run
/// at once; since no two of them meet in an element of a result, and the other
/// loops keep their order, every sum is taken in order.
class LoopNest {
public:
  LoopNest(linalg::LinalgOp op, ScalarProgram program)
      : op(op), program(std::move(program)) {}

  LogicalResult prepare(const Frame &frame);
  LogicalResult run();
  void setResults(Frame &frame);

private:
  LogicalResult resolveSizes(const Frame &frame);
  void chooseLanes();
  LogicalResult locate();
  LogicalResult runPoints(unsigned count);

  linalg::LinalgOp op;
  ScalarProgram program;
  std::vector<Operand> operands;
  SmallVector<int64_t> sizes, point;
  /// Whether every operand has an origin and strides.
  bool isLinear = true;
  /// The loop that lanes go along, and how many at once.
  unsigned laneDim = 0, numLanes = 1;
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

/// The last parallel loop, when operands are read in even steps along it.
void LoopNest::chooseLanes() {
  for (Operand &operand : operands) {
    auto linear = operand.access.linearize(sizes);
    isLinear &= linear.has_value();
    if (linear)
      std::tie(operand.origin, operand.strides) = std::move(*linear);
  }
  auto kinds = op.getIteratorTypesArray();
  for (unsigned dim = 0; isLinear && dim < kinds.size(); ++dim) {
    bool meets = llvm::any_of(operands, [&](const Operand &operand) {
      return operand.isInit && operand.strides[dim] == 0;
    });
    if (kinds[dim] == utils::IteratorType::parallel && !meets) {
      laneDim = dim;
      numLanes = program.getNumLanes();
    }
  }
}

/// Where the operands are at `point`.
LogicalResult LoopNest::locate() {
  for (Operand &operand : operands) {
    if (isLinear) {
      operand.offset = operand.origin;
      for (auto [at, stride] : llvm::zip(point, operand.strides))
        operand.offset += at * stride;
      continue;
    }
    operand.offset = operand.access.locate(point);
    if (operand.offset < 0)
      return op.emitError()
             << "reads operand " << operand.number << " out of range";
  }
  return success();
}

/// Runs `count` points from `point` on.
LogicalResult LoopNest::runPoints(unsigned count) {
  if (failed(locate()))
    return failure();
  for (unsigned dim = 0; dim < point.size(); ++dim)
    if (program.usesIndex(dim))
      program.setIndex(dim, point[dim], dim == laneDim);
  for (Operand &operand : operands)
    if (operand.isRead)
      program.loadArgument(operand.number, operand.array, operand.offset,
                           isLinear && count > 1 ? operand.strides[laneDim] : 0,
                           count);
  if (failed(program.run(count)))
    return failure();
  unsigned result = 0;
  for (Operand &operand : operands) {
    if (!operand.isInit)
      continue;
    const Cell *cells = program.getResults(result++);
    for (unsigned k = 0; k < count; ++k)
      operand.array.store(
          operand.offset + (k ? k * operand.strides[laneDim] : 0), cells[k]);
  }
  return success();
}

LogicalResult LoopNest::run() {
  if (llvm::is_contained(sizes, 0))
    return success();
  chooseLanes();
  point.assign(sizes.size(), 0);
  if (sizes.empty())
    return runPoints(1);
  // The loops but the one of the lanes, which goes in strips around them.
  SmallVector<int64_t> steps = sizes, place(sizes.size(), 0);
  steps[laneDim] = 1;
  for (int64_t begin = 0; begin < sizes[laneDim]; begin += numLanes) {
    unsigned count = std::min<int64_t>(numLanes, sizes[laneDim] - begin);
    do {
      point = place;
      point[laneDim] = begin;
      if (failed(runPoints(count)))
        return failure();
    } while (advance(place, steps));
  }
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
