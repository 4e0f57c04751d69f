//===- Options.h - Options that subcommands share ---------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_OPTIONS_H
#define FOVEA_TOOLS_FOVEA_OPTIONS_H

#include "tools/emit/Target.h"

#include "llvm/Support/CommandLine.h"

#include <string>

namespace fovea::tool {

/// How a subcommand's program is read: `--set` and `-I`.
struct SourceOptions {
  explicit SourceOptions(llvm::cl::SubCommand &parser);

  llvm::cl::list<std::string> settings;
  llvm::cl::list<std::string> searchPaths;
};

/// The one program that a subcommand works on, and the CPUs that its code is
/// for: `FILE.attn`, `--mcpu`, `--target`, `--set` and `-I`.
struct ProgramOptions {
  explicit ProgramOptions(llvm::cl::SubCommand &parser);

  /// What `--mcpu` and `--target` ask for, best first: this machine's CPU when
  /// not given.
  llvm::Expected<std::vector<emit::Target>> makeTargets() const;

  /// The same for what works on one CPU's program.
  llvm::Expected<emit::Target> makeTarget() const;

  llvm::cl::opt<std::string> file;
  llvm::cl::list<std::string> cpuNames;
  llvm::cl::opt<std::string> triple;
  SourceOptions source;
};

/// The entry of a program, the sizes of its indices and what its inputs hold:
/// `--entry`, `--size` and `--in`.
struct EntryOptions {
  explicit EntryOptions(llvm::cl::SubCommand &parser);

  llvm::cl::opt<std::string> name;
  llvm::cl::list<std::string> sizes;
  llvm::cl::list<std::string> inputs;
};

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_OPTIONS_H
