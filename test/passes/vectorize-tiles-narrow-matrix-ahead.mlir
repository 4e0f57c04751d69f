// RUN: fovea-opt --attn-pair-products=unit=16 %s | fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse | FileCheck %s

#kc = affine_map<(r, k, c) -> (k, c)>
#id = affine_map<(r, e) -> (r, e)>
#heads = affine_map<(k, c)[h] -> (k, h, c)>

// A line of a key is 16 pairs. The next head's keys that are visited are asked
// for between the products, as many with each line of these.
// CHECK-LABEL: func @scores
// CHECK-SAME: %[[K:[^:]*]]: memref<?x?x64xbf16>, %{{[^:]*}}: memref<4x64xbf16>, %{{[^:]*}}: memref<4xf32>, %[[N:[^:]*]]: index, %[[END:[^:]*]]: index
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[LINE:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[HALF:.*]] = arith.constant 16 : index
// CHECK: scf.for %[[H:.*]] = %[[ZERO]] to %[[N]]
// CHECK: %[[NEXT:.*]] = arith.addi %[[H]],
// CHECK-DAG: %[[BEGIN:.*]] = arith.minsi %[[END]], %[[ZERO]]
// CHECK-DAG: %[[MIDDLE:.*]] = arith.minsi %[[END]], %[[HALF]]
// CHECK: scf.for %[[KEY:.*]] = %[[BEGIN]] to %[[MIDDLE]]
// CHECK: %[[ROW:.*]] = arith.addi %{{.*}}, %[[KEY]]
// CHECK: memref.prefetch %[[K]][%[[ROW]], %[[NEXT]], %[[ZERO]]], read, locality<2>, data
// CHECK: memref.prefetch %[[K]][%[[ROW]], %[[NEXT]], %[[LINE]]]
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: scf.for %{{.*}} = %[[MIDDLE]] to
// CHECK-COUNT-2: memref.prefetch %[[K]]
// CHECK-NOT: memref.prefetch
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK: vector.deinterleave
func.func @scores(%k: memref<?x?x64xbf16>, %q: memref<4x64xbf16>, %o: memref<4xf32>, %n: index, %end: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %tq = attn.tile.load %q[#id] inBounds [true, true] : memref<4x64xbf16> -> tensor<4x64xbf16>
  %init = attn.tile.map at [] {
    %low = arith.constant 0xFF800000 : f32
    attn.yield %low : f32
  } -> tensor<4xf32>
  scf.for %h = %c0 to %n step %c1 {
    %tk = attn.tile.load %k[#heads] symbols(%h) inBounds [true, true, true] : memref<?x?x64xbf16> -> tensor<32x64xbf16>
    %s = attn.tile.contract ins(%tq, %tk : tensor<4x64xbf16>, tensor<32x64xbf16>) at [affine_map<(r, k, c) -> (r, c)>, #kc] {
    ^bb0(%x: bf16, %y: bf16):
      %wx = arith.extf %x : bf16 to f32
      %wy = arith.extf %y : bf16 to f32
      %xy = arith.mulf %wx, %wy : f32
      attn.yield %xy : f32
    } -> tensor<4x32xf32>
    %max = attn.tile.reduce max %s onto %init end %end : tensor<4x32xf32>, tensor<4xf32>
    attn.tile.store %max, %o[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<4xf32>
  }
  return
}

// Values of the next head are asked for between the products of this one's, of
// a block in part only those that are visited.
// CHECK-LABEL: func @sums
// CHECK-SAME: %[[V:[^:]*]]: memref<32x?x40xbf16>, %{{[^:]*}}: memref<4x32xf32>, %{{[^:]*}}: memref<4x40xf32>, %{{[^:]*}}: index, %[[BEGIN:[^:]*]]: index, %[[END:[^:]*]]: index
// CHECK: scf.for %[[H:.*]] =
// CHECK: %[[NEXT:.*]] = arith.addi %[[H]],
// CHECK-NOT: memref.prefetch
// CHECK: scf.for %[[COLUMN:.*]] = %{{.*}} to %c64 step %c16
// CHECK: %[[FROM:.*]] = arith.maxsi %{{.*}}, %[[BEGIN]]
// CHECK: %[[FIRST:.*]] = arith.minsi %[[FROM]], %[[END]]
// CHECK: %[[TO:.*]] = arith.maxsi %{{.*}}, %[[BEGIN]]
// CHECK: %[[LAST:.*]] = arith.minsi %[[TO]], %[[END]]
// CHECK: scf.for %[[KEY:.*]] = %[[FIRST]] to %[[LAST]]
// CHECK-COUNT-2: memref.prefetch %[[V]][%[[KEY]], %[[NEXT]], %{{.*}}], read, locality<2>, data
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
func.func @sums(%v: memref<32x?x40xbf16>, %s: memref<4x32xf32>, %o: memref<4x40xf32>, %n: index, %begin: index, %end: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<4x32xf32> -> tensor<4x32xf32>
  %init = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<4x40xf32>
  scf.for %h = %c0 to %n step %c1 {
    %tv = attn.tile.load %v[#heads] symbols(%h) inBounds [true, true, true] : memref<32x?x40xbf16> -> tensor<32x40xbf16>
    %sum = attn.tile.weigh %ts onto %init begin %begin end %end ins(%tv : tensor<32x40xbf16>) at [#kc] {
    ^bb0(%x: bf16):
      %w = arith.extf %x : bf16 to f32
      attn.yield %w : f32
    } : tensor<4x32xf32>, tensor<4x40xf32>
    attn.tile.store %sum, %o[#id] : tensor<4x40xf32>, memref<4x40xf32>
  }
  return
}
