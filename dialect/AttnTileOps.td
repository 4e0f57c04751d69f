//===- AttnTileOps.td - attention on tiles -------------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A tile is a tensor with value semantics. Its extents are static along rows and keys;
// along contraction and value dimensions they may follow the operand. The form
// has no memory spaces, lanes, stages or threads: those belong to targets.
//
// By convention a score tile is [rows x keys], what is contracted is
// [rows x c] and [keys x c], what is weighed is [keys x e], the weighted sum is
// [rows x e], and the row statistics are [rows].
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTN_TILE_OPS_TD
#define FOVEA_DIALECT_ATTN_TILE_OPS_TD

include "dialect/AttnAttrs.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_Tile : RankedTensorOf<[AnyFloat, AnySignlessInteger, Index]>;
def Attn_FloatTile : RankedTensorOf<[AnyFloat]>;

class Attn_TileOp<string name, list<Trait> traits = []>
    : Attn_Op<"tile." # name, traits>;

def Attn_TileLoadOp : Attn_TileOp<"load", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "reads a tile from memory; what is out of range is zero";
  let description = [{
    `result[t] = source[map(t, lookups, symbols)]`. The map's dimensions are the tile's
    coordinates, then one for each lookup: a tile of indices, itself read at
    `lookupMaps[k](t)`. A coordinate that uses a lookup is clamped into the
    source; if another coordinate is out of range the element is zero and memory
    is not read. Where `inBounds[k]` is true nothing is said of the elements
    whose coordinate k is out of range: who uses the tile does not use them. A dynamic extent of
    the result is an operand of `extents`.

    A tile of i32 over a source of bf16 holds *pairs*: an element of the source in the lower half,
    and the next one along its last dimension in the upper half, or zero where that is out of range.

    ```mlir
    %k = attn.tile.load %K[affine_map<(t0, t1)[s0, s1] -> (s0, s1 + t0, t1)>] symbols(%b, %j)
        inBounds [true, true, true] : memref<?x?x64xf32> -> tensor<12x64xf32>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$symbols,
    Variadic<Attn_Tile>:$lookups, Variadic<Index>:$extents,
    AffineMapAttr:$map, DenseBoolArrayAttr:$inBounds,
    DefaultValuedAttr<AffineMapArrayAttr, "{}">:$lookupMaps);
  let results = (outs Attn_Tile:$result);
  let assemblyFormat = [{
    $source `[` $map `]` (`symbols` `(` $symbols^ `)`)?
    (`lookups` `(` $lookups^ `:` type($lookups) `at` $lookupMaps `)`)?
    (`extents` `(` $extents^ `)`)? `inBounds` $inBounds
    attr-dict `:` type($source) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Whether the tile holds pairs of bf16.
    bool readsPairs();
  }];
  let hasVerifier = 1;
}

def Attn_TileStoreOp : Attn_TileOp<"store", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "writes a tile to memory; what is out of range is not written";
  let description = [{
    `dest[map(t, symbols)] = tile[t]` for every t whose coordinates are in range.
    The map must send different t to different coordinates.
  }];
  let arguments = (ins Attn_Tile:$tile, AnyMemRef:$dest,
                       Variadic<Index>:$symbols, AffineMapAttr:$map);
  let assemblyFormat = [{
    $tile `,` $dest `[` $map `]` (`symbols` `(` $symbols^ `)`)? attr-dict
    `:` type($tile) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def Attn_TileContractOp : Attn_TileOp<"contract", [Pure]> {
  let summary = "sums a product of tiles over the contraction dimensions";
  let description = [{
    `result[r, k] = sum over c of region(inputs at maps(r, k, c...))`, accumulated in the result's type. The
    maps are projections of (r, k, c...); the first two dimensions are the
    result's. An extent of c is that of any input that has it, and one has. The region may use scalars from outside and
    `attn.tile.index`.
  }];
  let arguments = (ins Variadic<Attn_Tile>:$inputs, AffineMapArrayAttr:$maps);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Attn_FloatTile:$result);
  let assemblyFormat = [{
    (`ins` `(` $inputs^ `:` type($inputs) `)`)? `at` $maps $body attr-dict
    `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// The dimensions of the iteration space: two of the result, then those summed over.
    unsigned getNumDims() {
      return getMaps().empty()
          ? 2 : ::llvm::cast<::mlir::AffineMapAttr>(getMaps()[0]).getValue().getNumDims();
    }
  }];
  let hasVerifier = 1;
}

def Attn_TilePairProductOp : Attn_TileOp<"pair_product", [Pure]> {
  let summary = "sums the products of two pairs of bf16";
  let description = [{
    `lower(a) * lower(b) + upper(a) * upper(b)` in f32, of pairs as `attn.tile.load` reads them.
    Stands in the region of an `attn.tile.contract`. Where a CPU has an instruction for it, which also adds it
    to the sum, subnormal numbers count as zero.
  }];
  let arguments = (ins I32:$a, I32:$b);
  let results = (outs F32:$result);
  let assemblyFormat = "$a `,` $b attr-dict";
  let extraClassDeclaration = [{
    /// The same by plain arithmetic, on i32 or on vectors of it.
    static ::mlir::Value buildArithmetic(::mlir::OpBuilder &builder, ::mlir::Location loc,
                                         ::mlir::Value a, ::mlir::Value b);
  }];
}

def Attn_TilePiecesOp : Attn_TileOp<"pieces", [Pure]> {
  let summary = "splits numbers of f32 into pieces of bf16, in pairs";
  let description = [{
    `result[r, p, c]` is the pair of the p-th pieces of `tile[r, 2 * c]` and `tile[r, 2 * c + 1]`, of zero where these
    are out of range. The first piece of a number has its 8 leading bits, the next one those of what is left,
    and so on; the last of fewer than three is rounded to the nearest. Three pieces add up to the
    number, unless they are subnormal. The pieces of infinity are infinity and NaN.

    The products of two numbers are the sums of the products of their pieces, of which those too small to
    matter can be left out (`attn-product-pieces`).
  }];
  let arguments = (ins Attn_FloatTile:$tile);
  let results = (outs Attn_Tile:$result);
  let assemblyFormat = "$tile attr-dict `:` type($tile) `->` type($result)";
  let extraClassDeclaration = [{
    /// How many pieces hold a number of f32: 8 bits each of its 24.
    static constexpr int64_t maxPieces = 3;
    /// Whether one piece holds each number of a type.
    static bool isOnePiece(::mlir::Type type);
    /// The pairs of `count` pieces of each of two numbers, of f32 or vectors of it.
    static ::llvm::SmallVector<::mlir::Value>
    buildArithmetic(::mlir::OpBuilder &builder, ::mlir::Location loc, ::mlir::Value lower,
                    ::mlir::Value upper, int64_t count);
    /// Of the products of two numbers in `count` pieces those that matter, as places of pieces. Each
    /// differs from the one before in one piece where that is possible: it is all that has to be read.
    static ::llvm::SmallVector<std::pair<unsigned, unsigned>> getProducts(unsigned count);
  }];
  let hasVerifier = 1;
}

def Attn_TileMapOp : Attn_TileOp<"map", [Pure, AttrSizedOperandSegments]> {
  let summary = "computes each element of a tile from elements of others";
  let description = [{
    `result[t] = region(inputs at maps(t))`, the maps projections of t. The
    region may use scalars from outside and `attn.tile.index`. Scores, weights and
    epilogues are of this kind.
  }];
  let arguments = (ins Variadic<Attn_Tile>:$inputs, Variadic<Index>:$extents,
                       AffineMapArrayAttr:$maps);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Attn_Tile:$result);
  let assemblyFormat = [{
    (`ins` `(` $inputs^ `:` type($inputs) `)`)? `at` $maps
    (`extents` `(` $extents^ `)`)? $body attr-dict `->` type($result)
  }];
  let hasVerifier = 1;
}

def Attn_TileMaskOp : Attn_TileOp<"mask", [Pure, AttrSizedOperandSegments, AllTypesMatch<["score", "result"]>]> {
  let summary = "sets the scores that are not kept to -inf";
  let description = [{
    `result[r, k] = score[r, k]` where the region, over the elements of `inputs` at
    `maps(r, k)`, yields true and `k < end`; -inf elsewhere. `end` is the number of keys of the
    tile that exist (absent: all).
  }];
  let arguments = (ins Attn_FloatTile:$score, Optional<Index>:$end,
                       Variadic<Attn_Tile>:$inputs, AffineMapArrayAttr:$maps);
  let regions = (region AnyRegion:$body);
  let results = (outs Attn_FloatTile:$result);
  let assemblyFormat = [{
    $score (`end` $end^)? (`ins` `(` $inputs^ `:` type($inputs) `)`)? `at` $maps
    $body attr-dict `:` type($score)
  }];
  let hasVerifier = 1;
}

def Attn_TileReduceOp : Attn_TileOp<"reduce", [Pure, AttrSizedOperandSegments,
    AllTypesMatch<["init", "result"]>]> {
  let summary = "reduces the rows of a tile onto an initial value";
  let description = [{
    `result[r] = init[r] max/plus the reduction of tile[r, k] over begin <= k < end` (absent: from 0,
    to the last). A NaN in the tile makes a `sum` and a `maximum` NaN; `max` passes over it.
  }];
  let arguments = (ins Attn_TileReductionAttr:$kind, Attn_FloatTile:$tile,
                       Attn_FloatTile:$init, Optional<Index>:$begin, Optional<Index>:$end);
  let results = (outs Attn_FloatTile:$result);
  let assemblyFormat = [{
    $kind $tile `onto` $init (`begin` $begin^)? (`end` $end^)? attr-dict `:` type($tile) `,` type($init)
  }];
  let hasVerifier = 1;
}

def Attn_TileRescaleOp : Attn_TileOp<"rescale", [Pure,
    AllTypesMatch<["tile", "result"]>]> {
  let summary = "multiplies each row of a tile by its own factor";
  let description = [{ `result[r, e] = tile[r, e] * factor[r]`. }];
  let arguments = (ins Attn_FloatTile:$tile, Attn_FloatTile:$factor);
  let results = (outs Attn_FloatTile:$result);
  let assemblyFormat = [{
    $tile `by` $factor attr-dict `:` type($tile) `,` type($factor)
  }];
  let hasVerifier = 1;
}

def Attn_TileWeighOp : Attn_TileOp<"weigh", [Pure, AttrSizedOperandSegments, AllTypesMatch<["init", "result"]>]> {
  let summary = "adds the weighted sum over the keys of a tile";
  let description = [{
    `result[r, e] = init[r, e] + sum over begin <= k < end of weights[r, k] * region(inputs at maps(r, k, e...))`
    (absent: from 0, to the last). Values of other keys have no influence. Weights have the type of the sum, or a
    narrower one that the region yields too: products are those of the wider type.
  }];
  let arguments = (ins Attn_FloatTile:$weights, Attn_FloatTile:$init,
                       Optional<Index>:$begin, Optional<Index>:$end,
                       Variadic<Attn_Tile>:$inputs, AffineMapArrayAttr:$maps);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Attn_FloatTile:$result);
  let assemblyFormat = [{
    $weights `onto` $init (`begin` $begin^)? (`end` $end^)? (`ins` `(` $inputs^ `:` type($inputs) `)`)? `at` $maps
    $body attr-dict `:` type($weights) `,` type($init)
  }];
  let hasVerifier = 1;
}

def Attn_TileIndexOp : Attn_TileOp<"index", [Pure]> {
  let summary = "a coordinate of the tile element being computed";
  let description = [{
    Inside a region of a tile op: the coordinate along dimension `dim` of the
    op's maps, from 0 within the tile.
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict";
  let hasVerifier = 1;
}

#endif // FOVEA_DIALECT_ATTN_TILE_OPS_TD
