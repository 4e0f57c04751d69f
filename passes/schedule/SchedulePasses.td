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
    Attaches `#attn.schedule` to each `attn.attention` that has none. The query
    dimension is the last parallel dimension that no operand with a key
    dimension depends on, so that a tile's rows share what is read per key (else the last parallel
    dimension). The key dimension is the one of the segments, else the last. An attention without
    parallel dimensions gets one of bound 1.

    Few queries do not fill such a tile: an attention with fewer than `min-queries` of them gets narrow
    tiles, along a dimension of heads that share each key where there is one. Heads with keys of their own
    visit them together, block by block, and the keys are cut into parts for more threads. Where the number of
    queries is only known at run time, the schedule has both, the narrow one as `otherwise`.
  }];
  let dependentDialects = ["::fovea::attn::AttnDialect"];
  let options = [
    Option<"queryTile", "query-tile", "int64_t", /*default=*/"32",
           "Queries of a tile; 32 is two AVX-512 registers of f32">,
    Option<"keyBlock", "key-block", "int64_t", /*default=*/"96",
           "Keys of a block; 96 x 32 scores in f32 are 12 KiB, which stay in a level-1 cache "
           "beside what they are made of">,
    Option<"groupBytes", "group-bytes", "int64_t", /*default=*/"512 * 1024",
           "Memory for the queries and sums, in f32, of the tiles that visit a block of keys "
           "together; what is made of the keys is made once for all of them. They stay in a level-2 cache">,
    Option<"minQueries", "min-queries", "int64_t", /*default=*/"0",
           "Fewer queries than this go into narrow tiles; 0: never. Half a tile is where a narrow "
           "one, which computes at half the rate, takes as long">,
    Option<"narrowTile", "narrow-tile", "int64_t", /*default=*/"4",
           "Queries of a narrow tile; 4 x 4 sums of scores keep the multipliers busy">,
    Option<"narrowKeyBlock", "narrow-key-block", "int64_t", /*default=*/"16",
           "Keys of a block that narrow tiles visit: few, so that keys of several heads that are side by side in "
           "memory are read at about the same time">,
    Option<"narrowKeyPart", "narrow-key-part", "int64_t", /*default=*/"256",
           "Keys, at least, of a part of them that is computed in parallel to the others; 0: keys are "
           "not cut into parts. Each part costs as much as a few more keys">
  ];
}

#endif // FOVEA_PASSES_SCHEDULE_SCHEDULEPASSES_TD
