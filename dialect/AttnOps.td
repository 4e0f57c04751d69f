//===- AttnOps.td - graph-level ops of the attn dialect ------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTN_OPS_TD
#define FOVEA_DIALECT_ATTN_OPS_TD

include "dialect/AttnAttrs.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

//===----------------------------------------------------------------------===//
// What attn.attention and attn.online share
//===----------------------------------------------------------------------===//

def Attn_AttentionOpInterface : OpInterface<"AttentionOpInterface"> {
  let cppNamespace = "::fovea::attn";
  let description = [{
    An iteration domain, operands grouped by the region that reads them, and the
    regions. The groups stand in `inputs` in this order: each lookup, each
    contraction, score, mask, each value, each epilogue and the sink (if the op
    has them); `inputSegments` holds their sizes and `accesses` one map for each
    input, then one for each destination. `inner` holds the regions of lookups,
    contractions, values and epilogues. A value whose region is empty is the
    logarithm of the weight.
  }];
  let methods = [
    InterfaceMethod<"", "::fovea::attn::DomainAttr", "getDomain">,
    InterfaceMethod<"", "::mlir::Operation::operand_range", "getBounds">,
    InterfaceMethod<"", "::mlir::Operation::operand_range", "getOffsets">,
    InterfaceMethod<"", "::mlir::Operation::operand_range", "getSymbols">,
    InterfaceMethod<"", "::mlir::Operation::operand_range", "getInputs">,
    InterfaceMethod<"", "::mlir::Operation::operand_range", "getOuts">,
    InterfaceMethod<"", "::llvm::ArrayRef<int32_t>", "getInputSegments">,
    InterfaceMethod<"", "::mlir::ArrayAttr", "getAccesses">,
    InterfaceMethod<"", "::mlir::ArrayAttr", "getContractionDims">,
    InterfaceMethod<"", "::mlir::ArrayAttr", "getValueDims">,
    InterfaceMethod<"", "uint32_t", "getNumLookups">,
    InterfaceMethod<"", "::fovea::attn::NormalizerAttrInterface", "getNormalizer">,
    InterfaceMethod<"", "::mlir::Region &", "getScore">,
    InterfaceMethod<"", "::mlir::Region &", "getMask">,
    InterfaceMethod<"The sink, or null for an op that has none.",
      "::mlir::Region *", "getSinkOrNull">,
    InterfaceMethod<"", "::mlir::MutableArrayRef<::mlir::Region>", "getInner">
  ];
  let extraSharedClassDeclaration = [{
    /// The groups that `inputs` is divided into.
    unsigned getNumContractions() { return $_op.getContractionDims().size(); }
    unsigned getNumValues() { return $_op.getValueDims().size(); }
    unsigned getNumEpilogues() {
      return $_op.getInner().size() - $_op.getNumLookups() - getNumContractions() -
             getNumValues();
    }
    ::mlir::Region &getLookup(unsigned k) { return $_op.getInner()[k]; }
    ::mlir::Region &getContraction(unsigned k) {
      return $_op.getInner()[$_op.getNumLookups() + k];
    }
    ::mlir::Region &getValue(unsigned k) {
      return $_op.getInner()[$_op.getNumLookups() + getNumContractions() + k];
    }
    ::mlir::Region &getEpilogue(unsigned k) {
      return $_op.getInner()[$_op.getNumLookups() + getNumContractions() +
                             getNumValues() + k];
    }
    /// Whether value `k` is the logarithm of the weight.
    bool isLogWeight(unsigned k) { return getValue(k).empty(); }
    /// Whether value `k` is computed from the score.
    bool usesScore(unsigned k) {
      return !isLogWeight(k) && getNumLeadingArguments(getValue(k)) > 0;
    }
    /// The value dimensions of weighted sum `k`.
    ::llvm::ArrayRef<int64_t> getDimsOfValue(unsigned k) {
      return ::llvm::cast<::mlir::DenseI64ArrayAttr>($_op.getValueDims()[k])
          .asArrayRef();
    }
    /// The dimensions that contraction `k` sums over.
    ::llvm::ArrayRef<int64_t> getDimsOfContraction(unsigned k) {
      return ::llvm::cast<::mlir::DenseI64ArrayAttr>($_op.getContractionDims()[k])
          .asArrayRef();
    }
    /// The position of a region's group among the input segments.
    unsigned getSegmentOf(::mlir::Region &region) {
      return ::fovea::attn::detail::getSegmentOf(
          ::llvm::cast<::fovea::attn::AttentionOpInterface>($_op.getOperation()),
          region);
    }
    /// The position in `inputs` of the first input of a region's group.
    unsigned getFirstInputOf(::mlir::Region &region) {
      auto sizes = $_op.getInputSegments().take_front(getSegmentOf(region));
      unsigned first = 0;
      for (int32_t size : sizes)
        first += size;
      return first;
    }
    ::mlir::Operation::operand_range getInputsOf(::mlir::Region &region) {
      return $_op.getInputs().slice(getFirstInputOf(region),
                                $_op.getInputSegments()[getSegmentOf(region)]);
    }
    ::mlir::AffineMap getInputAccess(unsigned input) {
      return ::llvm::cast<::mlir::AffineMapAttr>($_op.getAccesses()[input]).getValue();
    }
    ::llvm::SmallVector<::mlir::AffineMap> getAccessesOf(::mlir::Region &region) {
      ::llvm::SmallVector<::mlir::AffineMap> maps;
      unsigned first = getFirstInputOf(region);
      for (unsigned k = 0, e = $_op.getInputSegments()[getSegmentOf(region)]; k < e; ++k)
        maps.push_back(getInputAccess(first + k));
      return maps;
    }
    ::mlir::AffineMap getOutAccess(unsigned out) {
      return getInputAccess($_op.getInputs().size() + out);
    }
    /// The block arguments of a region before those of its inputs: the
    /// contraction results for the score, the score for a value that is
    /// computed from it, all weighted sums for an epilogue.
    unsigned getNumLeadingArguments(::mlir::Region &region) {
      return ::fovea::attn::detail::getNumLeadingArguments(
          ::llvm::cast<::fovea::attn::AttentionOpInterface>($_op.getOperation()),
          region);
    }
    /// Bounds and offsets of the domain, constants where they are static.
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedBounds() {
      ::mlir::Builder builder($_op.getContext());
      return ::mlir::getMixedValues($_op.getDomain().getBounds(), $_op.getBounds(), builder);
    }
    ::llvm::SmallVector<::mlir::OpFoldResult> getMixedOffsets() {
      ::mlir::Builder builder($_op.getContext());
      return ::mlir::getMixedValues($_op.getDomain().getOffsets(), $_op.getOffsets(), builder);
    }
  }];
  let verify = [{ return ::fovea::attn::detail::verifyAttention(
      ::llvm::cast<::fovea::attn::AttentionOpInterface>($_op)); }];
  let verifyWithRegions = 1;
}

class Attn_AttentionLikeOp<string mnemonic, dag extraArgs, dag extraRegions,
                           list<Trait> traits>
    : Attn_Op<mnemonic, !listconcat([
        AttrSizedOperandSegments, DestinationStyleOpInterface,
        // Constants stay where they are used, and nothing is shared with outside.
        IsolatedFromAbove,
        DeclareOpInterfaceMethods<Attn_AttentionOpInterface, ["getSinkOrNull"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        RecursiveMemoryEffects], traits)> {
  dag commonArguments = (ins
    Attn_DomainAttr:$domain, Variadic<Index>:$bounds, Variadic<Index>:$offsets,
    Variadic<Index>:$symbols, Variadic<AnyType>:$inputs,
    DenseI32ArrayAttr:$inputSegments, AffineMapArrayAttr:$accesses,
    ArrayAttr:$contractionDims, ArrayAttr:$valueDims, UI32Attr:$numLookups,
    Attn_NormalizerAttrInterface:$normalizer,
    OptionalAttr<Attn_SegmentsAttr>:$segments,
    OptionalAttr<Attn_ScheduleAttr>:$schedule);
  let arguments = !con(commonArguments, extraArgs, (ins
    Variadic<AnyShaped>:$outs));
  let regions = !con((region AnyRegion:$score, AnyRegion:$mask),
                     extraRegions, (region VariadicRegion<AnyRegion>:$inner));
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let hasCustomAssemblyFormat = 1;
  // After the interface has checked the groups of operands.
  let hasRegionVerifier = 1;
}

//===----------------------------------------------------------------------===//
// attn.attention
//===----------------------------------------------------------------------===//

def Attn_AttentionOp : Attn_AttentionLikeOp<"attention",
    (ins Attn_ResultKindArrayAttr:$resultKinds), (region AnyRegion:$sink), []> {
  let summary = "attention of any variant, as one computation";
  let description = [{
    With p the index values of the parallel dimensions, j of the key dimensions,
    c of the contraction dimensions and e of the value dimensions:

    1. each *lookup* l yields an index from its operands (an index read from a
       table, or any integer formula); accesses may use it as `l0`, `l1`, …;
    2. each *contraction* k is `x_k(p, j) = sum over its c of region_k(operands)`, in f32;
    3. the *score* is `s(p, j) = region(x_0, x_1, …, operands)`, f32 (absent: x_0);
    4. a key is kept where the *mask* region yields true (absent: everywhere); a
       key not kept has score -inf;
    5. the *normalizer* turns scores into weights w(p, j) over all keys, and over the *sink*
       if there is one: a key more, kept in every row, with the score `region(operands)` (p) and
       the value 0. Under softmax a sink of log c makes the weights exp(s) / (c + sum of exp(s));
    6. each *value* k gives a weighted sum `a_k(p, e) = sum over j of w(p, j) * value_k(s, operands)`,
       over the keys that are kept. A value may take the score as its first argument. `value logweight`
       stands for log w(p, j): its sum, with 0 * log 0 = 0, is the negative entropy of the weights;
    7. output k is `o_k(p, e) = epilogue_k(a_0, a_1, …, operands)` (an absent epilogue
       rounds a_k once to the result's type).

    Results, in the order of `outs`: the `output`s, each with its epilogue; `logsumexp`, the logarithm of the
    normalizer's mass, the sink's weight in it (p); `weights`, w (p, j); `max`, the greatest score that is
    kept (p), -inf for none; `argmax`, the index of the first key that has it, -1 for none.

    A value has the value dimensions that `over(…)` names (absent: all of the domain). An output has those of
    its access, and its epilogue uses sums over no others.

    Every operand is read through its *access*: an affine map from the values of
    the domain's dimensions and the lookups, and the index symbols `s0`, `s1`, …, to
    the coordinates of the operand (none for a scalar operand). The value read
    is a block argument of the region. Coordinates with lookups are clamped into the operand;
    another coordinate out of range reads zero. Regions are scalar and pure:
    `attn.index` gives the value of a dimension; values defined outside are not used.

    Dimensions have an offset: index values start there, so that a tile of an
    attention is the same op with a smaller bound, over the same operands.

    Differs from `linalg.generic` in that the reduction over keys is normalized and the
    domain has roles; from `attn.online` in that no state is visible.

    ```mlir
    %o = attn.attention
        domain(b parallel %B, h parallel %H, i parallel %M, j key %N, d contraction 64, e value 64)
        contraction over(d) (%x = %q[b, h, i, d] : tensor<?x?x?x64xf32>,
                             %y = %k[b, h, j, d] : tensor<?x?x?x64xf32>) {
          %xy = arith.mulf %x, %y : f32
          attn.yield %xy : f32
        }
        score(%s : f32) {
          %c = arith.constant 0.125 : f32
          %r = arith.mulf %s, %c : f32
          attn.yield %r : f32
        }
        mask() {
          %i = attn.index 2
          %j = attn.index 3
          %m = arith.cmpi sle, %j, %i : index
          attn.yield %m : i1
        }
        value(%z = %v[b, h, j, e] : tensor<?x?x?x64xf32>) {
          attn.yield %z : f32
        }
        normalizer(#attn.softmax)
        outs(output %init[b, h, i, e] : tensor<?x?x?x64xf32>)
    ```
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    ::fovea::attn::ResultKind getResultKind(unsigned out) {
      return ::llvm::cast<::fovea::attn::ResultKindAttr>(getResultKinds()[out]).getValue();
    }
    /// The place of a result in `outs`, if there is one of this kind.
    std::optional<unsigned> findResult(::fovea::attn::ResultKind kind);
    /// The place of an output among the outputs.
    unsigned getOutputNumber(unsigned out);
    /// The value dimensions of an output.
    ::llvm::SmallVector<unsigned> getDimsOfOutput(unsigned out);
  }];
}

//===----------------------------------------------------------------------===//
// attn.online
//===----------------------------------------------------------------------===//

def Attn_OnlineOp : Attn_AttentionLikeOp<"online",
    (ins DefaultValuedAttr<Attn_ResultKindArrayAttr, "{}">:$statistics, Variadic<Index>:$visit),
    (region), []> {
  let summary = "attention over some of the keys, on top of a running state";
  let description = [{
    Destination style: takes the state of the keys visited so far and returns it
    with the keys of this domain added. The state, in the order of `outs`: the
    weighted sum of each value, the shift and the mass (those
    that the normalizer has), without the final division; then for each of the
    `statistics`: `max`, the greatest score, NaN if one is; `argmax`, the greatest score other
    than NaN, and the index of the first key that has it, an i64. The accesses of
    `outs` are over *local* coordinates, index value minus offset.

    For `value logweight` the state is the sum of w * log w, of the weights w
    before the division, taken with the shift.

    With `visit(%begin, %end)` only the keys whose index value along the scheduled key
    dimension is in [begin, end) are added. Others of the domain may be read but have
    no influence: the domain is a block that several ops share, and each visits
    its own part of it.

    Associative and commutative along the key dimensions, but for the order that decides between equal
    scores in `argmax`: states of disjoint
    sets of keys merge by the normalizer's rescaling. Partial reduction, split
    keys and decode rest on this.
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
  }];
}

//===----------------------------------------------------------------------===//
// Region ops
//===----------------------------------------------------------------------===//

def Attn_IndexOp : Attn_Op<"index", [Pure]> {
  let summary = "the value of a dimension of the enclosing domain";
  let description = [{
    Inside a region of `attn.attention` or `attn.online`: the current index
    value of dimension `dim`, offset included. In the mask and score regions only parallel
    and key dimensions have a value; a contraction also has its own
    dimensions; value and epilogue have the value dimensions.

    ```mlir
    %j = attn.index 3
    ```
  }];
  let arguments = (ins ConfinedAttr<I64Attr, [IntNonNegative]>:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict";
  let hasVerifier = 1;
}

def Attn_YieldOp : Attn_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "the result of a region of an attn op";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

//===----------------------------------------------------------------------===//
// Weights and conditions
//===----------------------------------------------------------------------===//

def Attn_ParamOp : Attn_Op<"param", [Symbol]> {
  let summary = "a weight, bound by name to a weights file";
  let description = [{
    Declares the tensor `source` of a weights file, or a family of `family`
    tensors of one shape, one for each layer: the text `{}` in `source` is
    replaced by 0, 1, … `family - 1`. The file's values are converted to the element type
    when the model is loaded.

    With `panel`, the weight is packed once, at load: `type` is then the packed
    shape (panels x columns x width, or panels x pairs x width x 2) and `sourceType` the shape in the file.

    ```mlir
    attn.param @wq family 6 from "encoder.layer.{}.query.weight" : tensor<384x384xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
    DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>, "1">:$family,
    StrAttr:$source, TypeAttrOf<AnyRankedTensor>:$type,
    OptionalAttr<TypeAttrOf<AnyRankedTensor>>:$sourceType,
    OptionalAttr<Attn_PanelAttr>:$panel);
  let assemblyFormat = [{
    $sym_name (`family` $family^)? `from` $source `:` $type
    (`panel` $panel^ `of` $sourceType)? attr-dict
  }];
  let hasVerifier = 1;
}

def Attn_ParamRefOp : Attn_Op<"param_ref", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a weight declared by attn.param";
  let description = [{
    The value of a parameter; `member` selects one of a family (0 when absent). Read only.

    ```mlir
    %w = attn.param_ref @wq[%layer] : tensor<384x384xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$param, Optional<Index>:$member);
  let results = (outs AnyShaped:$result);
  let assemblyFormat = "$param (`[` $member^ `]`)? attr-dict `:` type($result)";
}

def Attn_WorkersOp : Attn_Op<"workers", [Pure]> {
  let summary = "how many iterations of a parallel loop run at once, at least 1";
  let description = [{
    The threads of the call. Only the time it takes may depend on it, and no result.
    Stands outside of parallel loops.
  }];
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Attn_RequireOp : Attn_Op<"require", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "a condition that the call must meet";
  let description = [{
    When `condition` is false the entry returns with an error that carries
    `message` and computes nothing further. Stands at the top level of an entry.
  }];
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

def Attn_ReportOp : Attn_Op<"report", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "what the caller is told after a call that went on";
  let description = [{
    When `condition` is true the entry still computes all its results, and the call
    returns the status of a clamped index with `message`; of several the first that
    was true. Differs from `attn.require`, which ends the call, and which asks for its
    condition. Not inside of parallel loops.

    ```mlir
    attn.report %outside, "ids is out of range of 'words' and was clamped"
    ```
  }];
  let arguments = (ins I1:$condition, StrAttr:$message);
  let assemblyFormat = "$condition `,` $message attr-dict";
}

#endif // FOVEA_DIALECT_ATTN_OPS_TD
