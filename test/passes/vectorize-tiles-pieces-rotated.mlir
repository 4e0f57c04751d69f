// RUN: fovea-opt --attn-product-pieces %s | fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse | FileCheck %s

#qc = affine_map<(r, k, c) -> (r, c)>
#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>
#before = affine_map<(r, c) -> (r, c - 16)>
#again = affine_map<(r, c) -> (r, c mod 16)>

// Rotated queries are made along rows and transposed; rotated keys along rows,
// of which 32 are put in pairs at a time. Tables that repeat themselves are read
// like the rest: nothing is read element by element.
// CHECK-LABEL: func @rotated
// CHECK-DAG: memref.alloc() {{.*}} : memref<3x16x32xi32>
// CHECK-DAG: memref.alloc() {{.*}} : memref<32x3x16xi32>
// CHECK-NOT: memref.load
// CHECK: vector.load %{{.*}} : memref<?x16xf32>, vector<16xf32>
// CHECK: vector.store %{{.*}}, %[[QUERIES:alloc[_0-9]*]][{{.*}} : memref<32x32xf32>, vector<16xf32>
// CHECK-NOT: memref.load
// CHECK: vector.load %[[QUERIES]][{{.*}} : memref<32x32xf32>, vector<32xf32>
// CHECK-NOT: memref.load
// CHECK: vector.load %{{.*}} : memref<?x16xf32>, vector<16xf32>
// CHECK-NOT: memref.load
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
func.func @rotated(%q: memref<32x32xf32>, %k: memref<32x32xf32>, %t: memref<?x16xf32>, %o: memref<32x32xf32>) {
  %tt = attn.tile.load %t[#again] inBounds [true, true] : memref<?x16xf32> -> tensor<32x32xf32>
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tp = attn.tile.load %q[#before] inBounds [true, false] : memref<32x32xf32> -> tensor<32x32xf32>
  %rq = attn.tile.map ins(%tq, %tp, %tt : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>) at [#id, #id, #id] {
  ^bb0(%x: f32, %y: f32, %a: f32):
    %ya = arith.mulf %y, %a : f32
    %z = arith.addf %x, %ya : f32
    attn.yield %z : f32
  } -> tensor<32x32xf32>
  %tu = attn.tile.load %t[#again] inBounds [true, true] : memref<?x16xf32> -> tensor<32x32xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tl = attn.tile.load %k[#before] inBounds [true, false] : memref<32x32xf32> -> tensor<32x32xf32>
  %rk = attn.tile.map ins(%tk, %tl, %tu : tensor<32x32xf32>, tensor<32x32xf32>, tensor<32x32xf32>) at [#id, #id, #id] {
  ^bb0(%x: f32, %y: f32, %a: f32):
    %ya = arith.mulf %y, %a : f32
    %z = arith.addf %x, %ya : f32
    attn.yield %z : f32
  } -> tensor<32x32xf32>
  %s = attn.tile.contract ins(%rq, %rk : tensor<32x32xf32>, tensor<32x32xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<32x32xf32>, memref<32x32xf32>
  return
}

// Which columns exist before the first is known of each pass over a row: there
// is no loop over them.
// CHECK-LABEL: func @wide
// CHECK: %[[KEYS:.*]] = memref.alloc() {{.*}} : memref<32x3x32xi32>
// CHECK: vector.store %{{.*}}, %[[KEYS]][%[[ROW:.*]], %c0, %c0]
// CHECK-NOT: scf.for
// CHECK: vector.store %{{.*}}, %[[KEYS]][%[[ROW]], %c0, %c16]
func.func @wide(%q: memref<32x64xf32>, %k: memref<32x64xf32>, %o: memref<32x32xf32>) {
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<32x64xf32> -> tensor<32x64xf32>
  %tk = attn.tile.load %k[#id] inBounds [true, true] : memref<32x64xf32> -> tensor<32x64xf32>
  %tl = attn.tile.load %k[#before] inBounds [true, false] : memref<32x64xf32> -> tensor<32x64xf32>
  %rk = attn.tile.map ins(%tk, %tl : tensor<32x64xf32>, tensor<32x64xf32>) at [#id, #id] {
  ^bb0(%x: f32, %y: f32):
    %z = arith.addf %x, %y : f32
    attn.yield %z : f32
  } -> tensor<32x64xf32>
  %s = attn.tile.contract ins(%tq, %rk : tensor<32x64xf32>, tensor<32x64xf32>) at [#qc, #kc] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<32x32xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<32x32xf32>, memref<32x32xf32>
  return
}
