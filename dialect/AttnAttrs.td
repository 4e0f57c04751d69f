//===- AttnAttrs.td - attributes of the attn dialect ---------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTN_ATTRS_TD
#define FOVEA_DIALECT_ATTN_ATTRS_TD

include "dialect/AttnDialect.td"
include "dialect/AttnInterfaces.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Attn_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Attn_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

def Attn_DimKind : I32Enum<"DimKind", "role of a dimension of the domain", [
    I32EnumCase<"parallel", 0>, I32EnumCase<"key", 1>,
    I32EnumCase<"contraction", 2>, I32EnumCase<"value", 3>]> {
  let cppNamespace = "::fovea::attn";
}

def Attn_ResultKind : I32Enum<"ResultKind", "what a result of an attention holds", [
    I32EnumCase<"output", 0>, I32EnumCase<"logsumexp", 1>,
    I32EnumCase<"weights", 2>, I32EnumCase<"max", 3>,
    I32EnumCase<"argmax", 4>]> {
  let cppNamespace = "::fovea::attn";
}
def Attn_ResultKindAttr : EnumAttr<Attn_Dialect, Attn_ResultKind, "result">;
def Attn_ResultKindArrayAttr
    : TypedArrayAttrBase<Attn_ResultKindAttr, "array of result kinds">;

def Attn_TileReduction : I32Enum<"TileReduction", "reduction of a tile's row", [
    I32EnumCase<"max", 0>, I32EnumCase<"sum", 1>,
    I32EnumCase<"maximum", 2>]> {
  let cppNamespace = "::fovea::attn";
}
def Attn_TileReductionAttr
    : EnumAttr<Attn_Dialect, Attn_TileReduction, "reduction">;

//===----------------------------------------------------------------------===//
// Domain, segments, schedule
//===----------------------------------------------------------------------===//

def Attn_DomainAttr : Attn_Attr<"Domain", "domain"> {
  let summary = "The dimensions of an attention: names, roles, bounds, offsets";
  let description = [{
    Dimension k takes the index values `offset <= x < offset + bound`. A bound
    or offset of `?` is an operand of the op. Names are for readers; passes go
    by position.
  }];
  let parameters = (ins
    ArrayRefParameter<"::mlir::StringAttr">:$names,
    ArrayRefParameter<"::fovea::attn::DimKind">:$kinds,
    ArrayRefParameter<"int64_t">:$bounds,
    ArrayRefParameter<"int64_t">:$offsets);
  let extraClassDeclaration = [{
    unsigned getNumDims() const { return getKinds().size(); }
    bool isKind(unsigned dim, ::fovea::attn::DimKind kind) const {
      return getKinds()[dim] == kind;
    }
    /// The positions of the dimensions of one kind, in order.
    ::llvm::SmallVector<unsigned> getDims(::fovea::attn::DimKind kind) const;
  }];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Attn_SegmentsAttr : Attn_Attr<"Segments", "segments"> {
  let summary = "Which keys a tile visits, and which of them need the mask";
  let description = [{
    Intervals of the key dimension `key`, as functions of the tile. A key
    outside every `visit` interval is kept for no query of the tile. A key inside
    one, but outside every `masked` interval, is kept for every query of the
    tile; without `masked` intervals the mask is never evaluated. Intervals may
    overlap, and may be empty (upper <= lower) for some tiles.

    A lower bound is the maximum, an upper bound the minimum of the results of
    its map; both are to be clamped to the key range. The maps have no dimensions
    and these symbols: for each dimension k of the domain, at 3k, 3k+1 and 3k+2:
    the tile's offset, the tile's extent, and the end (offset + bound) of the
    whole domain; then the op's symbols; then the values of the mask's operands,
    sign-extended (used only where the operand's access is uniform in the tile).
    The tile has at least one query, and it extends along the query dimension
    and the key dimensions only.
  }];
  let parameters = (ins
    "int64_t":$key,
    ArrayRefParameter<"::mlir::AffineMap">:$visitLower,
    ArrayRefParameter<"::mlir::AffineMap">:$visitUpper,
    ArrayRefParameter<"::mlir::AffineMap">:$maskedLower,
    ArrayRefParameter<"::mlir::AffineMap">:$maskedUpper);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Attn_ScheduleAttr : Attn_Attr<"Schedule", "schedule"> {
  let summary = "Tile sizes chosen for an attention";
  let description = [{
    `queryDim` is the parallel dimension cut into tiles of `queryTile`; the
    other parallel dimensions are iterated one by one. `keyDim` is the key
    dimension cut into blocks of at most `keyBlock` keys; the other key dimensions
    are iterated one by one. Up to `queryGroup` tiles of queries visit each block of
    keys together, so that what is made of the keys is made once for all of them; fewer where
    some of the threads would otherwise have no group.

    `headDim`, where there is one (not -1), is a parallel dimension that fills a group which the tiles of
    `queryDim` leave room in: a block of keys is visited by the tiles of one of its values
    after the other. Keys of several heads are often side by side in memory, and are read in this order.

    `keyPart`, where it is not 0, cuts `keyDim` into parts of at least so many keys, computed
    in parallel and merged, for where there are too few queries for all threads. The sizes alone
    decide how many, so that results are the same on any number of threads.

    Where `queryDim` turns out to have fewer than `minQueries` queries, `otherwise` holds
    instead, which may cut another dimension.
  }];
  let parameters = (ins "int64_t":$queryDim, "int64_t":$queryTile,
                        "int64_t":$keyDim, "int64_t":$keyBlock,
                        DefaultValuedParameter<"int64_t", "1">:$queryGroup,
                        DefaultValuedParameter<"int64_t", "-1">:$headDim,
                        DefaultValuedParameter<"int64_t", "0">:$keyPart,
                        DefaultValuedParameter<"int64_t", "0">:$minQueries,
                        OptionalParameter<"::fovea::attn::ScheduleAttr">:$otherwise);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Attn_PanelAttr : Attn_Attr<"Panel", "panel"> {
  let summary = "How a weight is packed: as a matrix, in panels of rows";
  let description = [{
    The weight's dimensions `rows` (flattened, in this order) by `columns`; held as
    panels of `width` rows, `[ceil(rows / width)][columns][width]`, padded with zeros. Where the packed
    type has four dimensions, columns are in pairs, in multiples of 16 of them, also padded with zeros:
    `[ceil(rows / width)][pairs][width][2]`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$rows,
                        ArrayRefParameter<"int64_t">:$columns, "int64_t":$width);
  let assemblyFormat = "`<` `rows` `[` $rows `]` `columns` `[` $columns `]` `width` $width `>`";
}

//===----------------------------------------------------------------------===//
// Normalizers
//===----------------------------------------------------------------------===//

def Attn_SoftmaxAttr : Attn_Attr<"Softmax", "softmax",
    [DeclareAttrInterfaceMethods<Attn_NormalizerAttrInterface>]> {
  let summary = "exp(s) / sum of exp(s), with the maximum taken out";
  let description = [{
    weight = exp(s - m), rescale = exp(m_old - m_new), result = a / l,
    log mass = m + log l. A row without keys (m = -inf, l = 0) gives 0 and
    -inf. A NaN or +inf score that is kept makes its row NaN.
  }];
}

def Attn_RatioAttr : Attn_Attr<"Ratio", "ratio",
    [DeclareAttrInterfaceMethods<Attn_NormalizerAttrInterface>]> {
  let summary = "The score's share of the sum of the scores";
  let description = [{
    weight = s, no shift, result = a / l, log mass = log l. Normalized relu, sigmoid and
    linear attention are of this kind; their function of the score stands in the score
    region. A score of -inf (a key not kept) weighs 0, and a row of mass 0 gives 0.
  }];
}

def Attn_PlainAttr : Attn_Attr<"Plain", "plain",
    [DeclareAttrInterfaceMethods<Attn_NormalizerAttrInterface>]> {
  let summary = "The score itself is the weight; nothing is divided";
  let description = [{
    weight = s, no shift, result = a. Linear, sigmoid and relu attention are of
    this kind; their function of the score stands in the score region. A score
    of -inf (a key not kept) weighs 0.
  }];
}

#endif // FOVEA_DIALECT_ATTN_ATTRS_TD
