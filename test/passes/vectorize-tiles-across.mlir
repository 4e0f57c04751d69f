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

// -----

#id = affine_map<(a, b) -> (a, b)>
#query = affine_map<(r, k, c) -> (r, c)>
#key = affine_map<(r, k, c) -> (k, c)>

// Results of 16 bits are transposed in pairs of columns, put side by side within 128 bits; rows are twice as long.
// CHECK-LABEL: func @rounded
// CHECK: %[[A:.*]] = vector.load %{{.*}} : memref<8x8xbf16>, vector<8xbf16>
// CHECK: %[[B:.*]] = vector.load %{{.*}} : memref<8x8xbf16>, vector<8xbf16>
// CHECK: %[[LOW:.*]] = vector.shuffle %[[A]], %[[B]] [0, 8, 1, 9, 2, 10, 3, 11] : vector<8xbf16>, vector<8xbf16>
// CHECK: vector.bitcast %[[LOW]] : vector<8xbf16> to vector<4xi32>
// CHECK-COUNT-8: vector.shuffle %{{.*}} : vector<4xi32>, vector<4xi32>
// CHECK: vector.store %{{.*}}, %{{.*}}[%c0, %c0] : memref<8x8xbf16>, vector<8xbf16>
// CHECK: vector.shuffle %[[A]], %[[B]] [4, 12, 5, 13, 6, 14, 7, 15] : vector<8xbf16>, vector<8xbf16>
// CHECK-COUNT-8: vector.shuffle %{{.*}} : vector<4xi32>, vector<4xi32>
// CHECK: vector.store %{{.*}}, %{{.*}}[%c4, %c0] : memref<8x8xbf16>, vector<8xbf16>
// CHECK-NOT: vector.shuffle
func.func @rounded(%q: memref<8x32xf32>, %k: memref<8x32xf32>, %o: memref<8x8xbf16>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<8x32xf32> -> tensor<8x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<8x32xf32> -> tensor<8x32xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<8x32xf32>, tensor<8x32xf32>) at [#query, #key] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<8x8xf32>
  %r = attn.tile.map ins(%s : tensor<8x8xf32>) at [#id] {
  ^bb0(%x: f32):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> tensor<8x8xbf16>
  attn.tile.store %r, %o[#id] : tensor<8x8xbf16>, memref<8x8xbf16>
  return
}
