//===- Inputs.h - What a program is run on ----------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_INPUTS_H
#define FOVEA_TOOLS_FOVEA_INPUTS_H

#include "passes/cpu/Signature.h"
#include "tools/fovea/HostTensor.h"
#include "tools/fovea/Options.h"

#include "llvm/ADT/StringMap.h"

namespace fovea::tool {

/// What the command line says of the inputs.
struct InputRequest {
  /// By input: the name of a file, or numbers.
  llvm::StringMap<std::string> inputs;
  /// Sizes by index.
  llvm::StringMap<int64_t> sizes;
  /// Draw the inputs that are not given.
  std::optional<uint64_t> seed;
};

/// Splits `NAME=VALUE` arguments of `option`; an argument of another form, or a
/// name given twice, is an error.
llvm::Expected<llvm::StringMap<std::string>>
parseAssignments(llvm::StringRef option, llvm::ArrayRef<std::string> arguments);

/// Reads `--in` and `--size`; a size is at least 0. Files are not read yet.
llvm::Expected<InputRequest> parseInputs(const EntryOptions &options);

/// Reads `--random` too.
llvm::Expected<InputRequest> parseInputs(const EntryOptions &options,
                                         const RunOptions &running);

/// An input as the command line gives it.
struct GivenInput {
  HostTensor tensor;
  /// `tensor` is the one number for every element of a tensor whose shape it
  /// does not give.
  bool isEverywhere = false;
};

/// Reads what `--in` says of an input. Numbers become elements of its type; a
/// file of another is an error, as the runtime would not take it.
llvm::Expected<GivenInput> readInput(const attn::TensorSignature &input,
                                     llvm::StringRef text);

/// The inputs of an entry, in order: as given, or drawn with the sizes that the
/// given ones and the request decide. Floats are drawn from a normal
/// distribution, scalar floats between 0.5 and 1.5. Integers are drawn from 0
/// up to the smallest size above 1, so that they can be looked up; scalar ones,
/// which are widths and lengths, from 1 to the largest size.
llvm::Expected<std::vector<HostTensor>>
makeInputs(const attn::EntrySignature &entry, const InputRequest &request);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_INPUTS_H
