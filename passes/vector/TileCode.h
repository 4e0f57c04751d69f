//===- TileCode.h - the elements of tiles as vector code --------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILECODE_H
#define FOVEA_PASSES_VECTOR_TILECODE_H

#include "passes/vector/TileLanes.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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
/// vector if the tile has a lane dimension, else a scalar. A coordinate that is
/// given along lanes picks one of them, a scalar.
///
/// Tiles without lanes can also be read in *spans*, vectors of neighbours along
/// one dimension.
class TileCode {
  static constexpr unsigned maxSummedColumns = 8;

public:
  /// With registers for the sums of so many rows.
  TileCode(mlir::OpBuilder &builder, const TileLanes &lanes,
           mlir::Block *scratchBlock, unsigned registerRows)
      : summedColumns(std::min(registerRows, maxSummedColumns)),
        columnBlock(summedColumns < maxSummedColumns ? 2 * summedColumns
                                                     : summedColumns),
        builder(builder), lanes(lanes), scratchBlock(scratchBlock) {}

  using Coordinates = llvm::SmallVector<mlir::Value>;

  std::optional<unsigned> getLane(mlir::Value tile) const {
    return lanes.get(tile);
  }
  bool isNarrow() const { return lanes.isNarrow(); }

  void setRegister(mlir::Value tile, mlir::Value value) {
    registers[tile] = value;
  }
  void setPanel(mlir::Value tile, mlir::Value panel) { panels[tile] = panel; }
  /// Columns of what is weighed that are summed at a time, if as many are left.
  const unsigned summedColumns;
  /// Those that lie side by side in a panel: what is summed at a time never
  /// lies in two blocks, and rows are copied by as many as divide a block.
  const unsigned columnBlock;
  /// A panel of [keys x columns] with blocks of columns outermost:
  /// [column / columnBlock][key][column % columnBlock].
  void setColumnPanel(mlir::Value tile, mlir::Value panel) {
    setPanel(tile, panel);
    columnPanels.insert(tile);
  }
  /// States that a column is the `rest`-th of block `block`.
  void setColumn(mlir::Value column, mlir::Value block, mlir::Value rest) {
    columns[column] = {block, rest};
  }
  /// A panel of the weights [lanes x keys] in pairs of keys, of bf16 or of the
  /// pieces of f32: [piece][key / 2][lane], as i32. It is written only, and
  /// read by a matrix unit.
  void setPairPanel(mlir::Value tile, mlir::Value panel) {
    pairPanels[tile] = panel;
  }
  mlir::Value getPairPanel(mlir::Value tile) const {
    return pairPanels.lookup(tile);
  }
  /// The vector or scalar that holds a whole tile, or null.
  mlir::Value getRegister(mlir::Value tile) const {
    return registers.lookup(tile);
  }
  mlir::Value getPanel(mlir::Value tile) const { return panels.lookup(tile); }

  /// Allocates the panel of a tile whose dynamic extents are given.
  mlir::Value createPanel(mlir::Location loc, mlir::RankedTensorType type,
                          std::optional<unsigned> lane,
                          mlir::ValueRange extents);
  /// Allocates the panel of a tile [keys x columns] of given extents, for
  /// `setColumnPanel`.
  mlir::Value createColumnPanel(mlir::Location loc, mlir::RankedTensorType type,
                                mlir::ValueRange extents);
  /// Scratch memory of a static shape.
  mlir::Value createBuffer(mlir::Location loc, llvm::ArrayRef<int64_t> shape,
                           mlir::Type element);

  mlir::Value read(mlir::Location loc, mlir::Value tile,
                   llvm::ArrayRef<mlir::Value> coordinates);
  /// Reads `width` elements of a tile along its last dimension; only the first
  /// `count` of them where that is given. Of a tile with lanes it is the row of
  /// one, whose coordinate is given.
  mlir::Value readRow(mlir::Location loc, mlir::Value tile,
                      llvm::ArrayRef<mlir::Value> coordinates, int64_t width,
                      mlir::Value count = {});
  /// Whether these elements lie side by side, or are computed from such. Only
  /// rows that begin at a multiple of their length, a power of two up to
  /// `longestRow`, may be read of a load that repeats itself.
  bool canReadRow(mlir::Value tile) const;
  static constexpr int64_t longestRow = 16;
  /// The same along any dimension, one by one where they do not lie side by
  /// side.
  mlir::Value readSpan(mlir::Location loc, mlir::Value tile, unsigned dim,
                       llvm::ArrayRef<mlir::Value> coordinates, int64_t width,
                       mlir::Value count = {});
  /// Writes a span along the last dimension of what is in memory.
  void writeSpan(mlir::Location loc, mlir::Value memref,
                 mlir::ValueRange indices, mlir::Value value,
                 mlir::Value count);
  /// Runs `body` on spans of `width` from `begin` to `end`, the last of which
  /// may have fewer elements, `count`. `body` maps what is carried.
  llvm::SmallVector<mlir::Value> buildSpans(
      mlir::Location loc, mlir::Value begin, mlir::Value end, int64_t width,
      mlir::ValueRange carried,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(
          mlir::Value start, mlir::Value count, mlir::ValueRange carried)>
          body);
  /// The indices `start`, `start` + 1, … of a span.
  mlir::Value spanIndices(mlir::Location loc, mlir::Value start, int64_t width);
  /// Which elements of a span exist; null if all do.
  mlir::Value spanMask(mlir::Location loc, mlir::Value count, int64_t width);
  /// One vector with an element for each of `vectors`: all of its elements,
  /// combined.
  mlir::Value combineEach(
      mlir::Location loc, llvm::SmallVector<mlir::Value> vectors,
      llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> combine);
  /// Writes one element, or one vector of them, of a tile that is in a panel.
  void write(mlir::Location loc, mlir::Value tile,
             llvm::ArrayRef<mlir::Value> coordinates, mlir::Value value);

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
  /// `sum` and the term of a contraction at a point; only where it `exists`, if
  /// that is given.
  mlir::Value addTerm(TileContractOp contract,
                      llvm::ArrayRef<mlir::Value> inputs,
                      llvm::ArrayRef<mlir::Value> point, int64_t width,
                      mlir::Value sum, mlir::Value exists = {});
  /// Scores, -inf where the mask drops them; `width` as in `compute`.
  mlir::Value applyMask(TileMaskOp mask, mlir::Value score,
                        llvm::ArrayRef<mlir::Value> inputs,
                        llvm::ArrayRef<mlir::Value> point, int64_t width);
  /// The value as a vector of `width` lanes; as it is, if there are none.
  mlir::Value broadcast(mlir::Location loc, mlir::Value value, int64_t width);

  /// Whether the lanes of a load or store, which are `step` elements apart, are
  /// neighbours in memory.
  static bool isContiguous(mlir::AffineMap map, mlir::MemRefType type,
                           unsigned lane, int64_t step = 1);
  /// Whether what a load reads along a dimension lies side by side in memory.
  static bool isContiguous(TileLoadOp load, unsigned dim) {
    return isContiguous(
        load.getMap(), mlir::cast<mlir::MemRefType>(load.getSource().getType()),
        dim, load.readsPairs() ? 2 : 1);
  }
  /// Whether a load reads the same elements again and again along its last
  /// dimension, side by side in memory within each `width` of them.
  static bool repeatsRows(TileLoadOp load, int64_t width);

  /// The dimension of memory that what a load reads lies along one after the
  /// other, by dimension `along` of the tile; nothing if it may be anywhere.
  static std::optional<unsigned> getMemoryDim(mlir::AffineMap map,
                                              unsigned along);
  /// Where the first element of a load is, and the dimension of memory that its
  /// rows, the first dimension of the tile, lie along one after the other.
  struct Rows {
    llvm::SmallVector<mlir::Value> indices;
    unsigned dim;
  };
  /// Nothing, where rows may be anywhere or out of range, or lie in a panel.
  std::optional<Rows> locateRows(TileLoadOp load) {
    return locateRows(load, load.getSymbols());
  }
  /// The same where the load's symbols had other values.
  std::optional<Rows> locateRows(TileLoadOp load, mlir::ValueRange symbols);
  /// The indices of the first element of a load, as if it were in range, where
  /// its symbols have these values.
  llvm::SmallVector<mlir::Value> locateFirst(TileLoadOp load,
                                             mlir::ValueRange symbols);

  /// Whether a part of a tile is put back where it was, after it is updated,
  /// and nothing else reads the whole.
  static bool isUpdatedPart(mlir::tensor::ExtractSliceOp slice);
  /// Whether what a load reads is stored to in this iteration.
  static bool isOverwritten(TileLoadOp load);
  /// Whether nothing reads a tile after `user` does, so that its memory may be
  /// taken over.
  static bool isLastUse(mlir::Value tile, mlir::Operation *user);

  /// The extents of all dimensions of a tile, as values.
  llvm::SmallVector<mlir::Value> getExtents(mlir::Value tile);
  mlir::Value index(mlir::Location loc, int64_t value);
  /// The cache that memory is asked for to come into.
  enum class Near { level1, level2 };
  /// Asks for `count` elements that lie side by side in memory from `indices`
  /// on, to be read, or written, before long.
  void prefetch(mlir::Location loc, mlir::Value memory,
                mlir::ValueRange indices, int64_t count, bool isWritten = false,
                Near near = Near::level2);
  /// Elements of a type in a line of a cache.
  static int64_t getLineElements(mlir::Type element) {
    return 64 * 8 / element.getIntOrFloatBitWidth();
  }
  /// The extent that is what is left of a block takes the room of the block.
  static std::optional<int64_t> getRoom(mlir::Value extent);

  /// A part of a range, to be walked in steps of `width`.
  struct Steps {
    mlir::Value from, to;
    int64_t width;
  };
  /// A loop from `from` to `to`; its few passes one after the other where what
  /// they compute of `tile` becomes simpler by that: where some of the elements
  /// that it is computed from exist in some columns alone.
  void buildColumnLoop(mlir::Location loc, mlir::Value tile, Steps steps,
                       llvm::function_ref<void(mlir::Value)> body);
  /// Cuts [0, extent) into steps of `width`, of 4 and of 1, as large as fit.
  llvm::SmallVector<Steps> buildSteps(mlir::Location loc, mlir::Value extent,
                                      int64_t width);
  /// Builds nested loops from 0 over `extents`.
  void buildLoops(mlir::Location loc, mlir::ValueRange extents,
                  llvm::function_ref<void(mlir::ValueRange)> body);

  /// The extents of the dimensions that a contraction sums over.
  llvm::SmallVector<mlir::Value> getSummedExtents(TileContractOp contract);
  /// Nested loops over `extents` that carry sums; `body` maps these.
  llvm::SmallVector<mlir::Value> buildSumLoops(
      mlir::Location loc, mlir::ValueRange extents, mlir::ValueRange sums,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange ivs,
                                                        mlir::ValueRange sums)>
          body);

  /// Writes a tile to memory element by element, where it is in range. The
  /// tile's lanes, if it has them, are walked one by one.
  void storeElements(TileStoreOp store);
  /// Writes a tile of lanes whose last dimension is contiguous in memory, in
  /// squares that are transposed in registers.
  void storeTransposed(TileStoreOp store);
  /// Transposes as many vectors as each has elements, a power of two.
  void transposeSquare(mlir::Location loc,
                       llvm::SmallVectorImpl<mlir::Value> &rows);
  /// Transposes as many vectors as each has elements, of 16 bits: those of
  /// columns become those of lanes, which `store` is called with.
  void
  transposePairs(mlir::Location loc, llvm::ArrayRef<mlir::Value> columns,
                 llvm::function_ref<void(int64_t lane, mlir::Value row)> store);
  /// Computes such a tile into a panel.
  void transposeInto(mlir::Value tile, mlir::Value panel);
  /// Whether that is possible: the rows of its lanes can be read.
  bool canTranspose(mlir::Value tile) const;
  /// Whether a tile's lanes are across, and its last dimension along memory.
  static bool isTransposed(mlir::AffineMap map, mlir::MemRefType type,
                           mlir::RankedTensorType tile, unsigned lane);
  /// Writes the vector of a tile at `coordinates` to memory, contiguous along
  /// lanes.
  void storeVector(TileStoreOp store, llvm::ArrayRef<mlir::Value> coordinates,
                   mlir::Value value);
  /// Asks for the memory that `storeVector` will write.
  void prefetchVector(TileStoreOp store,
                      llvm::ArrayRef<mlir::Value> coordinates);
  /// Writes a span along the last dimension of a tile to memory, contiguous
  /// there too.
  void storeSpan(TileStoreOp store, llvm::ArrayRef<mlir::Value> coordinates,
                 mlir::Value value, mlir::Value count);
  /// Reads one element of a load with every coordinate given, the lane's too.
  mlir::Value loadElement(TileLoadOp load,
                          llvm::ArrayRef<mlir::Value> coordinates,
                          mlir::ValueRange lookups);

private:
  mlir::Value readLoad(TileLoadOp load,
                       llvm::ArrayRef<mlir::Value> coordinates);
  /// `width` elements along tile dimension `dim`, from `coordinates` on.
  mlir::Value readContiguous(TileLoadOp load, unsigned dim, int64_t width,
                             llvm::ArrayRef<mlir::Value> coordinates,
                             mlir::ValueRange lookups, mlir::Value count = {});
  mlir::Value computeSpan(mlir::Location loc, mlir::Value tile, unsigned dim,
                          llvm::ArrayRef<mlir::Value> coordinates,
                          int64_t width, mlir::Value count);
  /// A vector of elements that are read one by one, through a line of scratch
  /// memory; those from `count` on are any.
  mlir::Value collect(mlir::Location loc, mlir::Type element, int64_t width,
                      mlir::Value count,
                      llvm::function_ref<mlir::Value(mlir::Value)> read);
  mlir::Value gatherSpan(mlir::Location loc, mlir::Value tile, unsigned dim,
                         llvm::ArrayRef<mlir::Value> coordinates, int64_t width,
                         mlir::Value count);
  void storeRow(TileStoreOp store, unsigned dim,
                llvm::ArrayRef<mlir::Value> coordinates, mlir::Value value,
                mlir::Value count = {});
  mlir::Value readScattered(TileLoadOp load,
                            llvm::ArrayRef<mlir::Value> coordinates,
                            mlir::ValueRange lookups, int64_t width);
  void setInsertionPointForScratch(mlir::ValueRange extents);
  mlir::Value allocate(mlir::Location loc, mlir::MemRefType type,
                       mlir::ValueRange extents);
  llvm::SmallVector<mlir::Value> panelIndices(mlir::Location loc,
                                              mlir::Value tile,
                                              llvm::ArrayRef<mlir::Value>);

  mlir::OpBuilder &builder;
  const TileLanes &lanes;
  mlir::Block *scratchBlock;
  llvm::DenseMap<mlir::Value, mlir::Value> registers, panels, pairPanels;
  llvm::DenseSet<mlir::Value> columnPanels;
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, mlir::Value>> columns;
};

/// Reads the inputs of a tile op at points of its iteration space, in spans
/// along one of its dimensions; what several points read, once.
class SpanReader {
public:
  SpanReader(TileCode &code, mlir::ValueRange inputs, mlir::ArrayAttr maps,
             unsigned along, int64_t width, mlir::Value count)
      : code(code), inputs(inputs), maps(maps), along(along), width(width),
        count(count) {}

  /// `point[along]` is where the span starts.
  llvm::SmallVector<mlir::Value> read(mlir::Location loc,
                                      llvm::ArrayRef<mlir::Value> point);

private:
  TileCode &code;
  mlir::ValueRange inputs;
  mlir::ArrayAttr maps;
  unsigned along;
  int64_t width;
  mlir::Value count;
  /// By input: the coordinates of what has been read.
  llvm::DenseMap<unsigned, llvm::SmallVector<
                               std::pair<TileCode::Coordinates, mlir::Value>>>
      known;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILECODE_H
