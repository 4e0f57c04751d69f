//===- TileLayerBlocks.h - sums of a layer by a matrix unit -----*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_TILELAYERBLOCKS_H
#define FOVEA_PASSES_VECTOR_TILELAYERBLOCKS_H

#include "passes/vector/TileCode.h"
#include "passes/vector/TileMatrix.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace fovea::attn {

/// What a linear layer multiplies: rows of pairs, and a panel of features, both
/// where they lie in memory.
struct MatrixLayer {
  TileLoadOp inputs, weights;
  int64_t pairs;
};

/// What a contraction multiplies, if the matrix unit can.
std::optional<MatrixLayer> getMatrixLayer(TileContractOp contract);

/// Builds the sums of blocks of rows by panels, in the place of the loop over
/// panels.
class LayerBlocks {
public:
  LayerBlocks(mlir::OpBuilder &builder, TileCode &code,
              mlir::scf::ParallelOp loop)
      : builder(builder), code(code), loop(loop), loc(loop.getLoc()),
        unit(builder),
        contract(*loop.getBody()->getOps<TileContractOp>().begin()),
        layer(*getMatrixLayer(contract)) {}

  /// Builds what all blocks have in common.
  void prepare();
  /// The sums of all parts but the last.
  void buildFirstParts();
  /// The last part. `begin` is called at the beginning of each step, with the
  /// number of the panel that is finished in it; `finish` with rows, whose
  /// sums are in memory as if the first row were `first`.
  void
  buildLastPart(llvm::function_ref<void(mlir::Value panel)> begin,
                llvm::function_ref<void(mlir::Value sums, mlir::Value first,
                                        llvm::ArrayRef<mlir::Value> rows)>
                    finish);

private:
  mlir::Value index(int64_t value) { return code.index(loc, value); }
  template <typename Op>
  mlir::Value create(mlir::Value a, mlir::Value b) {
    return builder.createOrFold<Op>(loc, a, b);
  }
  mlir::Value add(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::AddIOp>(a, b);
  }
  mlir::Value subtract(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::SubIOp>(a, b);
  }
  mlir::Value multiply(mlir::Value a, mlir::Value b) {
    return create<mlir::arith::MulIOp>(a, b);
  }
  mlir::Value isLess(mlir::Value a, mlir::Value b) {
    return mlir::arith::CmpIOp::create(builder, loc,
                                       mlir::arith::CmpIPredicate::slt, a, b);
  }
  mlir::Value select(mlir::Value condition, mlir::Value a, mlir::Value b) {
    return mlir::arith::SelectOp::create(builder, loc, condition, a, b);
  }
  /// `row` rows, and `pair` pairs, behind the beginning of a place.
  MatrixUnit::Place move(MatrixUnit::Place place, mlir::Value row,
                         mlir::Value pair) {
    mlir::Value offset =
        add(multiply(row, place.stride), multiply(pair, index(4)));
    return {add(place.address, offset), place.stride};
  }
  void buildLoop(mlir::Value count, llvm::function_ref<void(mlir::Value)> body);

  /// Copies the pairs from `firstPair` on of `count` rows from `row` on, zeros
  /// beyond the last.
  MatrixUnit::Place copy(mlir::Value row, mlir::Value count, mlir::Value buffer,
                         int64_t firstPair);
  MatrixUnit::Place placeWeights(mlir::Value panel);

  /// A block of rows by a panel.
  struct Block {
    /// Its panel; its first row, and how many it has; which of all blocks of
    /// rows it is in.
    mlir::Value panel, row, count, rows;
  };
  Block getBlock(mlir::Value number);
  /// The weights of a part, and the address to ask for ahead at first.
  struct Weights {
    MatrixUnit::Place first;
    mlir::Value ahead;
  };
  /// Pairs that are summed.
  struct Part {
    /// The first pair, as a value, and the number of pairs.
    mlir::Value begin;
    int64_t pairs;
    bool isFirst, isLast;
  };
  Weights getWeights(const Block &at, const Part &part);
  /// Adds the products of a part to the sums of `numTiles` tiles of a block,
  /// and stores them at `to`. `from` is where the sums are, null at first; none
  /// are added where `exists`, if given, is false. `also` runs at each step,
  /// with its number.
  void build(const Block &at, const Weights &weights, size_t numTiles,
             const Part &part, mlir::Value from, llvm::ArrayRef<mlir::Value> to,
             mlir::Value exists, llvm::function_ref<void(mlir::Value)> also);
  void buildPart(const Part &part);

  mlir::OpBuilder &builder;
  TileCode &code;
  mlir::scf::ParallelOp loop;
  mlir::Location loc;
  MatrixUnit unit;
  TileContractOp contract;
  MatrixLayer layer;
  /// Rows of the task, blocks of them, panels, and blocks by panels.
  mlir::Value rows, blocks, panels, count;
  MatrixUnit::Place inputs;
  /// Pairs that memory has in whole tiles, and copies of the others.
  int64_t whole;
  MatrixUnit::Place rest;
  /// A copy of a last block that lacks rows, and where that begins.
  MatrixUnit::Place last;
  /// Pairs of a part, and how many there are.
  int64_t partSize, numParts;
  /// Sums of all blocks, between parts; of two blocks, between the unit and the
  /// vectors.
  mlir::Value partial, sums;
};

} // namespace fovea::attn

#endif // FOVEA_PASSES_VECTOR_TILELAYERBLOCKS_H
