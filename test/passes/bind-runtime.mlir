// RUN: fovea-opt %s -attn-bind-runtime="prefix=p cpu=znver4 features=5" -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @p.entry(
// CHECK-SAME:    %[[INV:.*]]: !llvm.ptr {attn.invocation}) -> i32
// CHECK-SAME:    llvm.linkage = #llvm.linkage<internal>
// The tensors, and the sizes that they share.
// CHECK:         %[[TENSORS:.*]] = llvm.load %[[INV]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[SYMBOLS_AT:.*]] = llvm.getelementptr %[[INV]][16]
// CHECK:         %[[SYMBOLS:.*]] = llvm.load %[[SYMBOLS_AT]]
// CHECK:         %[[X_AT:.*]] = llvm.load %[[TENSORS]]
// CHECK:         %[[X_DATA_AT:.*]] = llvm.getelementptr %[[X_AT]][8]
// CHECK:         %[[X_DATA:.*]] = llvm.load %[[X_DATA_AT]]
// CHECK:         %[[N:.*]] = llvm.load %[[SYMBOLS]] : !llvm.ptr -> i64
// CHECK:         %[[STRIDE_AT:.*]] = llvm.getelementptr %[[X_AT]][40]
// CHECK:         llvm.load %[[STRIDE_AT]] : !llvm.ptr -> i64
// CHECK:         llvm.insertvalue %[[X_DATA]], %{{.*}}[1]
// CHECK:         llvm.insertvalue %[[N]], %{{.*}}[3, 0]
// A scalar, a boolean one, and the result.
// CHECK:         %[[S_ENTRY:.*]] = llvm.getelementptr %[[TENSORS]][8]
// CHECK:         %[[S_AT:.*]] = llvm.load %[[S_ENTRY]]
// CHECK:         llvm.load %[[S_AT]] : !llvm.ptr -> f32
// CHECK:         %[[FLAG_ENTRY:.*]] = llvm.getelementptr %[[TENSORS]][16]
// CHECK:         %[[FLAG_AT:.*]] = llvm.load %[[FLAG_ENTRY]]
// CHECK:         %[[BYTE:.*]] = llvm.load %[[FLAG_AT]] : !llvm.ptr -> i8
// CHECK:         %[[FLAG:.*]] = arith.trunci %[[BYTE]] : i8 to i1
// CHECK:         llvm.getelementptr %[[TENSORS]][24]
// The workspace.
// CHECK:         llvm.getelementptr %[[INV]][24]
// A requirement returns its number.
// CHECK:         cf.cond_br %[[FLAG]], ^[[GO_ON:.*]], ^[[FAILED:[a-z0-9]+]]
// CHECK:       ^[[GO_ON]]:
// CHECK:         %[[OK:.*]] = arith.constant 0 : i32
// CHECK:         return %[[OK]]
// CHECK:       ^[[FAILED]]:
// CHECK:         %[[NUMBER:.*]] = arith.constant 1 : i32
// CHECK:         return %[[NUMBER]]
//
// CHECK:       llvm.mlir.global internal unnamed_addr constant @entry.n("n\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @entry.g.code(dense<[2, 3, 0, 3, 6]> : tensor<5xi64>)
// CHECK:       llvm.mlir.global internal unnamed_addr constant @entry.symbols()
// CHECK-SAME:    array<3 x struct<(ptr, ptr, i64, i32, i32)>>
// CHECK:       llvm.mlir.global internal unnamed_addr constant @entry.inputs()
// CHECK-SAME:    array<4 x struct<(ptr, ptr, i32, i32, i32, i32)>>
// CHECK:       llvm.mlir.global internal unnamed_addr constant @entry.requirement("bind-runtime.mlir:[[#@LINE+15]]:3: the flag is set\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @program.name("p\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @program.cpu("znver4\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @program.entries()
// CHECK:         func.constant @p.entry
// CHECK:         func.constant @p.entry_workspace_size
// CHECK:       llvm.mlir.global external constant @p_program()
// CHECK-SAME:    struct<(i32, i32, ptr, ptr, i64, ptr, ptr, ptr, i32, i32, i32, i32, ptr)>
// CHECK:         llvm.mlir.constant(5 : i64)
func.func @entry(%x: memref<?x8xf32, strided<[?, 1], offset: ?>> {attn.name = "x", attn.dims = [["n"], ["c"]]},
                 %s: f32 {attn.name = "s"}, %flag: i1 {attn.name = "flag"}, %count: i32 {attn.name = "count"},
                 %y: memref<?xf32, strided<[1], offset: ?>> {attn.name = "y", attn.dims = [["n"]], attn.result},
                 %w: memref<?xi8> {attn.workspace})
    attributes {attn.entry, attn.sizes = {c = 8 : i64},
                attn.ranges = {g = [affine_map<()[s0] -> (s0 floordiv 3)>, "count"]}} {
  attn.require %flag, "the flag is set"
  return
}
func.func private @entry_workspace_size(%symbols: !llvm.ptr) -> i64 {
  %bytes = arith.constant 64 : i64
  return %bytes : i64
}

// -----

// Weights: the second of @wq is the second pointer after those before it. A
// size that only the file knows is a symbol of the program and of each entry.
// CHECK-LABEL: func.func @p.weights(
// CHECK-SAME:    %[[INV:.*]]: !llvm.ptr
// CHECK:         %[[PARAMS_AT:.*]] = llvm.getelementptr %[[INV]][8]
// CHECK:         %[[PARAMS:.*]] = llvm.load %[[PARAMS_AT]]
// CHECK:         %[[WQ:.*]] = llvm.getelementptr %[[PARAMS]][1]
// CHECK:         %[[MEMBER:.*]] = arith.index_cast %{{.*}} : index to i64
// CHECK:         %[[AT:.*]] = llvm.getelementptr %[[WQ]][%[[MEMBER]]]
// CHECK:         %[[DATA:.*]] = llvm.load %[[AT]]
// CHECK:         llvm.insertvalue %[[DATA]]
// CHECK-NOT:   attn.param
// CHECK:       llvm.mlir.global internal unnamed_addr constant @words.source("words\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @wq.source("layer.{0}.query\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @wq.order(dense<[1, 0]> : tensor<2xi8>)
// CHECK:       llvm.mlir.global internal unnamed_addr constant @program.vocab("vocab\00")
attn.param @words from "words" : tensor<?x8xf32> {attn.dims = [["vocab"], ["c"]]}
attn.param @wq family 6 from "layer.{}.query" : tensor<2x8x16xf32>
  panel <rows [1] columns [0] width 16> of tensor<8x32xf32>
func.func @weights(%y: memref<?xf32, strided<[1], offset: ?>> {attn.name = "y", attn.dims = [["vocab"]], attn.result})
    attributes {attn.entry} {
  %member = arith.constant 1 : index
  %zero = arith.constant 0 : index
  %w = attn.param_ref @wq[%member] : memref<2x8x16xf32>
  %v = memref.load %w[%zero, %zero, %zero] : memref<2x8x16xf32>
  %words = attn.param_ref @words : memref<?x8xf32>
  memref.store %v, %y[%zero] : memref<?xf32, strided<[1], offset: ?>>
  return
}

// -----

// A report leaves the number of its message, unless there is one, and the entry
// goes on. Messages are numbered with those of the requirements.
// CHECK-LABEL: func.func @p.reports(
// CHECK-SAME:    %[[INV:.*]]: !llvm.ptr
// CHECK:         %[[FLAG:.*]] = arith.trunci
// CHECK:         cf.cond_br %[[FLAG]], ^[[GO_ON:.*]], ^[[FAILED:[a-z0-9]+]]
// CHECK:       ^[[GO_ON]]:
// CHECK:         %[[AT:.*]] = llvm.getelementptr %[[INV]][48]
// CHECK:         %[[COUNT:.*]] = llvm.load %[[AT]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[KNOWN:.*]] = llvm.load %[[COUNT]] : !llvm.ptr -> i64
// CHECK-DAG:     %[[NONE:.*]] = arith.constant 0 : i64
// CHECK-DAG:     %[[NUMBER:.*]] = arith.constant 1 : i64
// CHECK:         %[[FIRST:.*]] = arith.cmpi eq, %[[KNOWN]], %[[NONE]]
// CHECK:         %[[MINE:.*]] = arith.andi %[[FLAG]], %[[FIRST]]
// CHECK:         %[[NEXT:.*]] = arith.select %[[MINE]], %[[NUMBER]], %[[KNOWN]]
// CHECK:         llvm.store %[[NEXT]], %[[COUNT]]
// CHECK:         %[[OK:.*]] = arith.constant 0 : i32
// CHECK:         return %[[OK]]
// CHECK:       ^[[FAILED]]:
// CHECK:         %[[TWO:.*]] = arith.constant 2 : i32
// CHECK:         return %[[TWO]]
// CHECK-NOT:   attn.report
// CHECK:       llvm.mlir.global internal unnamed_addr constant @reports.requirement("bind-runtime.mlir:[[#@LINE+4]]:3: a word is clamped\00")
// CHECK:       llvm.mlir.global internal unnamed_addr constant @reports.requirement_{{[0-9]+}}("bind-runtime.mlir:[[#@LINE+2]]:3: the flag is set\00")
func.func @reports(%flag: i1 {attn.name = "flag"}) attributes {attn.entry} {
  attn.require %flag, "the flag is set"
  attn.report %flag, "a word is clamped"
  return
}

// -----

// The number of threads is a word of the invocation, wherever it is asked for.
// CHECK-LABEL: func.func @p.workers(
// CHECK-SAME:    %[[INV:.*]]: !llvm.ptr
// CHECK:         scf.for
// CHECK:           %[[AT:.*]] = llvm.getelementptr %[[INV]][56]
// CHECK:           %[[WORD:.*]] = llvm.load %[[AT]] : !llvm.ptr -> i64
// CHECK:           %[[WORKERS:.*]] = arith.index_cast %[[WORD]] : i64 to index
// CHECK:           arith.index_cast %[[WORKERS]] : index to i64
// CHECK-NOT:     attn.workers
func.func @workers(%y: memref<?xi64, strided<[1], offset: ?>> {attn.name = "y", attn.result, attn.dims = [["n"]]})
    attributes {attn.entry} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = memref.dim %y, %zero : memref<?xi64, strided<[1], offset: ?>>
  scf.for %i = %zero to %size step %one {
    %workers = attn.workers
    %word = arith.index_cast %workers : index to i64
    memref.store %word, %y[%i] : memref<?xi64, strided<[1], offset: ?>>
  }
  return
}
