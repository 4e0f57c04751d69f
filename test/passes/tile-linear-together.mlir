// RUN: fovea-opt --attn-tile-linear %s | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>
#y = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#bias = affine_map<(m, n) -> (n)>

// Three layers of one input, the first with a bias, are one loop: the first groups
// are of the first one's two panels, the next of the second one's three, and the
// last is the last one's.
// CHECK-LABEL: func @together
// CHECK-SAME: %[[X:.*]]: memref<?x6xf32>, %[[WQ:.*]]: memref<2x6x4xf32>, %[[B:.*]]: memref<8xf32>, %[[WK:.*]]: memref<3x6x4xf32>, %[[WV:.*]]: memref<1x6x4xf32>
// CHECK: %[[Q:.*]] = memref.alloc
// CHECK: %[[K:.*]] = memref.alloc
// CHECK: %[[V:.*]] = memref.alloc
// CHECK-NOT: linalg
// CHECK: %[[ALL:.*]] = arith.muli %{{.*}}, %c6
// CHECK: arith.ceildivsi %[[ALL]]
// CHECK: %[[OF_Q:.*]] = arith.ceildivsi %c2
// CHECK: %[[OF_K:.*]] = arith.ceildivsi %c3
// CHECK: %[[OF_V:.*]] = arith.ceildivsi %c1
// CHECK: %[[OF_QK:.*]] = arith.addi %[[OF_Q]], %[[OF_K]]
// CHECK: %[[GROUPS:.*]] = arith.addi %[[OF_QK]], %[[OF_V]]
// CHECK: scf.forall (%{{.*}}, %[[GROUP:.*]]) in (%{{.*}}, %[[GROUPS]])
// CHECK: %[[IS_Q:.*]] = arith.cmpi slt, %[[GROUP]], %[[OF_Q]]
// CHECK: scf.if %[[IS_Q]] {
// CHECK: attn.tile.load %[[X]]
// CHECK: attn.tile.load %[[WQ]]
// CHECK: attn.tile.load %[[B]]
// CHECK: attn.tile.store %{{.*}}, %[[Q]]
// CHECK: } else {
// CHECK: %[[REST:.*]] = arith.subi %[[GROUP]], %[[OF_Q]]
// CHECK: %[[IS_K:.*]] = arith.cmpi slt, %[[REST]], %[[OF_K]]
// CHECK: scf.if %[[IS_K]] {
// CHECK: attn.tile.load %[[WK]]
// CHECK: attn.tile.store %{{.*}}, %[[K]]
// CHECK: } else {
// CHECK: attn.tile.load %[[WV]]
// CHECK: attn.tile.store %{{.*}}, %[[V]]
// CHECK-NOT: scf.forall
// CHECK: linalg.generic {{.*}} ins(%[[Q]]
func.func @together(%x: memref<?x6xf32>, %wq: memref<2x6x4xf32>, %b: memref<8xf32>, %wk: memref<3x6x4xf32>, %wv: memref<1x6x4xf32>, %o: memref<?x8xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %sum = memref.alloc(%m) : memref<?x8xf32>
  %q = memref.alloc(%m) : memref<?x8xf32>
  %k = memref.alloc(%m) : memref<?x10xf32>
  %v = memref.alloc(%m) : memref<?x4xf32>
  linalg.fill ins(%zero : f32) outs(%sum : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wq : memref<?x6xf32>, memref<2x6x4xf32>) outs(%sum : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.generic {indexing_maps = [#bias, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b, %sum : memref<8xf32>, memref<?x8xf32>) outs(%q : memref<?x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %old: f32):
    %new = arith.addf %a0, %a1 : f32
    linalg.yield %new : f32
  }
  linalg.fill ins(%zero : f32) outs(%k : memref<?x10xf32>)
  linalg.generic {indexing_maps = [#w, #x, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%wk, %x : memref<3x6x4xf32>, memref<?x6xf32>) outs(%k : memref<?x10xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.fill ins(%zero : f32) outs(%v : memref<?x4xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %wv : memref<?x6xf32>, memref<1x6x4xf32>) outs(%v : memref<?x4xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%q : memref<?x8xf32>) outs(%o : memref<?x8xf32>) {
  ^bb0(%a0: f32, %old: f32):
    %new = arith.negf %a0 : f32
    linalg.yield %new : f32
  }
  return
}
