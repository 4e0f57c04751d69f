//===- AttnQueryDim.cpp - the dimension that query tiles extend along -----===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fovea::attn;

/// The dimensions that an access depends on, directly or through lookups.
static llvm::SmallBitVector getAccessedDims(AttentionOpInterface op,
                                            AffineMap access) {
  unsigned numDims = op.getDomain().getNumDims();
  llvm::SmallBitVector dims(numDims);
  for (unsigned dim = 0; dim < numDims; ++dim)
    if (access.isFunctionOfDim(dim))
      dims.set(dim);
  for (unsigned k = 0; k < op.getNumLookups(); ++k) {
    if (!access.isFunctionOfDim(numDims + k))
      continue;
    Region &lookup = op.getLookup(k); // reads lookups before its own only
    for (AffineMap inner : op.getAccessesOf(lookup))
      dims |= getAccessedDims(op, inner);
    lookup.walk([&](IndexOp index) { dims.set(index.getDim()); });
  }
  return dims;
}

/// The dimensions of the operands that a key dimension has part in.
static llvm::SmallBitVector getDimsReadPerKey(AttentionOp op) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  llvm::SmallBitVector readPerKey(op.getDomain().getNumDims());
  for (unsigned k = 0, e = op.getInputs().size(); k < e; ++k) {
    llvm::SmallBitVector dims = getAccessedDims(self, self.getInputAccess(k));
    if (llvm::any_of(op.getDomain().getDims(DimKind::key),
                     [&](unsigned key) { return dims.test(key); }))
      readPerKey |= dims;
  }
  return readPerKey;
}

std::optional<unsigned> fovea::attn::getQueryDim(AttentionOp op) {
  if (std::optional<ScheduleAttr> schedule = op.getSchedule())
    return schedule->getQueryDim();
  SmallVector<unsigned> parallel = op.getDomain().getDims(DimKind::parallel);
  if (parallel.empty())
    return std::nullopt;
  llvm::SmallBitVector readPerKey = getDimsReadPerKey(op);
  for (unsigned dim : llvm::reverse(parallel))
    if (!readPerKey.test(dim))
      return dim;
  return parallel.back();
}

llvm::SmallBitVector fovea::attn::getDimsOfMask(AttentionOpInterface op) {
  llvm::SmallBitVector dims(op.getDomain().getNumDims());
  for (AffineMap access : op.getAccessesOf(op.getMask()))
    dims |= getAccessedDims(op, access);
  op.getMask().walk([&](IndexOp index) { dims.set(index.getDim()); });
  return dims;
}

std::optional<unsigned> fovea::attn::getSharingDim(AttentionOp op,
                                                   unsigned queryDim) {
  llvm::SmallBitVector taken = getDimsReadPerKey(op);
  taken.set(queryDim);
  taken |= getDimsOfMask(cast<AttentionOpInterface>(op.getOperation()));
  SmallVector<unsigned> parallel = op.getDomain().getDims(DimKind::parallel);
  for (unsigned dim : llvm::reverse(parallel))
    if (!taken.test(dim) && op.getDomain().getBounds()[dim] != 1)
      return dim;
  return std::nullopt;
}

std::optional<unsigned> fovea::attn::getHeadDim(AttentionOp op,
                                                unsigned queryDim) {
  llvm::SmallBitVector own = getDimsReadPerKey(op);
  own.reset(getDimsOfMask(cast<AttentionOpInterface>(op.getOperation())));
  own.reset(queryDim);
  SmallVector<unsigned> parallel = op.getDomain().getDims(DimKind::parallel);
  for (unsigned dim : llvm::reverse(parallel))
    if (own.test(dim) && op.getDomain().getBounds()[dim] != 1)
      return dim;
  return std::nullopt;
}
