// RUN: fovea-opt --attn-vectorize-tiles='register-rows=6' --canonicalize --cse %s | FileCheck %s
// RUN: fovea-opt --attn-vectorize-tiles='register-rows=12' --canonicalize --cse %s | FileCheck %s --check-prefix=WIDE

#id = affine_map<(r, k) -> (r, k)>

// Six columns of two registers each are what sixteen registers hold the sums
// of; one step of six is given up where fours take the rest then.
// CHECK-LABEL: func @two_fours
// CHECK: scf.for %{{.*}} = %c0 to %c120 step %c6
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: scf.for %{{.*}} = %c120 to %c128 step %c4
// CHECK: scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-NOT: -> (vector<8xf32>)
// WIDE-LABEL: func @two_fours
// WIDE: scf.for %{{.*}} = %c0 to %c128 step %c8
// WIDE-NOT: -> (vector<8xf32>)
func.func @two_fours(%w: memref<8x9xf32>, %v: memref<9x128xf32>, %o: memref<8x128xf32>) {
  %tw = attn.tile.load %w[#id] inBounds [true, true] : memref<8x9xf32> -> tensor<8x9xf32>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<9x128xf32> -> tensor<9x128xf32>
  %init = attn.tile.load %o[#id] inBounds [true, true] : memref<8x128xf32> -> tensor<8x128xf32>
  %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<9x128xf32>) at [affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<8x9xf32>, tensor<8x128xf32>
  attn.tile.store %sum, %o[#id] : tensor<8x128xf32>, memref<8x128xf32>
  return
}

// Odd columns are left to ones.
// CHECK-LABEL: func @ones
// CHECK: scf.for %{{.*}} = %c0 to %c12 step %c6
// CHECK: scf.for %{{.*}} = %c12 to %c15 step %c1
// CHECK: scf.for {{.*}} -> (vector<8xf32>)
// WIDE-LABEL: func @ones
// WIDE: scf.for {{.*}} -> (vector<8xf32>)
func.func @ones(%w: memref<8x9xf32>, %v: memref<9x15xf32>, %o: memref<8x15xf32>) {
  %tw = attn.tile.load %w[#id] inBounds [true, true] : memref<8x9xf32> -> tensor<8x9xf32>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<9x15xf32> -> tensor<9x15xf32>
  %init = attn.tile.load %o[#id] inBounds [true, true] : memref<8x15xf32> -> tensor<8x15xf32>
  %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<9x15xf32>) at [affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<8x9xf32>, tensor<8x15xf32>
  attn.tile.store %sum, %o[#id] : tensor<8x15xf32>, memref<8x15xf32>
  return
}

// What is weighed again and again is copied in blocks of two steps, of which no
// step lies in two: its columns are side by side.
// CHECK-LABEL: func @blocks
// CHECK: %[[VALUES:.*]] = memref.alloc() {{.*}} : memref<2x9x12xf32>
// CHECK: vector.load %{{.*}} : memref<9x24xf32>, vector<4xf32>
// CHECK: vector.store %{{.*}}, %[[VALUES]]
// CHECK: scf.for %[[E:.*]] = %c0 to %c24 step %c6
// CHECK-DAG: %[[BLOCK:.*]] = arith.divui %[[E]], %c12
// CHECK-DAG: %[[FIRST:.*]] = arith.remui %[[E]], %c12
// CHECK-DAG: %[[FIFTH:.*]] = arith.addi %[[FIRST]], %c5
// CHECK: scf.for %[[KEY:.*]] = %c0 to %c9 step %c1
// CHECK: memref.load %[[VALUES]][%[[BLOCK]], %[[KEY]], %[[FIRST]]]
// CHECK: memref.load %[[VALUES]][%[[BLOCK]], %[[KEY]], %[[FIFTH]]]
// WIDE-LABEL: func @blocks
// WIDE: memref.alloc() {{.*}} : memref<3x9x8xf32>
// WIDE: vector.load %{{.*}} : memref<9x24xf32>, vector<8xf32>
func.func @blocks(%w: memref<8x9xf32>, %v: memref<9x24xf32>, %o: memref<8x24xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<9x24xf32> -> tensor<9x24xf32>
  scf.for %n = %zero to %four step %one {
    %tw = attn.tile.load %w[#id] inBounds [true, true] : memref<8x9xf32> -> tensor<8x9xf32>
    %init = attn.tile.load %o[#id] inBounds [true, true] : memref<8x24xf32> -> tensor<8x24xf32>
    %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<9x24xf32>) at [affine_map<(r, k, c) -> (k, c)>] {
    ^bb0(%x: f32):
      attn.yield %x : f32
    } : tensor<8x9xf32>, tensor<8x24xf32>
    attn.tile.store %sum, %o[#id] : tensor<8x24xf32>, memref<8x24xf32>
  }
  return
}
