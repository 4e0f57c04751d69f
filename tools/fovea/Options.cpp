//===- Options.cpp - Options that subcommands share -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Options.h"

using namespace fovea;
namespace cl = llvm::cl;

tool::SourceOptions::SourceOptions(cl::SubCommand &parser)
    : settings("set", cl::value_desc("FUNCTION.NAME=VALUE"),
               cl::desc("Set a size, a compile-time parameter, or T"),
               cl::sub(parser)),
      searchPaths("I", cl::Prefix, cl::value_desc("directory"),
                  cl::desc("Look here for modules"), cl::sub(parser)) {}

tool::ProgramOptions::ProgramOptions(cl::SubCommand &parser)
    : file(cl::Positional, cl::Required, cl::desc("FILE.attn"),
           cl::sub(parser)),
      cpuNames("mcpu", cl::CommaSeparated, cl::value_desc("cpu,..."),
               cl::desc("The CPUs to generate code for: native (default), "
                        "x86-64-v3, znver4, …"),
               cl::sub(parser)),
      triple("target", cl::value_desc("triple"),
             cl::desc("The architecture and system to generate code for, such "
                      "as aarch64-linux-gnu (default: this machine's)"),
             cl::sub(parser)),
      source(parser) {}

llvm::Expected<std::vector<emit::Target>>
tool::ProgramOptions::makeTargets() const {
  std::vector<std::string> names(cpuNames.begin(), cpuNames.end());
  return emit::makeTargets(names, triple);
}

llvm::Expected<emit::Target> tool::ProgramOptions::makeTarget() const {
  auto targets = makeTargets();
  if (!targets)
    return targets.takeError();
  if (targets->size() > 1)
    return llvm::createStringError("expected one CPU in --mcpu, but found " +
                                   llvm::Twine(targets->size()));
  return std::move(targets->front());
}

tool::EntryOptions::EntryOptions(cl::SubCommand &parser)
    : name("entry", cl::value_desc("name"),
           cl::desc("Which entry of the program"), cl::sub(parser)),
      sizes("size", cl::CommaSeparated, cl::value_desc("INDEX=N,..."),
            cl::desc("Sizes of indices"), cl::sub(parser)),
      inputs("in", cl::value_desc("NAME=FILE.npy|N|N,N,..."),
             cl::desc("An input: a file, a number for every element, or one "
                      "for each"),
             cl::sub(parser)) {}
