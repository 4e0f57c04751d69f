// RUN: fovea-opt --verify-roundtrip %s | FileCheck %s
// RUN: fovea-opt --mlir-print-op-generic %s | fovea-opt | FileCheck %s

#id = affine_map<(r, k) -> (r, k)>
#row = affine_map<(r, k) -> (r)>

// CHECK-LABEL: func @load_store
func.func @load_store(%q: memref<?x?xf32>, %page: memref<?xi32>, %cache: memref<?x16x?xf32>,
                      %o: memref<?x?xf32>, %i: index, %D: index) {
  // CHECK: %[[P:.*]] = attn.tile.load %{{.*}}[#{{.*}}] symbols(%{{.*}}) inBounds [false] : memref<?xi32> -> tensor<12xi32>
  %p = attn.tile.load %page[affine_map<(k)[s0] -> (k + s0)>] symbols(%i)
      inBounds [false] : memref<?xi32> -> tensor<12xi32>
  // CHECK: %[[L:.*]] = attn.tile.map ins(%[[P]] : tensor<12xi32>) at [#{{.*}}] {
  // CHECK-NEXT: ^bb0(%[[X:.*]]: i32):
  // CHECK: } -> tensor<12xindex>
  %l = attn.tile.map ins(%p : tensor<12xi32>) at [affine_map<(k) -> (k)>] {
  ^bb0(%x: i32):
    %xi = arith.index_cast %x : i32 to index
    attn.yield %xi : index
  } -> tensor<12xindex>
  // CHECK: attn.tile.load %{{.*}}[#{{.*}}] lookups(%[[L]] : tensor<12xindex> at [#{{.*}}]) extents(%{{.*}}) inBounds [false, true, true] : memref<?x16x?xf32> -> tensor<12x?xf32>
  %t = attn.tile.load %cache[affine_map<(k, d, l) -> (l, k mod 16, d)>]
      lookups(%l : tensor<12xindex> at [affine_map<(k, d) -> (k)>])
      extents(%D) inBounds [false, true, true] : memref<?x16x?xf32> -> tensor<12x?xf32>
  // CHECK: attn.tile.store %{{.*}}, %{{.*}}[#{{.*}}] symbols(%{{.*}}) : tensor<12x?xf32>, memref<?x?xf32>
  attn.tile.store %t, %o[affine_map<(k, d)[s0] -> (k + s0, d)>] symbols(%i)
      : tensor<12x?xf32>, memref<?x?xf32>
  return
}

// CHECK-LABEL: func @scores
func.func @scores(%q: tensor<4x?xf32>, %k: tensor<6x?xf32>, %m: tensor<4xf32>,
                  %bias: tensor<6xf32>, %end: index) -> (tensor<4x6xf32>, tensor<4xf32>) {
  // CHECK: %[[S:.*]] = attn.tile.contract ins(%{{.*}}, %{{.*}} : tensor<4x?xf32>, tensor<6x?xf32>) at [#{{.*}}, #{{.*}}] {
  // CHECK: } -> tensor<4x6xf32>
  %s = attn.tile.contract ins(%q, %k : tensor<4x?xf32>, tensor<6x?xf32>)
      at [affine_map<(r, k, c) -> (r, c)>, affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<4x6xf32>
  // CHECK: %[[MASKED:.*]] = attn.tile.mask %[[S]] end %{{.*}} ins(%{{.*}} : tensor<6xf32>) at [#{{.*}}] {
  // CHECK: attn.tile.index 1
  // CHECK: } : tensor<4x6xf32>
  %masked = attn.tile.mask %s end %end ins(%bias : tensor<6xf32>)
      at [affine_map<(r, k) -> (k)>] {
  ^bb0(%b: f32):
    %j = attn.tile.index 1
    %keep = arith.cmpi slt, %j, %end : index
    attn.yield %keep : i1
  } : tensor<4x6xf32>
  // CHECK: attn.tile.mask %[[MASKED]] end %{{.*}} at [] {
  // CHECK-NEXT: } : tensor<4x6xf32>
  %ended = attn.tile.mask %masked end %end at [] {} : tensor<4x6xf32>
  // CHECK: attn.tile.reduce max %{{.*}} onto %{{.*}} end %{{.*}} : tensor<4x6xf32>, tensor<4xf32>
  %max = attn.tile.reduce max %ended onto %m end %end : tensor<4x6xf32>, tensor<4xf32>
  // CHECK: attn.tile.reduce maximum %{{.*}} onto %{{.*}} : tensor<4x6xf32>, tensor<4xf32>
  %maximum = attn.tile.reduce maximum %ended onto %m : tensor<4x6xf32>, tensor<4xf32>
  // CHECK: attn.tile.reduce sum %{{.*}} onto %{{.*}} : tensor<4x6xf32>, tensor<4xf32>
  %sum = attn.tile.reduce sum %ended onto %max : tensor<4x6xf32>, tensor<4xf32>
  return %ended, %sum : tensor<4x6xf32>, tensor<4xf32>
}

// CHECK-LABEL: func @sums
func.func @sums(%w: tensor<4x6xf32>, %v: tensor<6x?xbf16>, %c: tensor<4xf32>,
                %acc: tensor<4x?xf32>, %E: index, %end: index) -> tensor<4x?xf32> {
  // CHECK: attn.tile.rescale %{{.*}} by %{{.*}} : tensor<4x?xf32>, tensor<4xf32>
  %scaled = attn.tile.rescale %acc by %c : tensor<4x?xf32>, tensor<4xf32>
  // CHECK: attn.tile.weigh %{{.*}} onto %{{.*}} end %{{.*}} ins(%{{.*}} : tensor<6x?xbf16>) at [#{{.*}}] {
  // CHECK: } : tensor<4x6xf32>, tensor<4x?xf32>
  %sum = attn.tile.weigh %w onto %scaled end %end ins(%v : tensor<6x?xbf16>)
      at [affine_map<(r, k, e) -> (k, e)>] {
  ^bb0(%x: bf16):
    %wide = arith.extf %x : bf16 to f32
    attn.yield %wide : f32
  } : tensor<4x6xf32>, tensor<4x?xf32>
  // CHECK: attn.tile.map at [] extents(%{{.*}}) {
  %zero = attn.tile.map at [] extents(%E) {
    %f = arith.constant 0.0 : f32
    attn.yield %f : f32
  } -> tensor<4x?xf32>
  // CHECK: } -> tensor<4x?xf32>
  %r = attn.tile.map ins(%sum, %zero, %c : tensor<4x?xf32>, tensor<4x?xf32>, tensor<4xf32>)
      at [#id, #id, #row] extents(%E) {
  ^bb0(%a: f32, %b: f32, %f: f32):
    %ab = arith.addf %a, %b : f32
    %abf = arith.mulf %ab, %f : f32
    attn.yield %abf : f32
  } -> tensor<4x?xf32>
  return %r : tensor<4x?xf32>
}

// CHECK-LABEL: func @pairs
func.func @pairs(%q: memref<8x6xbf16>, %k: memref<16x6xbf16>) -> tensor<8x16xf32> {
  // CHECK: attn.tile.load %{{.*}}[#{{.*}}] inBounds [true, true] : memref<8x6xbf16> -> tensor<8x3xi32>
  %x = attn.tile.load %q[affine_map<(r, c) -> (r, c * 2)>] inBounds [true, true] : memref<8x6xbf16> -> tensor<8x3xi32>
  %y = attn.tile.load %k[affine_map<(k, c) -> (k, c * 2)>] inBounds [true, true] : memref<16x6xbf16> -> tensor<16x3xi32>
  %s = attn.tile.contract ins(%x, %y : tensor<8x3xi32>, tensor<16x3xi32>)
      at [affine_map<(r, k, c) -> (r, c)>, affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%a: i32, %b: i32):
    // CHECK: attn.tile.pair_product %{{.*}}, %{{.*}}
    %p = attn.tile.pair_product %a, %b
    attn.yield %p : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}

// CHECK-LABEL: func @pieces
func.func @pieces(%x: tensor<?x5xf32>) -> tensor<?x3x4xi32> {
  // CHECK: attn.tile.pieces %{{.*}} : tensor<?x5xf32> -> tensor<?x3x4xi32>
  %p = attn.tile.pieces %x : tensor<?x5xf32> -> tensor<?x3x4xi32>
  return %p : tensor<?x3x4xi32>
}
