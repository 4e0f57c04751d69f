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
  llvm::Error error = emit::linkSharedLibrary(object, path, options.triple);
  return error ? tool::fail(std::move(error)) : 0;
}

static int refuse(const llvm::Twine &message) {
  return tool::fail(llvm::createStringError(message));
}

/// Where text goes.
static std::string textOutput() {
  return output.empty() ? std::string("-") : output.getValue();
}

/// Writes the program in graph form after the phase `last`.
static int writeForm(mlir::ModuleOp program, const emit::Target &target,
                     llvm::StringRef prefix, emit::Timing &timing,
                     attn::Phase last) {
  if (failed(emit::runPhases(program, target, prefix, timing, last)))
    return 1;
  std::string text;
  llvm::raw_string_ostream stream(text);
  program.print(stream);
  stream << '\n';
  return write(textOutput(), text, timing);
}

/// Writes the code of `program`, which is in graph form.
static int writeCode(mlir::ModuleOp program,
                     llvm::ArrayRef<emit::Target> targets,
                     llvm::StringRef prefix, emit::Timing &timing) {
  if (kind == Kind::Llvm) {
    llvm::LLVMContext context;
    auto module =
        emit::compileModule(program, targets, prefix, context, timing);
    if (failed(module))
      return 1;
    std::string text;
    llvm::raw_string_ostream(text) << **module;
    return write(textOutput(), text, timing);
  }
  auto code =
      emit::compileCode(program, targets, prefix,
                        kind == Kind::Assembly ? emit::CodeKind::Assembly
                                               : emit::CodeKind::Object,
                        timing);
  if (failed(code))
    return 1;
  llvm::StringRef bytes(code->data(), code->size());
  if (kind == Kind::Shared)
    return link(bytes, output, timing);
  return write(kind == Kind::Object ? output.getValue() : textOutput(), bytes,
               timing);
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
  auto targets = options.makeTargets();
  if (!targets)
    return tool::fail(targets.takeError());
  if (last > attn::Phase::Frontend && targets->size() > 1)
    return refuse("expected one CPU in --mcpu with --until-after=" + lastPhase +
                  ", but found " + llvm::Twine(targets->size()));
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

  int status = last || kind == Kind::Attn
                   ? writeForm(program.get(), targets->front(), prefix, timing,
                               last.value_or(attn::Phase::Frontend))
                   : writeCode(program.get(), *targets, prefix, timing);
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
