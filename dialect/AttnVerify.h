//===- AttnVerify.h - checks that attention ops share -----------*- C++ -*-===//
//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTNVERIFY_H
#define FOVEA_DIALECT_ATTNVERIFY_H

#include "dialect/Attn.h"

#include "llvm/ADT/SmallBitVector.h"

namespace fovea::attn::detail {

/// The dimensions of a domain that have one of these roles.
llvm::SmallBitVector dimsOfKinds(DomainAttr domain,
                                 llvm::ArrayRef<DimKind> kinds);

/// Verifies one access against its operand, and that it uses `dims` and the
/// first `lookups` lookups alone. `what` names the operand in messages.
mlir::LogicalResult verifyAccess(AttentionOpInterface op, mlir::Value operand,
                                 mlir::AffineMap map, const llvm::Twine &what,
                                 const llvm::SmallBitVector &dims,
                                 unsigned lookups);

} // namespace fovea::attn::detail

#endif // FOVEA_DIALECT_ATTNVERIFY_H
