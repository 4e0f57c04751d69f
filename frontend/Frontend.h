//===- Frontend.h - The language, for tools ---------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one header that a tool needs to read `.attn` programs. Lowering to MLIR
// is in frontend/Lower.h, formatting in frontend/Format.h.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_FRONTEND_H
#define FOVEA_FRONTEND_FRONTEND_H

#include "frontend/Elaborate.h"
#include "frontend/SemanticIndex.h"

namespace fovea::frontend {

/// What a command line says about how to read a program.
struct Options {
  /// Directories for `use`, after that of the file itself. `std.masks` is
  /// found in the first one that has `std/masks.attn`.
  std::vector<std::string> searchPaths;
  /// From `--set FUNCTION.NAME=VALUE`.
  std::vector<Setting> settings;
};

/// A program with its modules, as far as it could be read.
struct Checked {
  Checked(llvm::SourceMgr &sources, Diagnostics &diags,
          std::vector<std::string> searchPaths)
      : modules(sources, diags, std::move(searchPaths)) {}
  Modules modules;
  Program program;
};

/// Splits `FUNCTION.NAME=VALUE`; nothing when it is not of that form.
std::optional<Setting> parseSetting(llvm::StringRef text);

/// Parses and checks the file in `buffer` of `sources` and all that it uses.
/// Errors are in `diags`; functions with errors are not in the program. Modules
/// are read through the file system of `sources`, where it has one. Where
/// `semantics` is asked for, it is filled as far as names can be resolved, also
/// for a program that does not parse.
std::unique_ptr<Checked> parseAndCheck(llvm::SourceMgr &sources,
                                       unsigned buffer, const Options &options,
                                       Diagnostics &diags,
                                       SemanticIndex *semantics = nullptr);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_FRONTEND_H
