//===- RowGroups.cpp - Which linalg operations share their rows -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/RowGroups.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

namespace {
/// Where a memref comes from: the memory, and the place within the workspace.
struct Origin {
  Value memory;
  Value offset; // null unless a `memref.view`
};
} // namespace

static Origin originOf(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto view = dyn_cast<memref::ViewOp>(op))
      return {view.getSource(), view.getByteShift()};
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      break;
    value = view.getViewSource();
  }
  return {value, Value()};
}

/// Whether other memory with a known origin is never the same.
static bool isDistinct(Value memory) {
  if (auto argument = dyn_cast<BlockArgument>(memory))
    return isa<func::FuncOp>(argument.getOwner()->getParentOp());
  return isa<memref::AllocOp, memref::AllocaOp, ParamRefOp>(
      memory.getDefiningOp());
}

bool fovea::attn::mayAlias(Value a, Value b) {
  Origin left = originOf(a), right = originOf(b);
  if (left.memory == right.memory)
    return !left.offset || !right.offset || left.offset == right.offset;
  return !isDistinct(left.memory) || !isDistinct(right.memory);
}

namespace {
struct Access {
  Value memref;
  AffineMap map; // null for a load at a computed position
  bool writes;
};
} // namespace

static SmallVector<Access> accessesOf(linalg::LinalgOp op) {
  SmallVector<Access> accesses;
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      accesses.push_back({operand.get(), op.getMatchingIndexingMap(&operand),
                          op.isDpsInit(&operand)});
  op->walk([&](memref::LoadOp load) {
    accesses.push_back({load.getMemRef(), AffineMap(), false});
  });
  return accesses;
}

//===----------------------------------------------------------------------===//
// One operation
//===----------------------------------------------------------------------===//

/// The dimension that most accesses are contiguous along, of those that read or
/// write most elements: a mean that is subtracted from each element of a row
/// does not decide how the row is read. The last dimension in doubt.
static unsigned innermost(linalg::LinalgOp op) {
  SmallVector<unsigned> votes(op.getNumLoops());
  SmallVector<Access> accesses = accessesOf(op);
  auto countDims = [&](const Access &access) {
    return access.map ? llvm::count_if(llvm::seq(op.getNumLoops()),
                                       [&](unsigned dim) {
                                         return access.map.isFunctionOfDim(dim);
                                       })
                      : 0;
  };
  int64_t most = 0;
  for (const Access &access : accesses)
    most = std::max<int64_t>(most, countDims(access));
  for (const Access &access : accesses)
    if (access.map && access.map.getNumResults() && countDims(access) == most)
      if (auto dim = dyn_cast<AffineDimExpr>(access.map.getResults().back()))
        ++votes[dim.getPosition()];
  op->walk([&](memref::LoadOp load) {
    if (!load.getIndices().empty())
      if (auto index =
              load.getIndices().back().getDefiningOp<linalg::IndexOp>())
        ++votes[index.getDim()];
  });
  unsigned best = 0;
  for (unsigned dim = 0; dim < votes.size(); ++dim)
    if (votes[dim] >= votes[best])
      best = dim;
  return best;
}

/// Whether the region computes what is worth a loop of vectors.
static bool isExpensive(linalg::LinalgOp op) {
  return op
      ->walk([](Operation *inner) {
        bool isFunction =
            isa_and_nonnull<math::MathDialect>(inner->getDialect()) &&
            !isa<math::SqrtOp, math::RsqrtOp, math::AbsFOp, math::FmaOp,
                 math::FloorOp, math::CeilOp>(inner);
        return isFunction ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

RowOp::RowOp(linalg::LinalgOp op) : op(op) {
  for (auto [dim, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    (kind == utils::IteratorType::parallel ? parallel : reduction)
        .push_back(dim);
  minBand = maxBand = parallel.size();
  if (op.getNumLoops() == 0)
    return;
  inner = innermost(op);
  bool innerIsLast = !parallel.empty() && inner == parallel.back();
  if (!reduction.empty()) {
    // Along columns, a row of sums is accumulated in memory.
    if (innerIsLast)
      minBand = maxBand = parallel.size() - 1;
    return;
  }
  if (parallel.size() < 2)
    return;
  // Few elements do not make a row, but many are never a band.
  constexpr int64_t fewElements = 512;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t elements = 1;
  minBand = parallel.size() - 1;
  for (unsigned next = parallel.size() - 1; next > 0; --next) {
    if (ShapedType::isDynamic(sizes[next]))
      break;
    elements *= sizes[next];
    if (elements > fewElements)
      break;
    minBand = next;
  }
  if (isExpensive(op))
    maxBand = parallel.size() - 1;
}

SmallVector<unsigned> RowOp::rowDims(unsigned band) const {
  SmallVector<unsigned> dims(ArrayRef(parallel).drop_front(band));
  llvm::append_range(dims, reduction);
  // Outside of the band the contiguous dimension is run last.
  if (auto it = llvm::find(dims, inner); it != dims.end()) {
    dims.erase(it);
    dims.push_back(inner);
  }
  return dims;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// Whether both accesses select by dimension `band` of the band at the same
/// position of the memref.
static bool selectAlike(const Access &a, const RowOp &opA, const Access &b,
                        const RowOp &opB, unsigned band) {
  if (!a.map || !b.map)
    return false;
  for (auto [left, right] :
       llvm::zip_equal(a.map.getResults(), b.map.getResults())) {
    auto dimA = dyn_cast<AffineDimExpr>(left);
    auto dimB = dyn_cast<AffineDimExpr>(right);
    if (dimA && dimB && dimA.getPosition() == opA.parallel[band] &&
        dimB.getPosition() == opB.parallel[band])
      return true;
  }
  return false;
}

/// Whether no row of `b` touches what another row of `a` does, one of the two
/// writing.
static bool areRowsApart(const RowOp &a, const RowOp &b, unsigned band) {
  SmallVector<Access> others = accessesOf(b.op);
  for (const Access &x : accessesOf(a.op))
    for (const Access &y : others) {
      if ((!x.writes && !y.writes) || !mayAlias(x.memref, y.memref))
        continue;
      if (x.memref != y.memref)
        return false;
      for (unsigned k = 0; k < band; ++k)
        if (!selectAlike(x, a, y, b, k))
          return false;
    }
  return true;
}

/// What decides the size of dimension `position` of `memref`: the value that
/// it was made with, or the memref and the position themselves.
static std::pair<Value, int64_t> extentKey(Value memref, int64_t position) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.isDynamicDim(position))
    return {Value(), type.getDimSize(position)};
  Value size;
  if (auto alloc = memref.getDefiningOp<memref::AllocOp>())
    size = alloc.getDynamicSizes()[type.getDynamicDimIndex(position)];
  if (auto view = memref.getDefiningOp<memref::ViewOp>())
    size = view.getSizes()[type.getDynamicDimIndex(position)];
  if (!size)
    return {memref, position};
  if (auto dim = size.getDefiningOp<memref::DimOp>())
    if (std::optional<int64_t> constant = dim.getConstantIndex())
      return {dim.getSource(), *constant};
  return {size, -1};
}

/// Whether dimension `band` of the bands is known to have the same size.
static bool haveSameSize(const RowOp &a, const RowOp &b, unsigned band) {
  auto keys = [&](const RowOp &row) {
    SmallVector<std::pair<Value, int64_t>> keys;
    AffineExpr dim = getAffineDimExpr(row.parallel[band], row.op->getContext());
    for (const Access &access : accessesOf(row.op))
      if (access.map)
        for (auto [position, expr] : llvm::enumerate(access.map.getResults()))
          if (expr == dim)
            keys.push_back(extentKey(access.memref, position));
    return keys;
  };
  SmallVector<std::pair<Value, int64_t>> others = keys(b);
  return llvm::any_of(
      keys(a), [&](auto key) { return llvm::is_contained(others, key); });
}

RowGroup::RowGroup(RowOp first)
    : minBand(first.minBand), maxBand(first.maxBand) {
  members.push_back(std::move(first));
}

bool RowGroup::tryAdd(const RowOp &next) {
  unsigned newMin = std::max(minBand, next.minBand);
  unsigned newMax = std::min(maxBand, next.maxBand);
  if (newMin > newMax || newMin == 0)
    return false;
  for (unsigned k = 0; k < newMax; ++k)
    if (llvm::none_of(members, [&](const RowOp &member) {
          return haveSameSize(member, next, k);
        }))
      return false;
  if (!llvm::all_of(members, [&](const RowOp &member) {
        return areRowsApart(member, next, newMax);
      }))
    return false;
  members.push_back(next);
  minBand = newMin;
  maxBand = newMax;
  return true;
}
