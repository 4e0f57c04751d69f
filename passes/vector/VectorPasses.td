//===- VectorPasses.td - tiles to CPU vector code -----------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_VECTOR_VECTORPASSES_TD
#define FOVEA_PASSES_VECTOR_VECTORPASSES_TD

include "mlir/Pass/PassBase.td"

def VectorizeTilesPass : Pass<"attn-vectorize-tiles"> {
  let summary = "Lower the tile form to vector code for CPUs";
  let description = [{
    The rows of a tile (queries, or output columns of a linear layer) lie along vector lanes, so
    that row maxima, sums, masks and scores are plain lane-wise code without a
    horizontal reduction. Keys are walked in register tiles of `register-rows`
    keys, each a broadcast of one element.

    Tile ops over scores are gathered in *sweeps* over the keys:

    ```
    contract, map, mask, reduce max   one loop in register tiles, scores to a panel
    map (weights), reduce sum         one loop over the panel, in place
    weigh                             one loop over the panel for each 8 values
    ```

    With `matrix-unit` products of pairs of bf16 run in tiles of 16 x 16, outside of sweeps: of keys with queries
    as the scores are made, of transposed values with weights that the sweep before left in pairs of keys. Their
    sums lie in panels like all others. Weighted sums of f32 are products of pieces of bf16 there, as
    `attn-product-pieces` makes them of contractions.

    A tile that nothing holds (a load along contiguous lanes, of keys, or any
    other map) is computed where it is read. Tile ops that fit none of this are an error.

    Fewer than 8 rows are *narrow*, and lie along no lanes. There the lanes are what is summed over in a
    contraction, keys in scores and weights, and columns in weighted sums; keys and values are read in place, each
    element once for all rows. Only row statistics, one element a row, are vectors along rows. With `matrix-unit`
    pairs of bf16 in one or two tiles of keys are multiplied in tiles too, of keys as they lie in memory with
    queries, and of weights with values: each weight as three numbers of bf16, whose sum it is.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::x86vector::X86VectorDialect",
    "::mlir::LLVM::LLVMDialect"];
  let options = [
    Option<"bf16Dots", "bf16-dots", "bool", /*default=*/"false",
           "Use the instruction for products of pairs that registers of `register-lanes` have, vdpbf16ps of 16 and "
           "bfdot of 4; else plain arithmetic">,
    Option<"matrixUnit", "matrix-unit", "bool", /*default=*/"false",
           "Use AMX tiles for products of bf16, and of f32 in pieces">,
    Option<"registerRows", "register-rows", "unsigned", /*default=*/"12",
           "Keys of a register tile; 12 x 2 accumulators leave 8 of the 32 "
           "AVX-512 registers for operands">,
    Option<"registerLanes", "register-lanes", "unsigned", /*default=*/"16",
           "Elements of a span of narrow rows, a power of two; 16 are an AVX-512 register of f32">
  ];
}

def ExpandExpPass : Pass<"attn-expand-exp"> {
  let summary = "Expand exponentials of f32 vectors into polynomials";
  let description = [{
    `math.exp` and `math.exp2` of a vector of f32 become a polynomial of degree 5 and an exponent put
    together by integer arithmetic; the error is at most 3 units in the last place. Results below 2^-125 are 0;
    exp(-inf) = 0, exp(inf) = inf, and a NaN stays one. A `math.exp2` that may be approximate (`afn`) gets
    a polynomial of degree 3, with a relative error of at most 1.1e-4.

    With `scale-registers` a `math.exp2` of whole AVX-512 registers is taken apart and put together by
    `vreduceps` and `vscalefps`, and its results below 2^-126 are 0.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect"];
  let options = [
    Option<"scaleRegisters", "scale-registers", "bool", /*default=*/"false",
           "The target has AVX-512F and DQ">
  ];
}

#endif // FOVEA_PASSES_VECTOR_VECTORPASSES_TD
