// RUN: fovea-opt --attn-pair-products=unit=16 --attn-narrow-weights %s | fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse | FileCheck %s

#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>

// 36 pairs are three tiles of 16, the last of them filled up with zeros.
// CHECK-LABEL: func @scores
// CHECK-DAG: %[[TILE:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[PAIRS:.*]] = arith.constant 48 : index
// CHECK: vector.maskedload %{{.*}} : memref<32x72xbf16>
// CHECK: %[[ZERO:.*]] = llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK: scf.for %{{.*}} to %[[PAIRS]] step %[[TILE]] iter_args({{.*}}) -> (!llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx)
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
func.func @scores(%q: memref<32x72xbf16>, %k: memref<32x72xbf16>, %o: memref<32x32xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x72xbf16> -> tensor<32x72xbf16>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<32x72xbf16> -> tensor<32x72xbf16>
  %s = attn.tile.contract ins(%tq, %tk : tensor<32x72xbf16>, tensor<32x72xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<32x32xf32>, memref<32x32xf32>
  return
}

// Weights are written in pairs of keys, a first odd key and a last even one
// beside zeros; values are transposed once, and copied where a block of keys is
// visited in part. Sums are scaled only where a factor is not 1. 56 columns
// are a block of two tiles, one more, and half of one that is summed apart.
// CHECK-LABEL: func @sums
// CHECK-SAME: %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index
// CHECK: vector.interleave %{{.*}} : vector<16xbf16> -> vector<32xbf16>
// CHECK: vector.shuffle %{{.*}} : vector<16xi32>, vector<16xi32>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// CHECK: vector.store %{{.*}} : memref<1x32x32xi32>, vector<32xi32>
// CHECK: arith.cmpf une, %{{.*}} : vector<32xf32>
// CHECK: scf.if
// CHECK: arith.mulf %{{.*}} : vector<32xf32>
// CHECK: vector.create_mask
// CHECK: vector.store %{{.*}} : memref<1x4x64x32xbf16>, vector<32xbf16>
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK: vector.store %{{.*}}, %[[APART:.*]][%{{.*}}] : memref<16x32xf32>, vector<32xf32>
// CHECK: memref.extract_aligned_pointer_as_index %[[APART]]
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK: vector.load %[[APART]]
// CHECK-NOT: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
func.func @sums(%begin: index, %end: index, %s: memref<64x32xf32>, %f: memref<32xf32>, %a: memref<32x56xf32>, %v: memref<64x56xbf16>, %o: memref<32x56xbf16>) {
  %ts = attn.tile.load %s[affine_map<(r, k) -> (k, r)>] inBounds [true, true] : memref<64x32xf32> -> tensor<32x64xf32>
  %tf = attn.tile.load %f[affine_map<(r) -> (r)>] inBounds [true] : memref<32xf32> -> tensor<32xf32>
  %ta = attn.tile.load %a[#id] inBounds [true, true] : memref<32x56xf32> -> tensor<32x56xf32>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<64x56xbf16> -> tensor<64x56xbf16>
  %w = attn.tile.map ins(%ts : tensor<32x64xf32>) at [#id] {
  ^bb0(%x: f32):
    %e = math.exp2 %x : f32
    attn.yield %e : f32
  } -> tensor<32x64xf32>
  %scaled = attn.tile.rescale %ta by %tf : tensor<32x56xf32>, tensor<32xf32>
  %sum = attn.tile.weigh %w onto %scaled begin %begin end %end ins(%tv : tensor<64x56xbf16>) at [#kc] {
  ^bb0(%x: bf16):
    %wide = arith.extf %x : bf16 to f32
    attn.yield %wide : f32
  } : tensor<32x64xf32>, tensor<32x56xf32>
  %rounded = attn.tile.map ins(%sum : tensor<32x56xf32>) at [#id] {
  ^bb0(%x: f32):
    %n = arith.truncf %x : f32 to bf16
    attn.yield %n : bf16
  } -> tensor<32x56xbf16>
  attn.tile.store %rounded, %o[#id] : tensor<32x56xbf16>, memref<32x56xbf16>
  return
}

// Scores that are scaled and masked take the place of those that the unit made: there is one panel of them.
// CHECK-LABEL: func @masked
// CHECK: %[[SCORES:.*]] = memref.alloc() {{.*}} : memref<32x32xf32>
// CHECK-NOT: memref.alloc() {{.*}} : memref<32x32xf32>
// CHECK: %[[SCORE:.*]] = vector.load %[[SCORES]]
// CHECK: %[[SCALED:.*]] = arith.mulf %[[SCORE]]
// CHECK: vector.store %[[SCALED]], %[[SCORES]]
// CHECK: vector.load %[[SCORES]]
func.func @masked(%n: index, %q: memref<32x64xbf16>, %k: memref<32x64xbf16>, %m: memref<32xf32>, %o: memref<32x32xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x64xbf16> -> tensor<32x64xbf16>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<32x64xbf16> -> tensor<32x64xbf16>
  %tm = attn.tile.load %m[affine_map<(r) -> (r)>] inBounds [true] : memref<32xf32> -> tensor<32xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<32x64xbf16>, tensor<32x64xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  %scaled = attn.tile.map ins(%s : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %factor = arith.constant 0.125 : f32
    %y = arith.mulf %x, %factor : f32
    attn.yield %y : f32
  } -> tensor<32x32xf32>
  %kept = attn.tile.mask %scaled at [] {
    %key = attn.tile.index 1
    %row = attn.tile.index 0
    %place = arith.addi %n, %row : index
    %keep = arith.cmpi sle, %key, %place : index
    attn.yield %keep : i1
  } : tensor<32x32xf32>
  %most = attn.tile.reduce max %kept onto %tm : tensor<32x32xf32>, tensor<32xf32>
  %rest = attn.tile.map ins(%kept, %most : tensor<32x32xf32>, tensor<32xf32>) at [#id, affine_map<(r, k) -> (r)>] {
  ^bb0(%x: f32, %y: f32):
    %z = arith.subf %x, %y : f32
    attn.yield %z : f32
  } -> tensor<32x32xf32>
  attn.tile.store %rest, %o[affine_map<(r, k) -> (k, r)>] : tensor<32x32xf32>, memref<32x32xf32>
  return
}
