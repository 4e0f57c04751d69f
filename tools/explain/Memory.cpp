//===- Memory.cpp - The memory that a program needs -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Memory.h"

#include "passes/cpu/Scratch.h"
#include "passes/cpu/WorkspaceSize.h"

#include "runtime/fovea_abi.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

WeightMemory explain::measureWeights(const ProgramParams &params) {
  WeightMemory memory;
  for (const ParamSignature &param : params.params) {
    auto product = [&](auto dims) {
      SizePolynomial count(1);
      for (int64_t dim : dims)
        for (int64_t factor : param.dims[dim])
          count = count *
                  (factor >= 0
                       ? SizePolynomial(static_cast<double>(factor))
                       : SizePolynomial::size(params.symbols[~factor].name));
      return count;
    };
    SizePolynomial bytes(static_cast<double>(param.members) *
                         elementBytes(param.elementType));
    SizePolynomial plain =
        product(llvm::seq<int64_t>(0, param.dims.size())) * bytes;
    memory.tensors += param.members;
    memory.plain += plain;
    if (param.block == 0) {
      memory.held += plain;
      continue;
    }
    auto padded = [](const SizePolynomial &size, double multiple) {
      return size.ceilDiv(multiple) * SizePolynomial(multiple);
    };
    ArrayRef<int64_t> order = param.order;
    SizePolynomial rows = product(order.take_front(param.columnRank)),
                   columns = product(order.drop_front(param.columnRank));
    if (param.pairs)
      columns = padded(columns, 2 * FOVEA_PANEL_PAIRS);
    memory.held +=
        padded(rows, static_cast<double>(param.block)) * columns * bytes;
  }
  return memory;
}

FailureOr<CallMemory> explain::measureCall(func::FuncOp entry, Sizes &sizes) {
  CallMemory memory;
  auto module = entry->getParentOfType<ModuleOp>();
  if (auto size =
          module.lookupSymbol<func::FuncOp>(workspaceSizeName(entry.getName())))
    memory.workspace = sizes.workspaceBytes(size);
  SmallVector<scf::ForallOp> loops;
  entry.walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
    loops.push_back(loop);
    return WalkResult::skip();
  });
  IRRewriter rewriter(entry.getContext());
  for (scf::ForallOp loop : loops) {
    rewriter.setInsertionPoint(loop);
    FailureOr<ScratchPlan> plan = planScratch(rewriter, loop);
    if (failed(plan))
      return failure();
    if (plan->bytes)
      memory.scratch =
          SizePolynomial::max(memory.scratch, sizes.valueOf(plan->bytes));
  }
  return memory;
}
