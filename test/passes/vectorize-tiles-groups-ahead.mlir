// RUN: fovea-opt --attn-vectorize-tiles --canonicalize --cse %s | FileCheck %s

#rows = affine_map<(i, e)[h, first] -> (i + first, h, e)>
#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>

// While a block is computed the next one is asked for, or the first of the group of the next iteration; at the last blocks that group's queries too, and the memory of this one's results.
// CHECK-LABEL: func @groups
// CHECK-SAME: %[[Q:[^:]*]]: memref<?x?x64xf32>, %[[K:[^:]*]]: memref<?x?x64xf32>, %[[V:[^:]*]]: memref<?x?x64xf32>, %[[O:[^:]*]]: memref<?x?x64xf32>
// CHECK-SAME: %[[HEADS:[^:]*]]: index, %[[GROUPS:[^:]*]]: index, %[[M:[^:]*]]: index, %[[N:[^:]*]]: index
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[MOST:.*]] = arith.constant 256 : index
// CHECK-NOT: attn.workers
// CHECK: %[[COUNT:.*]] = arith.muli %[[HEADS]], %[[GROUPS]]
// CHECK: %[[FINAL:.*]] = arith.subi %[[COUNT]], %[[ONE]]
// CHECK: scf.forall (%[[H:.*]], %[[G:.*]]) in (%[[HEADS]], %[[GROUPS]])
// CHECK:   %[[NEAR:.*]] = memref.alloc() {{.*}} : memref<1xindex>
// CHECK:   %[[NEXT:.*]] = memref.alloc() {{.*}} : memref<1xindex>
// CHECK:   %[[PLACE:.*]] = arith.addi %{{.*}}, %[[ONE]]
// CHECK:   %[[THEN:.*]] = arith.minsi %[[PLACE]], %[[FINAL]]
// CHECK:   %[[NEXTG:.*]] = arith.remui %[[THEN]], %[[GROUPS]]
// CHECK:   %[[NEXTH:.*]] = arith.divui %[[THEN]], %[[GROUPS]]
// CHECK:   memref.store %[[ZERO]], %[[NEXT]]
// CHECK:   scf.for %[[J:.*]] = %[[ZERO]] to %[[N]] step %[[BLOCK:.*]] {
// CHECK:     memref.store %[[ZERO]], %[[NEAR]]
// CHECK:     %[[AFTER:.*]] = arith.addi %[[J]], %[[BLOCK]]
// CHECK:     %[[ISLAST:.*]] = arith.cmpi sge, %[[AFTER]], %[[N]]
// CHECK:     %[[ROW:.*]] = arith.select %[[ISLAST]], %[[ZERO]], %[[AFTER]]
// CHECK:     %[[HEAD:.*]] = arith.select %[[ISLAST]], %[[NEXTH]], %[[H]]
// CHECK:     %[[QROWS:.*]] = memref.subview %[[Q]][%{{.*}}, %[[NEXTH]], 0]
// CHECK:     %[[OROWS:.*]] = memref.subview %[[O]][%{{.*}}, %[[H]], 0]
// CHECK:     %[[KROWS:.*]] = memref.subview %[[K]][%[[ROW]], %[[HEAD]], 0]
// CHECK:     %[[VROWS:.*]] = memref.subview %[[V]][%[[ROW]], %[[HEAD]], 0]
// Two rows of four lines each, as the scores of twelve keys begin, and again for each eight columns that are summed.
// CHECK:     scf.for %{{.*}} = %[[ZERO]] to %{{.*}} step %c12 {
// CHECK:       %[[AT:.*]] = memref.load %[[NEXT]]
// CHECK:       %[[ISLEFT:.*]] = arith.cmpi slt, %[[AT]], %[[QCOUNT:.*]] :
// CHECK:       scf.if %[[ISLEFT]] {
// CHECK-COUNT-8: memref.prefetch %[[QROWS]]{{.*}}, read, locality<2>, data
// There may be as few rows of one kind as none.
// CHECK:       %[[OISLEFT:.*]] = arith.cmpi slt, %[[AT]],
// CHECK-NOT:   %[[QCOUNT]]
// CHECK:       scf.if %[[OISLEFT]] {
// CHECK-COUNT-8: memref.prefetch %[[OROWS]]{{.*}}, write, locality<2>, data
// CHECK-NOT:     memref.prefetch
// CHECK:         memref.store %{{.*}}, %[[NEXT]]
// CHECK:       scf.if
// CHECK-COUNT-8: memref.prefetch %[[KROWS]]{{.*}}, read, locality<2>, data
// CHECK:       scf.if
// CHECK-COUNT-8: memref.prefetch %[[VROWS]]{{.*}}, read, locality<2>, data
// CHECK:         memref.store %{{.*}}, %[[NEAR]]
// CHECK-COUNT-12: math.fma
// The keys that are left over take too little time.
// CHECK:     scf.for
// CHECK-NOT:   memref.prefetch
// CHECK-COUNT-4: math.fma
// CHECK:     scf.for %{{.*}} = %[[ZERO]] to %{{.*}} step %c8 {
// CHECK-COUNT-32: memref.prefetch
// CHECK-COUNT-8: math.fma
func.func @groups(%q: memref<?x?x64xf32>, %k: memref<?x?x64xf32>, %v: memref<?x?x64xf32>, %o: memref<?x?x64xf32>,
                  %H: index, %groups: index, %M: index, %N: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c32 = arith.constant 32 : index
  %c96 = arith.constant 96 : index
  %c128 = arith.constant 128 : index
  scf.forall (%h, %g) in (%H, %groups) {
    %first = arith.muli %g, %c128 : index
    %left = arith.subi %M, %first : index
    %all = arith.ceildivsi %left, %c32 : index
    %tiles = arith.minsi %all, %c4 : index
    %empty = tensor.empty() : tensor<4x32x64xf32>
    %queries = scf.for %t = %c0 to %tiles step %c1 iter_args(%whole = %empty) -> (tensor<4x32x64xf32>) {
      %below = arith.muli %t, %c32 : index
      %row = arith.addi %first, %below : index
      %tq = attn.tile.load %q[#rows] symbols(%h, %row) inBounds [false, true, true] : memref<?x?x64xf32> -> tensor<32x64xf32>
      %with = tensor.insert_slice %tq into %whole[%t, 0, 0] [1, 32, 64] [1, 1, 1] : tensor<32x64xf32> into tensor<4x32x64xf32>
      scf.yield %with : tensor<4x32x64xf32>
    }
    %zero = attn.tile.map at [] {
      %f0 = arith.constant 0.0 : f32
      attn.yield %f0 : f32
    } -> tensor<32x64xf32>
    %begun = scf.for %t = %c0 to %tiles step %c1 iter_args(%whole = %empty) -> (tensor<4x32x64xf32>) {
      %with = tensor.insert_slice %zero into %whole[%t, 0, 0] [1, 32, 64] [1, 1, 1] : tensor<32x64xf32> into tensor<4x32x64xf32>
      scf.yield %with : tensor<4x32x64xf32>
    }
    %sums = scf.for %j = %c0 to %N step %c96 iter_args(%before = %begun) -> (tensor<4x32x64xf32>) {
      %rest = arith.subi %N, %j : index
      %count = arith.minsi %rest, %c96 : index
      %tk = attn.tile.load %k[#rows] symbols(%h, %j) extents(%count) inBounds [true, true, true] : memref<?x?x64xf32> -> tensor<?x64xf32>
      %tv = attn.tile.load %v[#rows] symbols(%h, %j) extents(%count) inBounds [true, true, true] : memref<?x?x64xf32> -> tensor<?x64xf32>
      %after = scf.for %t = %c0 to %tiles step %c1 iter_args(%whole = %before) -> (tensor<4x32x64xf32>) {
        %tq = tensor.extract_slice %queries[%t, 0, 0] [1, 32, 64] [1, 1, 1] : tensor<4x32x64xf32> to tensor<32x64xf32>
        %sum = tensor.extract_slice %whole[%t, 0, 0] [1, 32, 64] [1, 1, 1] : tensor<4x32x64xf32> to tensor<32x64xf32>
        %s = attn.tile.contract ins(%tq, %tk : tensor<32x64xf32>, tensor<?x64xf32>) at [#qc, #kc] {
        ^bb0(%x: f32, %y: f32):
          %xy = arith.mulf %x, %y : f32
          attn.yield %xy : f32
        } -> tensor<32x96xf32>
        %more = attn.tile.weigh %s onto %sum end %count ins(%tv : tensor<?x64xf32>) at [#kc] {
        ^bb0(%x: f32):
          attn.yield %x : f32
        } : tensor<32x96xf32>, tensor<32x64xf32>
        %with = tensor.insert_slice %more into %whole[%t, 0, 0] [1, 32, 64] [1, 1, 1] : tensor<32x64xf32> into tensor<4x32x64xf32>
        scf.yield %with : tensor<4x32x64xf32>
      }
      scf.yield %after : tensor<4x32x64xf32>
    }
    scf.for %t = %c0 to %tiles step %c1 {
      %below = arith.muli %t, %c32 : index
      %row = arith.addi %first, %below : index
      %sum = tensor.extract_slice %sums[%t, 0, 0] [1, 32, 64] [1, 1, 1] : tensor<4x32x64xf32> to tensor<32x64xf32>
      attn.tile.store %sum, %o[#rows] symbols(%h, %row) : tensor<32x64xf32>, memref<?x?x64xf32>
    }
  }
  return
}
