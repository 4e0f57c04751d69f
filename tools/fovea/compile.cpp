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
}

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

/// The exit status of writing a file.
static int write(llvm::Error error) {
  return error ? tool::fail(std::move(error)) : 0;
}

static int refuse(const llvm::Twine &message) {
  return tool::fail(llvm::createStringError(message));
}

/// Where text goes.
static std::string textOutput() {
  return output.empty() ? std::string("-") : output.getValue();
}

static int writeText(mlir::ModuleOp program) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  program.print(stream);
  stream << '\n';
  return write(emit::writeFile(textOutput(), text));
}

/// Writes the code of `program`, which is in graph form.
static int writeCode(mlir::ModuleOp program, const emit::Target &target,
                     llvm::StringRef prefix) {
  if (kind == Kind::Object || kind == Kind::Shared) {
    auto object = emit::compileObject(program, target, prefix);
    if (failed(object))
      return 1;
    llvm::StringRef bytes(object->data(), object->size());
    return write(kind == Kind::Object ? emit::writeFile(output, bytes)
                                      : emit::linkSharedLibrary(bytes, output));
  }
  if (failed(emit::runPhases(program, target, prefix)))
    return 1;
  llvm::LLVMContext context;
  auto module = emit::translate(program, target, context);
  if (!module)
    return tool::fail(module.takeError());
  if (kind == Kind::Llvm) {
    std::string text;
    llvm::raw_string_ostream(text) << **module;
    return write(emit::writeFile(textOutput(), text));
  }
  auto assembly =
      emit::generateCode(**module, target, emit::CodeKind::Assembly);
  if (!assembly)
    return tool::fail(assembly.takeError());
  return write(
      emit::writeFile(textOutput(), {assembly->data(), assembly->size()}));
}

static int run() {
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
  auto target = emit::makeTarget(options.cpu);
  if (!target)
    return tool::fail(target.takeError());

  tool::LoadedProgram program;
  if (int status = program.load(options))
    return status;
  std::string headerText;
  if (!header.empty()) {
    auto text = emit::makeHeader(program.get(), prefix, options.file);
    if (failed(text))
      return 1;
    headerText = *text;
  }

  int status = 0;
  if (last || kind == Kind::Attn) {
    attn::Phase stop = last.value_or(attn::Phase::Frontend);
    if (failed(emit::runPhases(program.get(), *target, prefix, stop)))
      return 1;
    status = writeText(program.get());
  } else {
    status = writeCode(program.get(), *target, prefix);
  }
  if (status == 0 && !header.empty())
    status = write(emit::writeFile(header, headerText));
  return status;
}

const tool::Command tool::compileCommand = {&parser, run};
