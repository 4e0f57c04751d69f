//===- TileCode.h - the elements of tiles as vector code ---------*- C++
//-*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILECODE_H
#define FOVEA_PASSES_VECTOR_TILECODE_H

#include "passes/vector/TileLanes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/PatternMatch.h"

namespace fovea::attn {

/// Where the elements of tiles are while a tile program becomes vector code,
/// and the code that reads and writes them.
///
/// A tile is in *registers* (one vector for a tile of lanes only, one scalar
/// for a tile without dimensions), in a *panel* (scratch memory, lanes
/// contiguous), or *lazy*: computed where it is read, from the op that defines
/// it.
///
/// Elements are read at coordinates: one index for each dimension of the tile
/// except the lane dimension, whose coordinate is null. What is read is a
/// vector if the tile has a lane dimension, else a scalar.
class TileCode {
public:
  TileCode(mlir::OpBuilder &builder, const TileLanes &lanes,
           mlir::Block *scratchBlock)
      : builder(builder), lanes(lanes), scratchBlock(scratchBlock) {}

  using Coordinates = llvm::SmallVector<mlir::Value>;

  std::optional<unsigned> getLane(mlir::Value tile) const {
    return lanes.get(tile);
  }

  void setRegister(mlir::Value tile, mlir::Value value) {
    registers[tile] = value;
  }
  void setPanel(mlir::Value tile, mlir::Value panel) { panels[tile] = panel; }
  /// The vector or scalar that holds a whole tile, or null.
  mlir::Value getRegister(mlir::Value tile) const {
    return registers.lookup(tile);
  }
  mlir::Value getPanel(mlir::Value tile) const { return panels.lookup(tile); }

  /// Allocates the panel of a tile whose dynamic extents are given.
  mlir::Value createPanel(mlir::Location loc, mlir::RankedTensorType type,
                          std::optional<unsigned> lane,
                          mlir::ValueRange extents);
  /// Scratch memory of a static shape.
  mlir::Value createBuffer(mlir::Location loc, llvm::ArrayRef<int64_t> shape,
                           mlir::Type element);

  mlir::Value read(mlir::Location loc, mlir::Value tile,
                   llvm::ArrayRef<mlir::Value> coordinates);
  /// Writes one element, or one vector of them, of a tile that is in a panel.
  void write(mlir::Location loc, mlir::Value tile,
             llvm::ArrayRef<mlir::Value> coordinates, mlir::Value value);

  /// Computes a tile that is not held into its panel: its first elements, as
  /// many along each dimension as `extents` says.
  void fillPanel(mlir::Location loc, mlir::Value tile,
                 mlir::ArrayRef<mlir::Value> extents);

  /// Reads the inputs of a tile op at a point of its iteration space.
  llvm::SmallVector<mlir::Value> readInputs(mlir::Location loc,
                                            mlir::ValueRange inputs,
                                            mlir::ArrayAttr maps,
                                            llvm::ArrayRef<mlir::Value> point);
  /// Computes a region at a point; elementwise on vectors where an argument is
  /// one. `width` is the number of lanes.
  mlir::Value compute(mlir::Region &region,
                      llvm::ArrayRef<mlir::Value> arguments,
                      llvm::ArrayRef<mlir::Value> point, int64_t width);
  /// The value as a vector of `width` lanes.
  mlir::Value broadcast(mlir::Location loc, mlir::Value value, int64_t width);

  /// Whether the lanes of a load or store are neighbours in memory.
  static bool isContiguous(mlir::AffineMap map, mlir::MemRefType type,
                           unsigned lane);

  /// Whether nothing reads a tile after `user` does, so that its memory may be
  /// taken over.
  static bool isLastUse(mlir::Value tile, mlir::Operation *user);

  /// The extents of all dimensions of a tile, as values.
  llvm::SmallVector<mlir::Value> getExtents(mlir::Value tile);
  mlir::Value index(mlir::Location loc, int64_t value);

  /// Builds nested loops from 0 over `extents`.
  void buildLoops(mlir::Location loc, mlir::ValueRange extents,
                  llvm::function_ref<void(mlir::ValueRange)> body);

  /// Writes a tile to memory element by element, where it is in range. The
  /// tile's lanes, if it has them, are walked one by one.
  void storeElements(TileStoreOp store);
  /// Writes the vector of a tile at `coordinates` to memory, contiguous along
  /// lanes.
  void storeVector(TileStoreOp store, llvm::ArrayRef<mlir::Value> coordinates,
                   mlir::Value value);
  /// Reads one element of a load with every coordinate given, the lane's too.
  mlir::Value loadElement(TileLoadOp load,
                          llvm::ArrayRef<mlir::Value> coordinates,
                          mlir::ValueRange lookups);

private:
  mlir::Value readLoad(TileLoadOp load,
                       llvm::ArrayRef<mlir::Value> coordinates);
  mlir::Value readContiguous(TileLoadOp load,
                             llvm::ArrayRef<mlir::Value> coordinates,
                             mlir::ValueRange lookups);
  mlir::Value readScattered(TileLoadOp load,
                            llvm::ArrayRef<mlir::Value> coordinates,
                            mlir::ValueRange lookups, int64_t width);
  llvm::SmallVector<mlir::Value> panelIndices(mlir::Location loc,
                                              mlir::Value tile,
                                              llvm::ArrayRef<mlir::Value>);

  mlir::OpBuilder &builder;
  const TileLanes &lanes;
  mlir::Block *scratchBlock;
  llvm::DenseMap<mlir::Value, mlir::Value> registers, panels;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILECODE_H
