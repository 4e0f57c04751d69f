// RUN: fovea-opt --attn-narrow-weights --canonicalize --cse %s | FileCheck %s
// RUN: fovea-opt --attn-narrow-weights %s | fovea-opt --attn-vectorize-tiles --canonicalize --cse | FileCheck %s --check-prefix=PLAIN
// RUN: fovea-opt --attn-narrow-weights %s | fovea-opt --attn-tile-to-loops | FileCheck %s --check-prefix=LOOPS

#ke = affine_map<(r, k, e) -> (k, e)>
#id = affine_map<(r, e) -> (r, e)>

// Weights are rounded where values are loaded as bf16, and the sums are stored
// as that, through the loop that carries them.
// CHECK-LABEL: func @carried
// CHECK: %[[V:.*]] = attn.tile.load {{.*}} -> tensor<32x16xbf16>
// CHECK: %[[W:.*]] = attn.tile.map ins(%{{.*}} : tensor<32x32xf32>)
// CHECK: arith.truncf %{{.*}} : f32 to bf16
// CHECK: attn.tile.weigh %[[W]] onto %{{.*}} ins(%[[V]] : tensor<32x16xbf16>)
// CHECK-NEXT: ^bb0(%[[X:.*]]: bf16):
// CHECK-NEXT: attn.yield %[[X]] : bf16
// CHECK-NEXT: } : tensor<32x32xbf16>, tensor<32x16xf32>

// Without a matrix unit both factors are widened again.
// PLAIN-LABEL: func @carried
// PLAIN: arith.extf %{{.*}} : vector<32xbf16> to vector<32xf32>
// PLAIN: math.fma %{{.*}} : vector<32xf32>

// LOOPS-LABEL: func @carried
// LOOPS-NOT: attn.
// LOOPS: arith.truncf
func.func @carried(%w: memref<32x32xf32>, %v: memref<64x16xbf16>, %o: memref<32x16xbf16>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %none = attn.tile.map at [] {
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %sum = scf.for %j = %c0 to %c64 step %c32 iter_args(%a = %none) -> (tensor<32x16xf32>) {
    %tw = attn.tile.load %w[affine_map<(r, k) -> (r, k)>] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
    %tv = attn.tile.load %v[affine_map<(k, e)[s] -> (k + s, e)>] symbols(%j) inBounds [true, true] : memref<64x16xbf16> -> tensor<32x16xbf16>
    %b = attn.tile.weigh %tw onto %a ins(%tv : tensor<32x16xbf16>) at [#ke] {
    ^bb0(%x: bf16):
      %wide = arith.extf %x : bf16 to f32
      attn.yield %wide : f32
    } : tensor<32x32xf32>, tensor<32x16xf32>
    scf.yield %b : tensor<32x16xf32>
  }
  %rounded = attn.tile.map ins(%sum : tensor<32x16xf32>) at [#id] {
  ^bb0(%x: f32):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> tensor<32x16xbf16>
  attn.tile.store %rounded, %o[#id] : tensor<32x16xbf16>, memref<32x16xbf16>
  return
}

// A result in f32 would show the rounding.
// CHECK-LABEL: func @exact
// CHECK-NOT: arith.truncf
func.func @exact(%w: memref<32x32xf32>, %v: memref<32x16xbf16>, %o: memref<32x16xf32>) {
  %a = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %tw = attn.tile.load %w[affine_map<(r, k) -> (r, k)>] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tv = attn.tile.load %v[affine_map<(k, e) -> (k, e)>] inBounds [true, true] : memref<32x16xbf16> -> tensor<32x16xbf16>
  %b = attn.tile.weigh %tw onto %a ins(%tv : tensor<32x16xbf16>) at [#ke] {
  ^bb0(%x: bf16):
    %wide = arith.extf %x : bf16 to f32
    attn.yield %wide : f32
  } : tensor<32x32xf32>, tensor<32x16xf32>
  attn.tile.store %b, %o[#id] : tensor<32x16xf32>, memref<32x16xf32>
  return
}

// Values that are computed, columns of which nobody knows how many they are, and
// rows that are few.
// CHECK-LABEL: func @others
// CHECK-NOT: attn.tile.weigh {{.*}}tensor<{{.*}}xbf16>, tensor
func.func @others(%w: memref<32x32xf32>, %few: memref<8x32xf32>, %v: memref<32x16xbf16>, %u: memref<32x?xbf16>, %n: index,
                  %o: memref<32x16xbf16>, %p: memref<32x?xbf16>, %q: memref<8x16xbf16>) {
  %a = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %c = attn.tile.map at [] extents(%n) {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<32x?xf32>
  %d = attn.tile.map at [] {
    %zero = arith.constant 0.0 : f32
    attn.yield %zero : f32
  } -> tensor<8x16xf32>
  %tw = attn.tile.load %w[affine_map<(r, k) -> (r, k)>] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tf = attn.tile.load %few[affine_map<(r, k) -> (r, k)>] inBounds [true, true] : memref<8x32xf32> -> tensor<8x32xf32>
  %tv = attn.tile.load %v[affine_map<(k, e) -> (k, e)>] inBounds [true, true] : memref<32x16xbf16> -> tensor<32x16xbf16>
  %tu = attn.tile.load %u[affine_map<(k, e) -> (k, e)>] extents(%n) inBounds [true, true] : memref<32x?xbf16> -> tensor<32x?xbf16>
  %x = attn.tile.weigh %tw onto %a ins(%tv : tensor<32x16xbf16>) at [#ke] {
  ^bb0(%v0: bf16):
    %wide = arith.extf %v0 : bf16 to f32
    %square = arith.mulf %wide, %wide : f32
    attn.yield %square : f32
  } : tensor<32x32xf32>, tensor<32x16xf32>
  %y = attn.tile.weigh %tw onto %c ins(%tu : tensor<32x?xbf16>) at [#ke] {
  ^bb0(%v0: bf16):
    %wide = arith.extf %v0 : bf16 to f32
    attn.yield %wide : f32
  } : tensor<32x32xf32>, tensor<32x?xf32>
  %z = attn.tile.weigh %tf onto %d ins(%tv : tensor<32x16xbf16>) at [#ke] {
  ^bb0(%v0: bf16):
    %wide = arith.extf %v0 : bf16 to f32
    attn.yield %wide : f32
  } : tensor<8x32xf32>, tensor<8x16xf32>
  %rx = attn.tile.map ins(%x : tensor<32x16xf32>) at [#id] {
  ^bb0(%s: f32):
    %t = arith.truncf %s : f32 to bf16
    attn.yield %t : bf16
  } -> tensor<32x16xbf16>
  %ry = attn.tile.map ins(%y : tensor<32x?xf32>) at [#id] extents(%n) {
  ^bb0(%s: f32):
    %t = arith.truncf %s : f32 to bf16
    attn.yield %t : bf16
  } -> tensor<32x?xbf16>
  %rz = attn.tile.map ins(%z : tensor<8x16xf32>) at [#id] {
  ^bb0(%s: f32):
    %t = arith.truncf %s : f32 to bf16
    attn.yield %t : bf16
  } -> tensor<8x16xbf16>
  attn.tile.store %rx, %o[#id] : tensor<32x16xbf16>, memref<32x16xbf16>
  attn.tile.store %ry, %p[#id] : tensor<32x?xbf16>, memref<32x?xbf16>
  attn.tile.store %rz, %q[#id] : tensor<8x16xbf16>, memref<8x16xbf16>
  return
}
