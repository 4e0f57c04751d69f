//===- explain.cpp - fovea explain: what became of a program --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Explain.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Entry.h"
#include "tools/fovea/IndexSizes.h"
#include "tools/fovea/Inputs.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
using namespace fovea::tool;
namespace cl = llvm::cl;

static cl::SubCommand parser("explain",
                             "Say what becomes of a program: key segments, "
                             "schedule, work and memory");
static ProgramOptions options(parser);
static EntryOptions chosen(parser);

/// The integers that an input holds, in a form that counts can use.
static llvm::Expected<explain::Integers>
readIntegers(const attn::TensorSignature &input, const GivenInput &given) {
  constexpr int64_t kLargest = int64_t(1) << 48;
  if (given.tensor.isFloat() || !input.elementType.isIntOrIndex())
    return llvm::createStringError("expected --in with an integer input, but "
                                   "'" +
                                   input.name + "' is of another type");
  explain::Integers integers{given.tensor.integers()};
  for (int64_t value : integers.elements)
    if (value < -kLargest || value > kLargest)
      return llvm::createStringError("expected integers of at most 2^48 in '" +
                                     input.name + "', but found " +
                                     llvm::Twine(value));
  return integers;
}

/// What a call of `entry` is known to have: the given sizes and inputs, as far
/// as they are its own.
static llvm::Expected<explain::CallValues>
knownOf(const attn::EntrySignature &entry, const InputRequest &request,
        const llvm::StringMap<int64_t> &sizes) {
  explain::CallValues call;
  std::vector<std::optional<HostTensor>> inputs(entry.inputs.size());
  for (auto [input, tensor] : llvm::zip_equal(inputs, entry.inputs)) {
    auto text = request.inputs.find(tensor.name);
    if (text == request.inputs.end())
      continue;
    auto given = readInput(tensor, text->second);
    if (!given)
      return given.takeError();
    auto integers = readIntegers(tensor, *given);
    if (!integers)
      return integers.takeError();
    call.inputs[tensor.name] = std::move(*integers);
    if (!given->isEverywhere)
      input = std::move(given->tensor);
  }
  auto solved = solveIndexSizes(entry, inputs, sizes);
  if (!solved)
    return solved.takeError();
  for (size_t k = 0; k < entry.symbols.size(); ++k)
    call.sizes.push_back(solved->get(k));
  return call;
}

/// What the command line says of each entry. A size or an input may be one of
/// some entries only, but not of none.
static llvm::Expected<std::vector<explain::EntryRequest>>
makeRequests(std::vector<attn::EntrySignature> entries,
             const InputRequest &request) {
  llvm::StringSet<> usedSizes, usedInputs;
  std::vector<explain::EntryRequest> requests;
  for (attn::EntrySignature &entry : entries) {
    llvm::StringMap<int64_t> sizes;
    for (const auto &size : request.sizes)
      if (entries.size() == 1 || entry.findSymbol(size.getKey())) {
        sizes[size.getKey()] = size.second;
        usedSizes.insert(size.getKey());
      }
    auto call = knownOf(entry, request, sizes);
    if (!call)
      return call.takeError();
    usedInputs.insert(call->inputs.keys().begin(), call->inputs.keys().end());
    requests.push_back({std::move(entry), std::move(*call)});
  }
  auto unused = [](const auto &given, const llvm::StringSet<> &used,
                   const char *what) -> llvm::Error {
    for (llvm::StringRef name : given.keys())
      if (!used.contains(name))
        return llvm::createStringError(llvm::Twine("expected ") + what +
                                       " of an entry, but found '" + name +
                                       "'");
    return llvm::Error::success();
  };
  if (auto error = unused(request.sizes, usedSizes, "--size with an index"))
    return error;
  if (auto error = unused(request.inputs, usedInputs, "--in with an input"))
    return error;
  return requests;
}

static int run() {
  auto request = parseInputs(chosen);
  if (!request)
    return fail(request.takeError());
  auto target = options.makeTarget();
  if (!target)
    return fail(target.takeError());
  LoadedProgram program;
  std::vector<attn::EntrySignature> entries;
  if (int status = loadEntries(options, chosen, program, entries))
    return status;
  auto requests = makeRequests(std::move(entries), *request);
  if (!requests)
    return fail(requests.takeError());
  auto sourceLine = [&](mlir::FileLineColLoc loc) {
    return program.sourceLine(loc);
  };
  return failed(explain::explainProgram(program.get(), *requests, target->cpu,
                                        sourceLine, llvm::outs()));
}

const tool::Command tool::explainCommand = {&parser, run};
