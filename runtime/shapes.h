//===- shapes.h - Sizes of indices ------------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_SHAPES_H
#define FOVEA_RUNTIME_SHAPES_H

#include "runtime/error.h"
#include "runtime/fovea_abi.h"

#include <cstdint>

namespace fovea::runtime {

/// A tensor's declared dimensions beside its actual sizes.
struct ShapedTensor {
  const char *role; // "input", "output", "parameter"
  const char *name;
  const fovea_dim *dims;
  const int64_t *sizes;
  int32_t rank;
};

/// Where the value of a symbol came from, for messages.
struct SymbolOrigin {
  enum Kind : int32_t { Unknown, Declared, Dimension };
  Kind kind;
  int32_t tensor;
  int32_t dimension;
};

/// The symbols of an entry or a program, and their values in one call. The
/// tables must have passed validateProgram.
struct SymbolTable {
  const fovea_symbol *symbols;
  int32_t count;
  int64_t *values;       // [count], written by solve()
  SymbolOrigin *origins; // [count], written by solve()
  /// Values of the program's symbols; null when these are they.
  const int64_t *programValues;
  /// The tensors that sizes are solved from. The origins refer to them.
  const ShapedTensor *tensors;
  int32_t tensorCount;
  /// For each input, the value if it is an integer scalar; null without any.
  const int64_t *scalars;

  /// Finds the value of every symbol and proves that all dimensions of
  /// `tensors` agree with them. Bare dimensions decide first, then what they
  /// make known: groups with one unknown factor, by exact division, and
  /// computed sizes.
  fovea_status solve(fovea_error *error);

  /// Fails unless the tensor has the sizes that its dimensions declare.
  fovea_status check(const ShapedTensor &tensor, fovea_error *error) const;

  /// The size that `dim` declares; fails when it does not fit in 63 bits.
  fovea_status sizeOf(const fovea_dim &dim, const char *role, const char *name,
                      int64_t *size, fovea_error *error) const;

private:
  bool isKnown(int64_t factor) const;
  int64_t valueOf(int64_t factor) const;
  void initialize();
  bool solveBareDimensions();
  bool solveGroups(bool emptyOnesToo, fovea_status *status, fovea_error *error);
  bool compute(fovea_status *status, fovea_error *error);
};

} // namespace fovea::runtime

#endif
