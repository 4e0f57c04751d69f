// RUN: fovea-opt --attn-vectorize-tiles %s | FileCheck %s

// Four rows: what is contracted lies along lanes, 4 x 4 partial sums become one
// vector of scores, and each key is read once for all rows.
// CHECK-LABEL: func @dots
// CHECK-SAME: (%[[Q:.*]]: memref<4x32xf32>, %[[K:.*]]: memref<?x32xf32>
// CHECK: %[[PANEL:.*]] = memref.alloc() {{.*}} : memref<4x64xf32>
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:   scf.for {{.*}} iter_args
// CHECK-COUNT-4: vector.load %[[K]]
// CHECK-NOT: vector.load %[[K]]
// CHECK:   vector.shuffle
// CHECK:   vector.extract_strided_slice %{{.*}} {offsets = [0], sizes = [4], strides = [1]} : vector<16xf32> to vector<4xf32>
// The last keys: those that do not exist are not written.
// CHECK: vector.create_mask %{{.*}} : vector<4xi1>
// CHECK: vector.maskedstore %[[PANEL]]
func.func @dots(%q: memref<4x32xf32>, %k: memref<?x32xf32>, %o: memref<4xf32>, %n: index) {
  %tq = attn.tile.load %q[affine_map<(r, c) -> (r, c)>] inBounds [true, true] : memref<4x32xf32> -> tensor<4x32xf32>
  %tk = attn.tile.load %k[affine_map<(j, c) -> (j, c)>] extents(%n) inBounds [true, true] : memref<?x32xf32> -> tensor<?x32xf32>
  %init = attn.tile.map at [] {
    %low = arith.constant 0xFF800000 : f32
    attn.yield %low : f32
  } -> tensor<4xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<4x32xf32>, tensor<?x32xf32>)
      at [affine_map<(r, j, c) -> (r, c)>, affine_map<(r, j, c) -> (j, c)>] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<4x64xf32>
  %max = attn.tile.reduce max %s onto %init end %n : tensor<4x64xf32>, tensor<4xf32>
  attn.tile.store %max, %o[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<4xf32>
  return
}

// Values lie along lanes: 4 rows x 2 vectors of sums, one weight a row.
// CHECK-LABEL: func @weigh
// CHECK-SAME: (%[[W:.*]]: memref<4x8xf32>, %[[V:.*]]: memref<8x32xf32>
// CHECK: scf.for {{.*}} iter_args
// CHECK:   vector.load %[[V]]
// CHECK:   vector.broadcast %{{.*}} : f32 to vector<16xf32>
// CHECK:   math.fma {{.*}} : vector<16xf32>
func.func @weigh(%w: memref<4x8xf32>, %v: memref<8x32xf32>, %o: memref<4x32xf32>) {
  %tw = attn.tile.load %w[affine_map<(r, j) -> (r, j)>] inBounds [true, true] : memref<4x8xf32> -> tensor<4x8xf32>
  %tv = attn.tile.load %v[affine_map<(j, e) -> (j, e)>] inBounds [true, true] : memref<8x32xf32> -> tensor<8x32xf32>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<4x32xf32>
  %sum = attn.tile.weigh %tw onto %init ins(%tv : tensor<8x32xf32>) at [affine_map<(r, j, e) -> (j, e)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<4x8xf32>, tensor<4x32xf32>
  attn.tile.store %sum, %o[affine_map<(r, e) -> (r, e)>] : tensor<4x32xf32>, memref<4x32xf32>
  return
}
