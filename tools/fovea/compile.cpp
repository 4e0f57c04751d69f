//===- compile.cpp - fovea compile: from a program to an object -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Compile.h"
#include "tools/emit/Header.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Options.h"
#include "tools/fovea/Program.h"

#include "llvm/Support/raw_ostream.h"

using namespace fovea;
namespace cl = llvm::cl;

namespace {
enum class Kind { Object, Shared, Attn, Llvm, Assembly };
enum class TimingReport { None, Stages, Passes, Json };
} // namespace

static cl::SubCommand parser("compile", "Compile a program to an object");
static tool::ProgramOptions options(parser);
static cl::opt<std::string> output("o", cl::value_desc("file"),
                                   cl::desc("Write the result here (- for "
                                            "standard output)"),
                                   cl::sub(parser));
static cl::opt<std::string> header("header", cl::value_desc("file"),
                                   cl::desc("Write a C header here too"),
                                   cl::sub(parser));
static cl::opt<Kind>
    kind("emit", cl::desc("What to write:"), cl::init(Kind::Object),
         cl::values(clEnumValN(Kind::Object, "obj", "an object file (default)"),
                    clEnumValN(Kind::Shared, "so", "a shared library"),
                    clEnumValN(Kind::Attn, "attn",
                               "the program as the frontend "
                               "gives it, in MLIR's text"),
                    clEnumValN(Kind::Llvm, "llvm", "optimized LLVM IR"),
                    clEnumValN(Kind::Assembly, "asm", "assembly")),
         cl::sub(parser));
static cl::opt<std::string>
    prefixOption("prefix", cl::value_desc("name"),
                 cl::desc("Begin the names of symbols with this (default: the "
                          "file's name)"),
                 cl::sub(parser));
static cl::opt<std::string>
    lastPhase("until-after", cl::value_desc("phase"),
              cl::desc("Stop after this phase and print the program"),
              cl::sub(parser));

static cl::opt<TimingReport>
    timingReport("timing", cl::ValueOptional, cl::init(TimingReport::None),
                 cl::desc("Report on standard error where the time goes:"),
                 cl::values(clEnumValN(TimingReport::Stages, "stages",
                                       "the stages of the compiler (default)"),
                            clEnumValN(TimingReport::Stages, "", ""),
                            clEnumValN(TimingReport::Passes, "passes",
                                       "the passes of each stage too"),
                            clEnumValN(TimingReport::Json, "json",
                                       "stages and passes, as JSON")),
                 cl::sub(parser));

/// Writes `contents` to `path`; gives the exit status.
static int write(llvm::StringRef path, llvm::StringRef contents,
                 emit::Timing &timing) {
  mlir::TimingScope stage = timing.stage("files");
  llvm::Error error = emit::writeFile(path, contents);
  return error ? tool::fail(std::move(error)) : 0;
}

/// Links the object to the shared library `path`; gives the exit status.
static int link(llvm::StringRef object, llvm::StringRef path,
                emit::Timing &timing) {
  mlir::TimingScope stage = timing.stage("linking");
  llvm::Error error = emit::linkSharedLibrary(object, path);
  return error ? tool::fail(std::move(error)) : 0;
}

static int refuse(const llvm::Twine &message) {
  return tool::fail(llvm::createStringError(message));
}

/// Where text goes.
static std::string textOutput() {
  return output.empty() ? std::string("-") : output.getValue();
}

static int writeText(mlir::ModuleOp program, emit::Timing &timing) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  program.print(stream);
  stream << '\n';
  return write(textOutput(), text, timing);
}

/// Writes the code of `program`, which is in graph form.
static int writeCode(mlir::ModuleOp program, const emit::Target &target,
                     llvm::StringRef prefix, emit::Timing &timing) {
  if (kind == Kind::Object || kind == Kind::Shared) {
    auto object = emit::compileObject(program, target, prefix, timing);
    if (failed(object))
      return 1;
    llvm::StringRef bytes(object->data(), object->size());
    return kind == Kind::Object ? write(output, bytes, timing)
                                : link(bytes, output, timing);
  }
  if (failed(emit::runPhases(program, target, prefix, timing)))
    return 1;
  llvm::LLVMContext context;
  auto module = emit::translate(program, target, context, timing);
  if (!module)
    return tool::fail(module.takeError());
  if (kind == Kind::Llvm) {
    std::string text;
    llvm::raw_string_ostream(text) << **module;
    return write(textOutput(), text, timing);
  }
  auto assembly =
      emit::generateCode(**module, target, emit::CodeKind::Assembly, timing);
  if (!assembly)
    return tool::fail(assembly.takeError());
  return write(textOutput(), {assembly->data(), assembly->size()}, timing);
}

static int compile(emit::Timing &timing) {
  std::string prefix = prefixOption.empty() ? emit::defaultPrefix(options.file)
                                            : prefixOption.getValue();
  if (!emit::isIdentifier(prefix))
    return refuse("expected a C identifier after --prefix, but found '" +
                  prefix + "'");
  std::optional<attn::Phase> last;
  if (!lastPhase.empty()) {
    last = attn::parsePhase(lastPhase);
    if (!last)
      return refuse("expected --until-after=PHASE with a phase of " +
                    attn::phaseNames() + ", but found '" + lastPhase + "'");
  }
  bool isBinary = !last && (kind == Kind::Object || kind == Kind::Shared);
  if (isBinary && output.empty())
    return refuse("expected -o FILE for the result");
  if (kind == Kind::Shared && output == "-")
    return refuse("expected a file for a shared library, but found standard "
                  "output");
  mlir::TimingScope setUp = timing.stage("set-up");
  auto target = emit::makeTarget(options.cpu);
  if (!target)
    return tool::fail(target.takeError());
  tool::LoadedProgram program;
  setUp.stop();
  mlir::TimingScope frontend =
      timing.stage(attn::phaseName(attn::Phase::Frontend));
  if (int status = program.load(options))
    return status;
  std::string headerText;
  if (!header.empty()) {
    auto text = emit::makeHeader(program.get(), prefix, options.file);
    if (failed(text))
      return 1;
    headerText = *text;
  }
  frontend.stop();

  int status = 0;
  if (last || kind == Kind::Attn) {
    attn::Phase stop = last.value_or(attn::Phase::Frontend);
    if (failed(emit::runPhases(program.get(), *target, prefix, timing, stop)))
      return 1;
    status = writeText(program.get(), timing);
  } else {
    status = writeCode(program.get(), *target, prefix, timing);
  }
  if (status == 0 && !header.empty())
    status = write(header, headerText, timing);
  return status;
}

static int run() {
  using Timers = mlir::DefaultTimingManager;
  std::string codeGeneratorPasses;
  llvm::raw_string_ostream stream(codeGeneratorPasses);
  emit::Timing timing;
  timing.withPasses = timingReport == TimingReport::Passes ||
                      timingReport == TimingReport::Json;
  if (timingReport == TimingReport::Passes)
    timing.codeGeneratorPasses = &stream;

  Timers timers;
  timers.setEnabled(timingReport != TimingReport::None);
  timers.setOutput(mlir::createOutputStrategy(timingReport == TimingReport::Json
                                                  ? Timers::OutputFormat::Json
                                                  : Timers::OutputFormat::Text,
                                              llvm::errs()));
  timing.scope = timers.getRootScope();
  int status = compile(timing);
  timing.scope.stop();
  // A program with errors has no report.
  if (status == 0) {
    timers.print();
    llvm::errs() << codeGeneratorPasses;
  }
  timers.setEnabled(false); // or they would be printed again
  return status;
}

const tool::Command tool::compileCommand = {&parser, run};
