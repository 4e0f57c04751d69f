// Vector code and plain loops give the same numbers.
// RUN: fovea-opt %s --attn-mask-segments --attn-schedule='min-queries=0 query-tile=8 key-block=16' \
// RUN:   --attn-tile-attention --attn-lower-online --canonicalize --cse --attn-hoist-tile-loads -o %t.tiles
// DEFINE: %{run} = fovea-opt --pass-pipeline='builtin.module(func.func(scf-forall-to-for), \
// DEFINE:   expand-strided-metadata, lower-affine, func.func(arith-expand{include-bf16=true}), convert-scf-to-cf, \
// DEFINE:   convert-vector-to-llvm, convert-math-to-llvm, convert-math-to-libm, convert-arith-to-llvm, \
// DEFINE:   convert-index-to-llvm, finalize-memref-to-llvm, convert-func-to-llvm, convert-cf-to-llvm, \
// DEFINE:   reconcile-unrealized-casts)' \
// DEFINE:   | mlir-runner -e main --entry-point-result=void --shared-libs=%llvmlib/libmlir_runner_utils.so
// RUN: fovea-opt %t.tiles --attn-tile-to-loops | %{run} > %t.loops
// RUN: fovea-opt %t.tiles --attn-vectorize-tiles --attn-expand-exp --attn-tile-to-loops | %{run} > %t.vector
// RUN: %python %S/inputs/same_numbers.py %t.loops %t.vector 17

// Keys and queries are added, not multiplied.
func.func @additive(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %sum = arith.addf %x, %y : f32
        %abs = math.absf %sum : f32
        attn.yield %abs : f32
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// Two products, and a score that uses both and the place.
func.func @two_contractions(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, c contraction 3, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      contraction over(c) (%x = %q[i, c] : memref<?x?xf32>, %y = %k[j, c + 1] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      score(%a : f32, %b : f32) {
        %i = attn.index 0
        %j = attn.index 1
        %ij = arith.subi %i, %j : index
        %int = arith.index_cast %ij : index to i32
        %float = arith.sitofp %int : i32 to f32
        %tenth = arith.constant 0.1 : f32
        %far = arith.mulf %float, %tenth : f32
        %ab = arith.subf %a, %b : f32
        %s = arith.addf %ab, %far : f32
        attn.yield %s : f32
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// A bias of each pair of query and key, partly out of range, is gathered.
func.func @bias(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      score(%a : f32, %b = %q[i - j + 3, j mod 5] : memref<?x?xf32>) {
        %s = arith.addf %a, %b : f32
        attn.yield %s : f32
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// Keys and values of pages that a table names; one page does not exist.
func.func @paged(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      lookup(%p = %pages[j floordiv 4] : memref<?xi32>) {
        %pi = arith.index_cast %p : i32 to index
        attn.yield %pi : index
      }
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %cache[l0, j mod 4, d] : memref<?x4x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %cache[l0, j mod 4, 0] : memref<?x4x?xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// A row of a table for each query, chosen by the query.
func.func @lookup_by_query(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      lookup(%p = %pages[i mod 10] : memref<?xi32>) {
        %pi = arith.index_cast %p : i32 to index
        attn.yield %pi : index
      }
      contraction over(d) (%x = %q[l0, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// No values at all.
func.func @logsumexp(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      } normalizer(#attn.softmax) outs(logsumexp %o[i, 0] : memref<?x?xf32>)
  return
}

// The weights themselves, and the output.
func.func @weights(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax)
      outs(output %o[i, e] : memref<?x?xf32>, weights %w[i, j] : memref<?x?xf32>)
  return
}

// Weights that are scores, and may be negative.
func.func @plain(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
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
      } normalizer(#attn.plain) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// An epilogue that multiplies by what the query says.
func.func @gate(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      } value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      }
      epilogue(%a : f32, %g = %q[i, e mod 5] : memref<?x?xf32>) {
        %i = attn.index 0
        %int = arith.index_cast %i : index to i32
        %float = arith.sitofp %int : i32 to f32
        %ag = arith.mulf %a, %g : f32
        %s = arith.addf %ag, %float : f32
        attn.yield %s : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// Operands of half the width, sums in f32.
func.func @narrow(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %qb[i, d] : memref<?x?xbf16>, %y = %qb[j, d] : memref<?x?xbf16>) {
        %xw = arith.extf %x : bf16 to f32
        %yw = arith.extf %y : bf16 to f32
        %xy = arith.mulf %xw, %yw : f32
        attn.yield %xy : f32
      }
      value(%z = %qb[j, e mod 5] : memref<?x?xbf16>) {
        %zw = arith.extf %z : bf16 to f32
        attn.yield %zw : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// No parallel dimension.
func.func @one_query(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[2, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[0, e] : memref<?x?xf32>)
  return
}

// Two key dimensions, one of them of a static size.
func.func @two_keys(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, a key 3, j key %N, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j - a, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %v[j - a, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// A value without a dimension of its own, and one that depends on the query.
func.func @no_value_dim(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %q[i, j mod 5] : memref<?x?xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, 1] : memref<?x?xf32>)
  return
}

// Operands that are numbers; a sum over what is not read.
func.func @scalars(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value %E)
      contraction over(d) () {
        %s = arith.constant 0.25 : f32
        attn.yield %s : f32
      }
      score(%a : f32, %n = %M[] : index) {
        %j = attn.index 1
        %jn = arith.remui %j, %n : index
        %int = arith.index_cast %jn : index to i32
        %float = arith.sitofp %int : i32 to f32
        %s = arith.mulf %a, %float : f32
        attn.yield %s : f32
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// Static sizes and no keys for some queries.
func.func @static(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel 13, j key 37, d contraction 5, e value 11)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %c2 = arith.constant 2 : index
        %half = arith.divui %j, %c2 : index
        %keep = arith.cmpi slt, %half, %i : index
        attn.yield %keep : i1
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
  return
}

// A value dimension of size zero writes nothing.
func.func @no_values(
    %q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>, %qb: memref<?x?xbf16>,
    %cache: memref<?x4x?xf32>, %pages: memref<?xi32>, %o: memref<?x?xf32>, %w: memref<?x?xf32>,
    %M: index, %N: index, %D: index, %E: index) {
  attn.attention
      domain(i parallel %M, j key %N, d contraction %D, e value 0)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      } value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x?xf32>)
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
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c7 = arith.constant 7 : index
  %c10 = arith.constant 10 : index
  %M = arith.constant 13 : index
  %N = arith.constant 37 : index
  %E = arith.constant 11 : index
  %q = func.call @pattern(%M, %c5, %c3) : (index, index, index) -> memref<?x?xf32>
  %k = func.call @pattern(%N, %c5, %c5) : (index, index, index) -> memref<?x?xf32>
  %v = func.call @pattern(%N, %E, %c7) : (index, index, index) -> memref<?x?xf32>
  %qb = memref.alloc(%N, %c5) : memref<?x?xbf16>
  scf.for %r = %c0 to %N step %c1 {
    scf.for %c = %c0 to %c5 step %c1 {
      %wide = memref.load %k[%r, %c] : memref<?x?xf32>
      %narrow = arith.truncf %wide : f32 to bf16
      memref.store %narrow, %qb[%r, %c] : memref<?x?xbf16>
    }
  }
  %c36 = arith.constant 36 : index
  %rows = func.call @pattern(%c36, %c5, %c7) : (index, index, index) -> memref<?x?xf32>
  %cacheStatic = memref.reinterpret_cast %rows to offset: [0], sizes: [9, 4, 5], strides: [20, 5, 1]
      : memref<?x?xf32> to memref<9x4x5xf32>
  %cache = memref.cast %cacheStatic : memref<9x4x5xf32> to memref<?x4x?xf32>
  %pages = memref.alloc(%c10) : memref<?xi32>
  scf.for %n = %c0 to %c10 step %c1 {
    // 0, 7, 14, ...: the later ones are beyond the last page.
    %n7 = arith.muli %n, %c7 : index
    %page = arith.index_cast %n7 : index to i32
    memref.store %page, %pages[%n] : memref<?xi32>
  }

  %w = func.call @pattern(%M, %N, %c1) : (index, index, index) -> memref<?x?xf32>
  %additive = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @additive(%q, %k, %v, %qb, %cache, %pages, %additive, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%additive) : (memref<?x?xf32>) -> ()
  %two_contractions = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @two_contractions(%q, %k, %v, %qb, %cache, %pages, %two_contractions, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%two_contractions) : (memref<?x?xf32>) -> ()
  %bias = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @bias(%q, %k, %v, %qb, %cache, %pages, %bias, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%bias) : (memref<?x?xf32>) -> ()
  %paged = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @paged(%q, %k, %v, %qb, %cache, %pages, %paged, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%paged) : (memref<?x?xf32>) -> ()
  %lookup_by_query = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @lookup_by_query(%q, %k, %v, %qb, %cache, %pages, %lookup_by_query, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%lookup_by_query) : (memref<?x?xf32>) -> ()
  %logsumexp = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @logsumexp(%q, %k, %v, %qb, %cache, %pages, %logsumexp, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%logsumexp) : (memref<?x?xf32>) -> ()
  %weights = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @weights(%q, %k, %v, %qb, %cache, %pages, %weights, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%weights) : (memref<?x?xf32>) -> ()
  %plain = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @plain(%q, %k, %v, %qb, %cache, %pages, %plain, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%plain) : (memref<?x?xf32>) -> ()
  %gate = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @gate(%q, %k, %v, %qb, %cache, %pages, %gate, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%gate) : (memref<?x?xf32>) -> ()
  %narrow = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @narrow(%q, %k, %v, %qb, %cache, %pages, %narrow, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%narrow) : (memref<?x?xf32>) -> ()
  %one_query = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @one_query(%q, %k, %v, %qb, %cache, %pages, %one_query, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%one_query) : (memref<?x?xf32>) -> ()
  %two_keys = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @two_keys(%q, %k, %v, %qb, %cache, %pages, %two_keys, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%two_keys) : (memref<?x?xf32>) -> ()
  %no_value_dim = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @no_value_dim(%q, %k, %v, %qb, %cache, %pages, %no_value_dim, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%no_value_dim) : (memref<?x?xf32>) -> ()
  %scalars = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @scalars(%q, %k, %v, %qb, %cache, %pages, %scalars, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%scalars) : (memref<?x?xf32>) -> ()
  %static = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @static(%q, %k, %v, %qb, %cache, %pages, %static, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%static) : (memref<?x?xf32>) -> ()
  %no_values = func.call @pattern(%M, %E, %c1) : (index, index, index) -> memref<?x?xf32>
  func.call @no_values(%q, %k, %v, %qb, %cache, %pages, %no_values, %w, %M, %N, %c5, %E)
      : (memref<?x?xf32>, memref<?x?xf32>, memref<?x?xf32>, memref<?x?xbf16>, memref<?x4x?xf32>, memref<?xi32>, memref<?x?xf32>, memref<?x?xf32>, index, index, index, index) -> ()
  func.call @print(%no_values) : (memref<?x?xf32>) -> ()
  func.call @print(%w) : (memref<?x?xf32>) -> ()
  return
}

func.func private @print(%m: memref<?x?xf32>) {
  %any = memref.cast %m : memref<?x?xf32> to memref<*xf32>
  func.call @printMemrefF32(%any) : (memref<*xf32>) -> ()
  return
}
