// What the model of a CPU prefers.
// RUN: fovea-opt --attn-schedule %s | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: fovea-opt --attn-schedule='lanes=8 register-rows=6 level1-bytes=32768 level2-bytes=524288' %s \
// RUN:   | FileCheck %s --check-prefixes=CHECK,AVX2
// RUN: fovea-opt --attn-schedule='level2-bytes=262144' %s | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: fovea-opt --attn-schedule='matrix-keys=32' %s | FileCheck %s --check-prefixes=CHECK,MATRIX

// A number of queries that is known at run time: tiles of two registers; large blocks, as long as the copies of keys
// and values and the rows of a group fit the level-2 cache together, and a mebibyte with all else; and narrow tiles for
// few.
// CHECK-LABEL: func @open
// WIDE: queryTile = 32, {{.*}}keyBlock = 144, queryGroup = 22, minQueries = 28, otherwise = <{{.*}}queryTile = 4, {{.*}}keyBlock = 16,
// AVX2: queryTile = 16, {{.*}}keyBlock = 96, queryGroup = 16, minQueries = 16, otherwise = <{{.*}}queryTile = 4,
// SMALL: queryTile = 32, {{.*}}keyBlock = 48, queryGroup = 4,
func.func @open(%q: memref<?x?x128xf32>, %k: memref<?x?x128xf32>, %o: memref<?x?xf32>,
                %H: index, %M: index, %N: index) {
  attn.attention domain(h parallel %H, i parallel %M, j key %N, d contraction 128, e value 128)
  contraction over(d) (%x = %q[h, i, d] : memref<?x?x128xf32>, %y = %k[h, j, d] : memref<?x?x128xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[h, i] : memref<?x?xf32>)
  return
}

// Sixteen queries fill a tile of one register, and waste half of one of two.
// CHECK-LABEL: func @sixteen
// WIDE: queryTile = 16,
// AVX2: queryTile = 16,
func.func @sixteen(%q: memref<?x16x128xf32>, %k: memref<?x?x128xf32>, %o: memref<?x16xf32>, %H: index, %N: index) {
  attn.attention domain(h parallel %H, i parallel 16, j key %N, d contraction 128, e value 128)
  contraction over(d) (%x = %q[h, i, d] : memref<?x16x128xf32>, %y = %k[h, j, d] : memref<?x?x128xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[h, i] : memref<?x16xf32>)
  return
}

// One is not worth a wide tile.
// CHECK-LABEL: func @one
// CHECK: queryTile = 4,
func.func @one(%q: memref<?x1x128xf32>, %k: memref<?x?x128xf32>, %o: memref<?x1xf32>, %H: index, %N: index) {
  attn.attention domain(h parallel %H, i parallel 1, j key %N, d contraction 128, e value 128)
  contraction over(d) (%x = %q[h, i, d] : memref<?x1x128xf32>, %y = %k[h, j, d] : memref<?x?x128xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[h, i] : memref<?x1xf32>)
  return
}

// Wide heads need more for each key: in smaller caches blocks have fewer of them.
// CHECK-LABEL: func @wide_heads
// WIDE: keyBlock = 288, queryGroup = 2>
// AVX2: keyBlock = 96, queryGroup = 4>
func.func @wide_heads(%q: memref<64x256xf32>, %k: memref<?x256xf32>, %v: memref<?x256xf32>, %o: memref<64x256xf32>, %N: index) {
  attn.attention domain(i parallel 64, j key %N, d contraction 256, e value 256)
  contraction over(d) (%x = %q[i, d] : memref<64x256xf32>, %y = %k[j, d] : memref<?x256xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } value(%z = %v[j, e] : memref<?x256xf32>) {
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[i, e] : memref<64x256xf32>)
  return
}

// Where there is nothing to compute there is nothing to share.
// CHECK-LABEL: func @empty
// CHECK: queryTile = 4, keyDim = 1, keyBlock = 16>
func.func @empty(%q: memref<0x64xf32>, %k: memref<?x64xf32>, %o: memref<0xf32>, %N: index) {
  attn.attention domain(i parallel 0, j key 0, d contraction 0)
  contraction over(d) (%x = %q[i, d] : memref<0x64xf32>, %y = %k[j, d] : memref<?x64xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<0xf32>)
  return
}

// More than any machine has is no arithmetic that overflows.
// CHECK-LABEL: func @huge
// CHECK: queryTile =
func.func @huge(%q: memref<?xf32>, %o: memref<?xf32>) {
  attn.attention domain(i parallel 4611686018427387904, j key 4294967296, l key 4294967296, d contraction 4611686018427387903)
  contraction over(d) (%x = %q[d] : memref<?xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}

// A score that depends on the places of query and key may fall steeply: in a large block weights would become denormal.
// CHECK-LABEL: func @positional
// WIDE: keyBlock = 96,
func.func @positional(%q: memref<?x64xf32>, %k: memref<?x64xf32>, %o: memref<?xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, d contraction 64)
  contraction over(d) (%x = %q[i, d] : memref<?x64xf32>, %y = %k[j, d] : memref<?x64xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } score(%s : f32) {
    %i = attn.index 0
    %j = attn.index 1
    %far = arith.subi %i, %j : index
    %n = arith.index_cast %far : index to i32
    %f = arith.sitofp %n : i32 to f32
    %r = arith.subf %s, %f : f32
    attn.yield %r : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}

// A matrix unit takes weights that are next to nothing for zeros.
// CHECK-LABEL: func @steep
// MATRIX: keyBlock = 192,
// WIDE: keyBlock = 96,
func.func @steep(%q: memref<?x64xbf16>, %k: memref<?x64xbf16>, %o: memref<?xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, d contraction 64)
  contraction over(d) (%x = %q[i, d] : memref<?x64xbf16>, %y = %k[j, d] : memref<?x64xbf16>) {
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } score(%s : f32) {
    %i = attn.index 0
    %j = attn.index 1
    %far = arith.subi %i, %j : index
    %n = arith.index_cast %far : index to i32
    %f = arith.sitofp %n : i32 to f32
    %r = arith.subf %s, %f : f32
    attn.yield %r : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}

// A matrix unit reads bf16 as it is: a group has room for more tiles than in f32.
// CHECK-LABEL: func @halves
// WIDE: keyBlock = 144, queryGroup = 22,
// MATRIX: keyBlock = 192, queryGroup = 32,
func.func @halves(%q: memref<?x128xbf16>, %k: memref<?x128xbf16>, %v: memref<?x128xbf16>, %o: memref<?x128xbf16>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, d contraction 128, e value 128)
  contraction over(d) (%x = %q[i, d] : memref<?x128xbf16>, %y = %k[j, d] : memref<?x128xbf16>) {
    %a = arith.extf %x : bf16 to f32
    %b = arith.extf %y : bf16 to f32
    %xy = arith.mulf %a, %b : f32
    attn.yield %xy : f32
  } value(%z = %v[j, e] : memref<?x128xbf16>) {
    %c = arith.extf %z : bf16 to f32
    attn.yield %c : f32
  } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x128xbf16>)
  return
}

// It reads f32 in three pieces, which take more room, and multiplies them in six products.
// CHECK-LABEL: func @pieces
// WIDE: keyBlock = 144, queryGroup = 22,
// MATRIX: keyBlock = 192, queryGroup = 12,
func.func @pieces(%q: memref<?x128xf32>, %k: memref<?x128xf32>, %v: memref<?x128xf32>, %o: memref<?x128xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, d contraction 128, e value 128)
  contraction over(d) (%x = %q[i, d] : memref<?x128xf32>, %y = %k[j, d] : memref<?x128xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } value(%z = %v[j, e] : memref<?x128xf32>) {
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x128xf32>)
  return
}
