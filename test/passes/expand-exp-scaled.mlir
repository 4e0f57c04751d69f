// RUN: fovea-opt --attn-expand-exp=scale-registers %s | FileCheck %s

// Each register by itself, with results that are not normal set to zero.
// CHECK-LABEL: func @registers
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"
// CHECK-NOT: math.exp2
func.func @registers(%x: vector<32xf32>) -> vector<32xf32> {
  %e = math.exp2 %x : vector<32xf32>
  return %e : vector<32xf32>
}

// CHECK-LABEL: func @one
// CHECK: %[[F:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"(%[[Y:[a-z0-9_]+]],
// CHECK: math.fma %{{.*}}, %[[F]]
// CHECK-COUNT-3: math.fma
// CHECK: %[[P:.*]] = math.fma
// CHECK: %[[NORMAL:.*]] = arith.cmpf uge, %[[Y]]
// CHECK: %[[BITS:.*]] = vector.bitcast %[[NORMAL]] : vector<16xi1> to vector<1xi16>
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"(%[[P]], %[[Y]],
func.func @one(%x: vector<16xf32>) -> vector<16xf32> {
  %e = math.exp2 %x : vector<16xf32>
  return %e : vector<16xf32>
}

// Parts of registers, and exp, whose product with log2(e) would be rounded.
// CHECK-LABEL: func @negative_part
// CHECK-NOT: llvm.call_intrinsic
// CHECK: return
func.func @negative_part(%x: vector<8xf32>, %y: vector<16xf32>) -> (vector<8xf32>, vector<16xf32>) {
  %a = math.exp2 %x : vector<8xf32>
  %b = math.exp %y : vector<16xf32>
  return %a, %b : vector<8xf32>, vector<16xf32>
}
