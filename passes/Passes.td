//===- Passes.td - the passes of the compiler ----------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TD
#define FOVEA_PASSES_TD

// One file for each directory of passes.
include "passes/mask/MaskPasses.td"

#endif // FOVEA_PASSES_TD
