//===- TilePasses.td - from attention to tiles ---------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TILE_TILEPASSES_TD
#define FOVEA_PASSES_TILE_TILEPASSES_TD

include "mlir/Pass/PassBase.td"

def TileAttentionPass : Pass<"attn-tile-attention"> {
  let summary = "Rewrite attn.attention as loops over tiles of attn.online";
  let description = [{
    Each scheduled `attn.attention` on memory becomes one `scf.forall` over its parallel
    dimensions, the query dimension in groups of tiles. Inside: the initial state of
    the group, the walk over the key range, and for each tile the final division, the
    epilogue and the stores.

    With `#attn.segments` only the blocks of keys that some tile of the group may keep are walked,
    and where the mask is known to hold it is not computed:

    ```
    for each block of keys that the group's visit intervals meet:
      for each tile of the group:
        [begin, end) = least range with all of the tile's visit intervals, within the block
        empty                                          ->  nothing
        one visit interval has it all, no masked one meets it
                                                       ->  attn.online without the mask
        otherwise                                      ->  attn.online with it
    ```

    Where the schedule has a `headDim`, the tiles of several heads are one group and visit a block head by
    head. Where it has a `keyPart`, there are two loops: one over parts of the keys too, whose states are stored in
    memory, and one over single rows, in which the states of all parts are merged, then divided and stored. A
    visited block is then always masked: one program is enough.

    Groups are taken from the last to the first where later queries visit more keys.

    An attention without a schedule, on tensors, or with more than one value
    dimension is an error.
  }];
  let dependentDialects = [
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::memref::MemRefDialect", "::fovea::attn::AttnDialect"];
}

def LowerOnlinePass : Pass<"attn-lower-online"> {
  let summary = "Lower attn.online on a tile to the tile form";
  let description = [{
    One step of the online softmax, for any normalizer:

    ```
    s  = attn.tile.mask (attn.tile.map (attn.tile.contract ...))   scores
    m' = attn.tile.reduce max s onto m
    c  = rescale(m, m')           w = weight(s, m')
    l' = attn.tile.reduce sum w onto c * l
    a' = attn.tile.weigh w onto (attn.tile.rescale a by c)
    ```

    Expects the scheduled tile sizes and inputs in memory; anything else is an error.
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect"];
}

def PairProductsPass : Pass<"attn-pair-products"> {
  let summary = "Contract bf16 in pairs along what is summed";
  let description = [{
    For CPUs that multiply two pairs of bf16 in the time of one product of f32. A contraction of two
    loads of bf16, contiguous in memory along the one dimension that is summed, reads pairs of
    neighbours, half as many; the last pair of an odd number ends with a zero. That number has to
    be known:

    ```
    contract load q[r, c], load k[k, c] { extf(q) * extf(k) }      bf16
    ==>
    contract load q[r, 2 * c], load k[k, 2 * c] { pair_product(q, k) }   i32
    ```

    Products of bf16 are exact in f32; only the order of the sum changes.

    For a matrix unit of `unit` rows, keys and pairs, only contractions with multiples of two units of rows and
    keys are made so, or with few rows, a third of a unit at most, and one or two units of keys; and their pairs come
    in multiples of a unit: what is beyond the end of memory is zero.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::fovea::attn::AttnDialect"];
  let options = [
    Option<"unit", "unit", "int64_t", /*default=*/"0",
           "Rows of a tile of the CPU's matrix unit; 0 without one">
  ];
}

def NarrowWeightsPass : Pass<"attn-narrow-weights"> {
  let summary = "Weigh values of bf16 with weights of bf16";
  let description = [{
    For CPUs with a matrix unit for bf16. An `attn.tile.weigh` of values that are loaded as bf16, and are only
    converted, gets its weights rounded to bf16 where all that becomes of its sums is stored as bf16:

    ```
    weigh w { extf(v) }
    ==>
    weigh (map w { truncf(w) }) { v }
    ```

    The sum of the weights is still that of the weights in f32. A weight is off by half a unit in the last place
    of bf16 at most, as the result is when it is stored, and the errors of several weights cancel in part.
    Rows and keys have to be multiples of two units, and the number of columns known.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::fovea::attn::AttnDialect"];
  let options = [
    Option<"unit", "unit", "int64_t", /*default=*/"16",
           "Rows of a tile of the CPU's matrix unit">
  ];
}

def ApproximateWeightsPass : Pass<"attn-approximate-weights"> {
  let summary = "Compute weights no closer than rounding them shows";
  let description = [{
    The powers of two that an `attn.tile.map` yields for pairs of rows and keys may be approximate (`afn`) where they are
    rounded to bf16 before they weigh anything (`attn-narrow-weights`) and all that becomes of them is stored as bf16:

    ```
    exp2(x)
    ==>
    exp2(x) fastmath<afn>
    ```

    Their arguments stay differences from the row's shift: products by themselves would overflow where an additive
    mask is as low as numbers get.
  }];
}

def SplitContractionsPass : Pass<"attn-split-contractions"> {
  let summary = "Compute what a sum over pairs needs of each row or key once, not for each pair";
  let description = [{
    The largest computations in the region of an `attn.tile.contract` or `attn.tile.weigh` that
    differ by row or by key, but not by both, become tiles of their own: a rotation or conversion of
    the queries runs once for each tile of queries, one of the keys or values once for
    each block of keys.

    ```
    attn.tile.contract q, k { f(g(q), h(k)) }
    ==>
    x = attn.tile.map q { g(q) }      [rows x c]
    y = attn.tile.map k { h(k) }      [keys x c]
    attn.tile.contract x, y { f(x, y) }
    ```

    No sum or product is reordered.
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect"];
}

def ProductPiecesPass : Pass<"attn-product-pieces"> {
  let summary = "Contract f32 in pieces of bf16";
  let description = [{
    For CPUs with a matrix unit that multiplies bf16 many times as fast as their vectors multiply f32. Three pieces of bf16
    hold a number of f32; of the nine products of the pieces of two numbers, six are added, largest last, and
    three are smaller than what rounding to f32 changes:

    ```
    contract q[r, c], k[k, c] { q * k }                           f32
    ==>
    contract (pieces q)[r, p, c], (pieces k)[k, p, c]
        { q0 * k2 + q1 * k1 + q2 * k0 + q1 * k0 + q0 * k1 + q0 * k0 }   pairs of bf16 as i32
    ```

    Where all that becomes of the sums is stored as bf16, two pieces do, and three products; where both numbers were
    of bf16 or of 8 bits before, one. Multiples of two units of rows and keys are contracted so, and a known number of
    columns.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::fovea::attn::AttnDialect"];
  let options = [
    Option<"unit", "unit", "int64_t", /*default=*/"16",
           "Rows of a tile of the CPU's matrix unit">
  ];
}

def HoistTileLoadsPass : Pass<"attn-hoist-tile-loads"> {
  let summary = "Read tiles outside of the loops and branches that do not change them";
  let description = [{
    Moves `attn.tile.load`, `attn.tile.map` and scalar index arithmetic out of `scf.for` and `scf.if` as far as
    their operands allow: a tile of queries is read, and computed, once and not again for every
    block of keys. A load stays where something in the loop writes to memory.
  }];
}

def HoistTileGroupsPass : Pass<"attn-hoist-tile-groups"> {
  let summary = "Read what each tile of a group needs once, before the loop over blocks of keys";
  let description = [{
    In a loop over blocks with a loop over tiles in it, an `attn.tile.load` or `attn.tile.map` may
    depend on the tile but not on the block. It moves, with the scalars that it needs, into
    a loop over the tiles in front, whose results are parts of one larger tile:

    ```
    for block { for tile { q = load(tile) ... } }
    ==>
    for tile { Q[tile] = load(tile) }
    for block { for tile { q = Q[tile] ... } }
    ```

    Nothing moves past a write to memory, nor out of loops whose number of tiles has no
    known bound.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def TileLinearPass : Pass<"attn-tile-linear"> {
  let summary = "Rewrite linear layers over packed weights as tile programs";
  let description = [{
    A `linalg.generic` in memory that sums products with weights in panels (see
    `attn-pack-params`), starting from zero, becomes one `scf.forall` over blocks of rows and groups of panels of
    features. The input of a task is one tile; its panels are a loop in any order.
    The elementwise `linalg.generic` that alone reads its result, or that overwrites it, is computed on the
    tile before it is stored; the buffer between them disappears:

    ```
    fill y = 0;  y += x * w;  z = f(y, bias, ...)
    ==>
    forall (block of rows, group of panels):
      parallel (panel of the group):
        t = attn.tile.contract x, w   [features x rows]
        attn.tile.store (attn.tile.map f(t, bias, ...))
    ```

    A group has as many panels as `panel-group` allows (with pairs they stay in a near cache together), but no more than leave each thread (`attn.workers`)
    some tasks to choose from. No result depends on it.

    Weights in pairs of columns are multiplied in pairs, `attn.tile.pair_product`.

    Layers that have their input in common, and its rows, are one loop in the place of the last of them, if
    nothing between them needs what they make or changes what they read: the projections to queries, keys
    and values. Their weights stay apart.

    ```
    fill q = 0;  q += x * wq;  fill k = 0;  k += x * wk
    ==>
    forall (block of rows, group of panels of wq or wk):
      if (group is of wq)  parallel (panel of it)  attn.tile.store (attn.tile.contract x, wq), q
      else                 parallel (panel of it)  attn.tile.store (attn.tile.contract x, wk), k
    ```
  }];
  let dependentDialects = [
    "::mlir::scf::SCFDialect", "::mlir::memref::MemRefDialect",
    "::mlir::arith::ArithDialect", "::fovea::attn::AttnDialect"];
  let options = [
    Option<"rowBlock", "row-block", "int64_t", /*default=*/"256",
           "Rows of a task, at most: they go over the weights together">,
    Option<"inputBytes", "input-bytes", "int64_t", /*default=*/"1310720",
           "Bytes of the rows of a task, at most, unless they are 96 or fewer: they stay in a level-2 cache">,
    Option<"panelGroup", "panel-group", "int64_t", /*default=*/"8",
           "Panels of a task, at most, four times as many without pairs: what is made of its rows is made once for all of them">
  ];
}

#endif // FOVEA_PASSES_TILE_TILEPASSES_TD
