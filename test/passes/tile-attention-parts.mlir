// RUN: fovea-opt --attn-schedule='min-queries=16 query-tile=32 key-block=96' --attn-tile-attention %s | FileCheck %s

// Few queries: heads visit each block of keys one after the other, and parts of the
// keys leave their states in memory. What is needed of it is none where the queries
// turn out to be many.
// CHECK-LABEL: func @few_or_many
// CHECK: %[[FEW:.*]] = arith.cmpi slt, %{{.*}}, %c16
// CHECK: %[[WANTED:.*]] = arith.ceildivsi %{{.*}}, %c256
// CHECK: %[[MOST:.*]] = arith.minsi %[[WANTED]], %c64
// CHECK: %[[ROOM:.*]] = arith.select %[[FEW]], %[[MOST]], %c0
// CHECK: %[[SUMS:.*]] = memref.alloc(%[[ROOM]], %{{.*}}, %{{.*}}) : memref<?x?x?x64xf32>
// CHECK: memref.alloc(%[[ROOM]], %{{.*}}, %{{.*}}) : memref<?x?x?xf32>
// CHECK: memref.alloc(%[[ROOM]], %{{.*}}, %{{.*}}) : memref<?x?x?xf32>
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[TILES:.*]] = arith.minsi %{{.*}}, %c32{{.*}} : index
// CHECK: %[[HEADS:.*]] = arith.divsi %c32{{.*}}, %[[TILES]]
// The sizes alone decide how many parts there are.
// CHECK-NOT: attn.workers
// CHECK: %[[SIZE:.*]] = arith.muli %{{.*}}, %c16
// CHECK: %[[PARTS:.*]] = arith.ceildivsi %{{.*}}, %[[SIZE]]
// CHECK: scf.forall (%{{.*}}, %{{.*}}, %[[PART:.*]]) in (%{{.*}}, %{{.*}}, %[[PARTS]]) {
// CHECK: %[[SKIPPED:.*]] = arith.muli %[[PART]], %[[SIZE]]
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c16
// CHECK: scf.for %[[HEAD:.*]] = %c0
// CHECK: scf.for %[[TILE:.*]] = %c0
// CHECK: attn.online
// CHECK: attn.tile.store %{{.*}}, %[[SUMS]]{{.*}} symbols(%[[PART]],
// CHECK: attn.tile.store
// CHECK: attn.tile.store
// The states are merged as scores are: their shifts, from 64 parts at most.
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}}) {
// CHECK: %[[SUM:.*]] = attn.tile.load %[[SUMS]]{{.*}} -> tensor<1x64x64xf32>
// CHECK: %[[SHIFTS:.*]] = attn.tile.load {{.*}} -> tensor<1x64xf32>
// CHECK: attn.tile.reduce max %[[SHIFTS]] onto %{{.*}} end %[[PARTS]]
// CHECK: attn.tile.weigh %{{.*}} onto %{{.*}} end %[[PARTS]] ins(%[[SUM]]
// CHECK: attn.tile.store
// CHECK: } else {
// CHECK: attn.workers
func.func @few_or_many(%q: memref<?x?x64xf32>, %k: memref<?x?x64xf32>,
                       %v: memref<?x?x64xf32>, %o: memref<?x?x64xf32>,
                       %H: index, %M: index, %N: index) {
  attn.attention
      domain(h parallel %H, i parallel %M, j key %N, d contraction 64, e value 64)
      contraction over(d) (%x = %q[h, i, d] : memref<?x?x64xf32>,
                           %y = %k[h, j, d] : memref<?x?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %v[h, j, e] : memref<?x?x64xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[h, i, e] : memref<?x?x64xf32>)
  return
}
