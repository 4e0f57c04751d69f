//===- explain.cpp - fovea explain: what became of a program --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Explain.h"
#include "tools/emit/Target.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Entry.h"
#include "tools/fovea/IndexSizes.h"
#include "tools/fovea/Inputs.h"
#include "tools/fovea/Options.h"
#include "tools/fovea/Program.h"

#include "llvm/ADT/StringExtras.h"
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
static cl::list<std::string>
    values("in", cl::value_desc("NAME=N"),
           cl::desc("An integer input, or every element of one"),
           cl::sub(parser));

/// Prints the error; the exit status for what the command line has wrong.
static int fail(llvm::Error error) {
  llvm::errs() << "fovea: error: " << llvm::toString(std::move(error)) << '\n';
  return 2;
}

/// Reads `--in`: integers that a kernel can count with.
static llvm::Expected<llvm::StringMap<int64_t>> readValues() {
  constexpr int64_t kLargest = int64_t(1) << 48;
  auto given = parseAssignments("--in", values);
  if (!given)
    return given.takeError();
  llvm::StringMap<int64_t> result;
  for (const auto &entry : *given) {
    llvm::StringRef text = entry.second;
    int64_t value;
    if (text == "true" || text == "false")
      value = text == "true";
    else if (text.getAsInteger(10, value) || value < -kLargest ||
             value > kLargest)
      return llvm::createStringError("expected --in " + entry.getKey() +
                                     "=N with an integer of at most 2^48, but "
                                     "found '" +
                                     text + "'");
    result[entry.getKey()] = value;
  }
  return result;
}

/// The inputs of `entry` that `values` names, in the form that sizes are solved
/// from.
static llvm::Expected<std::vector<std::optional<HostTensor>>>
scalarInputs(const attn::EntrySignature &entry,
             const llvm::StringMap<int64_t> &given) {
  std::vector<std::optional<HostTensor>> inputs(entry.inputs.size());
  for (auto [input, tensor] : llvm::zip_equal(inputs, entry.inputs)) {
    auto value = given.find(tensor.name);
    if (value == given.end())
      continue;
    if (!tensor.elementType.isIntOrIndex())
      return llvm::createStringError("expected --in with an integer input, but "
                                     "'" +
                                     tensor.name + "' is of another type");
    if (!tensor.isScalar)
      continue;
    auto scalar = HostTensor::zeros(FOVEA_I64, {});
    if (!scalar)
      return scalar.takeError();
    scalar->setIntegers(value->second);
    input = std::move(*scalar);
  }
  return inputs;
}

/// What the command line says of each entry. A size or a value may be one of
/// some entries only, but not of none.
static llvm::Expected<std::vector<explain::EntryRequest>>
makeRequests(std::vector<attn::EntrySignature> entries,
             const llvm::StringMap<int64_t> &sizes,
             const llvm::StringMap<int64_t> &given) {
  llvm::StringSet<> used;
  std::vector<explain::EntryRequest> requests;
  for (attn::EntrySignature &entry : entries) {
    llvm::StringMap<int64_t> own;
    for (const auto &size : sizes)
      if (entries.size() == 1 || entry.findSymbol(size.getKey())) {
        own[size.getKey()] = size.second;
        used.insert(("size " + size.getKey()).str());
      }
    explain::CallValues call;
    for (const attn::TensorSignature &input : entry.inputs)
      if (auto value = given.find(input.name); value != given.end()) {
        call.inputs[input.name] = value->second;
        used.insert("in " + input.name);
      }
    auto inputs = scalarInputs(entry, given);
    if (!inputs)
      return inputs.takeError();
    auto solved = solveIndexSizes(entry, *inputs, own);
    if (!solved)
      return solved.takeError();
    for (size_t k = 0; k < entry.symbols.size(); ++k)
      call.sizes.push_back(solved->get(k));
    requests.push_back({std::move(entry), std::move(call)});
  }
  for (const auto &size : sizes)
    if (!used.contains(("size " + size.getKey()).str()))
      return llvm::createStringError("expected --size with an index of an "
                                     "entry, but found '" +
                                     size.getKey() + "'");
  for (const auto &value : given)
    if (!used.contains(("in " + value.getKey()).str()))
      return llvm::createStringError("expected --in with an input of an "
                                     "entry, but found '" +
                                     value.getKey() + "'");
  return requests;
}

/// Exit status: 0, 1 with errors in the program, 2 when an option is wrong or a
/// file cannot be read.
static int run() {
  auto sizes = parseSizes(chosen.sizes);
  if (!sizes)
    return fail(sizes.takeError());
  auto given = readValues();
  if (!given)
    return fail(given.takeError());
  auto target = emit::makeTarget(options.cpu);
  if (!target)
    return fail(target.takeError());
  LoadedProgram program;
  llvm::SmallVector<std::string, 1> wanted;
  if (!chosen.name.empty())
    wanted.push_back(chosen.name);
  if (!program.load(options.file, options.source.settings,
                    options.source.searchPaths, wanted))
    return 1;
  auto entries = findEntries(program.get(), chosen.name, options.file);
  if (!entries)
    return fail(entries.takeError());
  auto requests = makeRequests(std::move(*entries), *sizes, *given);
  if (!requests)
    return fail(requests.takeError());
  auto sourceLine = [&](mlir::FileLineColLoc loc) {
    return program.sourceLine(loc);
  };
  return failed(explain::explainProgram(program.get(), *requests, target->cpu,
                                        sourceLine, llvm::outs()));
}

const tool::Command tool::explainCommand = {&parser, run};
