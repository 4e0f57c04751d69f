// RUN: fovea-opt --attn-vectorize-tiles='register-rows=4' --canonicalize --cse %s | FileCheck %s

#row = affine_map<(r, k) -> (r)>
#id = affine_map<(r, k) -> (r, k)>

// A contraction, its scale and the rows' maxima are one loop over register
// tiles of four keys; the scores go to a panel, and the lanes are the rows.
// CHECK-LABEL: func @sweep
// CHECK-NOT: attn.tile
// CHECK: %[[PANEL:.*]] = memref.alloc() {{.*}} : memref<9x8xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c8 step %c4 iter_args(%{{.*}}) -> (vector<8xf32>)
// CHECK: scf.for %{{.*}} = %c0 to %c5 step %c1 iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-COUNT-4: math.fma %{{.*}} : vector<8xf32>
// CHECK-COUNT-4: arith.cmpf ogt, %{{.*}} : vector<8xf32>
// CHECK-COUNT-4: vector.store %{{.*}}, %[[PANEL]]
// The weights take over the panel of the scores, and are summed on the way.
// CHECK: scf.for {{.*}} iter_args(%{{.*}}) -> (vector<8xf32>)
// CHECK: vector.load %[[PANEL]]
// CHECK: arith.subf
// CHECK: vector.store %{{.*}}, %[[PANEL]]
func.func @sweep(%q: memref<8x5xf32>, %k: memref<9x5xf32>, %o: memref<8xf32>, %w: memref<9x8xf32>) {
  %tq = attn.tile.load %q[affine_map<(r, c) -> (r, c)>] inBounds [true, true]
      : memref<8x5xf32> -> tensor<8x5xf32>
  %tk = attn.tile.load %k[affine_map<(k, c) -> (k, c)>] inBounds [true, true]
      : memref<9x5xf32> -> tensor<9x5xf32>
  %init = attn.tile.load %o[affine_map<(r) -> (r)>] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<8x5xf32>, tensor<9x5xf32>)
      at [affine_map<(r, k, c) -> (r, c)>, affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<8x9xf32>
  %max = attn.tile.reduce max %s onto %init : tensor<8x9xf32>, tensor<8xf32>
  %shifted = attn.tile.map ins(%s, %max : tensor<8x9xf32>, tensor<8xf32>) at [#id, #row] {
  ^bb0(%x: f32, %m: f32):
    %d = arith.subf %x, %m : f32
    attn.yield %d : f32
  } -> tensor<8x9xf32>
  %sum = attn.tile.reduce sum %shifted onto %max : tensor<8x9xf32>, tensor<8xf32>
  attn.tile.store %sum, %o[affine_map<(r) -> (r)>] : tensor<8xf32>, memref<8xf32>
  attn.tile.store %shifted, %w[affine_map<(r, k) -> (k, r)>] : tensor<8x9xf32>, memref<9x8xf32>
  return
}

// A sum, then a contraction that has nothing to do with it.
// CHECK-LABEL: func @independent
// CHECK-NOT: attn.tile
// CHECK: arith.addf %{{.*}} : vector<8xf32>
// CHECK: math.fma %{{.*}} : vector<8xf32>
func.func @independent(%q: memref<8x6xf32>, %o: memref<8xf32>, %w: memref<8x6xf32>) {
  %tq = attn.tile.load %q[affine_map<(r, k) -> (r, k)>] inBounds [true, true]
      : memref<8x6xf32> -> tensor<8x6xf32>
  %init = attn.tile.load %o[affine_map<(r) -> (r)>] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  %sum = attn.tile.reduce sum %tq onto %init : tensor<8x6xf32>, tensor<8xf32>
  %s = attn.tile.contract ins(%tq, %tq : tensor<8x6xf32>, tensor<8x6xf32>)
      at [affine_map<(r, k, c) -> (r, c)>, affine_map<(r, k, c) -> (r, c)>] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<8x7xf32>
  %max = attn.tile.reduce max %s onto %sum : tensor<8x7xf32>, tensor<8xf32>
  attn.tile.store %max, %o[affine_map<(r) -> (r)>] : tensor<8xf32>, memref<8xf32>
  return
}

// Conversions of what every row or key reads again fill panels: of keys, rows in
// pieces of sixteen and four; of values, columns in blocks of eight; of queries,
// squares that are transposed after the conversion.
// CHECK-LABEL: func @narrow
// CHECK-SAME: %[[Q:[^:]*]]: memref<8x20xbf16>, %[[K:[^:]*]]: memref<16x20xbf16>, %[[V:[^:]*]]: memref<16x8xf16>
// CHECK-DAG: %[[COLUMNS:.*]] = memref.alloc() {{.*}} : memref<1x16x8xf32>
// CHECK-DAG: %[[ROWS:.*]] = memref.alloc() {{.*}} : memref<16x20xf32>
// CHECK-DAG: %[[LANES:.*]] = memref.alloc() {{.*}} : memref<20x8xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c20 step %c4
// CHECK-COUNT-4: vector.load %[[Q]][%{{.*}}] : memref<8x20xbf16>, vector<4xbf16>
// CHECK: vector.shuffle %{{.*}} : vector<4xf32>, vector<4xf32>
// CHECK: vector.store %{{.*}}, %[[LANES]][%{{.*}}] : memref<20x8xf32>, vector<4xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c1
// CHECK: %[[X:.*]] = vector.load %[[K]][%{{.*}}] : memref<16x20xbf16>, vector<16xbf16>
// CHECK: %[[Y:.*]] = arith.extf %[[X]] : vector<16xbf16> to vector<16xf32>
// CHECK: vector.store %[[Y]], %[[ROWS]]
// CHECK: vector.load %[[K]][%{{.*}}] : memref<16x20xbf16>, vector<4xbf16>
// CHECK: arith.extf %{{.*}} : vector<4xbf16> to vector<4xf32>
// CHECK: %[[Z:.*]] = vector.load %[[V]][%{{.*}}] : memref<16x8xf16>, vector<8xf16>
// CHECK: %[[W:.*]] = arith.extf %[[Z]] : vector<8xf16> to vector<8xf32>
// CHECK: vector.store %[[W]], %[[COLUMNS]]
// CHECK: math.fma
// CHECK-NOT: arith.extf
func.func @narrow(%q: memref<8x20xbf16>, %k: memref<16x20xbf16>, %v: memref<16x8xf16>, %o: memref<8x8xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<8x20xbf16> -> tensor<8x20xbf16>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<16x20xbf16> -> tensor<16x20xbf16>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<16x8xf16> -> tensor<16x8xf16>
  %init = attn.tile.load %o[#id] inBounds [true, true] : memref<8x8xf32> -> tensor<8x8xf32>
  %wq = attn.tile.map ins(%tq : tensor<8x20xbf16>) at [#id] {
  ^bb0(%x: bf16):
    %w = arith.extf %x : bf16 to f32
    attn.yield %w : f32
  } -> tensor<8x20xf32>
  %wk = attn.tile.map ins(%tk : tensor<16x20xbf16>) at [#id] {
  ^bb0(%x: bf16):
    %w = arith.extf %x : bf16 to f32
    attn.yield %w : f32
  } -> tensor<16x20xf32>
  %wv = attn.tile.map ins(%tv : tensor<16x8xf16>) at [#id] {
  ^bb0(%x: f16):
    %w = arith.extf %x : f16 to f32
    attn.yield %w : f32
  } -> tensor<16x8xf32>
  %s = attn.tile.contract ins(%wq, %wk : tensor<8x20xf32>, tensor<16x20xf32>)
      at [affine_map<(r, k, c) -> (r, c)>, affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<8x16xf32>
  %sum = attn.tile.weigh %s onto %init ins(%wv : tensor<16x8xf32>) at [affine_map<(r, k, e) -> (k, e)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<8x16xf32>, tensor<8x8xf32>
  attn.tile.store %sum, %o[#id] : tensor<8x8xf32>, memref<8x8xf32>
  return
}

// Two tiles that a loop fills, which start as the same one, have each its place.
// CHECK-LABEL: func @shared_start
// CHECK-SAME: %[[Q:[^:]*]]: memref<8x4xf32>, %[[K:[^:]*]]: memref<8x4xf32>
// CHECK-DAG: %[[FIRST:.*]] = memref.alloc() {{.*}} : memref<2x4x8xf32>
// CHECK-DAG: %[[SECOND:.*]] = memref.alloc() {{.*}} : memref<2x4x8xf32>
// CHECK: %[[X:.*]] = memref.subview %[[SECOND]]
// CHECK: vector.load %[[Q]]
// CHECK: vector.store %{{.*}}, %[[X]]
// CHECK: %[[Y:.*]] = memref.subview %[[FIRST]]
// CHECK: vector.load %[[K]]
// CHECK: vector.store %{{.*}}, %[[Y]]
func.func @shared_start(%q: memref<8x4xf32>, %k: memref<8x4xf32>, %o: memref<8x4xf32>, %n: index, %at: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %start = tensor.empty() : tensor<2x8x4xf32>
  %both:2 = scf.for %t = %c0 to %n step %c1 iter_args(%a = %start, %b = %start) -> (tensor<2x8x4xf32>, tensor<2x8x4xf32>) {
    %x = attn.tile.load %q[#id] inBounds [true, true] : memref<8x4xf32> -> tensor<8x4xf32>
    %y = attn.tile.load %k[#id] inBounds [true, true] : memref<8x4xf32> -> tensor<8x4xf32>
    %nextA = tensor.insert_slice %x into %a[%t, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<8x4xf32> into tensor<2x8x4xf32>
    %nextB = tensor.insert_slice %y into %b[%t, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<8x4xf32> into tensor<2x8x4xf32>
    scf.yield %nextA, %nextB : tensor<2x8x4xf32>, tensor<2x8x4xf32>
  }
  %x = tensor.extract_slice %both#0[%at, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %y = tensor.extract_slice %both#1[%at, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %factor = attn.tile.load %o[affine_map<(r) -> (r, 0)>] inBounds [true, true] : memref<8x4xf32> -> tensor<8xf32>
  %scaled = attn.tile.rescale %x by %factor : tensor<8x4xf32>, tensor<8xf32>
  attn.tile.store %scaled, %o[#id] : tensor<8x4xf32>, memref<8x4xf32>
  %other = attn.tile.rescale %y by %factor : tensor<8x4xf32>, tensor<8xf32>
  attn.tile.store %other, %o[#id] : tensor<8x4xf32>, memref<8x4xf32>
  return
}
