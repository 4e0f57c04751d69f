//===- Loops.h - loops over the elements of buffers -------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_LOOPS_LOOPS_H
#define FOVEA_PASSES_LOOPS_LOOPS_H

#include "dialect/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace fovea::attn {

/// Builds loops over the elements of tiles that are buffers.
class Loops {
public:
  Loops(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  mlir::Value index(int64_t value);
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a,
                      mlir::Value b);
  mlir::Value load(mlir::Value buffer, mlir::ValueRange indices);

  /// The extents of a buffer.
  llvm::SmallVector<mlir::Value> getExtents(mlir::Value buffer);
  /// The extents of a tile whose dynamic ones are given.
  llvm::SmallVector<mlir::Value> getExtents(mlir::Type tile,
                                            mlir::ValueRange dynamic);
  /// Allocates the buffer of a tile of the given extents.
  mlir::Value allocate(mlir::Type tile, llvm::ArrayRef<mlir::Value> extents);

  /// Calls `body` inside of loops over all points below `extents`.
  void forEach(llvm::ArrayRef<mlir::Value> extents,
               llvm::function_ref<void(mlir::ValueRange)> body);
  /// Allocates a tile and computes each of its elements.
  mlir::Value fill(mlir::Type tile, llvm::ArrayRef<mlir::Value> extents,
                   llvm::function_ref<mlir::Value(mlir::ValueRange)> element);
  /// Starts with `init` and applies `step(point, value so far)` at each point;
  /// the first coordinate starts at `begin` if that is given.
  mlir::Value
  reduce(mlir::Value init, llvm::ArrayRef<mlir::Value> extents,
         llvm::function_ref<mlir::Value(mlir::ValueRange, mlir::Value)> step,
         mlir::Value begin = {});

  /// Reads a buffer at the projection of a point.
  mlir::Value read(mlir::Value buffer, mlir::AffineMap map,
                   mlir::ValueRange point);
  /// Computes a region at a point of its op's iteration space.
  mlir::Value compute(mlir::Region &region, mlir::ValueRange inputs,
                      mlir::ArrayAttr maps, mlir::ValueRange point);

  /// The coordinates in `memref` that an access gives, and whether they are all
  /// in range (i1). Those that use a dimension from `firstLookup` on are
  /// clamped.
  std::pair<llvm::SmallVector<mlir::Value>, mlir::Value>
  locate(mlir::Value memref, mlir::AffineMap map, mlir::ValueRange dims,
         mlir::ValueRange symbols, unsigned firstLookup);

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_LOOPS_LOOPS_H
