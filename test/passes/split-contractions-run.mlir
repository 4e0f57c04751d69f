// What is computed once for each row or key is the same number in vector code and
// in plain loops, split and unsplit.
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=0 query-tile=8 key-block=16' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse -o %t.whole
// RUN: fovea-opt %t.whole --attn-split-contractions --attn-hoist-tile-loads -o %t.tiles
// DEFINE: %{run} = fovea-opt --pass-pipeline='builtin.module(func.func(scf-forall-to-for), \
// DEFINE:   expand-strided-metadata, lower-affine, func.func(arith-expand{include-bf16=true}), convert-scf-to-cf, \
// DEFINE:   convert-vector-to-llvm, convert-math-to-llvm, convert-math-to-libm, convert-arith-to-llvm, \
// DEFINE:   convert-index-to-llvm, finalize-memref-to-llvm, convert-func-to-llvm, convert-cf-to-llvm, \
// DEFINE:   reconcile-unrealized-casts)' \
// DEFINE:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvmlib/libmlir_runner_utils.so
// RUN: fovea-opt %t.whole --attn-tile-to-loops | %{run} > %t.loops
// RUN: fovea-opt %t.tiles --attn-tile-to-loops | %{run} > %t.split
// RUN: fovea-opt %t.tiles --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.vector
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.split 2
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.vector 2

// A function of the queries and one of the keys and their places, each of which
// is computed once; and weights, so that keys beyond the last are read.
func.func @turned(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>, %n = %k[j, d + 1] : memref<?x?xf32>) {
        %j = attn.index 1
        %ji = arith.index_cast %j : index to i32
        %jf = arith.sitofp %ji : i32 to f32
        %far = arith.constant 0.05 : f32
        %place = arith.mulf %jf, %far : f32
        %turned = arith.mulf %y, %place : f32
        %key = arith.subf %turned, %n : f32
        %query = math.absf %x : f32
        %xy = arith.mulf %query, %key : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %keep = arith.cmpi sge, %j, %i : index
        attn.yield %keep : i1
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax)
      outs(output %o[i, e] : memref<?x?xf32>, weights %w[i, j] : memref<?x?xf32>)
  return
}

func.func private @printMemrefF32(memref<*xf32>) attributes {llvm.emit_c_interface}

// ((a * n) mod 17 - 8) / 4 for the n-th element.
func.func private @pattern(%rows: index, %columns: index, %a: index) -> memref<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c17 = arith.constant 17 : index
  %eight = arith.constant 8.0 : f32
  %four = arith.constant 4.0 : f32
  %m = memref.alloc(%rows, %columns) : memref<?x?xf32>
  scf.for %r = %c0 to %rows step %c1 {
    scf.for %c = %c0 to %columns step %c1 {
      %first = arith.muli %r, %columns : index
      %n = arith.addi %first, %c : index
      %an = arith.muli %a, %n : index
      %mod = arith.remui %an, %c17 : index
      %int = arith.index_cast %mod : index to i32
      %float = arith.sitofp %int : i32 to f32
      %centred = arith.subf %float, %eight : f32
      %value = arith.divf %centred, %four : f32
      memref.store %value, %m[%r, %c] : memref<?x?xf32>
    }
  }
  return %m : memref<?x?xf32>
}

func.func @main() {
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c7 = arith.constant 7 : index
  %M = arith.constant 13 : index
  %N = arith.constant 37 : index
  %E = arith.constant 11 : index
  %q = func.call @pattern(%M, %c5, %c3) : (index, index, index) -> memref<?x?xf32>
  %k = func.call @pattern(%N, %c5, %c5) : (index, index, index) -> memref<?x?xf32>
  %v = func.call @pattern(%N, %E, %c7) : (index, index, index) -> memref<?x?xf32>
  %o = func.call @pattern(%M, %E, %c3) : (index, index, index) -> memref<?x?xf32>
  %w = func.call @pattern(%M, %N, %c3) : (index, index, index) -> memref<?x?xf32>
  func.call @turned(%q, %k, %v, %o, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%o) : (memref<?x?xf32>) -> ()
  func.call @print(%w) : (memref<?x?xf32>) -> ()
  return
}

func.func private @print(%m: memref<?x?xf32>) {
  %any = memref.cast %m : memref<?x?xf32> to memref<*xf32>
  func.call @printMemrefF32(%any) : (memref<*xf32>) -> ()
  return
}
