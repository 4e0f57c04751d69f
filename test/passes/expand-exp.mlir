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

// A constant factor is multiplied as the power is taken apart.
// CHECK-LABEL: func @multiple(%arg0
// CHECK: arith.cmpf olt, %arg0
// CHECK: %[[SHIFTED:.*]] = math.fma %[[X:.*]], %{{.*}}, %{{.*}} : vector<8xf32>
// CHECK: %[[N:.*]] = arith.subf %[[SHIFTED]]
// CHECK: %[[NEGATED:.*]] = arith.negf %[[N]]
// CHECK: math.fma %[[X]], %{{.*}}, %[[NEGATED]]
// CHECK-COUNT-5: math.fma
// CHECK-NOT: math.fma
func.func @multiple(%x: vector<8xf32>) -> vector<8xf32> {
  %c = arith.constant 1.44269502 : f32
  %factor = vector.broadcast %c : f32 to vector<8xf32>
  %y = arith.mulf %x, %factor : vector<8xf32>
  %e = math.exp2 %y : vector<8xf32>
  return %e : vector<8xf32>
}

// What would be clamped to infinity is not clamped, and others are no factors.
// CHECK-LABEL: func @negative_factors
// CHECK-COUNT-3: arith.mulf %arg{{.*}} : vector<8xf32>
func.func @negative_factors(%x: vector<8xf32>, %f: vector<8xf32>)
    -> (vector<8xf32>, vector<8xf32>, vector<8xf32>) {
  %small = arith.constant dense<1.0e-37> : vector<8xf32>
  %below = arith.constant dense<-1.0> : vector<8xf32>
  %a = arith.mulf %x, %small : vector<8xf32>
  %b = arith.mulf %x, %below : vector<8xf32>
  %c = arith.mulf %x, %f : vector<8xf32>
  %d = math.exp2 %a : vector<8xf32>
  %e = math.exp2 %b : vector<8xf32>
  %g = math.exp2 %c : vector<8xf32>
  return %d, %e, %g : vector<8xf32>, vector<8xf32>, vector<8xf32>
}
