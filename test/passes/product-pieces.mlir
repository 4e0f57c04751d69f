// RUN: fovea-opt --attn-product-pieces --canonicalize --cse %s | FileCheck %s
// RUN: fovea-opt --attn-product-pieces %s | fovea-opt --attn-tile-to-loops | FileCheck %s --check-prefix=LOOPS

#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>

// Three pieces of each number, in pairs that fill tiles of 16, and the six
// products that matter, the largest last.
// CHECK-LABEL: func @three
// CHECK-SAME: %{{.*}}: memref<32x72xf32>, %{{.*}}: memref<?x72xf32>, %[[N:.*]]: index, %{{.*}}: memref
// CHECK: %[[Q:.*]] = attn.tile.load
// CHECK: %[[QP:.*]] = attn.tile.pieces %[[Q]] : tensor<32x72xf32> -> tensor<32x3x48xi32>
// CHECK: %[[K:.*]] = attn.tile.load
// CHECK: %[[KP:.*]] = attn.tile.pieces %[[K]] : tensor<?x72xf32> -> tensor<?x3x48xi32>
// CHECK: %[[Q0:.*]] = tensor.extract_slice %[[QP]][0, 0, 0] [32, 1, 48] [1, 1, 1]
// CHECK: %[[Q1:.*]] = tensor.extract_slice %[[QP]][0, 1, 0]
// CHECK: %[[Q2:.*]] = tensor.extract_slice %[[QP]][0, 2, 0]
// CHECK: %[[K0:.*]] = tensor.extract_slice %[[KP]][0, 0, 0] [%[[N]], 1, 48] [1, 1, 1]
// CHECK: %[[K1:.*]] = tensor.extract_slice %[[KP]][0, 1, 0]
// CHECK: %[[K2:.*]] = tensor.extract_slice %[[KP]][0, 2, 0]
// CHECK: attn.tile.contract ins(%[[Q0]], %[[Q1]], %[[Q2]], %[[K0]], %[[K1]], %[[K2]]
// CHECK-NEXT: ^bb0(%[[A0:.*]]: i32, %[[A1:.*]]: i32, %[[A2:.*]]: i32, %[[B0:.*]]: i32, %[[B1:.*]]: i32, %[[B2:.*]]: i32):
// CHECK-DAG: attn.tile.pair_product %[[A0]], %[[B2]]
// CHECK-DAG: attn.tile.pair_product %[[A0]], %[[B1]]
// CHECK-DAG: attn.tile.pair_product %[[A1]], %[[B1]]
// CHECK-DAG: attn.tile.pair_product %[[A1]], %[[B0]]
// CHECK-DAG: attn.tile.pair_product %[[A2]], %[[B0]]
// CHECK: %[[LAST:.*]] = attn.tile.pair_product %[[A0]], %[[B0]]
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %{{.*}}, %[[LAST]]
// CHECK-NEXT: attn.yield %[[SUM]]

// LOOPS-LABEL: func @three
// LOOPS-NOT: attn.
// LOOPS: arith.bitcast %{{.*}} : f32 to i32
// LOOPS: arith.subf
func.func @three(%q: memref<32x72xf32>, %k: memref<?x72xf32>, %n: index, %o: memref<32x32xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x72xf32> -> tensor<32x72xf32>
  %tk = attn.tile.load %k[#id] extents(%n) inBounds [true, true] : memref<?x72xf32> -> tensor<?x72xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<32x72xf32>, tensor<?x72xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %s, %o[#id] : tensor<32x32xf32>, memref<32x32xf32>
  return
}

// What is stored as bf16 shows no more than two pieces, of computed rows too.
// CHECK-LABEL: func @two
// CHECK: attn.tile.pieces %{{.*}} : tensor<64x32xf32> -> tensor<64x2x16xi32>
// CHECK: %[[M:.*]] = attn.tile.map
// CHECK: attn.tile.pieces %[[M]] : tensor<32x32xf32> -> tensor<32x2x16xi32>
// CHECK: attn.tile.contract
// CHECK-COUNT-3: attn.tile.pair_product
// CHECK-NOT: attn.tile.pair_product
// CHECK: attn.yield
func.func @two(%q: memref<32x32xf32>, %k: memref<64x32xf32>, %o: memref<32x64xbf16>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<64x32xf32> -> tensor<64x32xf32>
  %c = arith.constant 0.5 : f32
  %half = attn.tile.map ins(%tq : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %h = arith.mulf %x, %c : f32
    attn.yield %h : f32
  } -> tensor<32x32xf32>
  %s = attn.tile.contract ins(%half, %tk : tensor<32x32xf32>, tensor<64x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x64xf32>
  %rounded = attn.tile.map ins(%s : tensor<32x64xf32>) at [#id] {
  ^bb0(%x: f32):
    %n = arith.truncf %x : f32 to bf16
    attn.yield %n : bf16
  } -> tensor<32x64xbf16>
  attn.tile.store %rounded, %o[#id] : tensor<32x64xbf16>, memref<32x64xbf16>
  return
}

// Numbers that were bf16, or integers of 8 bits, are one piece of each, wherever the sums go.
// CHECK-LABEL: func @one
// CHECK: attn.tile.pieces %{{.*}} : tensor<32x32xf32> -> tensor<32x1x16xi32>
// CHECK: attn.tile.pieces %{{.*}} : tensor<64x32xf32> -> tensor<64x1x16xi32>
// CHECK: attn.tile.contract
// CHECK-COUNT-1: attn.tile.pair_product
// CHECK-NOT: attn.tile.pair_product
// CHECK: attn.yield
func.func @one(%q: memref<32x32xf32>, %k: memref<64x32xi8>, %o: memref<32x64xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<64x32xi8> -> tensor<64x32xi8>
  %rounded = attn.tile.map ins(%tq : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %n = arith.truncf %x : f32 to bf16
    %w = arith.extf %n : bf16 to f32
    attn.yield %w : f32
  } -> tensor<32x32xf32>
  %numbers = attn.tile.map ins(%tk : tensor<64x32xi8>) at [#id] {
  ^bb0(%x: i8):
    %w = arith.extsi %x : i8 to i32
    %i = arith.index_cast %w : i32 to index
    %l = arith.index_cast %i : index to i64
    %n = arith.sitofp %l : i64 to f32
    attn.yield %n : f32
  } -> tensor<64x32xf32>
  %s = attn.tile.contract ins(%rounded, %numbers : tensor<32x32xf32>, tensor<64x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x64xf32>
  attn.tile.store %s, %o[#id] : tensor<32x64xf32>, memref<32x64xf32>
  return
}

// f16 has more bits than one piece.
// CHECK-LABEL: func @f16
// CHECK: attn.tile.contract
// CHECK-COUNT-6: attn.tile.pair_product
func.func @f16(%q: memref<32x32xf16>, %k: memref<64x32xf32>, %o: memref<32x64xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf16> -> tensor<32x32xf16>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<64x32xf32> -> tensor<64x32xf32>
  %halves = attn.tile.map ins(%tq : tensor<32x32xf16>) at [#id] {
  ^bb0(%x: f16):
    %w = arith.extf %x : f16 to f32
    attn.yield %w : f32
  } -> tensor<32x32xf32>
  %rounded = attn.tile.map ins(%tk : tensor<64x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %n = arith.truncf %x : f32 to bf16
    %w = arith.extf %n : bf16 to f32
    attn.yield %w : f32
  } -> tensor<64x32xf32>
  %s = attn.tile.contract ins(%halves, %rounded : tensor<32x32xf32>, tensor<64x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x64xf32>
  attn.tile.store %s, %o[#id] : tensor<32x64xf32>, memref<32x64xf32>
  return
}

// Left alone: too few keys, a sum that is none of products, columns of an
// unknown number, and a block that lacks keys.
// CHECK-LABEL: func @declines
// CHECK-NOT: attn.tile.pieces
func.func @declines(%q: memref<32x32xf32>, %k: memref<16x32xf32>, %open: memref<32x?xf32>, %d: index, %o: memref<32x16xf32>, %p: memref<32x32xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<16x32xf32> -> tensor<16x32xf32>
  %few = attn.tile.contract ins(%tq, %tk : tensor<32x32xf32>, tensor<16x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x16xf32>
  attn.tile.store %few, %o[#id] : tensor<32x16xf32>, memref<32x16xf32>
  %sums = attn.tile.contract ins(%tq, %tq : tensor<32x32xf32>, tensor<32x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.addf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %sums, %p[#id] : tensor<32x32xf32>, memref<32x32xf32>
  %to = attn.tile.load %open[#id] extents(%d) inBounds [true, true] : memref<32x?xf32> -> tensor<32x?xf32>
  %unknown = attn.tile.contract ins(%to, %to : tensor<32x?xf32>, tensor<32x?xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %unknown, %p[#id] : tensor<32x32xf32>, memref<32x32xf32>
  %seven = arith.constant 7 : index
  %ts = attn.tile.load %q[#id] extents(%seven) inBounds [true, true] : memref<32x32xf32> -> tensor<?x32xf32>
  %lacking = attn.tile.contract ins(%tq, %ts : tensor<32x32xf32>, tensor<?x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %lacking, %p[#id] : tensor<32x32xf32>, memref<32x32xf32>
  return
}
