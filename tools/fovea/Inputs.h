//===- Inputs.h - What a program is run on -----------------------*- C++
//-*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_INPUTS_H
#define FOVEA_TOOLS_FOVEA_INPUTS_H

#include "passes/cpu/Signature.h"
#include "tools/fovea/HostTensor.h"

#include "llvm/ADT/StringMap.h"

namespace fovea::tool {

/// What the command line says of an entry's inputs.
struct InputRequest {
  /// Files by input.
  llvm::StringMap<std::string> files;
  /// Sizes by index.
  llvm::StringMap<int64_t> sizes;
  /// Draw the inputs that no file gives.
  std::optional<uint64_t> seed;
};

/// Splits `NAME=VALUE` arguments of `option`; an argument of another form, or a
/// name given twice, is an error.
llvm::Expected<llvm::StringMap<std::string>>
parseAssignments(llvm::StringRef option, llvm::ArrayRef<std::string> arguments);

/// Reads `--size INDEX=N` arguments; N is at least 0.
llvm::Expected<llvm::StringMap<int64_t>>
parseSizes(llvm::ArrayRef<std::string> arguments);

/// The inputs of an entry, in order: from files, or drawn with the sizes that
/// the files and the request give. Floats are drawn from a normal
/// distribution, integers from 0 up to the smallest size of an index, so that
/// they can be looked up; scalar floats between 0.5 and 1.5.
llvm::Expected<std::vector<HostTensor>>
makeInputs(const attn::EntrySignature &entry, const InputRequest &request);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_INPUTS_H
