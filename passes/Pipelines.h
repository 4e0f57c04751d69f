//===- Pipelines.h - The phases of the compiler -----------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_PIPELINES_H
#define FOVEA_PASSES_PIPELINES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

#include <memory>
#include <optional>
#include <string>

namespace fovea::attn {

class MeasuredSchedules;
struct CpuModel;

/// The phases, in order; docs/architecture.md says what a program looks like
/// after each.
enum class Phase {
  Frontend,
  Graph,
  Segments,
  Schedule,
  Bufferize,
  Tile,
  Vector,
  Llvm,
};

/// The name of a phase, as on the command line.
llvm::StringRef phaseName(Phase phase);

/// The phase of this name.
std::optional<Phase> parsePhase(llvm::StringRef name);

/// The phases after `Phase::Frontend` up to and including `last`, in order.
llvm::SmallVector<Phase> phasesTo(Phase last);

/// All names, separated by spaces.
std::string phaseNames();

/// What the phases need to know of the CPU that the code is for.
struct CpuOptions {
  /// LLVM's name.
  std::string name;
  /// FOVEA_CPU_BIT of each feature that the code may use.
  uint64_t features = 0;
  /// The widest vector registers to use.
  unsigned vectorBits = 128;
  /// Sizes of a core's data caches, in bytes.
  int64_t level1Bytes = 32 << 10;
  int64_t level2Bytes = 1 << 20;
  /// Schedules to take where they were measured on it; null for none.
  std::shared_ptr<const MeasuredSchedules> schedules;

  /// Names the CPU and the features that code may use: measured schedules go
  /// by it.
  std::string key() const;
  /// What the cost model of schedules knows.
  CpuModel model() const;
  /// Queries of a tile: two registers of f32.
  unsigned queryTile() const;
  /// Keys of a register tile, as many as the registers hold.
  unsigned registerRows() const;
  /// Whether it multiplies pairs of bfloat16 faster than f32: the instruction
  /// alone does not say so, on some CPUs it takes twice as long.
  bool hasFastBf16Dots() const;
  /// Whether it multiplies tiles of bf16 (AMX).
  bool hasMatrixUnit() const;
  /// Whether one instruction multiplies a vector by powers of two.
  bool hasVectorScale() const;
  /// Whether one instruction rounds a vector to bfloat16.
  bool hasBf16Conversion() const;
};

struct PipelineOptions {
  CpuOptions cpu;
  /// What the name of the exported constant begins with.
  std::string prefix = "model";
};

void populateGraphPhase(mlir::OpPassManager &pm,
                        const PipelineOptions &options);
void populateSegmentsPhase(mlir::OpPassManager &pm,
                           const PipelineOptions &options);
void populateSchedulePhase(mlir::OpPassManager &pm,
                           const PipelineOptions &options);
void populateBufferizePhase(mlir::OpPassManager &pm,
                            const PipelineOptions &options);
void populateTilePhase(mlir::OpPassManager &pm, const PipelineOptions &options);
void populateVectorPhase(mlir::OpPassManager &pm,
                         const PipelineOptions &options);
void populateLlvmPhase(mlir::OpPassManager &pm, const PipelineOptions &options);

/// Adds the passes of a phase; `Phase::Frontend` has none.
void populatePhase(mlir::OpPassManager &pm, const PipelineOptions &options,
                   Phase phase);

/// Registers the dialects that programs in any form use, and the interface
/// implementations that the phases need.
void registerDialects(mlir::DialectRegistry &registry);

/// Registers each phase as a pipeline `attn-phase-NAME`, for fovea-opt.
void registerPhasePipelines();

} // namespace fovea::attn

#endif // FOVEA_PASSES_PIPELINES_H
