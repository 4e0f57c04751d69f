//===- Inputs.cpp - What a program is run on ------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Inputs.h"

#include "passes/cpu/ElementTypes.h"
#include "runtime/dtype.h"
#include "tools/fovea/Entry.h"
#include "tools/fovea/IndexSizes.h"

#include <random>

using namespace fovea;
using namespace fovea::attn;
using namespace fovea::tool;

llvm::Expected<llvm::StringMap<std::string>>
tool::parseAssignments(llvm::StringRef option,
                       llvm::ArrayRef<std::string> arguments) {
  llvm::StringMap<std::string> values;
  for (llvm::StringRef argument : arguments) {
    auto [name, value] = argument.split('=');
    if (name.empty() || value.empty())
      return llvm::createStringError(
          "expected " + option + " NAME=VALUE, but found '" + argument + "'");
    if (!values.try_emplace(name, value.str()).second)
      return llvm::createStringError("expected one " + option + " for '" +
                                     name + "', but found two");
  }
  return values;
}

llvm::Expected<InputRequest> tool::parseInputs(const EntryOptions &options) {
  InputRequest request;
  auto inputs = parseAssignments("--in", options.inputs);
  if (!inputs)
    return inputs.takeError();
  request.inputs = std::move(*inputs);
  auto sizes = parseAssignments("--size", options.sizes);
  if (!sizes)
    return sizes.takeError();
  for (const auto &size : *sizes) {
    int64_t value;
    if (llvm::StringRef(size.second).getAsInteger(10, value) || value < 0)
      return llvm::createStringError("expected --size " + size.getKey() +
                                     "=N with a number of at least 0, but "
                                     "found '" +
                                     size.second + "'");
    request.sizes[size.getKey()] = value;
  }
  return request;
}

llvm::Expected<InputRequest> tool::parseInputs(const EntryOptions &options,
                                               const RunOptions &running) {
  auto request = parseInputs(options);
  if (!request)
    return request;
  auto seed = running.readSeed();
  if (!seed)
    return seed.takeError();
  request->seed = *seed;
  return request;
}

/// The parts of a list of numbers; empty for any other text.
static llvm::SmallVector<llvm::StringRef> splitNumbers(llvm::StringRef text) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ',');
  for (llvm::StringRef part : parts) {
    double number;
    if (part != "true" && part != "false" && part.getAsDouble(number))
      return {};
  }
  return parts;
}

/// Elements of `type`, in a tensor of rank 0 when there is one of them, of rank
/// 1 else.
static llvm::Expected<HostTensor>
makeElements(fovea_dtype type, llvm::StringRef name,
             llvm::ArrayRef<llvm::StringRef> numbers) {
  llvm::SmallVector<int64_t, 1> shape;
  if (numbers.size() > 1)
    shape.push_back(static_cast<int64_t>(numbers.size()));
  auto tensor = HostTensor::zeros(type, shape);
  if (!tensor)
    return tensor.takeError();
  if (tensor->isFloat()) {
    std::vector<double> values(numbers.size());
    for (auto [value, number] : llvm::zip_equal(values, numbers))
      if (number.getAsDouble(value))
        value = number == "true";
    tensor->setFloats(values);
    return tensor;
  }
  std::vector<int64_t> values(numbers.size());
  for (auto [value, number] : llvm::zip_equal(values, numbers))
    if (number == "true" || number == "false")
      value = number == "true";
    else if (number.getAsInteger(10, value))
      return llvm::createStringError("expected integers for '" + name +
                                     "', but found '" + number + "'");
  tensor->setIntegers(values);
  std::vector<int64_t> held = tensor->integers();
  for (auto [value, element, number] : llvm::zip_equal(values, held, numbers))
    if (value != element)
      return llvm::createStringError("expected numbers that '" + name +
                                     "', which is " + runtime::typeName(type) +
                                     ", can hold, but found '" + number + "'");
  return tensor;
}

llvm::Expected<GivenInput> tool::readInput(const TensorSignature &input,
                                           llvm::StringRef text) {
  std::optional<fovea_dtype> type = elementTypeCode(input.elementType);
  if (!type)
    return llvm::createStringError("expected elements that a tensor can have "
                                   "in '" +
                                   input.name + "'");
  auto numbers = splitNumbers(text);
  if (numbers.empty()) {
    auto loaded = HostTensor::load(text);
    if (!loaded)
      return loaded.takeError();
    if (loaded->type() != *type)
      return llvm::createStringError(
          "expected dtype " + llvm::Twine(runtime::typeName(*type)) + " in '" +
          text + "', for '" + input.name + "', but found " +
          runtime::typeName(loaded->type()));
    return GivenInput{std::move(*loaded)};
  }
  if (numbers.size() > 1 && input.dims.size() != 1)
    return llvm::createStringError(
        "expected a file or one number for '" + input.name + "', which has " +
        llvm::Twine(input.dims.size()) + " dimensions, but found " +
        llvm::Twine(numbers.size()) + " numbers");
  auto elements = makeElements(*type, input.name, numbers);
  if (!elements)
    return elements.takeError();
  return GivenInput{std::move(*elements),
                    numbers.size() == 1 && !input.dims.empty()};
}

namespace {

/// Draws tensors, the same ones for the same seed.
class Drawer {
public:
  Drawer(uint64_t seed, const IndexSizes &sizes)
      : engine(seed), smallest(sizes.smallest()), largest(sizes.largest()) {}

  llvm::Expected<HostTensor> draw(const TensorSignature &tensor,
                                  llvm::ArrayRef<int64_t> shape) {
    std::optional<fovea_dtype> type = elementTypeCode(tensor.elementType);
    if (!type)
      return llvm::createStringError("expected elements that a tensor can "
                                     "have");
    llvm::Expected<HostTensor> result = HostTensor::zeros(*type, shape);
    if (!result)
      return result.takeError();
    if (result->isFloat()) {
      std::vector<double> values(result->count());
      for (double &value : values)
        value = tensor.isScalar ? 0.5 + uniform() : normal();
      result->setFloats(values);
    } else {
      std::vector<int64_t> values(result->count());
      for (int64_t &value : values)
        value = integer(*type, tensor.isScalar);
      result->setIntegers(values);
    }
    return result;
  }

private:
  // By hand: the standard's distributions differ between libraries.
  double uniform() { return static_cast<double>(engine() >> 11) * 0x1.0p-53; }
  double normal() {
    double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * 3.14159265358979323846 * uniform());
  }

  int64_t integer(fovea_dtype type, bool isScalar) {
    if (type == FOVEA_BOOL)
      return static_cast<int64_t>(engine() % 2);
    return isScalar ? 1 + static_cast<int64_t>(engine() % largest)
                    : static_cast<int64_t>(engine() % smallest);
  }

  std::mt19937_64 engine;
  uint64_t smallest, largest;
};

} // namespace

/// `number`, of rank 0, in every element of a tensor of this shape.
static llvm::Expected<HostTensor> spread(const HostTensor &number,
                                         llvm::ArrayRef<int64_t> shape) {
  auto tensor = HostTensor::zeros(number.type(), shape);
  if (!tensor)
    return tensor.takeError();
  if (tensor->isFloat())
    tensor->setFloats(
        std::vector<double>(tensor->count(), number.floats().front()));
  else
    tensor->setIntegers(
        std::vector<int64_t>(tensor->count(), number.integers().front()));
  return tensor;
}

llvm::Expected<std::vector<HostTensor>>
tool::makeInputs(const EntrySignature &entry, const InputRequest &request) {
  for (const auto &given : request.inputs)
    if (llvm::none_of(entry.inputs, [&](const TensorSignature &tensor) {
          return tensor.name == given.getKey();
        }))
      return llvm::createStringError(
          "expected --in with an input of '" + entry.name + "' (" +
          nameList(entry.inputs) + "), but found '" + given.getKey() + "'");
  std::vector<std::optional<HostTensor>> given(entry.inputs.size());
  std::vector<std::optional<HostTensor>> everywhere(entry.inputs.size());
  for (auto [number, tensor] : llvm::enumerate(entry.inputs)) {
    auto text = request.inputs.find(tensor.name);
    if (text == request.inputs.end()) {
      if (!request.seed)
        return llvm::createStringError("expected --in " + tensor.name +
                                       "=FILE.npy, or --random SEED to draw "
                                       "the inputs that are not given");
      continue;
    }
    llvm::Expected<GivenInput> input = readInput(tensor, text->second);
    if (!input)
      return input.takeError();
    (input->isEverywhere ? everywhere : given)[number] =
        std::move(input->tensor);
  }

  llvm::Expected<IndexSizes> sizes =
      solveIndexSizes(entry, given, request.sizes);
  if (!sizes)
    return sizes.takeError();
  Drawer drawer(request.seed.value_or(0), *sizes);
  std::vector<HostTensor> inputs;
  for (auto [number, tensor] : llvm::enumerate(entry.inputs)) {
    if (given[number]) {
      inputs.push_back(std::move(*given[number]));
      continue;
    }
    llvm::Expected<std::vector<int64_t>> shape = sizes->shapeOf(tensor);
    if (!shape)
      return shape.takeError();
    llvm::Expected<HostTensor> made = everywhere[number]
                                          ? spread(*everywhere[number], *shape)
                                          : drawer.draw(tensor, *shape);
    if (!made)
      return llvm::createStringError("'" + tensor.name +
                                     "': " + llvm::toString(made.takeError()));
    inputs.push_back(std::move(*made));
  }
  return inputs;
}
