//===- session.cpp - Calls ------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/session.h"

#include "runtime/fp_environment.h"

#include <algorithm>
#include <cstddef>

using namespace fovea::runtime;

// Generated code reads a view as MLIR's descriptor.
static_assert(offsetof(TensorView, data) == 8);
static_assert(offsetof(TensorView, offset) == 16);
static_assert(offsetof(TensorView, words) == 24);

fovea_session::fovea_session(std::shared_ptr<const Model> given)
    : model(std::move(given)), executor(model->context) {
  size_t inputs = 0, all = 0, symbolCount = 0;
  for (int32_t e = 0; e < model->program.entry_count; ++e) {
    const fovea_entry &entry = model->program.entries[e];
    inputs = std::max(inputs, size_t(entry.input_count));
    all = std::max(all, size_t(entry.input_count) + size_t(entry.output_count));
    symbolCount = std::max(symbolCount, size_t(entry.symbol_count));
  }
  views.resize(all);
  ranges.resize(all);
  tensors.resize(all);
  shapes.resize(inputs);
  scalars.resize(inputs);
  symbols.resize(symbolCount);
  origins.resize(symbolCount);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

fovea_status fovea_session::findEntry(int32_t number,
                                      const fovea_entry *&entry) {
  if ((entry = model->entry(number)))
    return FOVEA_OK;
  return fail(&error, FOVEA_INVALID_ARGUMENT,
              "program '%s': expected an entry from 0 to %d, found %d",
              model->program.name, model->program.entry_count - 1, number);
}

/// What generated code is given for a tensor.
static void *argumentOf(const fovea_tensor_desc &desc, TensorView &view) {
  return desc.flags & FOVEA_TENSOR_SCALAR ? static_cast<void *>(view.data)
                                          : static_cast<void *>(&view);
}

/// Checks each input, and solves the sizes of the indices from them.
fovea_status fovea_session::checkInputs(const fovea_entry &entry,
                                        const DLTensor *const *in,
                                        SymbolTable &table) {
  if (!in && entry.input_count > 0)
    return fail(&error, FOVEA_INVALID_ARGUMENT,
                "entry '%s': expected %d inputs, found null", entry.name,
                entry.input_count);
  for (int32_t i = 0; i < entry.input_count; ++i) {
    const fovea_tensor_desc &desc = entry.inputs[i];
    if (fovea_status status = checkTensor(desc, TensorRole::Input, in[i],
                                          views[i], ranges[i], &error))
      return status;
    tensors[i] = argumentOf(desc, views[i]);
    shapes[i] = {roleName(TensorRole::Input), desc.name, desc.dims,
                 views[i].sizes(), desc.rank};
    scalars[i] = scalarValue(desc, views[i]);
  }
  table = {entry.symbols,     entry.symbol_count, symbols.data(),
           origins.data(),    model->symbols(),   shapes.data(),
           entry.input_count, scalars.data()};
  return table.solve(&error);
}

fovea_status fovea_session::checkOutputs(const fovea_entry &entry,
                                         DLTensor *const *out,
                                         const SymbolTable &table) {
  if (!out && entry.output_count > 0)
    return fail(&error, FOVEA_INVALID_ARGUMENT,
                "entry '%s': expected %d outputs, found null", entry.name,
                entry.output_count);
  for (int32_t o = 0; o < entry.output_count; ++o) {
    const fovea_tensor_desc &desc = entry.outputs[o];
    int32_t t = entry.input_count + o;
    if (fovea_status status = checkTensor(desc, TensorRole::Output, out[o],
                                          views[t], ranges[t], &error))
      return status;
    ShapedTensor shaped{roleName(TensorRole::Output), desc.name, desc.dims,
                        views[t].sizes(), desc.rank};
    if (fovea_status status = table.check(shaped, &error))
      return status;
    tensors[t] = argumentOf(desc, views[t]);
  }
  return checkOverlaps(entry);
}

/// No output may lie over another tensor: kernels read inputs more than once,
/// and on several threads.
fovea_status fovea_session::checkOverlaps(const fovea_entry &entry) {
  for (int32_t o = 0; o < entry.output_count; ++o)
    for (int32_t t = 0, output = entry.input_count + o; t < output; ++t) {
      if (!ranges[t].overlaps(ranges[output]))
        continue;
      bool isInput = t < entry.input_count;
      const fovea_tensor_desc &other =
          isInput ? entry.inputs[t] : entry.outputs[t - entry.input_count];
      return fail(&error, FOVEA_BAD_LAYOUT,
                  "output '%s' overlaps %s '%s' in memory",
                  entry.outputs[o].name,
                  roleName(isInput ? TensorRole::Input : TensorRole::Output),
                  other.name);
    }
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

fovea_status fovea_session::reserveWorkspace(const fovea_entry &entry) {
  if (!entry.workspace_size)
    return FOVEA_OK;
  int64_t bytes = entry.workspace_size(symbols.data());
  if (bytes < 0)
    return fail(&error, FOVEA_OUT_OF_MEMORY,
                "entry '%s': the workspace for these sizes exceeds 2^63 - 1 "
                "bytes",
                entry.name);
  if (!workspace.reserve(bytes))
    return fail(&error, FOVEA_OUT_OF_MEMORY,
                "entry '%s': cannot allocate a workspace of %lld bytes",
                entry.name, static_cast<long long>(bytes));
  return FOVEA_OK;
}

fovea_status fovea_session::call(const fovea_entry &entry) {
  int64_t clamped = 0;
  fovea_invocation invocation{
      tensors.data(),   model->params(),        symbols.data(),
      workspace.data(), &Executor::parallelFor, &executor,
      &clamped,         model->context->threads};
  int32_t result;
  {
    FloatingPointScope floatingPoint;
    result = entry.run(&invocation);
  }
  if (executor.takeFailure())
    return fail(&error, FOVEA_OUT_OF_MEMORY,
                "entry '%s': cannot allocate scratch memory for its threads",
                entry.name);
  if (result != 0) {
    bool isKnown = result > 0 && result <= entry.requirement_count;
    return fail(&error, FOVEA_REQUIREMENT_FAILED, "entry '%s': %s", entry.name,
                isKnown ? entry.requirements[result - 1]
                        : "an unnamed requirement does not hold");
  }
  if (clamped != 0)
    return fail(&error, FOVEA_INDEX_CLAMPED, "entry '%s': %s", entry.name,
                clamped > 0 && clamped <= entry.requirement_count
                    ? entry.requirements[clamped - 1]
                    : "an index read from a tensor is out of range, and was "
                      "clamped");
  return succeed(&error);
}

fovea_status fovea_session::run(int32_t number, const DLTensor *const *in,
                                DLTensor *const *out, void *stream) {
  const fovea_entry *entry;
  if (fovea_status status = findEntry(number, entry))
    return status;
  if (stream)
    return fail(&error, FOVEA_INVALID_ARGUMENT,
                "entry '%s': expected no stream for the CPU, found one",
                entry->name);
  SymbolTable table;
  if (fovea_status status = checkInputs(*entry, in, table))
    return status;
  if (fovea_status status = checkOutputs(*entry, out, table))
    return status;
  if (fovea_status status = reserveWorkspace(*entry))
    return status;
  return call(*entry);
}

fovea_status fovea_session::outputShape(int32_t number,
                                        const DLTensor *const *in,
                                        int32_t index, int64_t *shape) {
  const fovea_entry *entry;
  if (fovea_status status = findEntry(number, entry))
    return status;
  if (index < 0 || index >= entry->output_count)
    return fail(&error, FOVEA_INVALID_ARGUMENT,
                "entry '%s': expected an output from 0 to %d, found %d",
                entry->name, entry->output_count - 1, index);
  const fovea_tensor_desc &output = entry->outputs[index];
  if (!shape && output.rank > 0)
    return fail(&error, FOVEA_INVALID_ARGUMENT,
                "output '%s': expected a place for its shape, found null",
                output.name);
  SymbolTable table;
  if (fovea_status status = checkInputs(*entry, in, table))
    return status;
  for (int32_t d = 0; d < output.rank; ++d)
    if (fovea_status status =
            table.sizeOf(output.dims[d], roleName(TensorRole::Output),
                         output.name, &shape[d], &error))
      return status;
  return succeed(&error);
}

//===----------------------------------------------------------------------===//
// C API
//===----------------------------------------------------------------------===//

fovea_status fovea_session_create(fovea_model *model, fovea_session **session,
                                  fovea_error *error) {
  if (!session)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the session, found null");
  *session = nullptr;
  if (!model)
    return fail(error, FOVEA_INVALID_ARGUMENT, "expected a model, found null");
  return guarded(error, [&] {
    *session = new fovea_session(model->model);
    return succeed(error);
  });
}

void fovea_session_destroy(fovea_session *session) { delete session; }

/// Runs `body` unless the session is running already.
template <typename Body>
static fovea_status exclusively(fovea_session *session, Body body) {
  if (!session)
    return FOVEA_INVALID_ARGUMENT;
  if (session->isBusy.exchange(true, std::memory_order_acquire))
    return FOVEA_BUSY;
  fovea_status status = guarded(&session->error, body);
  session->isBusy.store(false, std::memory_order_release);
  return status;
}

fovea_status fovea_session_run(fovea_session *session, int32_t entry,
                               const DLTensor *const *in, DLTensor *const *out,
                               void *stream) {
  return exclusively(session,
                     [&] { return session->run(entry, in, out, stream); });
}

fovea_status fovea_session_output_shape(fovea_session *session, int32_t entry,
                                        const DLTensor *const *in,
                                        int32_t index, int64_t *shape) {
  return exclusively(
      session, [&] { return session->outputShape(entry, in, index, shape); });
}

const char *fovea_session_message(const fovea_session *session) {
  return session ? session->error.message : "expected a session, found null";
}
