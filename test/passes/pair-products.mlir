// RUN: fovea-opt --attn-pair-products --canonicalize --cse %s | FileCheck %s
// RUN: fovea-opt --attn-pair-products %s | fovea-opt --attn-vectorize-tiles=bf16-dots --canonicalize --cse | FileCheck %s --check-prefix=DOTS
// RUN: fovea-opt --attn-pair-products %s | fovea-opt --attn-vectorize-tiles="bf16-dots register-lanes=4" --canonicalize --cse | FileCheck %s --check-prefix=BFDOT
// RUN: fovea-opt --attn-pair-products %s | fovea-opt --attn-vectorize-tiles --canonicalize --cse | FileCheck %s --check-prefix=PLAIN
// RUN: fovea-opt --attn-pair-products %s | fovea-opt --attn-tile-to-loops | FileCheck %s --check-prefix=LOOPS

#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>

// Neighbours along what is summed become pairs; the values, which are read from
// the same memory, stay single.
// CHECK-DAG: #[[PAIRS:.*]] = affine_map<(d0, d1) -> (d0, d1 * 2)>
// CHECK-LABEL: func @even
// CHECK-SAME: %[[Q:[^:]*]]: memref<16x8xbf16>, %[[K:[^:]*]]: memref<12x8xbf16>
// CHECK: %[[X:.*]] = attn.tile.load %[[Q]][#[[PAIRS]]] inBounds [true, true] : memref<16x8xbf16> -> tensor<16x4xi32>
// CHECK: %[[Y:.*]] = attn.tile.load %[[K]][#[[PAIRS]]] inBounds [false, true] : memref<12x8xbf16> -> tensor<12x4xi32>
// CHECK: attn.tile.contract ins(%[[X]], %[[Y]] : tensor<16x4xi32>, tensor<12x4xi32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: i32, %[[B:.*]]: i32):
// CHECK-NEXT: %[[P:.*]] = attn.tile.pair_product %[[A]], %[[B]]
// CHECK-NEXT: attn.yield %[[P]]

// Queries are transposed as integers, sixteen lanes are multiplied at a time.
// DOTS-LABEL: func @even
// DOTS: vector.bitcast %{{.*}} : vector<8xbf16> to vector<4xi32>
// DOTS: vector.shuffle %{{.*}} : vector<4xi32>, vector<4xi32>
// DOTS: vector.bitcast %{{.*}} : vector<16xi32> to vector<32xbf16>
// DOTS: x86vector.avx512.dot %{{.*}} : vector<32xbf16> -> vector<16xf32>

// With registers of four lanes, four.
// BFDOT-LABEL: func @even
// BFDOT: vector.bitcast %{{.*}} : vector<4xi32> to vector<8xbf16>
// BFDOT-COUNT-4: llvm.call_intrinsic "llvm.aarch64.neon.bfdot.v4f32.v8bf16"(%{{.*}}) : (vector<4xf32>, vector<8xbf16>, vector<8xbf16>) -> vector<4xf32>

// PLAIN-LABEL: func @even
// PLAIN-NOT: x86vector
// PLAIN: arith.shli %{{.*}} : vector<16xi32>

// LOOPS-LABEL: func @even
// LOOPS-NOT: {{attn\.|vector}}
// LOOPS: arith.extui %{{.*}} : i16 to i32
// LOOPS: arith.ori
func.func @even(%q: memref<16x8xbf16>, %k: memref<12x8xbf16>, %o: memref<12x16xf32>) {
  %tq = attn.tile.load %q[affine_map<(r, c) -> (r, c)>] inBounds [true, true] : memref<16x8xbf16> -> tensor<16x8xbf16>
  %tk = attn.tile.load %k[affine_map<(k, c) -> (k, c)>] inBounds [false, true] : memref<12x8xbf16> -> tensor<12x8xbf16>
  %s = attn.tile.contract ins(%tq, %tk : tensor<16x8xbf16>, tensor<12x8xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<16x12xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x12xf32>, memref<12x16xf32>
  return
}

// The last of an odd number has no neighbour: memory says so.
// CHECK-LABEL: func @odd
// CHECK-COUNT-2: attn.tile.load %{{.*}} inBounds [true, false] : {{.*}} -> tensor<16x3xi32>
// DOTS-LABEL: func @odd
// DOTS: vector.maskedload %{{.*}} : memref<16x5xbf16>, vector<{{[0-9]+}}xi1>, vector<{{[0-9]+}}xbf16>
func.func @odd(%q: memref<16x5xbf16>, %k: memref<16x5xbf16>, %o: memref<16x16xf32>) {
  %tq = attn.tile.load %q[affine_map<(r, c) -> (r, c)>] inBounds [true, true] : memref<16x5xbf16> -> tensor<16x5xbf16>
  %tk = attn.tile.load %k[affine_map<(k, c) -> (k, c)>] inBounds [true, true] : memref<16x5xbf16> -> tensor<16x5xbf16>
  %s = attn.tile.contract ins(%tq, %tk : tensor<16x5xbf16>, tensor<16x5xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wy, %wx : f32
    attn.yield %xy : f32
  } -> tensor<16x16xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x16xf32>, memref<16x16xf32>
  return
}

// A size that is not known, a part of memory, another stride, another function.
// CHECK-LABEL: func @negative
// CHECK-NOT: pair_product
// CHECK: return
func.func @negative(%q: memref<16x?xbf16>, %k: memref<16x8xbf16>, %d: index, %o: memref<16x16xf32>) {
  %any = attn.tile.load %q[affine_map<(r, c) -> (r, c)>] extents(%d) inBounds [true, true] : memref<16x?xbf16> -> tensor<16x?xbf16>
  %any_k = attn.tile.load %q[affine_map<(r, c) -> (r, c)>] extents(%d) inBounds [true, true] : memref<16x?xbf16> -> tensor<16x?xbf16>
  %some = attn.tile.load %k[affine_map<(k, c) -> (k, c)>] inBounds [true, true] : memref<16x8xbf16> -> tensor<16x4xbf16>
  %apart = attn.tile.load %k[affine_map<(k, c) -> (k, c * 2)>] inBounds [true, true] : memref<16x8xbf16> -> tensor<16x4xbf16>
  %all = attn.tile.load %k[affine_map<(k, c) -> (k, c)>] inBounds [true, true] : memref<16x8xbf16> -> tensor<16x8xbf16>
  %all_k = attn.tile.load %k[affine_map<(k, c) -> (k, c)>] inBounds [true, true] : memref<16x8xbf16> -> tensor<16x8xbf16>
  %s = attn.tile.contract ins(%any, %any_k : tensor<16x?xbf16>, tensor<16x?xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<16x16xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x16xf32>, memref<16x16xf32>
  %t = attn.tile.contract ins(%some, %apart : tensor<16x4xbf16>, tensor<16x4xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<16x16xf32>
  attn.tile.store %t, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x16xf32>, memref<16x16xf32>
  %u = attn.tile.contract ins(%all, %all_k : tensor<16x8xbf16>, tensor<16x8xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.addf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<16x16xf32>
  attn.tile.store %u, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x16xf32>, memref<16x16xf32>
  return
}
