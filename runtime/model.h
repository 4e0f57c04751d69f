//===- model.h - A program bound to its weights -----------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_MODEL_H
#define FOVEA_RUNTIME_MODEL_H

#include "runtime/buffer.h"
#include "runtime/context.h"
#include "runtime/fovea_abi.h"
#include "runtime/safetensors.h"

#include <memory>
#include <vector>

namespace fovea::runtime {

/// Immutable once bound.
class Model {
public:
  Model(std::shared_ptr<Context> context, const fovea_program &program)
      : context(std::move(context)), program(program) {}

  /// Finds, checks, converts and packs every parameter. `weights` may be null
  /// when the program has none.
  fovea_status bind(std::shared_ptr<const Weights> weights, fovea_error *error);

  /// Null when out of range.
  const fovea_entry *entry(int32_t number) const {
    bool exists = number >= 0 && number < program.entry_count;
    return exists ? &program.entries[number] : nullptr;
  }

  const std::shared_ptr<Context> context;
  const fovea_program &program;

  /// The values of the program's symbols.
  const int64_t *symbols() const { return symbolValues.data(); }
  /// fovea_invocation::params.
  const void *const *params() const { return paramData.data(); }

private:
  /// A member of a parameter, and where it goes.
  struct Member {
    const fovea_param *param;
    const FileTensor *tensor;
    /// Bytes in `arena`, and the offset there; bytes < 0: read from the file.
    int64_t bytes, offset;
  };

  fovea_status findMembers(const Weights &weights, std::vector<Member> &members,
                           fovea_error *error) const;
  fovea_status solveSymbols(const std::vector<Member> &members,
                            fovea_error *error);
  fovea_status place(std::vector<Member> &members, fovea_error *error);
  fovea_status load(const Member &member, AlignedBuffer &converted,
                    fovea_error *error);

  std::shared_ptr<const Weights> weights;
  std::vector<int64_t> symbolValues;
  std::vector<const void *> paramData;
  AlignedBuffer arena;
};

} // namespace fovea::runtime

struct fovea_model {
  std::shared_ptr<const fovea::runtime::Model> model;
};

#endif
