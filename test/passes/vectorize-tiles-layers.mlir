// RUN: fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse %s | FileCheck %s
// RUN: fovea-opt --attn-vectorize-tiles=bf16-dots --canonicalize --cse %s | FileCheck %s --check-prefix=DOTS

#x = affine_map<(r, k, c) -> (k, c)>
#w = affine_map<(r, k, c) -> (r, c)>

// Blocks of 32 rows are multiplied where they lie, all other rows are copied; 40
// columns are one tile of pairs, and one that is copied and filled up with
// zeros. What is computed of the sums follows each block.
// CHECK-LABEL: func @layer
// CHECK-SAME: %[[X:[^:]*]]: memref<?x40xbf16, strided<[?, 1]>>, %[[W:[^:]*]]: memref<2x32x64xbf16>, %[[B:[^:]*]]: memref<32xf32>, %[[Y:[^:]*]]: memref<?x32xbf16>
// CHECK-DAG: %[[BLOCK:.*]] = arith.constant 32 : index
// CHECK-DAG: memref.extract_aligned_pointer_as_index %[[X]]
// CHECK-DAG: memref.extract_aligned_pointer_as_index %[[W]]
// CHECK: scf.for %{{.*}} step %[[BLOCK]]
// CHECK: vector.maskedload %[[X]]
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK: scf.for
// CHECK: vector.load %{{.*}} : memref<32x32xf32>, vector<32xf32>
// CHECK: arith.addf %{{.*}} : vector<32xf32>
// CHECK: arith.truncf %{{.*}} : vector<32xf32> to vector<32xbf16>
// CHECK: vector.store %{{.*}}, %[[Y]]
// CHECK: scf.for
// CHECK: vector.maskedload %[[X]]
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK-NOT: llvm.call_intrinsic "llvm.x86.tilestored64.internal"

// Without a matrix unit pairs that memory has half of are put together first.
// DOTS-LABEL: func @layer
// DOTS: vector.maskedload
// DOTS: x86vector.avx512.dot
// DOTS-NOT: scf.if
// DOTS: return
func.func @layer(%x: memref<?x40xbf16, strided<[?, 1]>>, %w: memref<2x32x64xbf16>, %b: memref<32xf32>, %y: memref<?x32xbf16>, %m: index, %p: index) {
  %tx = attn.tile.load %x[affine_map<(k, c) -> (k, c * 2)>] extents(%m) inBounds [true, false] : memref<?x40xbf16, strided<[?, 1]>> -> tensor<?x32xi32>
  %tw = attn.tile.load %w[affine_map<(r, c)[s] -> (s, c, r * 2)>] symbols(%p) inBounds [true, true, true] : memref<2x32x64xbf16> -> tensor<32x32xi32>
  %tb = attn.tile.load %b[affine_map<(r) -> (r)>] inBounds [true] : memref<32xf32> -> tensor<32xf32>
  %s = attn.tile.contract ins(%tx, %tw : tensor<?x32xi32>, tensor<32x32xi32>) at [#x, #w] {
  ^bb0(%a: i32, %c: i32):
    %ac = attn.tile.pair_product %a, %c
    attn.yield %ac : f32
  } -> tensor<32x?xf32>
  %r = attn.tile.map ins(%s, %tb : tensor<32x?xf32>, tensor<32xf32>) at [affine_map<(r, k) -> (r, k)>, affine_map<(r, k) -> (r)>] extents(%m) {
  ^bb0(%a: f32, %c: f32):
    %sum = arith.addf %a, %c : f32
    %n = arith.truncf %sum : f32 to bf16
    attn.yield %n : bf16
  } -> tensor<32x?xbf16>
  attn.tile.store %r, %y[affine_map<(r, k) -> (k, r)>] : tensor<32x?xbf16>, memref<?x32xbf16>
  return
}

// Rows that lie in columns are no left operands: vectors multiply them.
// CHECK-LABEL: func @negative_columns
// CHECK-NOT: llvm.x86.tdpbf16ps
// CHECK: return
func.func @negative_columns(%x: memref<32x?x2xbf16>, %w: memref<2x32x64xbf16>, %y: memref<?x32xf32>, %m: index, %p: index) {
  %tx = attn.tile.load %x[affine_map<(k, c) -> (c, k, 0)>] extents(%m) inBounds [true, true, true] : memref<32x?x2xbf16> -> tensor<?x32xi32>
  %tw = attn.tile.load %w[affine_map<(r, c)[s] -> (s, c, r * 2)>] symbols(%p) inBounds [true, true, true] : memref<2x32x64xbf16> -> tensor<32x32xi32>
  %s = attn.tile.contract ins(%tx, %tw : tensor<?x32xi32>, tensor<32x32xi32>) at [#x, #w] {
  ^bb0(%a: i32, %c: i32):
    %ac = attn.tile.pair_product %a, %c
    attn.yield %ac : f32
  } -> tensor<32x?xf32>
  attn.tile.store %s, %y[affine_map<(r, k) -> (k, r)>] : tensor<32x?xf32>, memref<?x32xf32>
  return
}
