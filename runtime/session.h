//===- session.h - Calls ----------------------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_SESSION_H
#define FOVEA_RUNTIME_SESSION_H

#include "runtime/model.h"
#include "runtime/shapes.h"
#include "runtime/tensors.h"

#include <atomic>
#include <memory>
#include <vector>

/// State of one caller. All of it has the size of the largest entry from the
/// start, but for the workspace and the scratch memory, which grow with the
/// sizes of calls.
struct fovea_session {
  explicit fovea_session(std::shared_ptr<const fovea::runtime::Model> model);

  fovea_status run(int32_t number, const DLTensor *const *in,
                   DLTensor *const *out, void *stream);
  fovea_status outputShape(int32_t number, const DLTensor *const *in,
                           int32_t index, int64_t *shape);

  const std::shared_ptr<const fovea::runtime::Model> model;
  std::atomic<bool> isBusy{false};
  fovea_error error{};

private:
  fovea_status findEntry(int32_t number, const fovea_entry *&entry);
  fovea_status checkInputs(const fovea_entry &entry, const DLTensor *const *in,
                           fovea::runtime::SymbolTable &table);
  fovea_status checkOutputs(const fovea_entry &entry, DLTensor *const *out,
                            const fovea::runtime::SymbolTable &table);
  fovea_status checkOverlaps(const fovea_entry &entry);
  fovea_status reserveWorkspace(const fovea_entry &entry);
  fovea_status call(const fovea_entry &entry);

  fovea::runtime::Executor executor;
  fovea::runtime::AlignedBuffer workspace;
  // One for each input, then each output.
  std::vector<fovea::runtime::TensorView> views;
  std::vector<fovea::runtime::MemoryRange> ranges;
  std::vector<void *> tensors;
  // One for each input.
  std::vector<fovea::runtime::ShapedTensor> shapes;
  std::vector<int64_t> scalars;
  // One for each symbol.
  std::vector<int64_t> symbols;
  std::vector<fovea::runtime::SymbolOrigin> origins;
};

#endif
