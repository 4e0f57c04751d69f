//===- run.cpp - fovea run: compile a program and run it ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Annotate.h"
#include "tools/emit/Compile.h"
#include "tools/emit/Jit.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Entry.h"
#include "tools/fovea/Execution.h"
#include "tools/fovea/Inputs.h"
#include "tools/fovea/Options.h"
#include "tools/fovea/Reference.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
using namespace fovea::tool;
namespace cl = llvm::cl;

static cl::SubCommand parser("run", "Compile a program and run it");
static ProgramOptions options(parser);
static EntryOptions chosen(parser);
static RunOptions running(parser);
static cl::list<std::string> outputs("out", cl::value_desc("NAME=FILE.npy"),
                                     cl::desc("Write a result"),
                                     cl::sub(parser));
static cl::opt<bool> reference("reference",
                               cl::desc("Compute in f64 with the reference "
                                        "evaluator instead"),
                               cl::sub(parser));
static cl::opt<bool>
    emulated("emulate",
             cl::desc("Compute what the code for --mcpu does also where this "
                      "CPU lacks its instructions, slowly"),
             cl::sub(parser));

static cl::opt<std::string>
    annotated("annotate", cl::value_desc("FILE.s"),
              cl::desc("Write the code as assembly, in which blocks say how "
                       "often they ran"),
              cl::sub(parser));

/// One line for each result: name, type, and two figures that tell whether two
/// results are the same.
static void printResult(llvm::StringRef name, const HostTensor &tensor) {
  double sum = 0, largest = 0;
  auto add = [&](double value) {
    sum += value;
    largest = std::max(largest, std::abs(value));
  };
  if (tensor.isFloat())
    for (double value : tensor.floats())
      add(value);
  else
    for (int64_t value : tensor.integers())
      add(static_cast<double>(value));
  llvm::outs() << name << ": " << tensor.typeText() << "  sum "
               << llvm::format("%.9g", sum) << "  largest "
               << llvm::format("%.9g", largest) << '\n';
}

/// The code that this process loads; fails after a message.
static mlir::FailureOr<emit::RunnableCode>
compileProgram(mlir::ModuleOp program, llvm::StringRef prefix) {
  auto stop = [](llvm::Error error) -> mlir::LogicalResult {
    fail(std::move(error));
    return mlir::failure();
  };
  bool isAnnotated = !annotated.empty();
  if (!emulated) {
    auto targets = options.makeTargetsToRun();
    if (!targets)
      return stop(targets.takeError());
    return emit::compileToRun(program, *targets, /*host=*/nullptr, prefix,
                              isAnnotated);
  }
  auto target = options.makeTarget(/*isRun=*/true);
  if (!target)
    return stop(target.takeError());
  auto host = emit::makeTargets({}, "");
  if (!host)
    return stop(host.takeError());
  return emit::compileToRun(program, *target, &host->front(), prefix,
                            isAnnotated);
}

/// Writes the assembly of code that ran, with what it counted.
static llvm::Error writeAnnotated(const emit::RunnableCode &code,
                                  const emit::LoadedObject &loaded,
                                  llvm::StringRef prefix) {
  auto counts = loaded.find(emit::countsSymbol(prefix));
  if (!counts)
    return counts.takeError();
  return emit::writeFile(
      annotated, emit::annotate(code.assembly,
                                llvm::ArrayRef(counts->toPtr<const int64_t *>(),
                                               code.blocks)));
}

/// The first run takes the memory; a few more show what a call costs.
static constexpr int usualRuns = 10;

/// Compiles the program to an object, loads it and runs it. Returns the exit
/// status.
static int runCompiled(mlir::ModuleOp program,
                       const attn::EntrySignature &entry,
                       std::vector<HostTensor> &operands,
                       const fovea_weights *weights,
                       std::vector<HostTensor> &results) {
  std::string prefix = emit::defaultPrefix(options.file);
  auto code = compileProgram(program, prefix);
  if (failed(code))
    return 1;
  auto loaded = emit::LoadedObject::load(
      {code->object.data(), code->object.size()}, prefix);
  if (!loaded)
    return fail(loaded.takeError());
  auto result = execute(loaded->program(), entry.name, operands, weights,
                        static_cast<int>(running.threads),
                        annotated.empty() ? usualRuns : 1);
  if (!result)
    return fail(result.takeError());
  if (!annotated.empty())
    if (llvm::Error error = writeAnnotated(*code, *loaded, prefix))
      return fail(std::move(error));
  if (!result->warning.empty())
    llvm::errs() << "fovea: warning: " << result->warning << '\n';
  results = std::move(result->outputs);
  for (auto [tensor, value] : llvm::zip_equal(entry.outputs, results))
    printResult(tensor.name, value);
  llvm::outs() << "time: " << llvm::format("%.3f ms", result->seconds * 1e3)
               << '\n';
  return 0;
}

static int run() {
  if (reference && !annotated.empty())
    return fail(llvm::createStringError(
        "expected --annotate or --reference, which runs no code, but found "
        "both"));
  auto request = parseInputs(chosen, running);
  if (!request)
    return fail(request.takeError());
  auto results = parseAssignments("--out", outputs);
  if (!results)
    return fail(results.takeError());

  LoadedProgram program;
  attn::EntrySignature entry;
  if (int status = loadEntry(options, chosen, program, entry))
    return status;
  for (const auto &result : *results)
    if (llvm::none_of(entry.outputs, [&](const attn::TensorSignature &tensor) {
          return tensor.name == result.getKey();
        }))
      return fail(llvm::createStringError(
          "expected --out with a result of '" + entry.name + "' (" +
          nameList(entry.outputs) + "), but found '" + result.getKey() + "'"));
  auto operands = makeInputs(entry, *request);
  if (!operands)
    return fail(operands.takeError());
  auto weights = openWeights(running.weights);
  if (!weights)
    return fail(weights.takeError());

  std::vector<HostTensor> values;
  if (reference) {
    auto computed =
        runReference(program.get(), entry, *operands, weights->get());
    if (failed(computed))
      return 1;
    values = std::move(*computed);
    for (auto [tensor, value] : llvm::zip_equal(entry.outputs, values))
      printResult(tensor.name, value);
  } else if (int status = runCompiled(program.get(), entry, *operands,
                                      weights->get(), values)) {
    return status;
  }
  for (auto [tensor, value] : llvm::zip_equal(entry.outputs, values)) {
    auto path = results->find(tensor.name);
    if (path != results->end())
      if (llvm::Error error = value.save(path->second))
        return fail(std::move(error));
  }
  return 0;
}

const tool::Command tool::runCommand = {&parser, run};
