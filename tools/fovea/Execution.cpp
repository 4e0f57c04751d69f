//===- Execution.cpp - Running a compiled program -------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Execution.h"

#include "runtime/dtype.h"

#include <chrono>

using namespace fovea;
using namespace fovea::tool;

static llvm::Error toError(const fovea_error &error) {
  return llvm::createStringError(error.message);
}

llvm::Expected<Weights> tool::openWeights(const std::string &path) {
  fovea_weights *weights = nullptr;
  fovea_error error;
  if (fovea_weights_open(path.c_str(), &weights, &error) != FOVEA_OK)
    return toError(error);
  return Weights(weights);
}

/// The outputs of `entry` for these inputs, filled with zeros.
static llvm::Expected<std::vector<HostTensor>>
makeOutputs(fovea_model *model, fovea_session *session, int32_t entry,
            llvm::ArrayRef<const DLTensor *> inputs) {
  std::vector<HostTensor> outputs;
  for (int32_t i = 0; i < fovea_model_output_count(model, entry); ++i) {
    fovea_tensor_info info;
    fovea_model_output(model, entry, i, &info);
    std::vector<int64_t> shape(info.rank);
    if (fovea_session_output_shape(session, entry, inputs.data(), i,
                                   shape.data()) != FOVEA_OK)
      return llvm::createStringError(fovea_session_message(session));
    auto output = HostTensor::zeros(runtime::fromDLPack(info.dtype), shape);
    if (!output)
      return output.takeError();
    outputs.push_back(std::move(*output));
  }
  return outputs;
}

llvm::Expected<ExecutionResult> tool::execute(const fovea_program *program,
                                              const std::string &entryName,
                                              std::vector<HostTensor> &inputs,
                                              const fovea_weights *weights,
                                              int threads) {
  fovea_error error;
  fovea_context_options options = {};
  options.struct_size = sizeof(options);
  options.threads = threads;
  fovea_context *context = nullptr;
  if (fovea_context_create(&options, &context, &error) != FOVEA_OK)
    return toError(error);
  std::unique_ptr<fovea_context, Destroy> ownContext(context);
  fovea_model *model = nullptr;
  if (fovea_model_create(context, program, weights, &model, &error) != FOVEA_OK)
    return toError(error);
  std::unique_ptr<fovea_model, Destroy> ownModel(model);
  fovea_session *session = nullptr;
  if (fovea_session_create(model, &session, &error) != FOVEA_OK)
    return toError(error);
  std::unique_ptr<fovea_session, Destroy> ownSession(session);

  int32_t entry = fovea_model_find_entry(model, entryName.c_str());
  std::vector<const DLTensor *> in;
  for (HostTensor &tensor : inputs)
    in.push_back(tensor.view());
  auto outputs = makeOutputs(model, session, entry, in);
  if (!outputs)
    return outputs.takeError();
  std::vector<DLTensor *> out;
  for (HostTensor &tensor : *outputs)
    out.push_back(tensor.view());

  // The first run takes the memory; a few more, as long as they are short, show
  // what a call costs.
  using Clock = std::chrono::steady_clock;
  constexpr int maxRuns = 10;
  constexpr auto enough = std::chrono::milliseconds(200);
  ExecutionResult result{{}, std::numeric_limits<double>::infinity(), ""};
  auto begin = Clock::now();
  for (int run = 0; run < maxRuns && Clock::now() - begin < enough; ++run) {
    auto before = Clock::now();
    fovea_status status =
        fovea_session_run(session, entry, in.data(), out.data(), nullptr);
    std::chrono::duration<double> spent = Clock::now() - before;
    if (status == FOVEA_INDEX_CLAMPED)
      result.warning = fovea_session_message(session);
    else if (status != FOVEA_OK)
      return llvm::createStringError(fovea_session_message(session));
    result.seconds = std::min(result.seconds, spent.count());
  }
  result.outputs = std::move(*outputs);
  return result;
}
