// RUN: fovea-opt --attn-lower-f8 %s | FileCheck %s

// The bits without the sign, with another bias, are the number; below the normal range the number and 2^-6 more.
// No operand of an addition is subnormal, which CPUs are slow at.
// CHECK-LABEL: func @widen
// CHECK-SAME: (%[[X:.*]]: vector<16xf8E4M3FN>)
// CHECK: %[[BYTE:.*]] = arith.bitcast %[[X]] : vector<16xf8E4M3FN> to vector<16xi8>
// CHECK: %[[WIDE:.*]] = arith.extui %[[BYTE]] : vector<16xi8> to vector<16xi32>
// CHECK: %[[MAGNITUDE:.*]] = arith.andi %[[WIDE]]
// CHECK: %[[SHIFTED:.*]] = arith.shli %[[MAGNITUDE]]
// CHECK: %[[NORMAL:.*]] = arith.addi %[[SHIFTED]]
// CHECK: %[[MORE:.*]] = arith.addi %[[SHIFTED]]
// CHECK: %[[REAL:.*]] = arith.bitcast %[[MORE]] : vector<16xi32> to vector<16xf32>
// CHECK: %[[LESS:.*]] = arith.subf %[[REAL]]
// CHECK: %[[SMALL:.*]] = arith.bitcast %[[LESS]] : vector<16xf32> to vector<16xi32>
// CHECK: %[[BELOW:.*]] = arith.cmpi ult, %[[MAGNITUDE]]
// CHECK: arith.select %[[BELOW]], %[[SMALL]], %[[NORMAL]]
// CHECK-NOT: arith.extf
func.func @widen(%x: vector<16xf8E4M3FN>) -> vector<16xf32> {
  %y = arith.extf %x : vector<16xf8E4M3FN> to vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: func @round
// CHECK-NOT: arith.truncf
// CHECK: arith.trunci %{{.*}} : i32 to i8
// CHECK: arith.bitcast %{{.*}} : i8 to f8E5M2
func.func @round(%x: f32) -> f8E5M2 {
  %y = arith.truncf %x : f32 to f8E5M2
  return %y : f8E5M2
}

// CHECK-LABEL: func @constants
// CHECK: %[[A:.*]] = arith.constant 56 : i8
// CHECK: arith.bitcast %[[A]] : i8 to f8E4M3FN
// CHECK: %[[B:.*]] = arith.constant dense<0> : vector<4xi8>
// CHECK: arith.bitcast %[[B]] : vector<4xi8> to vector<4xf8E5M2>
func.func @constants() -> (f8E4M3FN, vector<4xf8E5M2>) {
  %a = arith.constant 1.0 : f8E4M3FN
  %b = arith.constant dense<0.0> : vector<4xf8E5M2>
  return %a, %b : f8E4M3FN, vector<4xf8E5M2>
}

// Other types are left alone.
// CHECK-LABEL: func @others
// CHECK: arith.extf
// CHECK: arith.truncf
func.func @others(%x: bf16) -> f16 {
  %y = arith.extf %x : bf16 to f32
  %z = arith.truncf %y : f32 to f16
  return %z : f16
}
