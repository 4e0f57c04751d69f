//===- Evaluator.cpp - what goes into an entry and comes out --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Evaluator.h"

#include "tools/evaluator/Interpreter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::evaluator;

FailureOr<RuntimeValue> fovea::evaluator::toRuntimeValue(Operation *op,
                                                         const Twine &what,
                                                         Type type,
                                                         Tensor tensor) {
  SmallVector<int64_t> expected;
  if (auto ranked = dyn_cast<RankedTensorType>(type))
    expected.assign(ranked.getShape().begin(), ranked.getShape().end());
  else if (!type.isIntOrIndexOrFloat())
    return op->emitError() << what << " has the type " << type
                           << ", which the evaluator cannot hold";
  if (tensor.shape.size() != expected.size())
    return op->emitError() << what << " expects rank " << expected.size()
                           << ", but got rank " << tensor.shape.size();
  int64_t count = 1;
  for (auto [dim, size] : llvm::enumerate(expected)) {
    if (!ShapedType::isDynamic(size) && size != tensor.shape[dim])
      return op->emitError()
             << what << " expects size " << size << " in dimension " << dim
             << ", but got " << tensor.shape[dim];
    count *= tensor.shape[dim];
  }
  bool isFloat = hasFloats(type);
  if (!tensor.elementType || hasFloats(tensor.elementType) != isFloat)
    return op->emitError() << what << " expects elements of the type "
                           << getElementTypeOrSelf(type) << ", but got "
                           << tensor.elementType;
  int64_t held = isFloat ? tensor.floats.size() : tensor.integers.size();
  if (held != count)
    return op->emitError() << what << " expects " << count
                           << " elements, but got " << held;
  for (int64_t &element : tensor.integers)
    element = wrap(element, getWidth(type));

  Array array(tensor.shape, isFloat, std::move(tensor.floats),
              std::move(tensor.integers));
  if (isa<RankedTensorType>(type))
    return RuntimeValue{.cell = {.i = 0}, .array = std::move(array)};
  return RuntimeValue{.cell = array.load(0), .array = {}};
}

/// The nearest value of a float type.
static double roundTo(FloatType type, double number) {
  APFloat value(number);
  bool losesInfo;
  value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

static Tensor toTensor(Type type, const RuntimeValue &value,
                       const EvaluatorOptions &options) {
  bool isFloat = hasFloats(type);
  Array array = value.array.isTensor() ? value.array
                                       : Array::splat({}, isFloat, value.cell);
  Tensor tensor = {SmallVector<int64_t>(array.getShape()),
                   getElementTypeOrSelf(type), array.getFloats(),
                   array.getIntegers()};
  if (isFloat && options.roundToTypes)
    for (double &element : tensor.floats)
      element = roundTo(cast<FloatType>(tensor.elementType), element);
  if (tensor.elementType.isInteger(1))
    for (int64_t &element : tensor.integers)
      element = element != 0;
  return tensor;
}

/// What the caller owes the body: equal index names mean equal sizes.
static LogicalResult verifySizes(func::FuncOp function,
                                 ArrayRef<Tensor> inputs) {
  llvm::StringMap<std::pair<int64_t, unsigned>> known;
  for (auto [k, input] : llvm::enumerate(inputs)) {
    auto groups = function.getArgAttrOfType<ArrayAttr>(k, "attn.dims");
    if (!groups || groups.size() != input.shape.size())
      continue;
    for (auto [dim, group] : llvm::enumerate(groups)) {
      auto names = dyn_cast<ArrayAttr>(group);
      if (!names || names.size() != 1 || !isa<StringAttr>(names[0]))
        continue;
      StringRef name = cast<StringAttr>(names[0]).getValue();
      auto [it, isNew] =
          known.try_emplace(name, input.shape[dim], static_cast<unsigned>(k));
      if (!isNew && it->second.first != input.shape[dim])
        return function.emitError()
               << "index '" << name << "' has size " << it->second.first
               << " in input " << it->second.second << ", but size "
               << input.shape[dim] << " in input " << k;
    }
  }
  return success();
}

FailureOr<SmallVector<Tensor>>
fovea::evaluator::evaluate(ModuleOp module, StringRef entry,
                           ArrayRef<Tensor> inputs, const ParamProvider &params,
                           const EvaluatorOptions &options) {
  auto function = module.lookupSymbol<func::FuncOp>(entry);
  if (!function)
    return module.emitError() << "has no function '" << entry << "'";
  ArrayRef<Type> types = function.getArgumentTypes();
  if (inputs.size() != types.size())
    return function.emitError() << "expects " << types.size()
                                << " inputs, but got " << inputs.size();
  SmallVector<RuntimeValue> arguments;
  for (auto [k, type, input] : llvm::enumerate(types, inputs)) {
    std::string what = "input " + std::to_string(k);
    if (auto name = function.getArgAttrOfType<StringAttr>(k, "attn.name"))
      what = "input '" + name.getValue().str() + "'";
    FailureOr<RuntimeValue> argument =
        toRuntimeValue(function, what, type, input);
    if (failed(argument))
      return failure();
    arguments.push_back(std::move(*argument));
  }
  if (failed(verifySizes(function, inputs)))
    return failure();

  Interpreter interpreter(module, params);
  FailureOr<SmallVector<RuntimeValue>> values =
      interpreter.call(function, arguments);
  if (failed(values))
    return failure();
  SmallVector<Tensor> results;
  for (auto [type, value] : llvm::zip_equal(function.getResultTypes(), *values))
    results.push_back(toTensor(type, value, options));
  return results;
}
