// RUN: fovea-opt --attn-approximate-weights %s | FileCheck %s
// RUN: fovea-opt --attn-approximate-weights %s | fovea-opt --attn-vectorize-tiles --attn-expand-exp --cse | FileCheck %s --check-prefix=POLYNOMIAL

#id = affine_map<(r, k) -> (r, k)>
#row = affine_map<(r, k) -> (r)>
#ke = affine_map<(r, k, e) -> (k, e)>
#re = affine_map<(r, e) -> (r, e)>
#first = affine_map<(r) -> (r)>

// Weights that are rounded before they weigh.
// CHECK-LABEL: func @rounded
// CHECK: %[[D:.*]] = arith.subf
// CHECK-NEXT: %[[X:.*]] = arith.mulf %[[D]]
// CHECK-NEXT: %[[W:.*]] = math.exp2 %[[X]] fastmath<afn>
// CHECK-NEXT: attn.yield %[[W]]

// The polynomial has degree 3.
// POLYNOMIAL-LABEL: func @rounded
// POLYNOMIAL-NOT: math.exp2
// POLYNOMIAL: %[[SHIFTED:.*]] = math.fma
// POLYNOMIAL-NEXT: %[[N:.*]] = arith.subf %[[SHIFTED]]
// POLYNOMIAL-NEXT: %[[NEGATED:.*]] = arith.negf %[[N]]
// POLYNOMIAL-NEXT: %[[F:.*]] = math.fma %{{.*}}, %{{.*}}, %[[NEGATED]]
// POLYNOMIAL-COUNT-3: math.fma %{{.*}}, %[[F]], %{{.*}} : vector<32xf32>
// POLYNOMIAL-NOT: math.fma
// POLYNOMIAL: arith.shli
func.func @rounded(%s: memref<32x32xf32>, %m: memref<32xf32>, %v: memref<32x16xbf16>, %o: memref<32x16xbf16>) {
  %c = arith.constant 1.44269502 : f32
  %zero = arith.constant 0.0 : f32
  %none = attn.tile.map at [] {
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tm = attn.tile.load %m[#first] inBounds [true] : memref<32xf32> -> tensor<32xf32>
  %tv = attn.tile.load %v[#re] inBounds [true, true] : memref<32x16xbf16> -> tensor<32x16xbf16>
  %w = attn.tile.map ins(%ts, %tm : tensor<32x32xf32>, tensor<32xf32>) at [#id, #row] {
  ^bb0(%x: f32, %y: f32):
    %d = arith.subf %x, %y : f32
    %p = arith.mulf %d, %c : f32
    %e = math.exp2 %p : f32
    attn.yield %e : f32
  } -> tensor<32x32xf32>
  %b = attn.tile.map ins(%w : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %r = arith.truncf %x : f32 to bf16
    attn.yield %r : bf16
  } -> tensor<32x32xbf16>
  %sum = attn.tile.weigh %b onto %none ins(%tv : tensor<32x16xbf16>) at [#ke] {
  ^bb0(%x: bf16):
    attn.yield %x : bf16
  } : tensor<32x32xbf16>, tensor<32x16xf32>
  %rounded = attn.tile.map ins(%sum : tensor<32x16xf32>) at [#re] {
  ^bb0(%x: f32):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> tensor<32x16xbf16>
  attn.tile.store %rounded, %o[#re] : tensor<32x16xbf16>, memref<32x16xbf16>
  return
}

// Their sum is stored in f32, as a logarithm of it would be.
// CHECK-LABEL: func @stored
// CHECK: arith.subf
// CHECK: math.exp2 %{{.*}} : f32
func.func @stored(%s: memref<32x32xf32>, %v: memref<32x16xbf16>, %o: memref<32x16xbf16>, %l: memref<32xf32>) {
  %c = arith.constant 1.44269502 : f32
  %zero = arith.constant 0.0 : f32
  %none = attn.tile.map at [] {
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %empty = attn.tile.map at [] {
    attn.yield %zero : f32
  } -> tensor<32xf32>
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tv = attn.tile.load %v[#re] inBounds [true, true] : memref<32x16xbf16> -> tensor<32x16xbf16>
  %w = attn.tile.map ins(%ts : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %d = arith.subf %x, %c : f32
    %e = math.exp2 %d : f32
    attn.yield %e : f32
  } -> tensor<32x32xf32>
  %mass = attn.tile.reduce sum %w onto %empty : tensor<32x32xf32>, tensor<32xf32>
  attn.tile.store %mass, %l[#first] : tensor<32xf32>, memref<32xf32>
  %b = attn.tile.map ins(%w : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %r = arith.truncf %x : f32 to bf16
    attn.yield %r : bf16
  } -> tensor<32x32xbf16>
  %sum = attn.tile.weigh %b onto %none ins(%tv : tensor<32x16xbf16>) at [#ke] {
  ^bb0(%x: bf16):
    attn.yield %x : bf16
  } : tensor<32x32xbf16>, tensor<32x16xf32>
  %rounded = attn.tile.map ins(%sum : tensor<32x16xf32>) at [#re] {
  ^bb0(%x: f32):
    %y = arith.truncf %x : f32 to bf16
    attn.yield %y : bf16
  } -> tensor<32x16xbf16>
  attn.tile.store %rounded, %o[#re] : tensor<32x16xbf16>, memref<32x16xbf16>
  return
}

// Weights in f32 show every bit.
// CHECK-LABEL: func @whole
// CHECK: math.exp2 %{{.*}} : f32
func.func @whole(%s: memref<32x32xf32>, %v: memref<32x16xf32>, %o: memref<32x16xbf16>) {
  %zero = arith.constant 0.0 : f32
  %none = attn.tile.map at [] {
    attn.yield %zero : f32
  } -> tensor<32x16xf32>
  %ts = attn.tile.load %s[#id] inBounds [true, true] : memref<32x32xf32> -> tensor<32x32xf32>
  %tv = attn.tile.load %v[#re] inBounds [true, true] : memref<32x16xf32> -> tensor<32x16xf32>
  %w = attn.tile.map ins(%ts : tensor<32x32xf32>) at [#id] {
  ^bb0(%x: f32):
    %e = math.exp2 %x : f32
    attn.yield %e : f32
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
