//===- LoopsPasses.td - tiles to plain loops ----------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_LOOPS_LOOPSPASSES_TD
#define FOVEA_PASSES_LOOPS_LOOPSPASSES_TD

include "mlir/Pass/PassBase.td"

def TileToLoopsPass : Pass<"attn-tile-to-loops"> {
  let summary = "Lower the tile form to plain scalar loops";
  let description = [{
    A second consumer of the tile form beside `attn-vectorize-tiles`: it reads like the definitions of the
    ops, and shows that the form knows no target. No pipeline uses it.

    Each tile op allocates a buffer and fills it, element by element; a buffer is
    written by the op that made it and by no other, so that tiles keep their value semantics.
    Loops and branches that carry tiles carry buffers. Nothing frees the buffers:
    `ownership-based-buffer-deallocation` may.

    ```
    %r = attn.tile.rescale %t by %f
    ==>
    %r = memref.alloc
    for row, column:  %r[row, column] = %t[row, column] * %f[row]
    ```

    Such loops have one thread: `attn.workers` is 1.

    A tile that does not come from tile ops (an argument of a function) is an error.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect"];
}

#endif // FOVEA_PASSES_LOOPS_LOOPSPASSES_TD
