//===- choose_program.h - The code for this CPU -----------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_CHOOSE_PROGRAM_H
#define FOVEA_RUNTIME_CHOOSE_PROGRAM_H

#include "runtime/error.h"
#include "runtime/fovea_abi.h"

namespace fovea::runtime {

/// Chooses the first program of a valid chain that runs with `features`
/// (FOVEA_CPU_BIT), or, when `cpu` is not empty, the one compiled for the CPU
/// of this name. Fails with FOVEA_UNSUPPORTED_CPU, and says what is missing.
fovea_status chooseProgram(const fovea_program &first, uint64_t features,
                           const char *cpu, const fovea_program *&chosen,
                           fovea_error *error);

} // namespace fovea::runtime

#endif
