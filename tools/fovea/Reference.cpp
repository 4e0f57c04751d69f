//===- Reference.cpp - Running the f64 reference evaluator ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Reference.h"

#include "passes/cpu/ElementTypes.h"
#include "runtime/dtype.h"
#include "tools/evaluator/Evaluator.h"

#include "mlir/IR/Diagnostics.h"

using namespace fovea;
using namespace fovea::tool;

static evaluator::Tensor toEvaluator(const HostTensor &tensor,
                                     mlir::Type elementType) {
  evaluator::Tensor result;
  result.shape.assign(tensor.shape().begin(), tensor.shape().end());
  result.elementType = elementType;
  if (tensor.isFloat())
    result.floats = tensor.floats();
  else
    result.integers = tensor.integers();
  return result;
}

static mlir::FailureOr<HostTensor>
fromEvaluator(const evaluator::Tensor &tensor, mlir::Location loc) {
  // Floats stay as exact as they were computed.
  std::optional<fovea_dtype> type =
      mlir::isa<mlir::FloatType>(tensor.elementType)
          ? FOVEA_F64
          : attn::elementTypeCode(tensor.elementType);
  assert(type && "the entry has a signature: its results are tensors that a "
                 "caller can hold");
  llvm::Expected<HostTensor> result = HostTensor::zeros(*type, tensor.shape);
  if (!result)
    return emitError(loc, llvm::toString(result.takeError()));
  if (result->isFloat())
    result->setFloats(tensor.floats);
  else
    result->setIntegers(tensor.integers);
  return std::move(*result);
}

/// Reads a weight of the file as f64 or i64.
static mlir::FailureOr<evaluator::Tensor>
readWeight(const fovea_weights *weights, llvm::StringRef name,
           mlir::RankedTensorType type, mlir::Location loc) {
  if (!weights)
    return emitError(loc, "expected --weights FILE.safetensors, which has '")
           << name << "'";
  DLTensor view;
  fovea_error error;
  if (fovea_weights_tensor(weights, name.str().c_str(), &view, &error) !=
      FOVEA_OK)
    return emitError(loc, error.message);
  evaluator::Tensor result;
  result.shape.assign(view.shape, view.shape + view.ndim);
  result.elementType = type.getElementType();
  int64_t count = 1, position = 0;
  for (int64_t size : result.shape)
    count *= size;
  const char *data = static_cast<const char *>(view.data) + view.byte_offset;
  fovea_dtype from = runtime::fromDLPack(view.dtype);
  bool isFloat = mlir::isa<mlir::FloatType>(type.getElementType());
  fovea_dtype to = isFloat ? FOVEA_F64 : FOVEA_I64;
  result.floats.resize(isFloat ? count : 0);
  result.integers.resize(isFloat ? 0 : count);
  void *target = isFloat ? static_cast<void *>(result.floats.data())
                         : result.integers.data();
  if (runtime::convert(data, from, target, to, count, &position) !=
      runtime::Conversion::Done)
    return emitError(loc, "expected elements of type ")
           << type.getElementType() << " in '" << name << "', but found "
           << runtime::typeName(from);
  return result;
}

mlir::FailureOr<std::vector<HostTensor>>
tool::runReference(mlir::ModuleOp program, const attn::EntrySignature &entry,
                   llvm::ArrayRef<HostTensor> inputs,
                   const fovea_weights *weights) {
  std::vector<evaluator::Tensor> operands;
  for (auto [tensor, value] : llvm::zip_equal(entry.inputs, inputs))
    operands.push_back(toEvaluator(value, tensor.elementType));
  auto params = [&](llvm::StringRef source, mlir::RankedTensorType type) {
    return readWeight(weights, source, type, program.getLoc());
  };
  auto results = evaluator::evaluate(program, entry.name, operands, params);
  if (failed(results))
    return mlir::failure();
  std::vector<HostTensor> outputs;
  for (const evaluator::Tensor &result : *results) {
    mlir::FailureOr<HostTensor> output =
        fromEvaluator(result, program.getLoc());
    if (failed(output))
      return mlir::failure();
    outputs.push_back(std::move(*output));
  }
  return outputs;
}
