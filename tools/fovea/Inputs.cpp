//===- Inputs.cpp - What a program is run on ------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Inputs.h"

#include "passes/cpu/ElementTypes.h"
#include "tools/fovea/IndexSizes.h"

#include "llvm/ADT/StringExtras.h"

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

llvm::Expected<llvm::StringMap<int64_t>>
tool::parseSizes(llvm::ArrayRef<std::string> arguments) {
  auto given = parseAssignments("--size", arguments);
  if (!given)
    return given.takeError();
  llvm::StringMap<int64_t> sizes;
  for (const auto &size : *given) {
    int64_t value;
    if (llvm::StringRef(size.second).getAsInteger(10, value) || value < 0)
      return llvm::createStringError("expected --size " + size.getKey() +
                                     "=N with a number of at least 0, but "
                                     "found '" +
                                     size.second + "'");
    sizes[size.getKey()] = value;
  }
  return sizes;
}

static std::string nameList(llvm::ArrayRef<TensorSignature> tensors) {
  return llvm::join(
      llvm::map_range(tensors, [](const TensorSignature &t) { return t.name; }),
      ", ");
}

namespace {

/// Draws tensors, the same ones for the same seed.
class Drawer {
public:
  Drawer(uint64_t seed, int64_t integers)
      : engine(seed), integers(std::max<int64_t>(integers, 1)) {}

  llvm::Expected<HostTensor> draw(const TensorSignature &tensor,
                                  fovea_dtype type,
                                  llvm::ArrayRef<int64_t> shape) {
    llvm::Expected<HostTensor> result = HostTensor::zeros(type, shape);
    if (!result)
      return llvm::createStringError(
          "'" + tensor.name + "': " + llvm::toString(result.takeError()));
    if (result->isFloat()) {
      std::vector<double> values(result->count());
      for (double &value : values)
        value = tensor.isScalar ? 0.5 + uniform() : normal();
      result->setFloats(values);
    } else {
      std::vector<int64_t> values(result->count());
      for (int64_t &value : values)
        value = static_cast<int64_t>(engine() %
                                     (type == FOVEA_BOOL ? 2 : integers));
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

  std::mt19937_64 engine;
  uint64_t integers;
};

} // namespace

llvm::Expected<std::vector<HostTensor>>
tool::makeInputs(const EntrySignature &entry, const InputRequest &request) {
  for (const auto &file : request.files)
    if (llvm::none_of(entry.inputs, [&](const TensorSignature &tensor) {
          return tensor.name == file.getKey();
        }))
      return llvm::createStringError(
          "expected --in with an input of '" + entry.name + "' (" +
          nameList(entry.inputs) + "), but found '" + file.getKey() + "'");
  std::vector<std::optional<HostTensor>> given(entry.inputs.size());
  for (auto [number, tensor] : llvm::enumerate(entry.inputs)) {
    auto file = request.files.find(tensor.name);
    if (file == request.files.end()) {
      if (!request.seed)
        return llvm::createStringError("expected --in " + tensor.name +
                                       "=FILE.npy, or --random SEED to draw "
                                       "the inputs that are not given");
      continue;
    }
    llvm::Expected<HostTensor> loaded = HostTensor::load(file->second);
    if (!loaded)
      return loaded.takeError();
    given[number] = std::move(*loaded);
  }

  llvm::Expected<IndexSizes> sizes =
      solveIndexSizes(entry, given, request.sizes);
  if (!sizes)
    return sizes.takeError();
  Drawer drawer(request.seed.value_or(0), sizes->smallest());
  std::vector<HostTensor> inputs;
  for (auto [number, tensor] : llvm::enumerate(entry.inputs)) {
    if (given[number]) {
      inputs.push_back(std::move(*given[number]));
      continue;
    }
    std::optional<fovea_dtype> type = elementTypeCode(tensor.elementType);
    if (!type)
      return llvm::createStringError("expected elements that a tensor can have "
                                     "in '" +
                                     tensor.name + "'");
    llvm::Expected<std::vector<int64_t>> shape = sizes->shapeOf(tensor);
    if (!shape)
      return shape.takeError();
    llvm::Expected<HostTensor> drawn = drawer.draw(tensor, *type, *shape);
    if (!drawn)
      return drawn.takeError();
    inputs.push_back(std::move(*drawn));
  }
  return inputs;
}
