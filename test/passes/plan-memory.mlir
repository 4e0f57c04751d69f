// RUN: fovea-opt %s -attn-plan-memory -canonicalize -cse -canonicalize -split-input-file | FileCheck %s

// Lifetimes of %a and %c do not meet: they share the first place, %b follows.
// CHECK-LABEL: func.func @sharing(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32> {{{.*}}}, %[[W:[a-z0-9]+]]: memref<?xi8> {attn.workspace}
// CHECK:         %[[ZERO:.*]] = arith.constant 0 : index
// CHECK:         %[[N:.*]] = memref.dim %[[X]], %[[ZERO]]
// CHECK:         %[[PLACE:.*]] = arith.andi
// CHECK:         %[[A:.*]] = memref.view %[[W]][%[[ZERO]]][%[[N]]]
// CHECK:         memref.copy %[[X]], %[[A]]
// CHECK:         %[[B:.*]] = memref.view %[[W]][%[[PLACE]]][%[[N]]]
// CHECK:         memref.copy %[[A]], %[[B]]
// CHECK-NOT:     memref.dealloc
// CHECK:         memref.copy %[[B]], %[[A]]
//
// CHECK-LABEL: func.func private @sharing_workspace_size(
// CHECK-SAME:    %[[SYMBOLS:.*]]: !llvm.ptr) -> i64
// CHECK:         %[[SIZE:.*]] = llvm.load %[[SYMBOLS]] : !llvm.ptr -> i64
// CHECK:         "llvm.intr.smul.with.overflow"(%[[SIZE]]
// CHECK:         %[[RESULT:.*]] = arith.select %{{.*}}, %{{.*}}, %{{.*}} : i64
// CHECK:         return %[[RESULT]]
func.func @sharing(%x: memref<?xf32> {attn.name = "x", attn.dims = [["n"]]}) attributes {attn.entry} {
  %zero = arith.constant 0 : index
  %n = memref.dim %x, %zero : memref<?xf32>
  %a = memref.alloc(%n) : memref<?xf32>
  memref.copy %x, %a : memref<?xf32> to memref<?xf32>
  %b = memref.alloc(%n) : memref<?xf32>
  memref.copy %a, %b : memref<?xf32> to memref<?xf32>
  memref.dealloc %a : memref<?xf32>
  %c = memref.alloc(%n) : memref<?xf32>
  memref.copy %b, %c : memref<?xf32> to memref<?xf32>
  memref.copy %c, %x : memref<?xf32> to memref<?xf32>
  return
}

// -----

// A buffer that is used in a loop is in use throughout it, even where its last
// use in the text is before another buffer's first.
// CHECK-LABEL: func.func @loop(
// CHECK-DAG:     %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[NEXT:.*]] = arith.constant 64 : index
// CHECK:         memref.view %{{.*}}[%[[ZERO]]][]
// CHECK:         scf.for
// CHECK:           memref.view %{{.*}}[%[[NEXT]]][]
//
// CHECK-LABEL: func.func private @loop_workspace_size(
// CHECK:         %[[BYTES:.*]] = arith.constant 128 : i64
// CHECK:         return %[[BYTES]]
func.func @loop(%x: memref<4xf32> {attn.name = "x", attn.dims = [["c"]]}, %n: i32 {attn.name = "n"})
    attributes {attn.entry, attn.sizes = {c = 4 : i64}} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.index_cast %n : i32 to index
  %a = memref.alloc() : memref<4xf32>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32>
  scf.for %i = %zero to %end step %one {
    memref.copy %a, %x : memref<4xf32> to memref<4xf32>
    %b = memref.alloc() : memref<4xf32>
    memref.copy %x, %b : memref<4xf32> to memref<4xf32>
    memref.copy %b, %x : memref<4xf32> to memref<4xf32>
  }
  return
}

// -----

// A buffer that reaches the next iteration is in use to the loop's end.
// CHECK-LABEL: func.func private @carried_workspace_size(
// CHECK:         arith.constant 192 : i64
func.func @carried(%x: memref<4xf32> {attn.name = "x", attn.dims = [["c"]]}, %n: i32 {attn.name = "n"})
    attributes {attn.entry, attn.sizes = {c = 4 : i64}} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.index_cast %n : i32 to index
  %a = memref.alloc() : memref<4xf32>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32>
  %last = scf.for %i = %zero to %end step %one iter_args(%m = %a) -> memref<4xf32> {
    %b = memref.alloc() : memref<4xf32>
    memref.copy %m, %b : memref<4xf32> to memref<4xf32>
    %c = memref.alloc() : memref<4xf32>
    memref.copy %b, %c : memref<4xf32> to memref<4xf32>
    memref.copy %c, %x : memref<4xf32> to memref<4xf32>
    scf.yield %b : memref<4xf32>
  }
  memref.copy %last, %x : memref<4xf32> to memref<4xf32>
  return
}

// -----

// A size that a scalar gives is that of the index whose range is the scalar.
// CHECK-LABEL: func.func private @scalar_workspace_size(
// CHECK-SAME:    %[[SYMBOLS:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[SYMBOLS]][8]
// CHECK:         llvm.load %[[FIELD]]
func.func @scalar(%x: memref<?xf32> {attn.name = "x", attn.dims = [["n"]]}, %bags: i32 {attn.name = "bags"})
    attributes {attn.entry, attn.ranges = {g = [affine_map<()[s] -> (s)>, "bags"]}} {
  %size = arith.index_cast %bags : i32 to index
  %zero = arith.constant 0 : index
  %a = memref.alloc(%size) : memref<?xf32>
  %v = memref.load %x[%zero] : memref<?xf32>
  memref.store %v, %a[%zero] : memref<?xf32>
  return
}

// -----

// CHECK-LABEL: func.func @negative_no_buffers(
// CHECK-NOT:     attn.workspace
// CHECK-NOT:   func.func
func.func @negative_no_buffers(%x: memref<?xf32> {attn.name = "x", attn.dims = [["n"]]}) attributes {attn.entry} {
  return
}
