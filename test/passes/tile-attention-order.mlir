// RUN: fovea-opt --attn-mask-segments --attn-schedule='min-queries=0 query-tile=32 key-block=96 group-bytes=524288' --attn-tile-attention %s | FileCheck %s

// Under a causal mask the last queries have most keys: their group is the first
// to be taken, so that what threads end with is small.
// CHECK-LABEL: func @causal
// CHECK: %[[TILES:.*]] = arith.ceildivsi %{{.*}}, %c32 : index
// CHECK: %[[GROUP:.*]] = arith.minsi %{{.*}}, %c31
// CHECK: %[[GROUPS:.*]] = arith.ceildivsi %[[TILES]], %[[GROUP]]
// CHECK: scf.forall (%[[G:.*]]) in (%[[GROUPS]]) {
// CHECK: %[[LAST:.*]] = arith.subi %[[GROUPS]], %c1
// CHECK: %[[NUMBER:.*]] = arith.subi %[[LAST]], %[[G]]
// CHECK: arith.muli %[[NUMBER]],
func.func @causal(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %o: memref<?xf32>, %M: index, %N: index, %D: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}

// All queries of a window have as many keys: in order.
// CHECK-LABEL: func @window
// CHECK: scf.forall (%[[G:.*]]) in
// CHECK-NEXT: arith.muli %[[G]],
func.func @window(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %o: memref<?xf32>, %M: index, %N: index, %D: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %below = arith.cmpi sle, %j, %i : index
        %c8 = arith.constant 8 : index
        %ahead = arith.addi %j, %c8 : index
        %near = arith.cmpi sgt, %ahead, %i : index
        %keep = arith.andi %below, %near : i1
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}
