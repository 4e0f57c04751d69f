//===- TestProgram.h - A program written by hand ----------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TEST_UNIT_RUNTIME_TESTPROGRAM_H
#define FOVEA_TEST_UNIT_RUNTIME_TESTPROGRAM_H

#include "runtime/fovea_abi.h"

namespace fovea::test {

/// The tables and the kernel that the compiler would write for
///
///   y[b, (h, g), d] = x * k + shift + n           d in 0..4
///   z[r] = r                                      r in 0..2 * n
///
/// of x: f32[b, (h, g), d], k: f32[b, h], flags: bool[b] (not read),
/// shift: f32, n: i32. It requires n != 13, and reports n == 14 and n == 15 as
/// clamped indices. Copy it to change it.
fovea_program makeProgram();
/// Its only entry.
fovea_entry makeEntry();

} // namespace fovea::test

#endif
