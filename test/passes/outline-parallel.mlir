// RUN: fovea-opt %s -attn-outline-parallel -split-input-file | FileCheck %s

// The body takes what it reads from a structure; constants are repeated in it.
// CHECK-LABEL: func.func @one_dimension(
// CHECK-SAME:    %[[INV:[a-z0-9]+]]: !llvm.ptr,
// CHECK:         %[[ARGUMENT:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32, struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>)>
// CHECK-NOT:     scf.forall
// CHECK:         %[[PF_FIELD:.*]] = llvm.getelementptr %[[INV]][32]
// CHECK:         %[[PF:.*]] = llvm.load %[[PF_FIELD]]
// CHECK:         %[[POOL_FIELD:.*]] = llvm.getelementptr %[[INV]][40]
// CHECK:         %[[POOL:.*]] = llvm.load %[[POOL_FIELD]]
// CHECK:         %[[BODY:.*]] = builtin.unrealized_conversion_cast %{{.*}} : (!llvm.ptr, i64, !llvm.ptr) -> () to !llvm.ptr
// CHECK:         llvm.call %[[PF]](%[[POOL]], %[[BODY]], %[[ARGUMENT]], %{{.*}}, %{{.*}})
//
// CHECK-LABEL: func.func private @one_dimension.body(
// CHECK-SAME:    %[[A:.*]]: !llvm.ptr, %[[I:.*]]: i64, %{{.*}}: !llvm.ptr) attributes {llvm.linkage = #llvm.linkage<internal>}
// CHECK-DAG:     %[[TWO:.*]] = arith.constant 2.0
// CHECK-DAG:     %[[INDEX:.*]] = arith.index_cast %[[I]] : i64 to index
// CHECK:         memref.store %{{.*}}, %{{.*}}[%[[INDEX]]]
func.func @one_dimension(%inv: !llvm.ptr {attn.invocation}, %m: memref<?xf32>, %n: index, %x: f32) {
  %two = arith.constant 2.0 : f32
  scf.forall (%i) in (%n) {
    %y = arith.mulf %x, %two : f32
    memref.store %y, %m[%i] : memref<?xf32>
  }
  return
}

// -----

// Bounds and steps are undone from the linear index, the last dimension fastest.
// CHECK-LABEL: func.func private @two_dimensions.body(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %[[I:.*]]: i64, %{{.*}}: !llvm.ptr
// CHECK:         %[[L:.*]] = arith.index_cast %[[I]]
// CHECK:         %[[COL:.*]] = arith.remui %[[L]], %[[COLUMNS:.*]] : index
// CHECK:         %[[ROW:.*]] = arith.divui %[[L]], %[[COLUMNS]] : index
// CHECK:         %[[COL8:.*]] = arith.muli %[[COL]], %{{.*}} : index
// CHECK:         %[[ROW3:.*]] = arith.addi %[[ROW]], %{{.*}} : index
// CHECK:         memref.store %{{.*}}, %{{.*}}[%[[ROW3]], %[[COL8]]]
func.func @two_dimensions(%inv: !llvm.ptr {attn.invocation}, %m: memref<?x?xf32>, %n: index, %k: index, %x: f32) {
  scf.forall (%i, %j) = (3, 0) to (%n, %k) step (1, 8) {
    memref.store %x, %m[%i, %j] : memref<?x?xf32>
  }
  return
}

// -----

// Buffers of the body lie end to end in the scratch area, each rounded up to
// 64 bytes; a size may be computed in the body when it does not vary.
// CHECK-LABEL: func.func @scratch(
// CHECK:         %[[SIZE:.*]] = memref.dim
// CHECK:         %[[BYTES:.*]] = arith.muli %[[SIZE]], %{{.*}}
// CHECK:         llvm.call
// CHECK-LABEL: func.func private @scratch.body(
// CHECK-SAME:    %{{.*}}: !llvm.ptr, %{{.*}}: i64, %[[S:.*]]: !llvm.ptr
// CHECK:         llvm.insertvalue %[[S]]
// CHECK:         memref.view %[[MEMORY:.*]][%{{.*}}][] : memref<?xi8> to memref<3xf32>
// CHECK:         memref.view %[[MEMORY]][%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     memref.dealloc
func.func @scratch(%inv: !llvm.ptr {attn.invocation}, %m: memref<?xf32>, %n: index, %x: f32) {
  %zero = arith.constant 0 : index
  scf.forall (%i) in (%n) {
    %a = memref.alloc() : memref<3xf32>
    memref.store %x, %a[%zero] : memref<3xf32>
    %size = memref.dim %m, %zero : memref<?xf32>
    %b = memref.alloc(%size) : memref<?xf32>
    memref.store %x, %b[%i] : memref<?xf32>
    memref.copy %b, %m : memref<?xf32> to memref<?xf32>
    memref.dealloc %a : memref<3xf32>
  }
  return
}

// -----

// CHECK-LABEL: func.func private @nested.body(
// CHECK:         scf.for
// CHECK-NOT:     scf.forall
// CHECK-NOT:     func.func
func.func @nested(%inv: !llvm.ptr {attn.invocation}, %m: memref<?x?xf32>, %n: index, %x: f32) {
  scf.forall (%i) in (%n) {
    scf.forall (%j) in (%n) {
      memref.store %x, %m[%i, %j] : memref<?x?xf32>
    }
  }
  return
}

// -----

// A loop around the parallel one takes no more stack.
// CHECK-LABEL: func.func @in_a_loop(
// CHECK:         llvm.alloca
// CHECK:         scf.for
// CHECK-NOT:     llvm.alloca
// CHECK:         llvm.call
func.func @in_a_loop(%inv: !llvm.ptr {attn.invocation}, %m: memref<?xf32>, %n: index, %x: f32) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  scf.for %layer = %zero to %n step %one {
    scf.forall (%i) in (%layer) {
      memref.store %x, %m[%i] : memref<?xf32>
    }
  }
  return
}
