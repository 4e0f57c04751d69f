// Tiles of queries that are computed from several in memory, whose rows lie across the lanes.
// RUN: fovea-opt --attn-vectorize-tiles='register-rows=4' --canonicalize --cse --split-input-file %s | FileCheck %s

#id = affine_map<(a, b) -> (a, b)>
#repeated = affine_map<(a, b) -> (a, b mod 16)>
#query = affine_map<(r, k, c) -> (r, c)>
#key = affine_map<(r, k, c) -> (k, c)>

// Queries and their factors are read and multiplied along memory, and the products
// alone are transposed. A row of factors that repeats itself is read whole.
// CHECK-LABEL: func @product
// CHECK-SAME: %[[Q:[^:]*]]: memref<32x32xf32>, %{{.*}}: memref<16x32xf32>, %[[F:[^:]*]]: memref<32x16xf32>
// CHECK: scf.for %[[COLUMN:.*]] = %c0 to %c32 step %c16
// CHECK: vector.load %[[Q]][%{{.*}}, %[[COLUMN]]] : memref<32x32xf32>, vector<16xf32>
// CHECK: vector.load %[[F]][%{{.*}}] : memref<32x16xf32>, vector<16xf32>
// CHECK: arith.mulf %{{.*}} : vector<16xf32>
// CHECK-COUNT-64: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK-NOT: memref.load %[[F]]
// CHECK: math.fma
func.func @product(%q: memref<32x32xf32>, %k: memref<16x32xf32>, %f: memref<32x16xf32>, %o: memref<32x16xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tf = attn.tile.load %f[#repeated] inBounds [true, true] : memref<32x16xf32> -> tensor<32x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<16x32xf32> -> tensor<16x32xf32>
  %turned = attn.tile.map ins(%tq, %tf : tensor<32x32xf32>, tensor<32x32xf32>) at [#id, #id] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  %s = attn.tile.contract ins(%turned, %tk : tensor<32x32xf32>, tensor<16x32xf32>) at [#query, #key] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x16xf32>
  attn.tile.store %s, %o[#id] : tensor<32x16xf32>, memref<32x16xf32>
  return
}

// -----

#id = affine_map<(a, b) -> (a, b)>
#query = affine_map<(r, k, c) -> (r, c)>
#key = affine_map<(r, k, c) -> (k, c)>

// Factors that the scores read as well are transposed for these, and queries then too.
// CHECK-LABEL: func @negative_read_twice
// CHECK-COUNT-128: vector.shuffle
// CHECK-NOT: vector.shuffle
// CHECK: math.fma
func.func @negative_read_twice(%q: memref<32x32xf32>, %k: memref<16x32xf32>, %f: memref<32x32xf32>, %o: memref<32x16xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tf = attn.tile.load %f[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<16x32xf32> -> tensor<16x32xf32>
  %turned = attn.tile.map ins(%tq, %tf : tensor<32x32xf32>, tensor<32x32xf32>) at [#id, #id] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  %s = attn.tile.contract ins(%turned, %tf, %tk : tensor<32x32xf32>, tensor<32x32xf32>, tensor<16x32xf32>)
      at [#query, #query, #key] {
  ^bb0(%x: f32, %w: f32, %y: f32):
    %xw = arith.addf %x, %w : f32
    %xy = arith.mulf %xw, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x16xf32>
  attn.tile.store %s, %o[#id] : tensor<32x16xf32>, memref<32x16xf32>
  return
}
