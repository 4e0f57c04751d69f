//===- model.cpp - A program bound to its weights -------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/model.h"

#include "runtime/choose_program.h"
#include "runtime/cpu_features.h"
#include "runtime/pack.h"
#include "runtime/program.h"
#include "runtime/shapes.h"

#include <cstring>
#include <limits>
#include <string>

using namespace fovea::runtime;

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// The name in the file: "{0}" is the member's number.
static std::string nameOf(const fovea_param &param, int32_t member) {
  std::string name = param.name;
  constexpr std::string_view placeholder = "{0}";
  std::string number = std::to_string(param.first + member);
  for (size_t at = name.find(placeholder); at != std::string::npos;
       at = name.find(placeholder, at + number.size()))
    name.replace(at, placeholder.size(), number);
  return name;
}

static int64_t elementCount(const FileTensor &tensor) {
  int64_t count = 1; // the header's check proved that this fits
  for (int64_t size : tensor.shape)
    count *= size;
  return count;
}

fovea_status Model::findMembers(const Weights &weights,
                                std::vector<Member> &members,
                                fovea_error *error) const {
  for (int32_t p = 0; p < program.param_count; ++p) {
    const fovea_param &param = program.params[p];
    fovea_dtype type = fovea_dtype(param.dtype);
    for (int32_t m = 0; m < param.count; ++m) {
      std::string name = nameOf(param, m);
      const FileTensor *tensor = weights.find(name);
      if (!tensor)
        return fail(error, FOVEA_BAD_WEIGHTS,
                    "parameter '%s': the weights have no tensor of this name",
                    name.c_str());
      if (tensor->shape.size() != size_t(param.rank))
        return fail(error, FOVEA_BAD_WEIGHTS,
                    "parameter '%s': expected %d dimensions, found %zu",
                    name.c_str(), param.rank, tensor->shape.size());
      if (!isConvertible(tensor->dtype, type))
        return fail(error, FOVEA_BAD_WEIGHTS,
                    "parameter '%s': expected a dtype that converts to %s, "
                    "found %s",
                    name.c_str(), typeName(type), tensor->typeText.c_str());
      members.push_back({&param, tensor, 0, 0});
    }
  }
  return FOVEA_OK;
}

fovea_status Model::solveSymbols(const std::vector<Member> &members,
                                 fovea_error *error) {
  std::vector<ShapedTensor> shapes;
  for (const Member &member : members)
    shapes.push_back({"parameter", member.tensor->name.c_str(),
                      member.param->dims, member.tensor->shape.data(),
                      member.param->rank});
  symbolValues.resize(size_t(program.symbol_count));
  std::vector<SymbolOrigin> origins(size_t(program.symbol_count));
  SymbolTable table{program.symbols,
                    program.symbol_count,
                    symbolValues.data(),
                    origins.data(),
                    nullptr,
                    shapes.data(),
                    int32_t(shapes.size()),
                    nullptr};
  if (fovea_status status = table.solve(error)) {
    if (error && status == FOVEA_BAD_SHAPE)
      error->status = FOVEA_BAD_WEIGHTS;
    return FOVEA_BAD_WEIGHTS;
  }
  return FOVEA_OK;
}

/// Whether the bytes of the file can be used as they are. Those of booleans may
/// be other than 0 and 1, which code relies on.
static bool isUsableInPlace(const fovea_param &param,
                            const FileTensor &tensor) {
  auto alignment =
      std::max<uint64_t>(param.alignment, uint64_t(byteSize(param.dtype)));
  return param.layout == FOVEA_LAYOUT_ROW_MAJOR &&
         tensor.dtype == fovea_dtype(param.dtype) &&
         tensor.dtype != FOVEA_BOOL &&
         reinterpret_cast<uintptr_t>(tensor.data) % alignment == 0;
}

/// Decides where every member lies, and allocates.
fovea_status Model::place(std::vector<Member> &members, fovea_error *error) {
  constexpr int64_t alignment = 64;
  int64_t total = 0;
  for (Member &member : members) {
    const fovea_param &param = *member.param;
    const FileTensor &tensor = *member.tensor;
    member.bytes = -1;
    if (isUsableInPlace(param, tensor))
      continue;
    int64_t elementSize = byteSize(param.dtype);
    bool fits;
    if (param.layout != FOVEA_LAYOUT_ROW_MAJOR) {
      PanelShape shape;
      fits = shape.set(param, tensor.shape.data(), elementSize);
      member.bytes = shape.bytes();
    } else {
      fits = !__builtin_mul_overflow(elementCount(tensor), elementSize,
                                     &member.bytes);
    }
    member.offset = total;
    if (!fits || __builtin_add_overflow(total, member.bytes, &total) ||
        __builtin_add_overflow(total, alignment - 1, &total))
      return fail(error, FOVEA_OUT_OF_MEMORY,
                  "parameter '%s': the weights exceed 2^63 - 1 bytes",
                  tensor.name.c_str());
    total &= -alignment;
  }
  if (!arena.reserve(total))
    return fail(error, FOVEA_OUT_OF_MEMORY,
                "cannot allocate %lld bytes for weights",
                static_cast<long long>(total));
  return FOVEA_OK;
}

fovea_status Model::load(const Member &member, AlignedBuffer &converted,
                         fovea_error *error) {
  const fovea_param &param = *member.param;
  const FileTensor &tensor = *member.tensor;
  if (member.bytes < 0) {
    paramData.push_back(tensor.data);
    return FOVEA_OK;
  }
  char *target = arena.data() + member.offset;
  paramData.push_back(target);

  fovea_dtype type = fovea_dtype(param.dtype);
  int64_t count = elementCount(tensor), elementSize = byteSize(type);
  bool hasPanels = param.layout != FOVEA_LAYOUT_ROW_MAJOR;
  const char *source = tensor.data;
  if (!hasPanels || tensor.dtype != type) {
    int64_t bytes;
    if (hasPanels && (__builtin_mul_overflow(count, elementSize, &bytes) ||
                      !converted.reserve(bytes)))
      return fail(error, FOVEA_OUT_OF_MEMORY,
                  "parameter '%s': cannot allocate %lld elements",
                  tensor.name.c_str(), static_cast<long long>(count));
    char *row = hasPanels ? converted.data() : target;
    int64_t position;
    if (convert(source, tensor.dtype, row, type, count, &position) !=
        Conversion::Done) // findMembers proved that a conversion exists
      return fail(error, FOVEA_BAD_WEIGHTS,
                  "parameter '%s': element %lld does not fit in %s",
                  tensor.name.c_str(), static_cast<long long>(position),
                  typeName(type));
    source = row;
  }
  if (hasPanels) {
    PanelShape shape;
    shape.set(param, tensor.shape.data(), elementSize); // fits: see place()
    packPanels(param, tensor.shape.data(), shape, elementSize, source, target);
  }
  return FOVEA_OK;
}

fovea_status Model::bind(std::shared_ptr<const Weights> given,
                         fovea_error *error) {
  weights = std::move(given);
  if (program.param_count > 0 && !weights)
    return fail(error, FOVEA_BAD_WEIGHTS,
                "program '%s' has parameters: expected weights, found null",
                program.name);
  std::vector<Member> members;
  if (program.param_count > 0)
    if (fovea_status status = findMembers(*weights, members, error))
      return status;
  if (fovea_status status = solveSymbols(members, error))
    return status;
  if (fovea_status status = place(members, error))
    return status;
  AlignedBuffer converted;
  paramData.reserve(members.size());
  for (const Member &member : members)
    if (fovea_status status = load(member, converted, error))
      return status;
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// C API
//===----------------------------------------------------------------------===//

/// What this process can execute, asked for as far as some alternative needs
/// it.
static uint64_t requestFeatures(const fovea_program &first) {
  uint64_t wanted = 0;
  for (const fovea_program *each = &first; each; each = each->alternative)
    wanted |= each->cpu_features;
  return requestCpuFeatures(wanted);
}

fovea_status fovea_model_create(fovea_context *context,
                                const fovea_program *program,
                                const fovea_weights *weights,
                                fovea_model **model, fovea_error *error) {
  if (!model)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the model, found null");
  *model = nullptr;
  if (!context || !program)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a context and a program, found null");
  return guarded(error, [&] {
    if (fovea_status status = validateProgram(*program, error))
      return status;
    const fovea_program *chosen;
    if (fovea_status status =
            chooseProgram(*program, requestFeatures(*program),
                          context->context->cpu.c_str(), chosen, error))
      return status;
    auto created = std::make_shared<Model>(context->context, *chosen);
    if (fovea_status status =
            created->bind(weights ? weights->weights : nullptr, error))
      return status;
    *model = new fovea_model{std::move(created)};
    return succeed(error);
  });
}

void fovea_model_destroy(fovea_model *model) { delete model; }

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

static const fovea_entry *findEntry(const fovea_model *model, int32_t entry) {
  return model ? model->model->entry(entry) : nullptr;
}

static fovea_status describe(const fovea_tensor_desc *tensors, int32_t count,
                             int32_t index, fovea_tensor_info *info) {
  if (index < 0 || index >= count || !info)
    return FOVEA_INVALID_ARGUMENT;
  const fovea_tensor_desc &tensor = tensors[index];
  fovea_dtype type = fovea_dtype(tensor.dtype);
  *info = {tensor.name, toDLPack(type), tensor.rank,
           (tensor.flags & FOVEA_TENSOR_SCALAR) != 0,
           std::max(tensor.alignment, uint32_t(byteSize(type)))};
  return FOVEA_OK;
}

const char *fovea_model_cpu(const fovea_model *model) {
  return model ? model->model->program.target_cpu : nullptr;
}

int32_t fovea_model_entry_count(const fovea_model *model) {
  return model ? model->model->program.entry_count : 0;
}

const char *fovea_model_entry_name(const fovea_model *model, int32_t entry) {
  const fovea_entry *found = findEntry(model, entry);
  return found ? found->name : nullptr;
}

int32_t fovea_model_find_entry(const fovea_model *model, const char *name) {
  for (int32_t e = 0; name && e < fovea_model_entry_count(model); ++e)
    if (std::strcmp(fovea_model_entry_name(model, e), name) == 0)
      return e;
  return -1;
}

int32_t fovea_model_input_count(const fovea_model *model, int32_t entry) {
  const fovea_entry *found = findEntry(model, entry);
  return found ? found->input_count : 0;
}

int32_t fovea_model_output_count(const fovea_model *model, int32_t entry) {
  const fovea_entry *found = findEntry(model, entry);
  return found ? found->output_count : 0;
}

fovea_status fovea_model_input(const fovea_model *model, int32_t entry,
                               int32_t index, fovea_tensor_info *info) {
  const fovea_entry *found = findEntry(model, entry);
  return found ? describe(found->inputs, found->input_count, index, info)
               : FOVEA_INVALID_ARGUMENT;
}

fovea_status fovea_model_output(const fovea_model *model, int32_t entry,
                                int32_t index, fovea_tensor_info *info) {
  const fovea_entry *found = findEntry(model, entry);
  return found ? describe(found->outputs, found->output_count, index, info)
               : FOVEA_INVALID_ARGUMENT;
}
