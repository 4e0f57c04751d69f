//===- JsonNesting.h - How deep JSON nests ----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_JSONNESTING_H
#define FOVEA_TOOLS_FOVEA_JSONNESTING_H

#include "llvm/ADT/StringRef.h"

namespace fovea {

/// How deep the brackets of JSON may nest: LLVM's parser calls itself for each.
constexpr unsigned maxJsonNesting = 256;

/// How deep brackets nest, those in strings aside, whether or not `json` is
/// well-formed.
unsigned getJsonNesting(llvm::StringRef json);

} // namespace fovea

#endif // FOVEA_TOOLS_FOVEA_JSONNESTING_H
