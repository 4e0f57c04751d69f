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
      cpu("mcpu", cl::value_desc("cpu"), cl::init("native"),
          cl::desc("The CPU to generate code for: native, x86-64-v3, znver4, "
                   "…"),
          cl::sub(parser)),
      source(parser) {}

tool::EntryOptions::EntryOptions(cl::SubCommand &parser)
    : name("entry", cl::value_desc("name"),
           cl::desc("Which entry of the program"), cl::sub(parser)),
      sizes("size", cl::CommaSeparated, cl::value_desc("INDEX=N,..."),
            cl::desc("Sizes of indices"), cl::sub(parser)),
      inputs("in", cl::value_desc("NAME=FILE.npy|N|N,N,..."),
             cl::desc("An input: a file, a number for every element, or one "
                      "for each"),
             cl::sub(parser)) {}
