//===- Schedule.cpp - choice of tile sizes --------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

namespace fovea::attn {
#define GEN_PASS_DEF_SCHEDULEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Adds a parallel dimension of bound 1, after all others.
static void addUnitDim(AttentionOp op) {
  DomainAttr domain = op.getDomain();
  MLIRContext *context = op.getContext();
  auto names = llvm::to_vector(domain.getNames());
  auto kinds = llvm::to_vector(domain.getKinds());
  auto bounds = llvm::to_vector(domain.getBounds());
  auto offsets = llvm::to_vector(domain.getOffsets());
  names.push_back(StringAttr::get(context, "_"));
  kinds.push_back(DimKind::parallel);
  bounds.push_back(1);
  offsets.push_back(0);
  unsigned numDims = domain.getNumDims();
  SmallVector<AffineMap> accesses;
  for (auto attr : op.getAccesses().getAsValueRange<AffineMapAttr>())
    accesses.push_back(attr.shiftDims(1, numDims));
  Builder builder(context);
  op.setDomainAttr(DomainAttr::get(context, names, kinds, bounds, offsets));
  op.setAccessesAttr(builder.getAffineMapArrayAttr(accesses));
  // Segments go by the number of dimensions; without them all keys are visited.
  op.removeSegmentsAttr();
}

namespace {
struct SchedulePass : fovea::attn::impl::SchedulePassBase<SchedulePass> {
  using SchedulePassBase::SchedulePassBase;
  /// As many tiles as the queries fill; one where there is nothing to share.
  int64_t getGroup(AttentionOp op, int64_t query) {
    if (llvm::is_contained(op.getDomain().getBounds(), 0))
      return 1;
    int64_t queries = op.getDomain().getBounds()[query];
    if (ShapedType::isDynamic(queries))
      return queryGroup;
    return std::clamp<int64_t>(llvm::divideCeil(queries, queryTile), 1,
                               queryGroup);
  }

  void runOnOperation() override {
    getOperation()->walk([&](AttentionOp op) {
      if (op.getSchedule())
        return;
      if (op.getDomain().getDims(DimKind::parallel).empty())
        addUnitDim(op);
      int64_t key = op.getSegments()
                        ? op.getSegments()->getKey()
                        : op.getDomain().getDims(DimKind::key).back();
      int64_t query = *getQueryDim(op);
      op.setScheduleAttr(ScheduleAttr::get(op.getContext(), query, queryTile,
                                           key, keyBlock, getGroup(op, query)));
    });
  }
};
} // namespace
