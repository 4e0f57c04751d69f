//===- Work.h - Operations and bytes of a program ---------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_WORK_H
#define FOVEA_TOOLS_EXPLAIN_WORK_H

#include "dialect/Attn.h"
#include "tools/explain/Sizes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace fovea::explain {

/// Operations of scalar code. An addition, a multiplication, a division, a
/// maximum count one; exp, log, erf, sin and the like are counted apart.
struct Operations {
  SizePolynomial flops, functions;

  Operations &operator+=(const Operations &other);
  Operations operator*(const SizePolynomial &times) const;
};

/// What an attention computes and moves when it visits every key.
struct AttentionWork {
  /// For each pair of query and key, and for each query.
  Operations perPair, perQuery;
  /// Queries (all parallel dimensions) and keys (all key dimensions).
  SizePolynomial queries, keys;
  /// Bytes of the tensors that are operands, each once, and of the results.
  SizePolynomial read, written;
  /// Bytes that a group of tiles reads for each key that it visits, and the
  /// groups there are.
  SizePolynomial perKey, groups;
};
AttentionWork measureAttention(attn::AttentionOp op, Sizes &sizes);

/// What kind of computation a linalg operation is.
enum class LayerKind { Product, Reduction, Elementwise };

/// A computation outside of attention, all of its runs in one call together.
struct Layer {
  LayerKind kind;
  mlir::Location loc;
  SizePolynomial trips;
  Operations work;
  /// Bytes of the weights that it reads in a run.
  SizePolynomial weightBytes;
  /// `b n 384 x 384` of a product: the results times what is summed.
  std::string shape;
};
std::vector<Layer> measureLayers(mlir::func::FuncOp entry, Sizes &sizes);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_WORK_H
