//===- Attn.td - every op of the attn dialect ----------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "dialect/AttnOps.td"
include "dialect/AttnTileOps.td"
