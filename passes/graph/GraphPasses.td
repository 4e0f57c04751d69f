//===- GraphPasses.td - rewrites of the graph form -----------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_GRAPH_GRAPHPASSES_TD
#define FOVEA_PASSES_GRAPH_GRAPHPASSES_TD

include "mlir/Pass/PassBase.td"

def PackParamsPass : Pass<"attn-pack-params", "mlir::ModuleOp"> {
  let summary = "Keep the weights of linear layers in panels";
  let description = [{
    A `linalg.generic` that sums products with a parameter reads it in panels of
    `panel-width` output features instead, packed once when the model is
    loaded:

    ```mlir
    attn.param @w from "w" : tensor<384x1536xf32>
    linalg.generic {maps: (m, n, k) -> (m, k), (n, k), (m, n)} ins(%x, %w)
    ==>
    attn.param @w.panels from "w" : tensor<12x1536x32xf32> panel ...
    linalg.generic {maps: (m, n, k) -> (m, k), (n floordiv 32, k, n mod 32), (m, n)} ins(%x, %panels)
    ```

    With `pairs`, where both factors are bf16, and the other one has what is summed last, in the
    order of the weight, a panel has its columns in pairs:

    ```mlir
    attn.param @w.pairs from "w" : tensor<12x768x32x2xbf16> panel ...
    linalg.generic {maps: (m, n, k) -> (m, k), (n floordiv 32, k floordiv 2, n mod 32, k mod 2), (m, n)} ins(%x, %pairs)
    ```

    Another factor that is narrower than f32 is converted to f32 first, once for all panels.

    Left alone: weights of dynamic size, weights that differ along a dimension of the
    other factor too (a batch of products), and a second orientation of the
    same weight.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect", "::fovea::attn::AttnDialect"];
  let options = [
    Option<"panelWidth", "panel-width", "int64_t", /*default=*/"32",
           "Output features of a panel: two vector registers of f32">,
    Option<"pairs", "pairs", "bool", /*default=*/"false",
           "Whether the CPU multiplies pairs of bf16">
  ];
}

def NarrowTensorsPass : Pass<"attn-narrow-tensors"> {
  let summary = "Hold tensors of rounded elements in the type that they are rounded to";
  let description = [{
    For CPUs that multiply bf16. An elementwise computation that ends with a conversion to bf16 and back makes a
    tensor of bf16, which those that read it convert: a linear layer then finds the
    factors that it multiplies as they are. Carried by a loop, such tensors stay narrow.

    ```mlir
    %x = linalg.generic {... yield extf(truncf(v))} -> tensor<?x384xf32>
    linalg.generic ins(%x : tensor<?x384xf32>) { ^bb0(%in: f32): f(%in) }
    ==>
    %x = linalg.generic {... yield truncf(v)} -> tensor<?x384xbf16>
    linalg.generic ins(%x : tensor<?x384xbf16>) { ^bb0(%in: bf16): f(extf(%in)) }
    ```

    No value changes. Left alone: a tensor that anything else reads than `linalg.generic`, `attn.attention`,
    a change of shape or a loop.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"];
}

def PremultiplyQueriesPass : Pass<"attn-premultiply-queries"> {
  let summary = "Take sums that no key takes part in out of the contraction";
  let description = [{
    A contraction of a product sums some dimensions over factors that do not differ by key;
    those become a `linalg.generic` of their own, once for each query instead of once for each
    pair, and what is left is a dot product:

    ```
    contraction over(a, c) (%q[b, i, a], %w[a, c], %k[b, j, c]) { q * w * k }
    ==>
    %p[b, i, c] = sum over a of %q[b, i, a] * %w[a, c]
    contraction over(c) (%p[b, i, c], %k[b, j, c]) { p * k }
    ```

    Sums are only reordered as written here; the products are in f32 as before. Left alone: operands
    that are read at formulas, or whose sizes are not known to be those of the dimensions.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::arith::ArithDialect",
    "::mlir::tensor::TensorDialect", "::fovea::attn::AttnDialect"];
}

def TabulatePass : Pass<"attn-tabulate"> {
  let summary = "Read functions of positions from tables computed once";
  let description = [{
    An expensive function (a power, an exponential, a sine, ...) of index values in a contraction or value
    region of `attn.attention` becomes a tensor that the region reads, when the dimensions it
    depends on are those of an operand: the cosine of a rotary position is one
    for each key and component, whatever the batch, the head and the query.

    ```
    contraction over(d) (%k = %K[b, h, j, d]) { ... math.cos(f(j, d)) ... }
    ==>
    %cos = linalg.generic outs([N x D]) { math.cos(f(j, d)) }
    contraction over(d) (%k = %K[b, h, j, d], %c = %cos[j, d]) { ... %c ... }
    ```

    A table is never larger than what is read anyway. Left alone: what reads operands, and dimensions
    that do not start at 0.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect", "::fovea::attn::AttnDialect"];
}

def FuseElementwisePass : Pass<"attn-fuse-elementwise"> {
  let summary = "Compute elementwise intermediates where they are read";
  let description = [{
    Upstream's fusion of `linalg.generic` with elementwise producers, with this choice of what
    is worth it: an elementwise computation that one op reads, or a cheap
    one that only elementwise ops and reductions read, has no tensor of its own.

    ```
    c = x - mean(x);  v = sum(c * c);  y = c * rsqrt(v)
    ==>
    v = sum((x - mean(x))^2);  y = (x - mean(x)) * rsqrt(v)
    ```

    Products with weights keep the form that `attn-pack-params` and `attn-tile-linear` look for:
    nothing is fused into them, and an elementwise op that reads one stays its
    epilogue.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::affine::AffineDialect"];
}

def CarryInPlacePass : Pass<"attn-carry-in-place"> {
  let summary = "Keep each tensor that a loop carries in one buffer";
  let description = [{
    What an iteration yields is put where it found what the last one yielded, so that
    a loop over layers needs no memory that grows with their number:

    ```mlir
    scf.yield %next
    ==>
    %kept = bufferization.materialize_in_destination %next in %carried
    scf.yield %kept
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def SplitFillsPass : Pass<"attn-split-fills"> {
  let summary = "Give each sum an initial value, and each result a place, of its own";
  let description = [{
    Common subexpression elimination makes sums of one shape start from one filled tensor, which
    bufferization then copies for each, and results of one shape share an empty one, which then is one
    buffer with several meanings. Every further use of a filled `tensor.empty`, and of a
    `tensor.empty`, gets its own.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

#endif // FOVEA_PASSES_GRAPH_GRAPHPASSES_TD
