//===- Options.h - Options that subcommands share ---------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_OPTIONS_H
#define FOVEA_TOOLS_FOVEA_OPTIONS_H

#include "passes/schedule/MeasuredSchedules.h"
#include "tools/emit/Target.h"

#include "llvm/Support/CommandLine.h"

#include <optional>
#include <string>

namespace fovea::tool {

/// How a subcommand's program is read: `--set` and `-I`.
struct SourceOptions {
  explicit SourceOptions(llvm::cl::SubCommand &parser);

  llvm::cl::list<std::string> settings;
  llvm::cl::list<std::string> searchPaths;
};

/// Reads a file that `fovea tune` wrote.
llvm::Expected<attn::MeasuredSchedules> readSchedules(llvm::StringRef path);

/// The one program that a subcommand works on, and the CPUs that its code is
/// for: `FILE.attn`, `--mcpu`, `--target`, `--schedules`, `--set` and `-I`.
struct ProgramOptions {
  explicit ProgramOptions(llvm::cl::SubCommand &parser);

  /// What `--mcpu` and `--target` ask for, best first: this machine's CPU when
  /// not given.
  llvm::Expected<std::vector<emit::Target>> makeTargets() const;

  /// The same for what runs the program in this process.
  llvm::Expected<std::vector<emit::Target>> makeTargetsToRun() const;

  /// The same for what works on one CPU's program, and may run it.
  llvm::Expected<emit::Target> makeTarget(bool isRun = false) const;

  llvm::cl::opt<std::string> file;
  llvm::cl::list<std::string> cpuNames;
  llvm::cl::opt<std::string> triple;
  llvm::cl::opt<std::string> schedules;
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

/// What an entry is run on: `--weights`, `--random` and `--threads`.
struct RunOptions {
  explicit RunOptions(llvm::cl::SubCommand &parser);

  /// The number after `--random`; nothing without it.
  llvm::Expected<std::optional<uint64_t>> readSeed() const;

  llvm::cl::opt<std::string> weights;
  llvm::cl::opt<std::string> seed;
  llvm::cl::opt<unsigned> threads;
};

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_OPTIONS_H
