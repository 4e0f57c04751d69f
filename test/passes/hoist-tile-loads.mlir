// RUN: fovea-opt --attn-hoist-tile-loads %s | FileCheck %s

// A load leaves every loop and branch that it does not depend on.
// CHECK-LABEL: func @queries
// CHECK: %[[Q:.*]] = attn.tile.load
// CHECK: scf.for
// CHECK: %[[K:.*]] = attn.tile.load
// CHECK: scf.if
// CHECK: attn.tile.contract ins(%[[Q]], %[[K]]
func.func @queries(%q: memref<?x4xf32>, %k: memref<?x4xf32>, %i: index, %n: index, %c: i1) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  scf.for %j = %c0 to %n step %c8 {
    scf.if %c {
      %twice = arith.addi %i, %i : index
      %tq = attn.tile.load %q[affine_map<(r, d)[s0] -> (r + s0, d)>] symbols(%twice)
          inBounds [false, true] : memref<?x4xf32> -> tensor<8x4xf32>
      %tk = attn.tile.load %k[affine_map<(r, d)[s0] -> (r + s0, d)>] symbols(%j)
          inBounds [false, true] : memref<?x4xf32> -> tensor<8x4xf32>
      %s = attn.tile.contract ins(%tq, %tk : tensor<8x4xf32>, tensor<8x4xf32>)
          at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
      ^bb0(%x: f32, %y: f32):
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      } -> tensor<8x8xf32>
    }
  }
  return
}

// What is computed of a tile leaves a loop in any order, even one that writes.
// CHECK-LABEL: func @parallel
// CHECK: %[[X:.*]] = attn.tile.load
// CHECK: %[[WIDE:.*]] = attn.tile.map ins(%[[X]]
// CHECK: scf.parallel
// CHECK: attn.tile.store %[[WIDE]]
func.func @parallel(%x: memref<?xbf16>, %y: memref<?xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %t = attn.tile.load %x[affine_map<(r) -> (r)>] inBounds [false] : memref<?xbf16> -> tensor<8xbf16>
  scf.parallel (%j) = (%c0) to (%n) step (%c8) {
    %wide = attn.tile.map ins(%t : tensor<8xbf16>) at [affine_map<(r) -> (r)>] {
    ^bb0(%e: bf16):
      %f = arith.extf %e : bf16 to f32
      attn.yield %f : f32
    } -> tensor<8xf32>
    attn.tile.store %wide, %y[affine_map<(r)[s0] -> (r + s0)>] symbols(%j) : tensor<8xf32>, memref<?xf32>
  }
  return
}

// What the loop writes may be what it reads.
// CHECK-LABEL: func @negative_store
// CHECK: scf.for
// CHECK: attn.tile.load
// CHECK: attn.tile.store
func.func @negative_store(%q: memref<?xf32>, %i: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  scf.for %j = %c0 to %n step %c8 {
    %t = attn.tile.load %q[affine_map<(r)[s0] -> (r + s0)>] symbols(%i)
        inBounds [false] : memref<?xf32> -> tensor<8xf32>
    attn.tile.store %t, %q[affine_map<(r)[s0] -> (r + s0)>] symbols(%j)
        : tensor<8xf32>, memref<?xf32>
  }
  return
}
