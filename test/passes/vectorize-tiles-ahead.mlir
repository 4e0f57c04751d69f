// RUN: fovea-opt --attn-vectorize-tiles='register-rows=4' --canonicalize --cse %s | FileCheck %s

#x = affine_map<(f, r, k) -> (r, k)>
#w = affine_map<(f, r, k) -> (f, k)>

// A panel of 8 x 6 weights is read in place for each four of 12 rows. Each of
// the three sums of six products asks for 16 of the 48 weights that come next,
// not quite 3 at a time, and for the rows that it is stored to. After the last
// panel there are none: the 48 before the end of memory are asked for.
// CHECK-LABEL: func @panel
// CHECK-SAME: %[[X:.*]]: memref<12x6xf32>, %[[W:.*]]: memref<3x6x8xf32>, %[[Y:.*]]: memref<12x24xf32>, %[[P:.*]]: index
// CHECK-DAG: %[[ALL:.*]] = memref.collapse_shape %[[W]] {{\[\[}}0, 1, 2]] : memref<3x6x8xf32> into memref<144xf32>
// CHECK-DAG: %[[NEXT:.*]] = arith.minsi %{{.*}}, %c96 : index
// CHECK: scf.for %[[R:.*]] = %c0 to %c12 step %c4
// CHECK-COUNT-4: memref.prefetch %[[Y]][%{{.*}}], write, locality<3>, data
// CHECK-NOT: memref.prefetch %[[Y]]
// CHECK: %[[TILE:.*]] = arith.divui %[[R]], %c4
// CHECK: %[[DONE:.*]] = arith.muli %[[TILE]], %c18
// CHECK: %[[FROM:.*]] = arith.minui %[[DONE]], %c30
// CHECK: %[[FIRST:.*]] = arith.addi %[[NEXT]], %[[FROM]]
// CHECK: scf.for {{.*}} = %c0 to %c6 step %c1 iter_args({{.*}}, %[[AT:.*]] = %[[FIRST]])
// CHECK: memref.prefetch %[[ALL]][%[[AT]]], read, locality<2>, data : memref<144xf32>
// CHECK: %[[THEN:.*]] = arith.addi %[[AT]], %c3
// CHECK: vector.load %[[W]]
// CHECK: scf.yield {{.*}}, %[[THEN]]
func.func @panel(%x: memref<12x6xf32>, %w: memref<3x6x8xf32>, %y: memref<12x24xf32>, %p: index, %first: index) {
  %tx = attn.tile.load %x[affine_map<(r, k) -> (r, k)>] inBounds [true, true]
      : memref<12x6xf32> -> tensor<12x6xf32>
  %tw = attn.tile.load %w[affine_map<(f, k)[p] -> (p, k, f)>] symbols(%p) inBounds [true, true, true]
      : memref<3x6x8xf32> -> tensor<8x6xf32>
  %s = attn.tile.contract ins(%tx, %tw : tensor<12x6xf32>, tensor<8x6xf32>) at [#x, #w] {
  ^bb0(%a: f32, %b: f32):
    %ab = arith.mulf %a, %b : f32
    attn.yield %ab : f32
  } -> tensor<8x12xf32>
  attn.tile.store %s, %y[affine_map<(f, r)[n] -> (r, n + f)>] symbols(%first) : tensor<8x12xf32>, memref<12x24xf32>
  return
}

// A last register tile that repeats rows asks for nothing again, and neither
// does one that there are too few rows for.
// CHECK-LABEL: func @few_rows
// CHECK-NOT: memref.prefetch
func.func @few_rows(%x: memref<3x6xf32>, %w: memref<3x6x8xf32>, %y: memref<3x24xf32>, %p: index, %first: index) {
  %tx = attn.tile.load %x[affine_map<(r, k) -> (r, k)>] inBounds [true, true]
      : memref<3x6xf32> -> tensor<3x6xf32>
  %tw = attn.tile.load %w[affine_map<(f, k)[p] -> (p, k, f)>] symbols(%p) inBounds [true, true, true]
      : memref<3x6x8xf32> -> tensor<8x6xf32>
  %s = attn.tile.contract ins(%tx, %tw : tensor<3x6xf32>, tensor<8x6xf32>) at [#x, #w] {
  ^bb0(%a: f32, %b: f32):
    %ab = arith.mulf %a, %b : f32
    attn.yield %ab : f32
  } -> tensor<8x3xf32>
  attn.tile.store %s, %y[affine_map<(f, r)[n] -> (r, n + f)>] symbols(%first) : tensor<8x3xf32>, memref<3x24xf32>
  return
}

// What comes next is not known where sizes are not, or where lanes are part of
// longer rows.
// CHECK-LABEL: func @unknown_size
// CHECK-NOT: memref.prefetch
func.func @unknown_size(%x: memref<12x6xf32>, %w: memref<?x6x8xf32>, %y: memref<12x8xf32>, %p: index) {
  %tx = attn.tile.load %x[affine_map<(r, k) -> (r, k)>] inBounds [true, true]
      : memref<12x6xf32> -> tensor<12x6xf32>
  %tw = attn.tile.load %w[affine_map<(f, k)[p] -> (p, k, f)>] symbols(%p) inBounds [true, true, true]
      : memref<?x6x8xf32> -> tensor<8x6xf32>
  %s = attn.tile.contract ins(%tx, %tw : tensor<12x6xf32>, tensor<8x6xf32>) at [#x, #w] {
  ^bb0(%a: f32, %b: f32):
    %ab = arith.mulf %a, %b : f32
    attn.yield %ab : f32
  } -> tensor<8x12xf32>
  attn.tile.store %s, %y[affine_map<(f, r) -> (r, f)>] : tensor<8x12xf32>, memref<12x8xf32>
  return
}

// CHECK-LABEL: func @longer_rows
// CHECK-NOT: memref.prefetch
func.func @longer_rows(%x: memref<12x6xf32>, %w: memref<6x24xf32>, %y: memref<12x24xf32>, %first: index) {
  %tx = attn.tile.load %x[affine_map<(r, k) -> (r, k)>] inBounds [true, true]
      : memref<12x6xf32> -> tensor<12x6xf32>
  %tw = attn.tile.load %w[affine_map<(f, k)[n] -> (k, n + f)>] symbols(%first) inBounds [true, true]
      : memref<6x24xf32> -> tensor<8x6xf32>
  %s = attn.tile.contract ins(%tx, %tw : tensor<12x6xf32>, tensor<8x6xf32>) at [#x, #w] {
  ^bb0(%a: f32, %b: f32):
    %ab = arith.mulf %a, %b : f32
    attn.yield %ab : f32
  } -> tensor<8x12xf32>
  attn.tile.store %s, %y[affine_map<(f, r)[n] -> (r, n + f)>] symbols(%first) : tensor<8x12xf32>, memref<12x24xf32>
  return
}
