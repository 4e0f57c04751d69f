//===- SchedulePasses.td - choice of tile sizes --------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_SCHEDULE_SCHEDULEPASSES_TD
#define FOVEA_PASSES_SCHEDULE_SCHEDULEPASSES_TD

include "mlir/Pass/PassBase.td"

def SchedulePass : Pass<"attn-schedule"> {
  let summary = "Choose the tile sizes of each attention";
  let description = [{
    Attaches `#attn.schedule` to each `attn.attention` that has none: of those worth trying
    the one that a model of the CPU estimates to take the fewest cycles. The query
    dimension is the last parallel dimension that no operand with a key
    dimension depends on, so that a tile's rows share what is read per key (else the last parallel
    dimension). The key dimension is the one of the segments, else the last. An attention without
    parallel dimensions gets one of bound 1.

    Few queries do not fill such a tile: an attention with fewer than `min-queries` of them gets narrow
    tiles, along a dimension of heads that share each key where there is one. Heads with keys of their own
    visit them together, block by block, and the keys are cut into parts for more threads. Where the number of
    queries is only known at run time, the schedule has both, the narrow one as `otherwise`.

    The options from `query-tile` on say what is not left to the model.
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect"];
  let options = [
    Option<"lanes", "lanes", "int64_t", /*default=*/"16", "f32 in a vector register">,
    Option<"registerRows", "register-rows", "int64_t", /*default=*/"12",
           "Rows of a register tile that is two registers wide">,
    Option<"level1Bytes", "level1-bytes", "int64_t", /*default=*/"48 * 1024",
           "Size of a core's level-1 data cache">,
    Option<"level2Bytes", "level2-bytes", "int64_t", /*default=*/"2 * 1024 * 1024",
           "Size of a core's level-2 cache">,
    Option<"matrixKeys", "matrix-keys", "int64_t", /*default=*/"0",
           "Keys of bf16 in a tile of the matrix unit; 0 without one">,
    Option<"queryTile", "query-tile", "int64_t", /*default=*/"0", "Queries of a tile">,
    Option<"keyBlock", "key-block", "int64_t", /*default=*/"0", "Keys of a block">,
    Option<"groupBytes", "group-bytes", "int64_t", /*default=*/"0",
           "Memory for the queries and sums, in f32, of the tiles that visit a block of keys "
           "together; what is made of the keys is made once for all of them">,
    Option<"minQueries", "min-queries", "int64_t", /*default=*/"-1",
           "Fewer queries than this go into narrow tiles; 0: never; -1: as the model says">,
    Option<"narrowTile", "narrow-tile", "int64_t", /*default=*/"0", "Queries of a narrow tile">,
    Option<"narrowKeyBlock", "narrow-key-block", "int64_t", /*default=*/"0",
           "Keys of a block that narrow tiles visit: few, so that keys of several heads that are side by side in "
           "memory are read at about the same time">,
    Option<"narrowKeyPart", "narrow-key-part", "int64_t", /*default=*/"0",
           "Keys, at least, of a part of them that is computed in parallel to the others">
  ];
}

#endif // FOVEA_PASSES_SCHEDULE_SCHEDULEPASSES_TD
