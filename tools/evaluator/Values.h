//===- Values.h - what a value of the program is at run time ------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_VALUES_H
#define FOVEA_TOOLS_EVALUATOR_VALUES_H

#include "tools/evaluator/Evaluator.h"

#include "llvm/ADT/DenseMap.h"

#include <cstring>
#include <memory>

namespace fovea::evaluator {

/// A scalar. Integers are held sign-extended, so a true i1 is -1.
union Cell {
  double f;
  int64_t i;
};
static_assert(sizeof(Cell) == 8);

/// A tensor's shape and its elements, which copies share.
class Array {
public:
  Array() = default;
  Array(llvm::ArrayRef<int64_t> shape, bool isFloat, std::vector<double> floats,
        std::vector<int64_t> integers)
      : shape(shape.begin(), shape.end()), isFloat(isFloat),
        storage(std::make_shared<Storage>(
            Storage{std::move(floats), std::move(integers)})) {}

  /// A tensor of one element throughout.
  static Array splat(llvm::ArrayRef<int64_t> shape, bool isFloat, Cell value);

  bool isTensor() const { return storage != nullptr; }
  bool hasFloats() const { return isFloat; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getNumElements() const;

  /// The same elements in another shape of as many elements.
  Array reshaped(llvm::ArrayRef<int64_t> newShape) const;
  /// A copy with elements of its own, for an op to write into.
  Array clone() const;

  const std::vector<double> &getFloats() const { return storage->floats; }
  const std::vector<int64_t> &getIntegers() const { return storage->integers; }

  const char *data() const { return bytes(); }
  Cell load(int64_t offset) const {
    Cell cell;
    std::memcpy(&cell, bytes() + offset * sizeof(Cell), sizeof(Cell));
    return cell;
  }
  void store(int64_t offset, Cell cell) {
    std::memcpy(bytes() + offset * sizeof(Cell), &cell, sizeof(Cell));
  }

private:
  struct Storage {
    std::vector<double> floats;
    std::vector<int64_t> integers;
  };
  char *bytes() const {
    return isFloat ? reinterpret_cast<char *>(storage->floats.data())
                   : reinterpret_cast<char *>(storage->integers.data());
  }

  llvm::SmallVector<int64_t> shape;
  bool isFloat = false;
  std::shared_ptr<Storage> storage;
};

/// A scalar, or a tensor when `array.isTensor()`.
struct RuntimeValue {
  Cell cell = {.i = 0};
  Array array;
};

/// The values of one call of a function.
using Frame = llvm::DenseMap<mlir::Value, RuntimeValue>;

/// Whether a type, or the elements of a tensor type, are floats.
bool hasFloats(mlir::Type type);
/// The width of an integer type in bits, 64 for index.
unsigned getWidth(mlir::Type type);
/// Cuts a value to `width` bits and sign-extends it.
inline int64_t wrap(int64_t value, unsigned width) {
  return width >= 64 ? value
                     : static_cast<int64_t>(static_cast<uint64_t>(value)
                                            << (64 - width)) >>
                           (64 - width);
}
/// The value of an OpFoldResult: a constant or an operand's value.
int64_t getIndex(const Frame &frame, mlir::OpFoldResult value);
/// The run-time shape of a tensor type: static sizes and, in order, dynamic
/// ones. Fails at `op` when a size is negative or the tensor cannot be held.
mlir::FailureOr<llvm::SmallVector<int64_t>>
resolveShape(mlir::Operation *op, llvm::ArrayRef<int64_t> staticSizes,
             llvm::ArrayRef<int64_t> dynamicSizes);
/// Row-major strides of a shape.
llvm::SmallVector<int64_t> getStrides(llvm::ArrayRef<int64_t> shape);
/// Steps to the next point of a box in row-major order; false after the last.
bool advance(llvm::MutableArrayRef<int64_t> point,
             llvm::ArrayRef<int64_t> shape);

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_VALUES_H
