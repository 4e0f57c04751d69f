//===- program.h - Checking the tables of an object -------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_PROGRAM_H
#define FOVEA_RUNTIME_PROGRAM_H

#include "runtime/error.h"
#include "runtime/fovea_abi.h"

namespace fovea::runtime {

/// Checks the version of a program and the consistency of its tables, and of
/// its alternatives', so that nothing needs to check them again. Fails with
/// FOVEA_BAD_PROGRAM.
fovea_status validateProgram(const fovea_program &program, fovea_error *error);

} // namespace fovea::runtime

#endif
