// RUN: fovea-opt --attn-expand-exp %s | FileCheck %s

// CHECK-LABEL: func @vector
// CHECK-NOT: math.exp
// CHECK: %[[SHIFTED:.*]] = math.fma %{{.*}} : vector<8xf32>
// CHECK-COUNT-6: math.fma
// CHECK: %[[BITS:.*]] = arith.bitcast %[[SHIFTED]] : vector<8xf32> to vector<8xi32>
// CHECK: arith.shli %[[BITS]]
// CHECK: arith.bitcast %{{.*}} : vector<8xi32> to vector<8xf32>
func.func @vector(%x: vector<8xf32>) -> vector<8xf32> {
  %e = math.exp %x : vector<8xf32>
  return %e : vector<8xf32>
}

// Scalars are the C library's, other widths have other polynomials.
// CHECK-LABEL: func @negative_scalar_and_f64
// CHECK: math.exp %{{.*}} : f32
// CHECK: math.exp %{{.*}} : vector<8xf64>
func.func @negative_scalar_and_f64(%x: f32, %y: vector<8xf64>) -> (f32, vector<8xf64>) {
  %a = math.exp %x : f32
  %b = math.exp %y : vector<8xf64>
  return %a, %b : f32, vector<8xf64>
}

// Powers of two need no product.
// CHECK-LABEL: func @exp2
// CHECK: %[[SUM:.*]] = arith.addf %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK: %[[N:.*]] = arith.subf %[[SUM]]
// CHECK-COUNT-5: math.fma
// CHECK: arith.bitcast %[[SUM]] : vector<8xf32> to vector<8xi32>
// CHECK-NOT: math.exp2
func.func @exp2(%x: vector<8xf32>) -> vector<8xf32> {
  %e = math.exp2 %x : vector<8xf32>
  return %e : vector<8xf32>
}
