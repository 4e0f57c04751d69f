// RUN: fovea-opt --attn-schedule='min-queries=0 query-tile=16 key-block=96' %s | FileCheck %s

// The queries of a tile share what is read for each key: b and i are parallel,
// but only i leaves the keys alone, wherever it stands.
// CHECK-LABEL: func @queries_first
// CHECK: schedule = #attn.schedule<queryDim = 0, queryTile = 16, keyDim = 2, keyBlock = 96, queryGroup = 32>
func.func @queries_first(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %o: memref<?x?xf32>,
                         %M: index, %B: index, %N: index) {
  attn.attention domain(i parallel %M, b parallel %B, j key %N)
  contraction over() (%x = %q[b, i] : memref<?x?xf32>, %y = %k[b, j] : memref<?x?xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[b, i] : memref<?x?xf32>)
  return
}

// A bias of each pair alone: then the last parallel dimension.
// CHECK-LABEL: func @read_per_pair
// CHECK: schedule = #attn.schedule<queryDim = 1, queryTile = 16, keyDim = 2, keyBlock = 96, queryGroup = 32>
func.func @read_per_pair(%bias: memref<?x?x?xf32>, %o: memref<?x?xf32>,
                         %M: index, %B: index, %N: index) {
  attn.attention domain(i parallel %M, b parallel %B, j key %N)
  score(%x = %bias[b, i, j] : memref<?x?x?xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[b, i] : memref<?x?xf32>)
  return
}

// The key dimension that has segments, else the last.
// CHECK-LABEL: func @keys
// CHECK: schedule = #attn.schedule<queryDim = 0, queryTile = 16, keyDim = 1, keyBlock = 96, queryGroup = 32>
// CHECK: schedule = #attn.schedule<queryDim = 0, queryTile = 16, keyDim = 2, keyBlock = 96, queryGroup = 32>
func.func @keys(%o: memref<?xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, k key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
      {segments = #attn.segments<key 1, visit [], masked []>}
  attn.attention domain(i parallel %M, j key %N, k key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}

// Without parallel dimensions there is one query; segments, which count
// dimensions, are dropped.
// CHECK-LABEL: func @unit_dim
// CHECK: domain(j key %{{.*}}, d contraction 8, _ parallel 1)
// CHECK-NOT: segments
// CHECK: schedule = #attn.schedule<queryDim = 2, queryTile = 16, keyDim = 0, keyBlock = 96>
func.func @unit_dim(%l: memref<?xi32>, %k: memref<?x8xf32>, %o: memref<f32>, %N: index) {
  attn.attention domain(j key %N, d contraction 8)
  lookup(%p = %l[j] : memref<?xi32>) {
    %i = arith.index_cast %p : i32 to index
    attn.yield %i : index
  }
  contraction over(d) (%y = %k[l0, d] : memref<?x8xf32>) {
    attn.yield %y : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {segments = #attn.segments<key 0, visit [], masked []>}
  return
}

// CHECK-LABEL: func @negative_scheduled
// CHECK: schedule = #attn.schedule<queryDim = 0, queryTile = 1, keyDim = 1, keyBlock = 2>
func.func @negative_scheduled(%o: memref<?xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 1, keyDim = 1, keyBlock = 2>}
  return
}
