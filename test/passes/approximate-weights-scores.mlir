// RUN: fovea-opt --attn-approximate-weights --split-input-file %s | FileCheck %s
// RUN: fovea-opt --attn-approximate-weights --split-input-file %s | fovea-opt --split-input-file --attn-vectorize-tiles --attn-lower-math --cse | FileCheck %s --check-prefix=QUOTIENT

#id = affine_map<(r, k) -> (r, k)>
#ke = affine_map<(r, k, e) -> (k, e)>
#re = affine_map<(r, e) -> (r, e)>

// Capped scores of what is stored as bf16.
// CHECK-LABEL: func @rounded
// CHECK: math.tanh %{{.*}} fastmath<afn>

// A quotient of polynomials of the square, of degrees 2 and 3.
// QUOTIENT-LABEL: func @rounded
// QUOTIENT-NOT: math.tanh
// QUOTIENT: arith.select
// QUOTIENT: %[[X:.*]] = arith.select
// QUOTIENT: %[[U:.*]] = arith.mulf %[[X]], %[[X]] : vector<32xf32>
// QUOTIENT-COUNT-2: math.fma %{{.*}}, %[[U]], %{{.*}} : vector<32xf32>
// QUOTIENT: %[[P:.*]] = arith.mulf %[[X]], %{{.*}} : vector<32xf32>
// QUOTIENT-COUNT-3: math.fma %{{.*}}, %[[U]], %{{.*}} : vector<32xf32>
// QUOTIENT: arith.divf %[[P]], %{{.*}} : vector<32xf32>
func.func @rounded(%s: memref<32x32xf32>, %v: memref<32x16xf32>, %o: memref<32x16xbf16>) {
  %zero = arith.constant 0.0 : f32
  %none = attn.tile.map at [] {
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tv = attn.tile.load %v[#re] inBounds [true, true] : memref<32x16xf32> -> tensor<32x16xf32>
  %w = attn.tile.map ins(%ts : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %t = math.tanh %x : f32
    attn.yield %t : f32
  } -> tensor<32x32xf32>
  %sum = attn.tile.weigh %w onto %none ins(%tv : tensor<32x16xf32>) at [#ke] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<32x32xf32>, tensor<32x16xf32>
  %rounded = attn.tile.map ins(%sum : tensor<32x16xf32>) at [#re] {
  ^bb0(%x: f32):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> tensor<32x16xbf16>
  attn.tile.store %rounded, %o[#re] : tensor<32x16xbf16>, memref<32x16xbf16>
  return
}

// -----

#id = affine_map<(r, k) -> (r, k)>

// Results of f32 show every bit.
// CHECK-LABEL: func @negative_exact
// CHECK: math.tanh
// CHECK-NOT: afn
// QUOTIENT-LABEL: func @negative_exact
func.func @negative_exact(%s: memref<32x32xf32>, %o: memref<32x32xf32>) {
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %w = attn.tile.map ins(%ts : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %t = math.tanh %x : f32
    attn.yield %t : f32
  } -> tensor<32x32xf32>
  attn.tile.store %w, %o[#id] : tensor<32x32xf32>, memref<32x32xf32>
  return
}
