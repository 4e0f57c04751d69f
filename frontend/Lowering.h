//===- Lowering.h - One function on its way to MLIR -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared by the parts of the lowering; tools include frontend/Lower.h.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_LOWERING_H
#define FOVEA_FRONTEND_LOWERING_H

#include "frontend/Elaborate.h"
#include "frontend/Fuse.h"
#include "frontend/LowerScalar.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"

namespace fovea::frontend {

/// `a op b` for integers, or null where it is not affine.
mlir::AffineExpr affineOf(NodeOp op, mlir::AffineExpr a, mlir::AffineExpr b);

/// The state of lowering one exported function.
class FunctionLowering {
public:
  FunctionLowering(mlir::ModuleOp module, const Function &function,
                   IndexGraph &graph, const Locations &locations,
                   const llvm::MapVector<const Tensor *, std::string> &symbols,
                   Diagnostics &diags)
      : module(module), function(function), graph(graph), locations(locations),
        paramSymbols(symbols), diags(diags), builder(module.getContext()) {}

  /// Makes the function, in graph form. Fails after a report.
  llvm::LogicalResult run();

private:
  // Signature and sizes (LowerFunction.cpp).
  mlir::RankedTensorType memoryType(const Tensor *tensor);
  mlir::RankedTensorType logicalType(const Tensor *tensor);
  mlir::Type argumentType(const Tensor *tensor);
  void makeSignature();
  void solveSizes();
  void dropUnused();
  mlir::ArrayAttr dimsAttr(const Tensor *tensor);
  llvm::LogicalResult addSizeAttributes();
  llvm::LogicalResult addRange(const Extent *extent, llvm::StringRef name,
                               llvm::SMLoc loc,
                               llvm::SmallVectorImpl<mlir::NamedAttribute> &);
  std::string partName(const Tensor *tensor, unsigned dim, unsigned part);
  mlir::Value collapse(mlir::Value logical, const Tensor *tensor,
                       mlir::Location loc);

public:
  // What other parts of the lowering ask for (LowerFunction.cpp).
  mlir::Value sizeValue(const Extent *extent);
  mlir::OpFoldResult size(const Extent *extent);
  /// The tensor that `read` reads, with a dimension for each part, and the
  /// positions of `read` in it (without those of a parameter's family).
  mlir::Value tensorOf(const Node *read);
  llvm::ArrayRef<const Node *> positionsIn(const Node *read);
  /// The value of a scalar operand, as an element in memory.
  mlir::Value scalarOf(const Tensor *tensor);
  /// The value of an expression without free indices (loop indices aside).
  mlir::Value uniform(const Node *node);
  /// A loop's index that is in scope; null for any other.
  mlir::Value fixedIndex(const IndexVar *var) { return fixed.lookup(var); }
  llvm::SmallVector<const IndexVar *> fixedIndices() const;
  /// An uninitialized tensor with one dimension for each index.
  mlir::Value empty(llvm::ArrayRef<const IndexVar *> indices,
                    mlir::Type element, mlir::Location loc);
  mlir::Location location(llvm::SMLoc loc) { return locations(loc); }
  Diagnostic &error(llvm::SMLoc loc, const llvm::Twine &message) {
    failed = true;
    return diags.error(loc, message);
  }

  // One attention (LowerAttention.cpp): a tensor for each result, in the
  // order of its indices.
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  lowerAttention(const FusedAttention &fused, llvm::SMLoc loc);

  mlir::ModuleOp module;
  const Function &function;
  IndexGraph &graph;
  const Locations &locations;
  const llvm::MapVector<const Tensor *, std::string> &paramSymbols;
  Diagnostics &diags;
  mlir::OpBuilder builder;

private:
  friend class EntryLowering;
  llvm::LogicalResult
  lowerExportedAttention(llvm::SmallVectorImpl<mlir::Value> &results);
  llvm::LogicalResult lowerEntry(llvm::SmallVectorImpl<mlir::Value> &results);

  mlir::func::FuncOp func;
  class EntryLowering *entryLowering = nullptr; ///< While in an entry.
  mlir::Operation *sizesEnd = nullptr; ///< What all share goes before it.
  llvm::DenseMap<const Tensor *, mlir::Value> arguments;
  /// Argument tensors with a dimension for each part.
  llvm::DenseMap<const Tensor *, mlir::Value> expanded;
  llvm::DenseMap<const Extent *, mlir::Value> sizes;
  llvm::DenseMap<const IndexVar *, mlir::Value> fixed;
  /// Tensors of parameters in the current scope, by parameter and member.
  llvm::DenseMap<std::pair<const Tensor *, const Node *>, mlir::Value> params;
  bool failed = false;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_LOWERING_H
