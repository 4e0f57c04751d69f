//===- AttentionDestinations.cpp - where tiles may write ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A store leaves out what is past the end of memory. Where the domain may end
// before it, tiles write to the part of memory that the domain has, so that the
// rest keeps what it holds.
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Signature.h"
#include "passes/tile/AttentionTiler.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace fovea::attn;

/// The name of the one index behind a dimension of an entry's argument; equal
/// names have equal sizes.
static Attribute getIndexName(Value memory, int64_t dim) {
  auto argument = dyn_cast<BlockArgument>(memory);
  if (!argument)
    return {};
  auto function =
      dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp());
  if (!function || !argument.getOwner()->isEntryBlock())
    return {};
  auto dims =
      function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), kDimsAttr);
  if (!dims || dim >= static_cast<int64_t>(dims.size()))
    return {};
  auto group = dyn_cast<ArrayAttr>(dims[dim]);
  return group && group.size() == 1 ? group[0] : Attribute();
}

/// The index that `size` is the size of, if a dimension of an argument says so.
static Attribute getIndexName(Value size) {
  auto dim = size.getDefiningOp<memref::DimOp>();
  std::optional<int64_t> number = dim ? dim.getConstantIndex() : std::nullopt;
  return number ? getIndexName(dim.getSource(), *number) : Attribute();
}

/// The size of a dimension of `memory` as its definition gives it, or null.
static OpFoldResult getDefinedSize(Value memory, int64_t dim) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.isDynamicDim(dim))
    return IntegerAttr::get(IndexType::get(type.getContext()),
                            type.getDimSize(dim));
  if (auto expand = memory.getDefiningOp<memref::ExpandShapeOp>())
    return expand.getMixedOutputShape()[dim];
  if (auto alloc = memory.getDefiningOp<memref::AllocOp>())
    return alloc.getMixedSizes()[dim];
  return {};
}

/// Whether a dimension of `memory` is known to end where `end` does, or before.
static bool endsWithin(Value memory, int64_t dim, Value end) {
  OpFoldResult size = getDefinedSize(memory, dim);
  std::optional<int64_t> known =
      size ? getConstantIntValue(size) : std::nullopt;
  if (std::optional<int64_t> last = getConstantIntValue(end); last && known)
    return *known <= *last;
  if (auto dimOp = end.getDefiningOp<memref::DimOp>();
      dimOp && dimOp.getSource() == memory && dimOp.getConstantIndex() == dim)
    return true;
  auto value = dyn_cast_if_present<Value>(size);
  if (value && value == end)
    return true;
  Attribute name = value ? getIndexName(value) : getIndexName(memory, dim);
  return name && name == getIndexName(end);
}

FailureOr<Value> AttentionTiler::buildDestination(unsigned number) {
  Value out = op.getOuts()[number];
  auto self = cast<AttentionOpInterface>(op.getOperation());
  AffineMap access = self.getOutAccess(number);
  auto isTiled = [&](unsigned dim) {
    return dim == schedule.getQueryDim() || dim == schedule.getKeyDim() ||
           domain.isKind(dim, DimKind::value);
  };
  SmallVector<OpFoldResult> sizes;
  bool isWhole = true;
  for (auto [k, expr] : llvm::enumerate(access.getResults())) {
    OpFoldResult size = memref::getMixedSize(rewriter, loc, out, k);
    for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
      if (!isTiled(dim) || !expr.isFunctionOfDim(dim))
        continue;
      AffineExpr shift = expr - getAffineDimExpr(dim, rewriter.getContext());
      auto constant = dyn_cast<AffineConstantExpr>(
          simplifyAffineExpr(shift, access.getNumDims(), 0));
      if (!constant)
        return op.emitOpError()
               << "expects coordinate " << k << " of result " << number
               << " to be the tiled dimension '"
               << domain.getNames()[dim].getValue()
               << "' and at most a constant, but its access is "
               << AffineMapAttr::get(access);
      Value end = ends[dim];
      if (constant.getValue() != 0)
        end = rewriter.createOrFold<arith::AddIOp>(loc, end,
                                                   index(constant.getValue()));
      if (endsWithin(out, k, end))
        continue;
      Value memory = getValueOrCreateConstantIndexOp(rewriter, loc, size);
      size = getAsOpFoldResult(
          rewriter.createOrFold<arith::MinSIOp>(loc, memory, end));
      isWhole = false;
    }
    sizes.push_back(size);
  }
  if (isWhole)
    return out;
  unsigned rank = sizes.size();
  SmallVector<OpFoldResult> zeros(rank, rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(rank, rewriter.getIndexAttr(1));
  return memref::SubViewOp::create(rewriter, loc, out, zeros, sizes, ones)
      .getResult();
}
