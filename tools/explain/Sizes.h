//===- Sizes.h - Sizes in the IR as formulas --------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_SIZES_H
#define FOVEA_TOOLS_EXPLAIN_SIZES_H

#include "passes/cpu/Signature.h"
#include "tools/explain/SizePolynomial.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/StringMap.h"

namespace fovea::explain {

/// What an integer input holds: each element, or one for all of them.
struct Integers {
  std::vector<int64_t> elements;
};

/// What is known of a call: sizes by the number of the entry's symbol, and the
/// integers that inputs hold, by name.
struct CallValues {
  std::vector<std::optional<int64_t>> sizes;
  llvm::StringMap<Integers> inputs;
};

/// Reads integers that an entry computes, in graph or in buffer form, as
/// formulas over what the call does not say; as numbers where it says all.
class Sizes {
public:
  Sizes(mlir::func::FuncOp entry, const attn::EntrySignature &signature,
        const CallValues &call)
      : entry(entry), signature(signature), call(call) {}

  /// The value of an integer. One that cannot be read is an atom called `?`.
  SizePolynomial valueOf(mlir::Value value);
  SizePolynomial valueOf(mlir::OpFoldResult value);
  /// The sizes of a tensor's or a memref's dimensions.
  std::vector<SizePolynomial> shapeOf(mlir::Value value);
  /// How many elements it has.
  SizePolynomial countOf(mlir::Value value);
  /// How many bytes it takes.
  SizePolynomial bytesOf(mlir::Value value);
  /// The size of an index of the entry.
  SizePolynomial symbol(int64_t number) const;
  /// How often `op` runs in one call: the trips of the loops around it.
  SizePolynomial tripsOf(mlir::Operation *op);

  /// The elements of `value` that the call gives, where it is an input or a
  /// view of one: none, one for all of them, or each in row-major order.
  llvm::ArrayRef<int64_t> elementsOf(mlir::Value value);
  /// The value that every element of `value` has, where the call says so.
  std::optional<int64_t> commonElement(mlir::Value value);

  /// The name of the input that `value` is or is a view of; else empty.
  std::string nameOf(mlir::Value value);

  /// Evaluates the function that sizes the entry's workspace.
  SizePolynomial workspaceBytes(mlir::func::FuncOp sizeFunction);

private:
  SizePolynomial evaluate(mlir::Value value);
  SizePolynomial dimOf(mlir::Value shaped, mlir::Value index);
  SizePolynomial argument(mlir::BlockArgument argument);
  const attn::TensorSignature *find(mlir::BlockArgument argument);
  SizePolynomial product(const attn::DimFactors &factors) const;

  mlir::func::FuncOp entry;
  const attn::EntrySignature &signature;
  const CallValues &call;
  llvm::DenseMap<mlir::Value, SizePolynomial> known;
};

/// The bytes of one element in memory.
unsigned elementBytes(mlir::Type type);

/// The input that `value` is, or a view of; null when it is computed.
mlir::Value stripViews(mlir::Value value);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_SIZES_H
