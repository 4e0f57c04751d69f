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

std::optional<unsigned> fovea::attn::getQueryDim(AttentionOp op) {
  if (std::optional<ScheduleAttr> schedule = op.getSchedule())
    return schedule->getQueryDim();
  auto self = cast<AttentionOpInterface>(op.getOperation());
  SmallVector<unsigned> parallel = op.getDomain().getDims(DimKind::parallel);
  if (parallel.empty())
    return std::nullopt;
  llvm::SmallBitVector readPerKey(op.getDomain().getNumDims());
  for (unsigned k = 0, e = op.getInputs().size(); k < e; ++k) {
    llvm::SmallBitVector dims = getAccessedDims(self, self.getInputAccess(k));
    if (llvm::any_of(op.getDomain().getDims(DimKind::key),
                     [&](unsigned key) { return dims.test(key); }))
      readPerKey |= dims;
  }
  for (unsigned dim : llvm::reverse(parallel))
    if (!readPerKey.test(dim))
      return dim;
  return parallel.back();
}
