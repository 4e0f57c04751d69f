// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=0 query-tile=8 key-block=16' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads -o %t.tiles
// RUN: fovea-opt %t.tiles --attn-tile-to-loops | FileCheck %s

// Both consumers of the tile form compute what NumPy does.
// DEFINE: %{run} = fovea-opt --pass-pipeline='builtin.module(func.func(scf-forall-to-for), \
// DEFINE:   expand-strided-metadata, lower-affine, convert-scf-to-cf, convert-vector-to-llvm, \
// DEFINE:   convert-math-to-llvm, convert-math-to-libm, convert-arith-to-llvm, convert-index-to-llvm, \
// DEFINE:   finalize-memref-to-llvm, convert-func-to-llvm, convert-cf-to-llvm, reconcile-unrealized-casts)' \
// DEFINE:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvmlib/libmlir_runner_utils.so
// RUN: fovea-opt %t.tiles --attn-tile-to-loops | %{run} > %t.loops
// RUN: fovea-opt %t.tiles --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.vector
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=0 query-tile=3 key-block=16' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads \
// RUN:   --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.narrow
// RUN: %python %S/inputs/tile_to_loops.py %t.loops %t.vector
// RUN: %python %S/inputs/tile_to_loops.py %t.loops %t.narrow

// CHECK-LABEL: func @causal
// CHECK-NOT: {{attn\.|tensor<|vector<}}
// CHECK: scf.forall
// The state is a buffer that the loops over blocks and over tiles carry.
// CHECK: %[[ZERO:.*]] = memref.alloc(%{{.*}}) : memref<32x8x?xf32>
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[ZERO]], %{{.*}}) -> (memref<32x8x?xf32>, memref<32x8xf32>, memref<32x8xf32>)
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (memref<32x8x?xf32>, memref<32x8xf32>, memref<32x8xf32>)
// CHECK: scf.if {{.*}} -> (memref<8x?xf32>, memref<8xf32>, memref<8xf32>)
// A contraction: its own buffer, and a scalar that runs over what is summed.
// CHECK: %[[S:.*]] = memref.alloc() : memref<8x16xf32>
// CHECK: scf.for %[[R:.*]] =
// CHECK: scf.for %[[K:.*]] =
// CHECK: %[[SUM:.*]] = scf.for %[[C:.*]] = {{.*}} iter_args(%[[BEFORE:.*]] = %{{.*}}) -> (f32)
// CHECK: %[[TERM:.*]] = arith.mulf
// CHECK: arith.addf %[[BEFORE]], %[[TERM]]
// CHECK: memref.store %[[SUM]], %[[S]][%[[R]], %[[K]]]
func.func @causal(%q: memref<?x?x?xf32>, %k: memref<?x?x?xf32>, %v: memref<?x?x?xf32>,
                  %table: memref<?xf32>, %gate: memref<?x?xf32>, %past: memref<?xi32>,
                  %o: memref<?x?x?xf32>, %l: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %B = memref.dim %q, %c0 : memref<?x?x?xf32>
  %M = memref.dim %q, %c1 : memref<?x?x?xf32>
  %D = memref.dim %q, %c2 : memref<?x?x?xf32>
  %N = memref.dim %k, %c1 : memref<?x?x?xf32>
  %E = memref.dim %v, %c2 : memref<?x?x?xf32>
  attn.attention
      domain(b parallel %B, i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[b, i, d] : memref<?x?x?xf32>,
                           %y = %k[b, j, d] : memref<?x?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      score(%s : f32, %t = %table[i - j + 20] : memref<?xf32>) {
        %st = arith.addf %s, %t : f32
        attn.yield %st : f32
      }
      mask(%p = %past[b] : memref<?xi32>) {
        %i = attn.index 1
        %j = attn.index 2
        %pi = arith.index_cast %p : i32 to index
        %last = arith.addi %i, %pi : index
        %keep = arith.cmpi sle, %j, %last : index
        attn.yield %keep : i1
      }
      value(%z = %v[b, j, e] : memref<?x?x?xf32>) {
        attn.yield %z : f32
      }
      epilogue(%a : f32, %g = %gate[i, e] : memref<?x?xf32>) {
        %ag = arith.mulf %a, %g : f32
        attn.yield %ag : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[b, i, e] : memref<?x?x?xf32>, logsumexp %l[b, i] : memref<?x?xf32>)
  return
}

// What an operand holds: its elements in order, ((a * n) mod 17 - 8) / 4.
func.func private @pattern(%size: index, %a: index) -> memref<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c17 = arith.constant 17 : index
  %eight = arith.constant 8.0 : f32
  %four = arith.constant 4.0 : f32
  %m = memref.alloc(%size) : memref<?xf32>
  scf.for %n = %c0 to %size step %c1 {
    %an = arith.muli %a, %n : index
    %mod = arith.remui %an, %c17 : index
    %int = arith.index_cast %mod : index to i32
    %float = arith.sitofp %int : i32 to f32
    %centred = arith.subf %float, %eight : f32
    %value = arith.divf %centred, %four : f32
    memref.store %value, %m[%n] : memref<?xf32>
  }
  return %m : memref<?xf32>
}

func.func private @printMemrefF32(memref<*xf32>) attributes {llvm.emit_c_interface}

func.func @main() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %p0 = arith.constant 3 : i32
  %p1 = arith.constant -5 : i32
  %past = memref.alloc() : memref<2xi32>
  memref.store %p0, %past[%c0] : memref<2xi32>
  memref.store %p1, %past[%c1] : memref<2xi32>
  %anyPast = memref.cast %past : memref<2xi32> to memref<?xi32>

  // B = 2, M = 21, N = 37, D = 5, E = 11.
  %nq = arith.constant 210 : index
  %nk = arith.constant 370 : index
  %nv = arith.constant 814 : index
  %nt = arith.constant 40 : index
  %ng = arith.constant 231 : index
  %a3 = arith.constant 3 : index
  %a5 = arith.constant 5 : index
  %a7 = arith.constant 7 : index
  %q1 = func.call @pattern(%nq, %a3) : (index, index) -> memref<?xf32>
  %k1 = func.call @pattern(%nk, %a5) : (index, index) -> memref<?xf32>
  %v1 = func.call @pattern(%nv, %a7) : (index, index) -> memref<?xf32>
  %table = func.call @pattern(%nt, %a5) : (index, index) -> memref<?xf32>
  %g1 = func.call @pattern(%ng, %a3) : (index, index) -> memref<?xf32>
  %b = arith.constant 2 : index
  %m = arith.constant 21 : index
  %e = arith.constant 11 : index
  %q2 = memref.reinterpret_cast %q1 to offset: [0], sizes: [2, 21, 5], strides: [105, 5, 1] : memref<?xf32> to memref<2x21x5xf32>
  %q = memref.cast %q2 : memref<2x21x5xf32> to memref<?x?x?xf32>
  %k2 = memref.reinterpret_cast %k1 to offset: [0], sizes: [2, 37, 5], strides: [185, 5, 1] : memref<?xf32> to memref<2x37x5xf32>
  %k = memref.cast %k2 : memref<2x37x5xf32> to memref<?x?x?xf32>
  %v2 = memref.reinterpret_cast %v1 to offset: [0], sizes: [2, 37, 11], strides: [407, 11, 1] : memref<?xf32> to memref<2x37x11xf32>
  %v = memref.cast %v2 : memref<2x37x11xf32> to memref<?x?x?xf32>
  %g2 = memref.reinterpret_cast %g1 to offset: [0], sizes: [21, 11], strides: [11, 1] : memref<?xf32> to memref<21x11xf32>
  %gate = memref.cast %g2 : memref<21x11xf32> to memref<?x?xf32>
  %o = memref.alloc(%b, %m, %e) : memref<?x?x?xf32>
  %l = memref.alloc(%b, %m) : memref<?x?xf32>
  func.call @causal(%q, %k, %v, %table, %gate, %anyPast, %o, %l)
      : (memref<?x?x?xf32>, memref<?x?x?xf32>, memref<?x?x?xf32>, memref<?xf32>,
         memref<?x?xf32>, memref<?xi32>, memref<?x?x?xf32>, memref<?x?xf32>) -> ()
  %oAny = memref.cast %o : memref<?x?x?xf32> to memref<*xf32>
  func.call @printMemrefF32(%oAny) : (memref<*xf32>) -> ()
  %lAny = memref.cast %l : memref<?x?xf32> to memref<*xf32>
  func.call @printMemrefF32(%lAny) : (memref<*xf32>) -> ()
  return
}
