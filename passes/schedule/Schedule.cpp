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

/// Stands for the width of a head that is only known at run time.
static constexpr int64_t kUnknownWidth = 128;

/// With more tiles in a group there is little left to save.
static constexpr int64_t kMaxGroup = 32;

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

/// The size of a dimension, where it is known.
static std::optional<int64_t> getSize(AttentionOp op, unsigned dim) {
  int64_t bound = op.getDomain().getBounds()[dim];
  if (ShapedType::isDynamic(bound))
    return std::nullopt;
  return bound;
}

/// Elements that a query has: of itself, for the contractions, and of the sum
/// of its values.
static int64_t getWidth(AttentionOp op) {
  DomainAttr domain = op.getDomain();
  auto measure = [&](DimKind kind) {
    int64_t width = 1;
    for (unsigned dim : domain.getDims(kind)) {
      int64_t bound = domain.getBounds()[dim];
      width *= ShapedType::isDynamic(bound) ? kUnknownWidth
                                            : std::max<int64_t>(bound, 1);
    }
    return width;
  };
  return measure(DimKind::contraction) + measure(DimKind::value);
}

/// As many tiles as there is room for and as the queries, of all values of the
/// dimension `head` (or -1), fill; one where there is nothing to share.
static int64_t getGroup(AttentionOp op, unsigned query, int64_t head,
                        int64_t tile, int64_t bytes) {
  if (llvm::is_contained(op.getDomain().getBounds(), 0))
    return 1;
  int64_t tileBytes = tile * getWidth(op) * int64_t(sizeof(float));
  int64_t largest = std::clamp<int64_t>(bytes / tileBytes, 1, kMaxGroup);
  std::optional<int64_t> queries = getSize(op, query);
  std::optional<int64_t> heads = head < 0 ? 1 : getSize(op, head);
  if (!queries || !heads)
    return largest;
  return std::clamp<int64_t>(llvm::divideCeil(*queries, tile) * *heads, 1,
                             largest);
}

namespace {
struct SchedulePass : fovea::attn::impl::SchedulePassBase<SchedulePass> {
  using SchedulePassBase::SchedulePassBase;

  /// Tiles that many queries fill.
  ScheduleAttr getMany(AttentionOp op, unsigned query, int64_t key,
                       ScheduleAttr few) {
    return ScheduleAttr::get(
        op.getContext(), query, queryTile, key, keyBlock,
        getGroup(op, query, /*head=*/-1, queryTile, groupBytes),
        /*headDim=*/-1, /*keyPart=*/0, few ? minQueries : 0, few);
  }

  /// Narrow tiles: of the heads that share each key, if any do.
  ScheduleAttr getFew(AttentionOp op, unsigned query, int64_t key) {
    unsigned dim = getSharingDim(op, query).value_or(query);
    std::optional<unsigned> found = getHeadDim(op, dim);
    int64_t head = found ? int64_t(*found) : -1;
    int64_t keys = op.getDomain().getBounds()[key];
    bool isOnePart = !ShapedType::isDynamic(keys) && keys <= narrowKeyPart;
    return ScheduleAttr::get(op.getContext(), dim, narrowTile, key,
                             narrowKeyBlock,
                             getGroup(op, dim, head, narrowTile, groupBytes),
                             head, isOnePart ? 0 : narrowKeyPart,
                             /*minQueries=*/0, ScheduleAttr());
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
      unsigned query = *getQueryDim(op);
      std::optional<int64_t> queries = getSize(op, query);
      if (minQueries == 0 || (queries && *queries >= minQueries))
        op.setScheduleAttr(getMany(op, query, key, {}));
      else if (queries)
        op.setScheduleAttr(getFew(op, query, key));
      else
        op.setScheduleAttr(getMany(op, query, key, getFew(op, query, key)));
    });
  }
};
} // namespace
