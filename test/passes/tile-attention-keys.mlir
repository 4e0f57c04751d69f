// RUN: fovea-opt --attn-schedule='min-queries=0 query-tile=32 key-block=96' --attn-tile-attention --attn-lower-online --cse %s | FileCheck %s

// One of two key dimensions is walked one by one. Its index is known in its loop
// alone: what the epilogue reads by a looked-up index does not use it.
// CHECK-LABEL: func @two_keys
func.func @two_keys(%q: memref<?x?xf32>, %k: memref<?x?x?xf32>, %table: memref<9xf32>,
                    %v: memref<?x?x?xf32>, %o: memref<?x?xf32>,
                    %M: index, %N: index, %X: index, %D: index, %E: index) {
  // CHECK: scf.forall
  // CHECK: scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step %c1
  // CHECK: scf.for
  // CHECK: arith.subi %[[J]], %{{.*}} : index
  // CHECK: attn.tile.weigh
  // CHECK: scf.yield
  // CHECK: scf.yield
  // CHECK-NOT: arith.subi %[[J]],
  // CHECK: attn.tile.store
  attn.attention
      domain(i parallel %M, j key %N, x key %X, d contraction %D, e value %E)
      lookup() {
        %j = attn.index 1
        %i = attn.index 0
        %distance = arith.subi %j, %i : index
        attn.yield %distance : index
      }
      contraction over(d) (%a = %q[i, d] : memref<?x?xf32>, %b = %k[j, x, d] : memref<?x?x?xf32>) {
        %ab = arith.mulf %a, %b : f32
        attn.yield %ab : f32
      }
      score(%s: f32, %t = %table[l0] : memref<9xf32>) {
        %sum = arith.addf %s, %t : f32
        attn.yield %sum : f32
      }
      value(%z = %v[j, x, e] : memref<?x?x?xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[i, e] : memref<?x?xf32>)
  return
}
