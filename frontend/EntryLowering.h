//===- EntryLowering.h - Kernels of a model's entry -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An entry is cut into kernels: each reduction and each attention is one, and
// so is an elementwise expression that several kernels would compute again.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_ENTRYLOWERING_H
#define FOVEA_FRONTEND_ENTRYLOWERING_H

#include "frontend/Lowering.h"
#include "frontend/Normalizers.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"

namespace fovea::frontend {

class EntryLowering {
public:
  explicit EntryLowering(FunctionLowering &lowering)
      : lowering(lowering), graph(lowering.graph), builder(lowering.builder) {}

  /// Lowers all results of the entry, in the order of their dimensions.
  llvm::LogicalResult run(llvm::SmallVectorImpl<mlir::Value> &results);

  /// Emits what `round` has to check in each of its rounds; null for the start
  /// of the function (LowerChecks.cpp).
  llvm::LogicalResult emitChecks(const Loop *round);

  /// The value of a local, or of what a loop carries.
  mlir::Value tensorOf(const Tensor *tensor);

private:
  /// What is wanted as a tensor: a result, or what a loop starts or ends with.
  struct Request {
    const Node *node;
    llvm::SmallVector<const IndexVar *> order;
    DType dtype;
  };
  /// A tensor that holds a node, with the index behind each dimension.
  struct Made {
    mlir::Value tensor;
    llvm::SmallVector<const IndexVar *> order;
  };
  /// One operand of a `linalg.generic` under construction.
  struct Input {
    const Node *node;
    mlir::Value tensor;
    mlir::AffineMap map;
  };
  using Dims = llvm::SmallVector<const IndexVar *>;

  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  materialize(llvm::ArrayRef<Request> requests);
  llvm::LogicalResult makeBelow(llvm::ArrayRef<const Node *> roots);
  std::vector<const Node *> collect(llvm::ArrayRef<const Node *> roots);
  void chooseKernels(llvm::ArrayRef<const Node *> nodes,
                     llvm::ArrayRef<const Node *> wanted);
  llvm::LogicalResult makeKernel(const Node *node);
  llvm::LogicalResult makeLoop(const Loop *loop);
  mlir::Value convertedTo(const Request &request);
  mlir::Value violated(const ReadCheck &check,
                       llvm::ArrayRef<const IndexVar *> indices);

  /// Looks `node` up among what is made in this scope and those around.
  std::optional<Made> lookup(const Node *node);
  void remember(const Node *node, mlir::Value tensor);
  const Node *canonical(const Node *node, llvm::ArrayRef<const IndexVar *>);
  Dims orderOf(const Node *node) {
    return freeInOrder(node, lowering.fixedIndices());
  }

  // Kernels (LowerKernel.cpp).
  mlir::Value elementwise(const Node *node, const Dims &order, DType dtype);
  mlir::Value reduction(const Node *node, const Dims &order);
  mlir::Value argMax(const Node *node, const Dims &order);
  struct ReductionParts {
    Dims dims;
    llvm::SmallVector<Input> inputs;
    llvm::SmallVector<mlir::Value> operands;
    llvm::SmallVector<mlir::AffineMap> maps;
    llvm::SmallVector<mlir::utils::IteratorType> iterators;
  };
  ReductionParts reductionParts(const Node *node, const Dims &order,
                                unsigned results);
  llvm::SmallVector<Input> inputsOf(llvm::ArrayRef<const Node *> roots,
                                    const Dims &dims);
  void prepareGathers(const Node *root, llvm::ArrayRef<Input> inputs);
  void coverDims(llvm::SmallVectorImpl<Input> &inputs, const Dims &dims,
                 unsigned covered, mlir::Location loc);
  mlir::Value emit(const Node *node, llvm::ArrayRef<Input> inputs,
                   mlir::ValueRange arguments, const Dims &dims);
  mlir::Value gather(const Node *read, llvm::ArrayRef<mlir::Value> at);
  mlir::Value tensorBehind(const Node *node,
                           llvm::SmallVectorImpl<const Node *> &positions);

  FunctionLowering &lowering;
  IndexGraph &graph;
  mlir::OpBuilder &builder;
  llvm::DenseMap<const Node *, mlir::Value> made; ///< By canonical node.
  llvm::DenseMap<const Tensor *, mlir::Value> tensors;
  llvm::DenseSet<const Node *> kernels;
  std::map<std::pair<const Extent *, unsigned>, const IndexVar *> canonicals;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_ENTRYLOWERING_H
