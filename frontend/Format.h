//===- Format.h - One layout for every program ------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_FORMAT_H
#define FOVEA_FRONTEND_FORMAT_H

#include "frontend/Diagnostics.h"
#include <optional>

namespace fovea::frontend {

/// Formats the program in `buffer`, which is one of `diags`'s sources.
///
/// The line breaks are the author's; indentation, the space between tokens,
/// blank lines (at most one) and the column of trailing comments are ours. The
/// result parses to the same program, keeps every comment, and formatting it
/// again changes nothing. A program that does not parse is not formatted:
/// nothing is returned and the errors are in `diags`.
std::optional<std::string> format(llvm::StringRef buffer, Diagnostics &diags);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_FORMAT_H
