//===- Pipelines.cpp - The phases of the compiler -------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Pipelines.h"

#include "passes/Passes.h"
#include "passes/schedule/CostModel.h"
#include "passes/schedule/MeasuredSchedules.h"

#include "runtime/fovea_types.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace fovea::attn {

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

namespace {
using Populate = void (*)(OpPassManager &, const PipelineOptions &);

struct PhaseEntry {
  Phase phase;
  llvm::StringLiteral name;
  Populate populate; // null for the frontend, which is no pass
};

constexpr PhaseEntry kPhases[] = {
    {Phase::Frontend, "frontend", nullptr},
    {Phase::Graph, "graph", populateGraphPhase},
    {Phase::Segments, "segments", populateSegmentsPhase},
    {Phase::Schedule, "schedule", populateSchedulePhase},
    {Phase::Bufferize, "bufferize", populateBufferizePhase},
    {Phase::Tile, "tile", populateTilePhase},
    {Phase::Vector, "vector", populateVectorPhase},
    {Phase::Llvm, "llvm", populateLlvmPhase},
};
} // namespace

llvm::StringRef phaseName(Phase phase) {
  return kPhases[static_cast<size_t>(phase)].name;
}

std::optional<Phase> parsePhase(llvm::StringRef name) {
  for (const PhaseEntry &entry : kPhases)
    if (entry.name == name)
      return entry.phase;
  return std::nullopt;
}

SmallVector<Phase> phasesTo(Phase last) {
  SmallVector<Phase> phases;
  for (const PhaseEntry &entry : kPhases)
    if (entry.populate && entry.phase <= last)
      phases.push_back(entry.phase);
  return phases;
}

std::string phaseNames() {
  return llvm::join(
      llvm::map_range(kPhases, [](const PhaseEntry &e) { return e.name; }),
      " ");
}

bool CpuOptions::hasBf16Conversion() const {
  return features &
         (FOVEA_CPU_BIT(FOVEA_CPU_AVX512BF16) | FOVEA_CPU_BIT(FOVEA_CPU_BF16));
}

bool CpuOptions::hasFastBf16Dots() const {
  // Zen 4 and later start two of vdpbf16ps in a cycle, each of twice the
  // products of f32; others one, or half.
  bool isFast = llvm::is_contained({"znver4", "znver5"}, name);
  if (features & FOVEA_CPU_BIT(FOVEA_CPU_AVX512BF16))
    return isFast && vectorBits >= 512;
  // Cores with bfdot start as many of it as of multiply-adds.
  return features & FOVEA_CPU_BIT(FOVEA_CPU_BF16) && vectorBits == 128;
}

bool CpuOptions::hasMatrixUnit() const {
  return features & FOVEA_CPU_BIT(FOVEA_CPU_AMXTILE) &&
         features & FOVEA_CPU_BIT(FOVEA_CPU_AMXBF16) && hasBf16Conversion() &&
         vectorBits >= 512;
}

bool CpuOptions::hasVectorScale() const {
  return features & FOVEA_CPU_BIT(FOVEA_CPU_AVX512DQ) && vectorBits >= 512;
}

/// Rows of a tile of AMX, and pairs or sums in a row.
static constexpr int64_t matrixTileRows = 16;

std::string CpuOptions::key() const {
  return name + ":" + llvm::utohexstr(features, /*LowerCase=*/true);
}

CpuModel CpuOptions::model() const {
  return {vectorBits / 32, registerRows(), level1Bytes, level2Bytes,
          hasMatrixUnit() ? 2 * matrixTileRows : 0};
}

unsigned CpuOptions::queryTile() const { return 2 * vectorBits / 32; }

unsigned CpuOptions::registerRows() const {
  // Two accumulators a row, two registers of queries, one or more broadcasts.
  bool has32Registers = features & (FOVEA_CPU_BIT(FOVEA_CPU_AVX512F) |
                                    FOVEA_CPU_BIT(FOVEA_CPU_NEON));
  return has32Registers ? 12 : 6;
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

/// Folds and merges what the passes before left. From the bottom up: what
/// nothing uses goes before it is looked at, which takes a third of the time.
static void addCleanUp(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass(
      GreedyRewriteConfig()
          .setUseTopDownTraversal(false)
          .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Normal)));
  pm.addPass(createCSEPass());
}

void populateGraphPhase(OpPassManager &pm, const PipelineOptions &options) {
  addCleanUp(pm);
  pm.addPass(createPremultiplyQueriesPass());
  pm.addPass(createTabulatePass());
  bool multipliesPairs =
      options.cpu.hasMatrixUnit() || options.cpu.hasFastBf16Dots();
  if (multipliesPairs)
    pm.addPass(createNarrowTensorsPass());
  pm.addPass(createFuseElementwisePass());
  addCleanUp(pm);
  PackParamsPassOptions pack;
  pack.panelWidth = options.cpu.queryTile();
  pack.pairs = multipliesPairs;
  pm.addPass(createPackParamsPass(pack));
}

void populateSegmentsPhase(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createMaskSegmentsPass());
}

void populateSchedulePhase(OpPassManager &pm, const PipelineOptions &options) {
  const CpuOptions &cpu = options.cpu;
  if (cpu.schedules)
    pm.addPass(createApplySchedulesPass(cpu.schedules, cpu.key()));
  SchedulePassOptions schedule;
  CpuModel model = cpu.model();
  schedule.lanes = model.lanes;
  schedule.registerRows = model.registerRows;
  schedule.level1Bytes = model.level1Bytes;
  schedule.level2Bytes = model.level2Bytes;
  schedule.matrixKeys = model.matrixKeys;
  pm.addPass(createSchedulePass(schedule));
}

void populateBufferizePhase(OpPassManager &pm, const PipelineOptions &) {
  pm.addPass(createEntryAbiPass());
  pm.addPass(createCarryInPlacePass());
  // Sizes as functions of the arguments' sizes: so that the destinations of
  // results, and the sizes of buffers, are known at the start of the entry.
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  addCleanUp(pm);
  pm.addPass(createSplitFillsPass());
  pm.addPass(bufferization::createEmptyTensorEliminationPass());
  pm.addPass(bufferization::createOneShotBufferizePass());
  pm.addPass(memref::createResolveShapedTypeResultDimsPass());
  addCleanUp(pm);
}

void populateTilePhase(OpPassManager &pm, const PipelineOptions &options) {
  // The rest of the second cache is for a panel of weights and what is written.
  TileLinearPassOptions linear;
  linear.inputBytes = options.cpu.level2Bytes / 8 * 5;
  pm.addPass(createTileLinearPass(linear));
  pm.addPass(createTileAttentionPass());
  pm.addPass(createLowerOnlinePass());
  addCleanUp(pm);
  if (options.cpu.hasMatrixUnit()) {
    pm.addPass(createPairProductsPass({matrixTileRows}));
    pm.addPass(createNarrowWeightsPass({matrixTileRows}));
    pm.addPass(createApproximateWeightsPass());
  } else if (options.cpu.hasFastBf16Dots()) {
    pm.addPass(createPairProductsPass());
  }
  pm.addPass(createSplitContractionsPass());
  if (options.cpu.hasMatrixUnit())
    pm.addPass(createProductPiecesPass({matrixTileRows}));
  pm.addPass(createHoistTileLoadsPass());
  // The queries that a block needs with its mask and without it are one load.
  pm.addPass(createCSEPass());
  pm.addPass(createHoistTileGroupsPass());
  pm.addPass(createLowerCopiesPass());
  pm.addPass(createParallelizeGenericsPass());
  addCleanUp(pm);
  // Only now: fused computations need no buffer, and read what they read later.
  pm.addPass(createPlanMemoryPass());
  addCleanUp(pm);
}

void populateVectorPhase(OpPassManager &pm, const PipelineOptions &options) {
  VectorizeTilesPassOptions vectorize;
  vectorize.registerRows = options.cpu.registerRows();
  vectorize.bf16Dots = options.cpu.hasFastBf16Dots();
  vectorize.matrixUnit = options.cpu.hasMatrixUnit();
  vectorize.registerLanes = options.cpu.vectorBits / 32;
  pm.addPass(createVectorizeTilesPass(vectorize));
  pm.addPass(createExpandExpPass({options.cpu.hasVectorScale()}));
  addCleanUp(pm);
}

void populateLlvmPhase(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createLowerCopiesPass());
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  BindRuntimePassOptions bind;
  bind.prefix = options.prefix;
  bind.cpu = options.cpu.name;
  bind.features = options.cpu.features;
  pm.addPass(createBindRuntimePass(bind));
  pm.addPass(createOutlineParallelPass());
  addCleanUp(pm);

  VectorTransferToSCFOptions transfers;
  pm.addNestedPass<func::FuncOp>(
      createConvertVectorToSCFPass(transfers.enableFullUnroll()));
  pm.addPass(createLowerMathPass());
  pm.addPass(createLowerF8Pass());
  arith::ArithExpandOpsPassOptions expand;
  // Without the instructions a conversion to bfloat16 would be a library call.
  expand.includeBf16 = !options.cpu.hasBf16Conversion();
  pm.addNestedPass<func::FuncOp>(arith::createArithExpandOpsPass(expand));
  pm.addPass(createLowerExpandsPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createSCFToControlFlowPass());

  ConvertVectorToLLVMPassOptions vectors;
  vectors.x86Vector =
      options.cpu.hasFastBf16Dots() &&
      options.cpu.features & FOVEA_CPU_BIT(FOVEA_CPU_AVX512BF16);
  pm.addPass(createConvertVectorToLLVMPass(vectors));
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createConvertMathToLibmPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  pm.addPass(createLowerBf16Pass());
  pm.addPass(LLVM::createDIScopeForLLVMFuncOpPass()); // line tables
}

void populatePhase(OpPassManager &pm, const PipelineOptions &options,
                   Phase phase) {
  if (Populate populate = kPhases[static_cast<size_t>(phase)].populate)
    populate(pm, options);
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void registerPhasePipelines() {
  for (const PhaseEntry &entry : kPhases) {
    if (!entry.populate)
      continue;
    registerPassPipeline(
        ("attn-phase-" + entry.name).str(),
        ("the passes of phase '" + entry.name + "'").str(),
        [populate =
             entry.populate](OpPassManager &pm, StringRef text,
                             function_ref<LogicalResult(const Twine &)> error) {
          if (!text.empty())
            return error("expected no options, but found '" + text + "'");
          populate(pm, PipelineOptions());
          return success();
        },
        [](function_ref<void(const mlir::detail::PassOptions &)>) {});
  }
}

} // namespace fovea::attn
