//===- Values.cpp - what a value of the program is at run time ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Values.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/TypeUtilities.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fovea::evaluator;

static int64_t countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Array Array::splat(ArrayRef<int64_t> shape, bool isFloat, Cell value) {
  size_t count = countElements(shape);
  if (isFloat)
    return Array(shape, true, std::vector<double>(count, value.f), {});
  return Array(shape, false, {}, std::vector<int64_t>(count, value.i));
}

int64_t Array::getNumElements() const { return countElements(shape); }

Array Array::reshaped(ArrayRef<int64_t> newShape) const {
  Array result = *this;
  result.shape.assign(newShape.begin(), newShape.end());
  return result;
}

Array Array::clone() const {
  return Array(shape, isFloat, storage->floats, storage->integers);
}

bool fovea::evaluator::hasFloats(Type type) {
  return isa<FloatType>(getElementTypeOrSelf(type));
}

unsigned fovea::evaluator::getWidth(Type type) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type));
  return integer ? integer.getWidth() : 64;
}

int64_t fovea::evaluator::getIndex(const Frame &frame, OpFoldResult value) {
  if (auto attr = dyn_cast<Attribute>(value))
    return cast<IntegerAttr>(attr).getInt();
  return frame.at(cast<Value>(value)).cell.i;
}

FailureOr<SmallVector<int64_t>>
fovea::evaluator::resolveShape(Operation *op, ArrayRef<int64_t> staticSizes,
                               ArrayRef<int64_t> dynamicSizes) {
  // 16 GiB of f64.
  constexpr int64_t mostElements = int64_t(1) << 31;
  SmallVector<int64_t> shape;
  int64_t count = 1;
  for (int64_t size : staticSizes) {
    if (ShapedType::isDynamic(size)) {
      size = dynamicSizes.front();
      dynamicSizes = dynamicSizes.drop_front();
    }
    if (size < 0)
      return op->emitError() << "has a tensor of the negative size " << size;
    if (size != 0 && llvm::MulOverflow(count, size, count))
      count = std::numeric_limits<int64_t>::max();
    if (count > mostElements)
      return op->emitError() << "has a tensor of more than " << mostElements
                             << " elements, the most the evaluator holds";
    shape.push_back(size);
  }
  return shape;
}

SmallVector<int64_t> fovea::evaluator::getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t dim = shape.size(); dim-- > 0;) {
    strides[dim] = stride;
    stride *= shape[dim];
  }
  return strides;
}

bool fovea::evaluator::advance(MutableArrayRef<int64_t> point,
                               ArrayRef<int64_t> shape) {
  for (size_t dim = shape.size(); dim-- > 0;) {
    if (++point[dim] < shape[dim])
      return true;
    point[dim] = 0;
  }
  return false;
}
