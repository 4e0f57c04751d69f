// RUN: fovea-opt --attn-vectorize-tiles --canonicalize --cse %s | FileCheck %s

#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>
#heads = affine_map<(k, c)[j, h] -> (k + j, h, c)>

// As keys are read, those of the next head are asked for, or after the last
// head those of the first at the next block, but none that memory does not
// have.
// CHECK-LABEL: func @dots
// CHECK-SAME: %[[K:[^:]*]]: memref<?x?x32xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[BLOCK:.*]] = arith.constant 16 : index
// CHECK: scf.for %[[J:.*]] = %[[ZERO]] to %{{.*}} step %[[BLOCK]] {
// CHECK:   scf.for %[[H:.*]] = %[[ZERO]] to %[[HEADS:.*]] step %[[ONE]] {
// CHECK:     %[[NEXT:.*]] = arith.addi %[[H]], %[[ONE]]
// CHECK:     %[[MOVES:.*]] = arith.cmpi sge, %[[NEXT]], %[[HEADS]]
// CHECK:     %[[HEAD:.*]] = arith.select %[[MOVES]], %[[ZERO]], %[[NEXT]]
// CHECK:     %[[LATER:.*]] = arith.addi %[[J]], %[[BLOCK]]
// CHECK:     %[[THEN:.*]] = arith.select %[[MOVES]], %[[LATER]], %[[J]]
// CHECK:     %[[LEFT:.*]] = arith.subi %{{.*}}, %[[BLOCK]]
// CHECK:     %[[LAST:.*]] = arith.maxsi %[[LEFT]], %{{.*}}
// CHECK:     %[[FIRST:.*]] = arith.minsi %[[THEN]], %[[LAST]]
// CHECK:     scf.for %[[KEY:[^ ]*]] =
// CHECK:       scf.for %[[COLUMN:[^ ]*]] = {{.*}} iter_args
// CHECK-COUNT-4: vector.load %[[K]]
// CHECK:         %[[ROW:.*]] = arith.addi %[[FIRST]], %[[KEY]]
// CHECK:         memref.prefetch %[[K]][%[[ROW]], %[[HEAD]], %[[COLUMN]]], read, locality<2>, data
// CHECK-COUNT-3: memref.prefetch %[[K]]
// CHECK-NOT:     memref.prefetch
// CHECK:     vector.shuffle
func.func @dots(%k: memref<?x?x32xf32>, %q: memref<4x32xf32>, %o: memref<4xf32>, %keys: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<4x32xf32> -> tensor<4x32xf32>
  %init = attn.tile.map at [] {
    %low = arith.constant 0xFF800000 : f32
    attn.yield %low : f32
  } -> tensor<4xf32>
  scf.for %j = %c0 to %keys step %c16 {
    scf.for %h = %c0 to %n step %c1 {
      %tk = attn.tile.load %k[#heads] symbols(%j, %h) inBounds [true, true, true] : memref<?x?x32xf32> -> tensor<16x32xf32>
      %s = attn.tile.contract ins(%tq, %tk : tensor<4x32xf32>, tensor<16x32xf32>) at [affine_map<(r, k, c) -> (r, c)>, #kc] {
      ^bb0(%x: f32, %y: f32):
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      } -> tensor<4x16xf32>
      %max = attn.tile.reduce max %s onto %init : tensor<4x16xf32>, tensor<4xf32>
      attn.tile.store %max, %o[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<4xf32>
    }
  }
  return
}

// Two vectors of 16 bit are a line of a cache. The place is computed again from
// what the loop has next; there is no outer one.
// CHECK-LABEL: func @weigh
// CHECK-SAME: %[[V:[^:]*]]: memref<?x?x64xbf16>
// CHECK: scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step %[[STEP:.*]] {
// CHECK:   %[[THEN:.*]] = arith.addi %[[J]], %[[STEP]]
// CHECK:   %[[PLACE:.*]] = arith.muli %[[THEN]], %[[STEP]]
// CHECK:   %[[FIRST:.*]] = arith.minsi %[[PLACE]],
// CHECK-COUNT-4: vector.load %[[V]]
// CHECK:   %[[ROW:.*]] = arith.addi %[[FIRST]],
// CHECK-COUNT-2: memref.prefetch %[[V]][%[[ROW]],
// CHECK-NOT: memref.prefetch
func.func @weigh(%v: memref<?x?x64xbf16>, %w: memref<4x16xf32>, %o: memref<4x64xf32>, %keys: index, %h: index) {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %tw = attn.tile.load %w[#id] inBounds [true, true] : memref<4x16xf32> -> tensor<4x16xf32>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<4x64xf32>
  scf.for %j = %c0 to %keys step %c16 {
    %place = arith.muli %j, %c16 : index
    %tv = attn.tile.load %v[#heads] symbols(%place, %h) inBounds [true, true, true] : memref<?x?x64xbf16> -> tensor<16x64xbf16>
    %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<16x64xbf16>) at [#kc] {
    ^bb0(%x: bf16):
      %wide = arith.extf %x : bf16 to f32
      attn.yield %wide : f32
    } : tensor<4x16xf32>, tensor<4x64xf32>
    attn.tile.store %sum, %o[#id] : tensor<4x64xf32>, memref<4x64xf32>
  }
  return
}

// Nothing is read ahead to find out where the next rows are.
// CHECK-LABEL: func @negative_table
// CHECK-NOT: memref.prefetch
func.func @negative_table(%v: memref<?x?x64xf32>, %table: memref<?xindex>, %w: memref<4x16xf32>, %o: memref<4x64xf32>, %blocks: index, %h: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tw = attn.tile.load %w[#id] inBounds [true, true] : memref<4x16xf32> -> tensor<4x16xf32>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<4x64xf32>
  scf.for %j = %c0 to %blocks step %c1 {
    %place = memref.load %table[%j] : memref<?xindex>
    %tv = attn.tile.load %v[#heads] symbols(%place, %h) inBounds [true, true, true] : memref<?x?x64xf32> -> tensor<16x64xf32>
    %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<16x64xf32>) at [#kc] {
    ^bb0(%x: f32):
      attn.yield %x : f32
    } : tensor<4x16xf32>, tensor<4x64xf32>
    attn.tile.store %sum, %o[#id] : tensor<4x64xf32>, memref<4x64xf32>
  }
  return
}

// An inner loop may begin elsewhere in the next pass of the outer one.
// CHECK-LABEL: func @negative_triangle
// CHECK-NOT: memref.prefetch
func.func @negative_triangle(%v: memref<?x?x64xf32>, %w: memref<4x16xf32>, %o: memref<4x64xf32>, %keys: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %tw = attn.tile.load %w[#id] inBounds [true, true] : memref<4x16xf32> -> tensor<4x16xf32>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<4x64xf32>
  scf.for %h = %c0 to %n step %c1 {
    %first = arith.muli %h, %c16 : index
    scf.for %j = %first to %keys step %c16 {
      %tv = attn.tile.load %v[#heads] symbols(%j, %h) inBounds [true, true, true] : memref<?x?x64xf32> -> tensor<16x64xf32>
      %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<16x64xf32>) at [#kc] {
      ^bb0(%x: f32):
        attn.yield %x : f32
      } : tensor<4x16xf32>, tensor<4x64xf32>
      attn.tile.store %sum, %o[#id] : tensor<4x64xf32>, memref<4x64xf32>
    }
  }
  return
}
