// RUN: fovea-opt %s -attn-lower-math | FileCheck %s
// RUN: fovea-opt %s -attn-lower-math -cse | FileCheck %s --check-prefix=ONCE

// CHECK-LABEL: func.func @vectors(
// CHECK-NOT:     math.exp %
// CHECK-NOT:     math.tanh
// CHECK:         math.fma {{.*}} : vector<16xf32>
// CHECK:         return
func.func @vectors(%x: vector<16xf32>) -> vector<16xf32> {
  %e = math.exp %x : vector<16xf32>
  %t = math.tanh %e : vector<16xf32>
  return %t : vector<16xf32>
}

// Sines and cosines share the turns of their argument, once CSE has seen them.
// CHECK-LABEL: func.func @turns(
// CHECK-NOT:     math.sin
// CHECK-NOT:     math.cos
// CHECK:         math.roundeven {{.*}} : vector<16xf64>
// CHECK:         return
// ONCE-LABEL:    func.func @turns(
// ONCE-COUNT-7:  math.roundeven
// ONCE-NOT:      math.roundeven
// ONCE:          return
func.func @turns(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>) {
  %s = math.sin %x : vector<16xf32>
  %c = math.cos %x : vector<16xf32>
  return %s, %c : vector<16xf32>, vector<16xf32>
}

// CHECK-LABEL: func.func @negative_scalars(
// CHECK:         math.exp
// CHECK:         math.tanh
func.func @negative_scalars(%x: f32) -> f32 {
  %e = math.exp %x : f32
  %t = math.tanh %e : f32
  return %t : f32
}
