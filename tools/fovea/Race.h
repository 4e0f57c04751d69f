//===- Race.h - Which of several invocations is fastest ---------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_RACE_H
#define FOVEA_TOOLS_FOVEA_RACE_H

#include "tools/fovea/Execution.h"

namespace fovea::tool {

/// Times invocations of the same entry in turn, `rounds` times, so that what
/// else the machine does befalls all of them. Those that are clearly behind
/// after some rounds take no further part, but for the first, which the others
/// are compared with. Gives the median seconds of each.
llvm::Expected<std::vector<double>>
race(llvm::ArrayRef<Invocation *> invocations, unsigned rounds);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_RACE_H
