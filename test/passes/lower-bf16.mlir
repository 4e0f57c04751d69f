// RUN: fovea-opt %s -attn-lower-bf16 | FileCheck %s

// What only moves has no bf16, whatever it moves through; a computation has casts.
// CHECK-LABEL: llvm.func @moves(
// CHECK-SAME:    %[[Z:[^:]*]]: vector<2xi16>
// CHECK-NOT:     bf16
// CHECK:         %[[X:.*]] = llvm.load %{{.*}} {alignment = 2 : i64} : !llvm.ptr -> vector<2xi16>
// CHECK:         llvm.intr.masked.load %{{.*}}, %{{.*}}, %[[Z]] {{.*}} -> vector<2xi16>
// CHECK:         %[[S:.*]] = llvm.shufflevector %[[X]], %{{.*}} [0, 2] : vector<2xi16>
// CHECK:         llvm.select %{{.*}}, %[[S]], %[[X]] : vector<2xi1>, vector<2xi16>
// CHECK:         llvm.intr.masked.store %{{.*}} : vector<2xi16>
// CHECK:         %[[N:.*]] = llvm.bitcast %[[S]] : vector<2xi16> to vector<2xbf16>
// CHECK:         %[[W:.*]] = llvm.fpext %[[N]] : vector<2xbf16> to vector<2xf32>
// CHECK:         %[[R:.*]] = llvm.fptrunc %[[W]] : vector<2xf32> to vector<2xbf16>
// CHECK:         %[[B:.*]] = llvm.bitcast %[[R]] : vector<2xbf16> to vector<2xi16>
// CHECK:         llvm.store %[[B]], %{{.*}} : vector<2xi16>
llvm.func @moves(%p: !llvm.ptr, %q: !llvm.ptr, %m: vector<2xi1>, %z: vector<2xbf16>) {
  %x = llvm.load %p {alignment = 2 : i64} : !llvm.ptr -> vector<2xbf16>
  %y = llvm.intr.masked.load %q, %m, %z {alignment = 2 : i32} : (!llvm.ptr, vector<2xi1>, vector<2xbf16>) -> vector<2xbf16>
  %s = llvm.shufflevector %x, %y [0, 2] : vector<2xbf16>
  %t = llvm.select %m, %s, %x : vector<2xi1>, vector<2xbf16>
  llvm.intr.masked.store %t, %p, %m {alignment = 2 : i32} : vector<2xbf16>, vector<2xi1> into !llvm.ptr
  %w = llvm.fpext %s : vector<2xbf16> to vector<2xf32>
  %r = llvm.fptrunc %w : vector<2xf32> to vector<2xbf16>
  llvm.store %r, %q : vector<2xbf16>, !llvm.ptr
  llvm.return
}

// An element that may not exist, through a block's argument; 1.0 is 0x3F80.
// CHECK-LABEL: llvm.func @element(
// CHECK-NOT:     bf16
// CHECK:         %[[ONE:.*]] = llvm.mlir.constant(16256 : i16) : i16
// CHECK:         llvm.mlir.constant(dense<16256> : vector<2xi16>) : vector<2xi16>
// CHECK:         llvm.getelementptr %{{.*}}[4] : (!llvm.ptr) -> !llvm.ptr, i16
// CHECK:         llvm.br ^[[END:.*]](%{{.*}} : i16)
// CHECK:       ^[[END]](%[[E:.*]]: i16):
// CHECK:         llvm.return %[[E]] : i16
llvm.func @element(%p: !llvm.ptr, %exists: i1) -> bf16 {
  %one = llvm.mlir.constant(1.0 : bf16) : bf16
  %ones = llvm.mlir.constant(dense<1.0> : vector<2xbf16>) : vector<2xbf16>
  llvm.store %ones, %p : vector<2xbf16>, !llvm.ptr
  llvm.cond_br %exists, ^read, ^end(%one : bf16)
^read:
  %at = llvm.getelementptr %p[4] : (!llvm.ptr) -> !llvm.ptr, bf16
  %x = llvm.load %at : !llvm.ptr -> bf16
  llvm.br ^end(%x : bf16)
^end(%e: bf16):
  llvm.return %e : bf16
}

// Other types stay as they are.
// CHECK-LABEL: llvm.func @negative(
// CHECK:         llvm.mlir.constant(1.000000e+00 : f16) : f16
// CHECK:         llvm.fpext %{{.*}} : vector<2xf16> to vector<2xf32>
llvm.func @negative(%p: !llvm.ptr) -> vector<2xf32> {
  %one = llvm.mlir.constant(1.0 : f16) : f16
  %h = llvm.load %p : !llvm.ptr -> vector<2xf16>
  %w = llvm.fpext %h : vector<2xf16> to vector<2xf32>
  llvm.return %w : vector<2xf32>
}
