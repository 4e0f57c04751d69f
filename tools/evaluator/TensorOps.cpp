//===- TensorOps.cpp - tensor ops outside of regions ----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace fovea::evaluator;

static void set(Frame &frame, Value value, Array array) {
  frame[value] = {.cell = {.i = 0}, .array = std::move(array)};
}

static SmallVector<int64_t> getIndices(const Frame &frame,
                                       ArrayRef<OpFoldResult> values) {
  return llvm::map_to_vector(
      values, [&](OpFoldResult value) { return getIndex(frame, value); });
}

/// What nothing was written to: a value that shows in any result.
static Cell getUnwritten(bool isFloat) {
  if (isFloat)
    return {.f = std::numeric_limits<double>::quiet_NaN()};
  return {.i = 0x5a5a5a5a};
}

static LogicalResult evaluateOp(tensor::EmptyOp op, Frame &frame) {
  FailureOr<SmallVector<int64_t>> shape =
      resolveShape(op, op.getType().getShape(),
                   getIndices(frame, getAsOpFoldResult(op.getDynamicSizes())));
  if (failed(shape))
    return failure();
  bool isFloat = hasFloats(op.getType());
  set(frame, op, Array::splat(*shape, isFloat, getUnwritten(isFloat)));
  return success();
}

static LogicalResult evaluateOp(tensor::SplatOp op, Frame &frame) {
  FailureOr<SmallVector<int64_t>> shape =
      resolveShape(op, op.getType().getShape(),
                   getIndices(frame, getAsOpFoldResult(op.getDynamicSizes())));
  if (failed(shape))
    return failure();
  set(frame, op,
      Array::splat(*shape, hasFloats(op.getType()),
                   frame.at(op.getInput()).cell));
  return success();
}

static LogicalResult evaluateOp(tensor::DimOp op, Frame &frame) {
  ArrayRef<int64_t> shape = frame.at(op.getSource()).array.getShape();
  int64_t dim = frame.at(op.getIndex()).cell.i;
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return op.emitError() << "names dimension " << dim
                          << " of a tensor of rank " << shape.size();
  frame[op] = {.cell = {.i = shape[dim]}, .array = {}};
  return success();
}

/// The same elements in another shape, which must have as many.
static LogicalResult reshape(Operation *op, const Array &source,
                             ArrayRef<int64_t> shape, Frame &frame) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  if (count != source.getNumElements())
    return op->emitError() << "reshapes " << source.getNumElements()
                           << " elements into a tensor of " << count;
  set(frame, op->getResult(0), source.reshaped(shape));
  return success();
}

static LogicalResult evaluateOp(tensor::ExpandShapeOp op, Frame &frame) {
  FailureOr<SmallVector<int64_t>> shape =
      resolveShape(op, op.getStaticOutputShape(),
                   getIndices(frame, getAsOpFoldResult(op.getOutputShape())));
  if (failed(shape))
    return failure();
  return reshape(op, frame.at(op.getSrc()).array, *shape, frame);
}

static LogicalResult evaluateOp(tensor::CollapseShapeOp op, Frame &frame) {
  const Array source = frame.at(op.getSrc()).array;
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    int64_t size = 1;
    for (int64_t dim : group)
      size *= source.getShape()[dim];
    shape.push_back(size);
  }
  return reshape(op, source, shape, frame);
}

static LogicalResult evaluateOp(tensor::CastOp op, Frame &frame) {
  Array source = frame.at(op.getSource()).array;
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type)
    return op.emitError() << "expects a ranked tensor, but got "
                          << op.getType();
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size) && size != source.getShape()[dim])
      return op.emitError()
             << "casts dimension " << dim << " of size "
             << source.getShape()[dim] << " to the static size " << size;
  set(frame, op, source);
  return success();
}

namespace {
/// A strided box of a tensor.
struct Slice {
  SmallVector<int64_t> offsets, sizes, steps;

  /// Fails at `op` unless the box lies within `shape`.
  LogicalResult verify(Operation *op, ArrayRef<int64_t> shape) const {
    for (size_t dim = 0; dim < shape.size(); ++dim) {
      int64_t first = offsets[dim];
      int64_t last = first + (sizes[dim] - 1) * steps[dim];
      if (sizes[dim] < 0 ||
          (sizes[dim] > 0 &&
           (std::min(first, last) < 0 || std::max(first, last) >= shape[dim])))
        return op->emitError()
               << "takes " << sizes[dim] << " elements from offset " << first
               << " of dimension " << dim << " of size " << shape[dim];
    }
    return success();
  }
  /// Calls `visit` with the offset of each element within a tensor, in order.
  template <typename Visit>
  void forEach(ArrayRef<int64_t> shape, Visit visit) const {
    if (llvm::is_contained(sizes, 0))
      return;
    SmallVector<int64_t> strides = getStrides(shape), point(sizes.size(), 0);
    do {
      int64_t offset = 0;
      for (size_t dim = 0; dim < point.size(); ++dim)
        offset += (offsets[dim] + point[dim] * steps[dim]) * strides[dim];
      visit(offset);
    } while (advance(point, sizes));
  }
};
} // namespace

template <typename Op>
static Slice getSlice(Op op, const Frame &frame) {
  return {getIndices(frame, op.getMixedOffsets()),
          getIndices(frame, op.getMixedSizes()),
          getIndices(frame, op.getMixedStrides())};
}

static LogicalResult evaluateOp(tensor::ExtractSliceOp op, Frame &frame) {
  Array source = frame.at(op.getSource()).array;
  Slice slice = getSlice(op, frame);
  if (failed(slice.verify(op, source.getShape())))
    return failure();
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<int64_t> shape;
  for (auto [dim, size] : llvm::enumerate(slice.sizes))
    if (!dropped.test(dim))
      shape.push_back(size);
  Array result = Array::splat(shape, source.hasFloats(), {.i = 0});
  int64_t next = 0;
  slice.forEach(source.getShape(), [&](int64_t offset) {
    result.store(next++, source.load(offset));
  });
  set(frame, op, result);
  return success();
}

static LogicalResult evaluateOp(tensor::InsertSliceOp op, Frame &frame) {
  Array source = frame.at(op.getSource()).array;
  Array result = frame.at(op.getDest()).array.clone();
  Slice slice = getSlice(op, frame);
  if (failed(slice.verify(op, result.getShape())))
    return failure();
  int64_t count = 1;
  for (int64_t size : slice.sizes)
    count *= size;
  if (count != source.getNumElements())
    return op.emitError() << "inserts " << source.getNumElements()
                          << " elements into a slice of " << count;
  int64_t next = 0;
  slice.forEach(result.getShape(), [&](int64_t offset) {
    result.store(offset, source.load(next++));
  });
  set(frame, op, result);
  return success();
}

static LogicalResult evaluateOp(tensor::FromElementsOp op, Frame &frame) {
  Array result =
      Array::splat(op.getType().getShape(), hasFloats(op.getType()), {.i = 0});
  for (auto [k, element] : llvm::enumerate(op.getElements()))
    result.store(k, frame.at(element).cell);
  set(frame, op, result);
  return success();
}

static LogicalResult evaluateConstant(arith::ConstantOp op, Frame &frame) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return op.emitError("expects the elements of a tensor constant as dense");
  auto type = cast<ShapedType>(op.getType());
  Array result = Array::splat(type.getShape(), hasFloats(type), {.i = 0});
  int64_t next = 0;
  if (hasFloats(type))
    for (APFloat value : dense.getValues<APFloat>()) {
      bool losesInfo;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
      result.store(next++, {.f = value.convertToDouble()});
    }
  else
    for (APInt value : dense.getValues<APInt>())
      result.store(next++, {.i = value.getSExtValue()});
  set(frame, op, result);
  return success();
}

static LogicalResult evaluateSelect(arith::SelectOp op, Frame &frame) {
  if (isa<ShapedType>(op.getCondition().getType()))
    return op.emitError("expects a scalar condition");
  bool condition = frame.at(op.getCondition()).cell.i != 0;
  RuntimeValue chosen =
      frame.at(condition ? op.getTrueValue() : op.getFalseValue());
  frame[op] = chosen;
  return success();
}

std::optional<LogicalResult> fovea::evaluator::evaluateTensorOp(Operation *op,
                                                                Frame &frame) {
  return llvm::TypeSwitch<Operation *, std::optional<LogicalResult>>(op)
      .Case<tensor::EmptyOp, tensor::SplatOp, tensor::DimOp,
            tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
            tensor::ExtractSliceOp, tensor::InsertSliceOp,
            tensor::FromElementsOp>(
          [&](auto tensorOp) { return evaluateOp(tensorOp, frame); })
      .Case([&](arith::ConstantOp constant) -> std::optional<LogicalResult> {
        if (!isa<ShapedType>(constant.getType()))
          return std::nullopt;
        return evaluateConstant(constant, frame);
      })
      .Case([&](arith::SelectOp select) -> std::optional<LogicalResult> {
        if (!isa<ShapedType>(select.getType()))
          return std::nullopt;
        return evaluateSelect(select, frame);
      })
      .Default([](Operation *) { return std::nullopt; });
}
