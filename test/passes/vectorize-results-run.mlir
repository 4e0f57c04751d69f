// All results of an attention as vector code, of many rows and of few, and by plain loops; of keys in parts
// too.
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=0 query-tile=8 key-block=16' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads -o %t.tiles
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=0 query-tile=4 key-block=16' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads -o %t.narrow
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=64 narrow-tile=4 narrow-key-block=4 narrow-key-part=5' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads -o %t.few-parts
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=64 narrow-tile=8 narrow-key-block=4 narrow-key-part=5' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads -o %t.many-parts
// DEFINE: %{run} = fovea-opt --pass-pipeline='builtin.module(func.func(scf-forall-to-for), \
// DEFINE:   expand-strided-metadata, lower-affine, func.func(arith-expand), convert-scf-to-cf, \
// DEFINE:   convert-vector-to-llvm, convert-math-to-llvm, convert-math-to-libm, convert-arith-to-llvm, \
// DEFINE:   convert-index-to-llvm, finalize-memref-to-llvm, convert-func-to-llvm, convert-cf-to-llvm, \
// DEFINE:   reconcile-unrealized-casts)' \
// DEFINE:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvmlib/libmlir_runner_utils.so
// RUN: fovea-opt %t.tiles --attn-tile-to-loops | %{run} > %t.loops
// RUN: fovea-opt %t.tiles --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.vector
// RUN: fovea-opt %t.narrow --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.rows
// RUN: fovea-opt %t.few-parts --attn-tile-to-loops | %{run} > %t.parts
// RUN: fovea-opt %t.few-parts --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.few
// RUN: fovea-opt %t.many-parts --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.many
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.parts 2
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.few 2
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.many 2
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.vector 2
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.rows 2
// The first row has no keys, the last one has a NaN.
// RUN: FileCheck %s --input-file=%t.loops
// CHECK: {{\[\[-?0, +0, +-inf, +-1\]}}
// CHECK: {{nan, +nan, +nan, +17\]\]}}

func.func @results(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %o: memref<?x?xf32>,
                   %r: memref<?x?xf32>, %best: memref<?xi32>, %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %keep = arith.cmpi slt, %j, %i : index
        attn.yield %keep : i1
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      }
      value logweight
      value over() (%s : f32, %z = %v[j, 0] : memref<?x?xf32>) {
        %sz = arith.mulf %s, %z : f32
        attn.yield %sz : f32
      }
      epilogue 1 (%a : f32, %b : f32, %c : f32) {
        %negative = arith.negf %b : f32
        attn.yield %negative : f32
      }
      epilogue 2 (%a : f32, %b : f32, %c : f32) {
        %sum = arith.addf %b, %c : f32
        attn.yield %sum : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[i, e] : memref<?x?xf32>, output %r[i, 0] : memref<?x?xf32>, output %r[i, 1] : memref<?x?xf32>,
           max %r[i, 2] : memref<?x?xf32>, argmax %best[i] : memref<?xi32>)
  return
}

func.func private @printMemrefF32(memref<*xf32>) attributes {llvm.emit_c_interface}

func.func @pattern(%rows: index, %columns: index, %seed: index) -> memref<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  %c19 = arith.constant 19 : index
  %m = memref.alloc(%rows, %columns) : memref<?x?xf32>
  %third = arith.constant 0.33 : f32
  %nine = arith.constant 9.0 : f32
  scf.for %i = %c0 to %rows step %c1 {
    scf.for %j = %c0 to %columns step %c1 {
      %a = arith.muli %i, %c7 : index
      %b = arith.muli %j, %seed : index
      %c = arith.addi %a, %b : index
      %d = arith.muli %c, %c : index
      %e = arith.remui %d, %c19 : index
      %f = arith.index_cast %e : index to i32
      %g = arith.sitofp %f : i32 to f32
      %h = arith.subf %g, %nine : f32
      %x = arith.mulf %h, %third : f32
      memref.store %x, %m[%i, %j] : memref<?x?xf32>
    }
  }
  return %m : memref<?x?xf32>
}

func.func @main() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %M = arith.constant 21 : index
  %N = arith.constant 50 : index
  %E = arith.constant 11 : index
  %nan = arith.constant 0x7FC00000 : f32
  %q = func.call @pattern(%M, %c5, %c3) : (index, index, index) -> memref<?x?xf32>
  %k = func.call @pattern(%N, %c5, %c4) : (index, index, index) -> memref<?x?xf32>
  %v = func.call @pattern(%N, %E, %c5) : (index, index, index) -> memref<?x?xf32>
  %last = arith.constant 19 : index
  memref.store %nan, %k[%last, %c0] : memref<?x?xf32>
  %o = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  %r = func.call @pattern(%M, %c4, %c1) : (index, index, index) -> memref<?x?xf32>
  %best = memref.alloc(%M) : memref<?xi32>
  func.call @results(%q, %k, %v, %o, %r, %best, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?xi32>, index, index, index, index) -> ()
  scf.for %i = %c0 to %M step %c1 {
    %at = memref.load %best[%i] : memref<?xi32>
    %real = arith.sitofp %at : i32 to f32
    memref.store %real, %r[%i, %c3] : memref<?x?xf32>
  }
  func.call @print(%o) : (memref<?x?xf32>) -> ()
  func.call @print(%r) : (memref<?x?xf32>) -> ()
  return
}

func.func private @print(%m: memref<?x?xf32>) {
  %any = memref.cast %m : memref<?x?xf32> to memref<*xf32>
  func.call @printMemrefF32(%any) : (memref<*xf32>) -> ()
  return
}
