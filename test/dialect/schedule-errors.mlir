// RUN: fovea-opt --split-input-file --verify-diagnostics %s

func.func @schedule_dims(%o: memref<f32>) {
  // expected-error @below {{expects a schedule of a parallel and a key dimension, but got #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 0, keyBlock = 8>}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 0, keyBlock = 8>}
  return
}

// -----

func.func @schedule_sizes(%o: memref<f32>) {
  // expected-error @below {{expects a schedule of positive sizes, but got #attn.schedule<queryDim = 0, queryTile = 0, keyDim = 1, keyBlock = 8>}}
  attn.attention domain(i parallel 1, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 0, keyDim = 1, keyBlock = 8>}
  return
}

// -----

func.func @schedule_heads_are_queries(%o: memref<f32>) {
  // expected-error @below {{expects a schedule whose head dimension is another parallel dimension, which the mask does not depend on, but got #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8, headDim = 0>}}
  attn.attention domain(i parallel 4, j key 8) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8, headDim = 0>}
  return
}

// -----

func.func @schedule_masked_heads(%o: memref<?xf32>, %len: memref<?xi32>, %H: index) {
  // expected-error @below {{expects a schedule whose head dimension is another parallel dimension, which the mask does not depend on, but got #attn.schedule<queryDim = 1, queryTile = 8, keyDim = 2, keyBlock = 8, headDim = 0>}}
  attn.attention domain(h parallel %H, i parallel 4, j key 8) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } mask(%l = %len[h] : memref<?xi32>) {
    %j = attn.index 2
    %n = arith.index_cast %l : i32 to index
    %keep = arith.cmpi slt, %j, %n : index
    attn.yield %keep : i1
  } normalizer(#attn.softmax) outs(logsumexp %o[h] : memref<?xf32>)
      {schedule = #attn.schedule<queryDim = 1, queryTile = 8, keyDim = 2, keyBlock = 8, headDim = 0>}
  return
}

// -----

func.func @schedule_negative_part(%o: memref<f32>) {
  // expected-error @below {{expects a schedule of positive sizes, but got #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8, keyPart = -1>}}
  attn.attention domain(i parallel 4, j key 8) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8, keyPart = -1>}
  return
}

// -----

func.func @schedule_without_another(%o: memref<f32>) {
  // expected-error @below {{expects a schedule with another for fewer queries exactly where it has a least number of them, but got #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8, minQueries = 4>}}
  attn.attention domain(i parallel 4, j key 8) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8, minQueries = 4>}
  return
}

// -----

func.func @schedule_of_other_key(%o: memref<f32>) {
  // expected-error @below {{expects a schedule of the key dimension of its segments, 1, but got #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 2, keyBlock = 8>}}
  attn.attention domain(i parallel 1, j key 4, k key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 2, keyBlock = 8>,
       segments = #attn.segments<key 1, visit [], masked []>}
  return
}

// -----

func.func @schedule_too_large(%o: memref<f32>) {
  // expected-error @below {{expects a schedule of tiles of at most 256 queries, blocks of 1048576 keys and groups of 65536 tiles, but got #attn.schedule<queryDim = 0, queryTile = 4, keyDim = 1, keyBlock = 9223372036854775807>}}
  attn.attention domain(i parallel 1, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 4, keyDim = 1, keyBlock = 9223372036854775807>}
  return
}
