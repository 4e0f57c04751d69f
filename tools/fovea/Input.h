//===- Input.h - What all tools read programs with --------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_INPUT_H
#define FOVEA_TOOLS_FOVEA_INPUT_H

#include "frontend/Frontend.h"

namespace fovea::tool {

/// Adds the file at `path` (`-` for standard input) to `sources`. Prints an
/// error and gives nothing when it cannot be read.
std::optional<unsigned> openSource(llvm::SourceMgr &sources,
                                   llvm::StringRef path);

/// The frontend's options from `--set` and `-I`, with the library of this
/// installation (or build) after the given paths. Prints an error and gives
/// nothing for a setting that is not `FUNCTION.NAME=VALUE`.
std::optional<frontend::Options>
makeOptions(llvm::ArrayRef<std::string> settings,
            llvm::ArrayRef<std::string> searchPaths);

/// What `--version` says.
void printVersion(llvm::raw_ostream &os);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_INPUT_H
