// RUN: fovea-opt --attn-pair-products=unit=16 %s | fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse | FileCheck %s

#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>

// Queries become columns of pairs. Keys are multiplied where they are; copies
// of those that exist stand for a block that is not whole. Each of two tiles of
// keys has 16 keys by 4 rows.
// CHECK-LABEL: func @scores
// CHECK-SAME: %[[Q:[^:]*]]: memref<4x64xbf16>, %[[K:[^:]*]]: memref<?x64xbf16, strided<[?, 1]>>
// CHECK-DAG: %[[BLOCK:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[ROWS:.*]] = llvm.mlir.constant(16 : i16)
// CHECK-COUNT-4: vector.load %[[Q]]
// CHECK: vector.interleave
// CHECK: vector.store %{{.*}} : memref<128xi32>, vector<64xi32>
// CHECK: %[[WHOLE:.*]] = arith.cmpi eq, %{{.*}}, %[[BLOCK]] : index
// CHECK: scf.if %[[WHOLE]] -> (index, index) {
// CHECK:   memref.extract_aligned_pointer_as_index %[[K]]
// CHECK: } else {
// CHECK:   scf.for
// CHECK:     vector.load %[[K]]
// CHECK:     vector.store %{{.*}} : memref<32x32xi32>, vector<16xi32>
// CHECK: llvm.call_intrinsic "llvm.x86.tilezero.internal"(%[[ROWS]], %[[ROWS]])
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-NOT: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK: vector.deinterleave %{{.*}} : vector<64xf32> -> vector<32xf32>
func.func @scores(%q: memref<4x64xbf16>, %k: memref<?x64xbf16, strided<[?, 1]>>, %o: memref<4xf32>, %n: index) {
  %c32 = arith.constant 32 : index
  %left = arith.minsi %n, %c32 : index
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<4x64xbf16> -> tensor<4x64xbf16>
  %tk = attn.tile.load %k[#id] extents(%left) inBounds [true, true] : memref<?x64xbf16, strided<[?, 1]>> -> tensor<?x64xbf16>
  %init = attn.tile.map at [] {
    %low = arith.constant 0xFF800000 : f32
    attn.yield %low : f32
  } -> tensor<4xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<4x64xbf16>, tensor<?x64xbf16>) at [#qc, #kc] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<4x32xf32>
  %max = attn.tile.reduce max %s onto %init end %left : tensor<4x32xf32>, tensor<4xf32>
  attn.tile.store %max, %o[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<4xf32>
  return
}

// Three pieces of each weight, those of what is not visited zero; values two
// rows side by side, and not read where they are not visited. 40 columns are a
// block of two tiles and a part of one.
// CHECK-LABEL: func @sums
// CHECK-SAME: %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index
// CHECK: arith.cmpf olt
// CHECK-COUNT-3: vector.store %{{.*}} : memref<12x32xi16>, vector<32xi16>
// CHECK: arith.cmpi eq, %[[BEGIN]]
// CHECK: scf.if
// CHECK:   vector.shuffle %{{.*}}, %{{.*}} [0, 32, 1, 33, 2, 34, 3, 35, 8, 40,
// CHECK:   vector.store %{{.*}} : memref<16x64xi32>, vector<16xi32>
// CHECK: } else {
// CHECK:   arith.cmpi sge, %{{.*}}, %[[BEGIN]]
// CHECK:   arith.cmpi slt, %{{.*}}, %[[END]]
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK: vector.shuffle %{{.*}}, %{{.*}} [0, 1, 2, 3, 16, 17, 18, 19, 4, 5,
// CHECK: vector.constant_mask [8] : vector<32xi1>
// CHECK: vector.maskedstore
func.func @sums(%begin: index, %end: index, %s: memref<4x32xf32>, %v: memref<32x40xbf16>, %o: memref<4x40xf32>) {
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<4x32xf32> -> tensor<4x32xf32>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<32x40xbf16> -> tensor<32x40xbf16>
  %wide = attn.tile.map ins(%tv : tensor<32x40xbf16>) at [#id] {
  ^bb0(%x: bf16):
    %w = arith.extf %x : bf16 to f32
    attn.yield %w : f32
  } -> tensor<32x40xf32>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<4x40xf32>
  %sum = attn.tile.weigh %ts onto %init begin %begin end %end ins(%wide : tensor<32x40xf32>) at [#kc] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<4x32xf32>, tensor<4x40xf32>
  attn.tile.store %sum, %o[#id] : tensor<4x40xf32>, memref<4x40xf32>
  return
}

// Six rows have too many pieces for a tile: plain sums.
// CHECK-LABEL: func @negative_rows
// CHECK-NOT: tdpbf16ps
// CHECK: math.fma
func.func @negative_rows(%s: memref<6x32xf32>, %v: memref<32x32xbf16>, %o: memref<6x32xf32>) {
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<6x32xf32> -> tensor<6x32xf32>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<32x32xbf16> -> tensor<32x32xbf16>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<6x32xf32>
  %sum = attn.tile.weigh %ts onto %init ins(%tv : tensor<32x32xbf16>) at [#kc] {
  ^bb0(%x: bf16):
    %w = arith.extf %x : bf16 to f32
    attn.yield %w : f32
  } : tensor<6x32xf32>, tensor<6x32xf32>
  attn.tile.store %sum, %o[#id] : tensor<6x32xf32>, memref<6x32xf32>
  return
}
