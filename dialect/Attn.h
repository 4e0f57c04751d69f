//===- Attn.h - the attn dialect --------------------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTN_H
#define FOVEA_DIALECT_ATTN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialect/AttnDialect.h.inc"
#include "dialect/AttnEnums.h.inc"

#include "dialect/AttnAttrInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialect/AttnAttrs.h.inc"

namespace fovea::attn {
class AttentionOpInterface;
namespace detail {
unsigned getSegmentOf(AttentionOpInterface op, mlir::Region &region);
unsigned getNumLeadingArguments(AttentionOpInterface op, mlir::Region &region);
mlir::LogicalResult verifyAttention(AttentionOpInterface op);
} // namespace detail
} // namespace fovea::attn

#include "dialect/AttnOpInterfaces.h.inc"

#define GET_OP_CLASSES
#include "dialect/AttnOps.h.inc"

namespace fovea::attn {

/// Clones the body of a scalar region at the builder's insertion point with
/// its block arguments replaced, and returns the yielded value. `indices` are
/// the values that stand for `attn.index` and `attn.tile.index`, by dimension.
/// An empty region is the identity on its first argument.
mlir::Value inlineRegion(mlir::OpBuilder &builder, mlir::Region &region,
                         mlir::ValueRange arguments,
                         llvm::ArrayRef<mlir::Value> indices);

/// The dimension that a tile of queries extends along: the one that the
/// schedule says, else the last parallel dimension that no operand with a key
/// dimension depends on, so that a tile's queries share what is read for each
/// key, else the last parallel dimension; nothing if there is none.
std::optional<unsigned> getQueryDim(AttentionOp op);

/// Another parallel dimension whose queries share keys, values and mask: the
/// heads of a group in grouped-query attention. Nothing if there is none.
std::optional<unsigned> getSharingDim(AttentionOp op, unsigned queryDim);

/// The last parallel dimension beside `queryDim` whose values have their own
/// keys, but one mask: heads, of multi-head attention or each of a group.
/// Nothing if there is none.
std::optional<unsigned> getHeadDim(AttentionOp op, unsigned queryDim);

/// The dimensions of the domain that the mask depends on.
llvm::SmallBitVector getDimsOfMask(AttentionOpInterface op);

/// Registers the attn dialect's implementation of the bufferization interface.
void registerBufferizationModels(mlir::DialectRegistry &registry);

} // namespace fovea::attn

#endif // FOVEA_DIALECT_ATTN_H
