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
  if (path.empty())
    return Weights();
  fovea_weights *weights = nullptr;
  fovea_error error;
  if (fovea_weights_open(path.c_str(), &weights, &error) != FOVEA_OK)
    return toError(error);
  return Weights(weights);
}

llvm::Error Invocation::makeOutputs() {
  for (int32_t i = 0; i < fovea_model_output_count(model.get(), entry); ++i) {
    fovea_tensor_info info;
    fovea_model_output(model.get(), entry, i, &info);
    std::vector<int64_t> shape(info.rank);
    if (fovea_session_output_shape(session.get(), entry, inputViews.data(), i,
                                   shape.data()) != FOVEA_OK)
      return llvm::createStringError(fovea_session_message(session.get()));
    auto output = HostTensor::zeros(runtime::fromDLPack(info.dtype), shape);
    if (!output)
      return output.takeError();
    outputs.push_back(std::move(*output));
  }
  for (HostTensor &tensor : outputs)
    outputViews.push_back(tensor.view());
  return llvm::Error::success();
}

llvm::Expected<Invocation> Invocation::prepare(const fovea_program *program,
                                               const std::string &entry,
                                               std::vector<HostTensor> &inputs,
                                               const fovea_weights *weights,
                                               int threads) {
  Invocation result;
  fovea_error error;
  fovea_context_options options = {};
  options.struct_size = sizeof(options);
  options.threads = threads;
  fovea_context *context = nullptr;
  if (fovea_context_create(&options, &context, &error) != FOVEA_OK)
    return toError(error);
  result.context.reset(context);
  fovea_model *model = nullptr;
  if (fovea_model_create(context, program, weights, &model, &error) != FOVEA_OK)
    return toError(error);
  result.model.reset(model);
  fovea_session *session = nullptr;
  if (fovea_session_create(model, &session, &error) != FOVEA_OK)
    return toError(error);
  result.session.reset(session);

  result.entry = fovea_model_find_entry(model, entry.c_str());
  for (HostTensor &tensor : inputs)
    result.inputViews.push_back(tensor.view());
  if (llvm::Error failure = result.makeOutputs())
    return failure;
  return result;
}

llvm::Expected<double> Invocation::run() {
  using Clock = std::chrono::steady_clock;
  auto before = Clock::now();
  fovea_status status = fovea_session_run(
      session.get(), entry, inputViews.data(), outputViews.data(), nullptr);
  std::chrono::duration<double> spent = Clock::now() - before;
  if (status == FOVEA_INDEX_CLAMPED)
    warning = fovea_session_message(session.get());
  else if (status != FOVEA_OK)
    return llvm::createStringError(fovea_session_message(session.get()));
  return spent.count();
}

llvm::Expected<ExecutionResult> tool::execute(const fovea_program *program,
                                              const std::string &entry,
                                              std::vector<HostTensor> &inputs,
                                              const fovea_weights *weights,
                                              int threads, int maxRuns) {
  auto invocation =
      Invocation::prepare(program, entry, inputs, weights, threads);
  if (!invocation)
    return invocation.takeError();
  constexpr double enough = 0.2;
  double fastest = std::numeric_limits<double>::infinity(), sum = 0;
  for (int run = 0; run < maxRuns && sum < enough; ++run) {
    auto seconds = invocation->run();
    if (!seconds)
      return seconds.takeError();
    fastest = std::min(fastest, *seconds);
    sum += *seconds;
  }
  return ExecutionResult{invocation->takeOutputs(), fastest,
                         invocation->getWarning()};
}
