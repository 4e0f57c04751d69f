// RUN: fovea-opt --attn-product-pieces %s | fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse | FileCheck %s

#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>

// Pieces of queries are made along lanes, those of keys along memory. A step
// loads each piece of two tiles of queries, and each of a tile of keys of the
// next step as soon as the one before has no products left: six of them, by two.
// CHECK-LABEL: func @scores
// CHECK-DAG: arith.constant dense<-65536> : vector<32xi32>
// CHECK-DAG: arith.constant dense<-65536> : vector<16xi32>
// CHECK-DAG: memref.alloc() {{.*}} : memref<3x32x32xi32>
// CHECK-DAG: memref.alloc() {{.*}} : memref<32x3x32xi32>
// CHECK: scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx)
// CHECK: scf.for {{.*}} -> (!llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx, !llvm.x86_amx)
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK: scf.yield
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
func.func @scores(%q: memref<32x40xf32>, %k: memref<32x40xf32>, %o: memref<32x32xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x40xf32> -> tensor<32x40xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<32x40xf32> -> tensor<32x40xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<32x40xf32>, tensor<32x40xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<32x32xf32>, memref<32x32xf32>
  return
}

// Weights are written in pieces, and nowhere else; values are transposed in
// pieces, and copied where a block of keys is visited in part.
// CHECK-LABEL: func @sums
// CHECK-DAG: memref.alloc() {{.*}} : memref<3x3x16x32xbf16>
// CHECK-DAG: memref.alloc() {{.*}} : memref<3x16x32xi32>
// CHECK: vector.store %{{.*}} : memref<3x3x16x32xbf16>, vector<32xbf16>
// CHECK-COUNT-3: vector.store %{{.*}} : memref<3x16x32xi32>, vector<32xi32>
// CHECK: vector.create_mask
// CHECK-COUNT-12: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
func.func @sums(%begin: index, %end: index, %s: memref<32x32xf32>, %a: memref<32x16xf32>, %v: memref<32x16xf32>, %o: memref<32x16xf32>) {
  %ts = attn.tile.load %s[affine_map<(r, k) -> (k, r)>] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %ta = attn.tile.load %a[#id] inBounds [true, true] : memref<32x16xf32> -> tensor<32x16xf32>
  %tv = attn.tile.load %v[#id] inBounds [true, true] : memref<32x16xf32> -> tensor<32x16xf32>
  %w = attn.tile.map ins(%ts : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %e = math.exp2 %x : f32
    attn.yield %e : f32
  } -> tensor<32x32xf32>
  %sum = attn.tile.weigh %w onto %ta begin %begin end %end ins(%tv : tensor<32x16xf32>) at [#kc] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<32x32xf32>, tensor<32x16xf32>
  attn.tile.store %sum, %o[#id] : tensor<32x16xf32>, memref<32x16xf32>
  return
}
