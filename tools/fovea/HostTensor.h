//===- HostTensor.h - Tensors in memory, for running programs ---*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_HOSTTENSOR_H
#define FOVEA_TOOLS_FOVEA_HOSTTENSOR_H

#include "runtime/fovea.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace fovea::tool {

/// A compact, row-major tensor.
class HostTensor {
public:
  /// Zeros; an error when this machine has no memory for them.
  static llvm::Expected<HostTensor> zeros(fovea_dtype type,
                                          llvm::ArrayRef<int64_t> shape);
  static llvm::Expected<HostTensor> load(llvm::StringRef path);
  llvm::Error save(llvm::StringRef path) const;

  fovea_dtype type() const { return dtype; }
  llvm::ArrayRef<int64_t> shape() const { return sizes; }
  int64_t count() const;
  void *data() const { return memory.get(); }
  /// For the runtime; valid as long as the tensor, and not moved.
  DLTensor *view();

  /// The elements as f64 or, for integers and booleans, i64.
  std::vector<double> floats() const;
  std::vector<int64_t> integers() const;
  bool isFloat() const;
  /// Sets all elements, rounding once to the tensor's type.
  void setFloats(llvm::ArrayRef<double> values);
  void setIntegers(llvm::ArrayRef<int64_t> values);

  /// `f32[2, 3]`
  std::string typeText() const;

private:
  HostTensor() = default;

  fovea_dtype dtype;
  std::vector<int64_t> sizes;
  std::shared_ptr<void> memory;
  DLTensor tensor;
};

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_HOSTTENSOR_H
