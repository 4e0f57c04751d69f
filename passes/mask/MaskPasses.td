//===- MaskPasses.td - analysis of masks ----------------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_MASK_MASKPASSES_TD
#define FOVEA_PASSES_MASK_MASKPASSES_TD

include "mlir/Pass/PassBase.td"

def MaskSegmentsPass : Pass<"attn-mask-segments"> {
  let summary = "Turn the mask of each attention into bounds of its key loop";
  let description = [{
    Attaches `#attn.segments` to each `attn.attention` that has none: for a tile
    of queries, the intervals of keys that it visits, and those whose mask it
    has to evaluate. The intervals are over the last key dimension.

    The mask region is read as a condition on the dimensions and on the
    operands that are uniform in a tile (`len[b]`, a runtime scalar). What is not
    understood may hold or not, so that it costs speed and never correctness.

    ```mlir
    mask(%len = %lens[b] : tensor<?xi32>) {     // domain (b, i, j, d)
      %i = attn.index 1
      %j = attn.index 2
      %n = arith.index_cast %len : i32 to index
      %past = arith.cmpi sle, %j, %i : index
      %real = arith.cmpi slt, %j, %n : index
      %keep = arith.andi %past, %real : i1
      attn.yield %keep : i1
    }
    ==>
    #attn.segments<key 2,
      visit [()[s0, ...] -> (s6) to ()[s0, ...] -> (s3 + s4, s12)],
      masked [()[s0, ...] -> (s3 + 1) to ()[s0, ...] -> (s8)]>
    ```

    Here the tile's queries begin at `s3` and are `s4` in number, the keys go from
    `s6` to `s8`, and `s12` is the length. The padding needs no mask: it only
    ends the visit.
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect"];
}

#endif // FOVEA_PASSES_MASK_MASKPASSES_TD
