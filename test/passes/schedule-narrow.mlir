// RUN: fovea-opt --attn-schedule='min-queries=16 query-tile=32 key-block=96' %s | FileCheck %s

// How many queries there are is known at run time: a schedule for many, and one
// for few, along the heads that share each key, together with those of other keys.
// CHECK-LABEL: func @grouped
// CHECK: schedule = #attn.schedule<queryDim = 2, queryTile = 32, {{.*}}, minQueries = 16, otherwise = <queryDim = 1, queryTile = 4, keyDim = 3, keyBlock = 16, queryGroup = 32, headDim = 0, keyPart = 256>>
func.func @grouped(%q: memref<?x?x?xf32>, %k: memref<?x?xf32>, %o: memref<?x?x?xf32>,
                   %H: index, %G: index, %M: index, %N: index) {
  attn.attention domain(h parallel %H, g parallel %G, i parallel %M, j key %N)
  contraction over() (%x = %q[h, g, i] : memref<?x?x?xf32>, %y = %k[h, j] : memref<?x?xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[h, g, i] : memref<?x?x?xf32>)
  return
}

// Heads with masks of their own do not share a tile.
// CHECK-LABEL: func @masked_by_head
// CHECK: otherwise = <queryDim = 2, queryTile = 4,
func.func @masked_by_head(%q: memref<?x?x?xf32>, %k: memref<?x?xf32>, %o: memref<?x?x?xf32>,
                          %len: memref<?xi32>, %H: index, %G: index, %M: index, %N: index) {
  attn.attention domain(h parallel %H, g parallel %G, i parallel %M, j key %N)
  contraction over() (%x = %q[h, g, i] : memref<?x?x?xf32>, %y = %k[h, j] : memref<?x?xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } mask(%l = %len[g] : memref<?xi32>) {
    %j = attn.index 3
    %n = arith.index_cast %l : i32 to index
    %keep = arith.cmpi slt, %j, %n : index
    attn.yield %keep : i1
  } normalizer(#attn.softmax) outs(logsumexp %o[h, g, i] : memref<?x?x?xf32>)
  return
}

// CHECK-LABEL: func @few
// CHECK: schedule = #attn.schedule<queryDim = 0, queryTile = 4, keyDim = 1, keyBlock = 16, queryGroup = 2, keyPart = 256>
// CHECK-LABEL: func @many
// CHECK: schedule = #attn.schedule<queryDim = 0, queryTile = 32, keyDim = 1, keyBlock = 96>
func.func @few(%q: memref<5xf32>, %k: memref<?xf32>, %o: memref<5xf32>, %N: index) {
  attn.attention domain(i parallel 5, j key %N)
  contraction over() (%x = %q[i] : memref<5xf32>, %y = %k[j] : memref<?xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<5xf32>)
  return
}
func.func @many(%q: memref<16xf32>, %k: memref<?xf32>, %o: memref<16xf32>, %N: index) {
  attn.attention domain(i parallel 16, j key %N)
  contraction over() (%x = %q[i] : memref<16xf32>, %y = %k[j] : memref<?xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<16xf32>)
  return
}

// Heads whose masks differ visit their own keys; few keys are one part.
// CHECK-LABEL: func @own_masks
// CHECK: schedule = #attn.schedule<queryDim = 1, queryTile = 4, keyDim = 2, keyBlock = 16, queryGroup = 2>
func.func @own_masks(%q: memref<8x5xf32>, %k: memref<8x200xf32>, %o: memref<8x5xf32>, %len: memref<8xi32>) {
  attn.attention domain(h parallel 8, i parallel 5, j key 200)
  contraction over() (%x = %q[h, i] : memref<8x5xf32>, %y = %k[h, j] : memref<8x200xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } mask(%l = %len[h] : memref<8xi32>) {
    %j = attn.index 2
    %n = arith.index_cast %l : i32 to index
    %keep = arith.cmpi slt, %j, %n : index
    attn.yield %keep : i1
  } normalizer(#attn.softmax) outs(logsumexp %o[h, i] : memref<8x5xf32>)
  return
}
