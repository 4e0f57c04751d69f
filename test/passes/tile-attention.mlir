// RUN: fovea-opt --attn-schedule='min-queries=0 query-tile=32 key-block=96' --attn-tile-attention %s | FileCheck %s
// RUN: fovea-opt --attn-schedule='min-queries=0 query-tile=32 key-block=96' --attn-tile-attention --attn-lower-online %s | FileCheck %s --check-prefix=TILE
// RUN: fovea-opt --attn-schedule='min-queries=0 query-tile=32 key-block=96' --attn-tile-attention --attn-lower-online --cse --attn-hoist-tile-loads --attn-vectorize-tiles %s | FileCheck %s --check-prefix=VECTOR

// The parallel dimensions become a forall, the query dimension in groups of
// tiles; the keys are walked in blocks that each tile adds to its part of a
// running state, which is divided once.
// CHECK-LABEL: func @dense
// TILE-LABEL: func @dense
// VECTOR-LABEL: func @dense
func.func @dense(%q: memref<?x?x64xf32>, %k: memref<?x?x64xf32>,
                 %v: memref<?x?x64xf32>, %o: memref<?x?x64xf32>,
                 %B: index, %M: index, %N: index) {
  // A group has as many tiles as there is room for, and no thread has no group.
  // CHECK: %[[ROWS:.*]] = arith.ceildivsi %{{.*}}, %c32
  // CHECK: %[[ALL:.*]] = arith.muli %{{.*}}, %[[ROWS]]
  // CHECK: %[[WORKERS:.*]] = attn.workers
  // CHECK: %[[OTHERS:.*]] = arith.subi %[[WORKERS]], %c1
  // CHECK: %[[WANTED:.*]] = arith.muli %[[OTHERS]], %c16
  // CHECK: %[[SOME:.*]] = arith.maxsi %[[WANTED]], %c1
  // CHECK: %[[SHARE:.*]] = arith.ceildivsi %[[ALL]], %[[SOME]]
  // CHECK: %[[LEAST:.*]] = arith.maxsi %[[SHARE]], %c1
  // CHECK: %[[GROUP:.*]] = arith.minsi %[[LEAST]], %c32
  // CHECK: %[[SIZE:.*]] = arith.muli %[[GROUP]], %c32
  // CHECK: %[[GROUPS:.*]] = arith.ceildivsi %[[ROWS]], %[[GROUP]]
  // CHECK: scf.forall (%[[B:.*]], %[[G:.*]]) in (%{{.*}}, %[[GROUPS]]) {
  // CHECK: %[[FIRST:.*]] = arith.muli %[[G]], %[[SIZE]]
  // CHECK: %[[TILES:.*]] = arith.minsi %{{.*}}, %[[GROUP]]
  // CHECK: scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step %c96{{.*}} iter_args
  // CHECK: scf.for %[[T:.*]] = %c0{{.*}} to %[[TILES]] step %c1{{.*}} iter_args(%[[STATE:[a-z0-9]+]] = %{{.*}})
  // CHECK: %[[LOCAL:.*]] = arith.muli %[[T]], %c32
  // CHECK: %[[I:.*]] = arith.addi %[[FIRST]], %[[LOCAL]]
  // CHECK: tensor.extract_slice %[[STATE]][%[[T]], 0, 0] [1, 32, 64] [1, 1, 1]
  // CHECK: attn.online
  // CHECK-NEXT: domain(b parallel 1 from %[[B]], i parallel 32 from %[[I]], j key %{{.*}} from %[[J]], d contraction 64, e value 64)
  // CHECK: tensor.insert_slice
  // CHECK: attn.tile.store

  // TILE: scf.for
  // TILE: %[[S:.*]] = attn.tile.contract
  // TILE: %[[M:.*]] = attn.tile.reduce max %[[S]] onto
  // TILE: %[[W:.*]] = attn.tile.map ins(%[[S]], %[[M]]
  // TILE: attn.tile.reduce sum %[[W]] onto
  // TILE: %[[A:.*]] = attn.tile.rescale
  // TILE: attn.tile.weigh %[[W]] onto %[[A]]

  // The scores are never in memory as a whole: a panel of one block is.
  // VECTOR: scf.forall
  // VECTOR-DAG: memref.alloc() {alignment = 64 : i64} : memref<96x32xf32>
  // VECTOR-DAG: memref.alloc() {alignment = 64 : i64} : memref<32x64x32xf32>
  // Keys are brought near row by row, values in blocks of columns.
  // VECTOR-DAG: memref.alloc() {alignment = 64 : i64} : memref<96x64xf32>
  // VECTOR-DAG: memref.alloc() {alignment = 64 : i64} : memref<8x96x8xf32>
  // VECTOR-NOT: memref<?x?xf32>
  // VECTOR: math.fma %{{.*}} : vector<32xf32>
  // VECTOR: math.exp2 %{{.*}} : vector<32xf32>
  // VECTOR-NOT: attn.tile
  attn.attention
      domain(b parallel %B, i parallel %M, j key %N, d contraction 64, e value 64)
      contraction over(d) (%x = %q[b, i, d] : memref<?x?x64xf32>,
                           %y = %k[b, j, d] : memref<?x?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %v[b, j, e] : memref<?x?x64xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[b, i, e] : memref<?x?x64xf32>)
  return
}
