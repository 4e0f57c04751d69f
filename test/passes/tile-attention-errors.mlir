// RUN: fovea-opt --attn-tile-attention --split-input-file --verify-diagnostics %s

func.func @no_schedule(%o: memref<?xf32>, %M: index, %N: index) {
  // expected-error @below {{expects a schedule before it is tiled}}
  attn.attention domain(i parallel %M, j key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
  return
}

// -----

func.func @on_tensors(%q: tensor<?xf32>, %o: memref<?xf32>, %M: index, %N: index) {
  // expected-error @below {{expects to be on memory before it is tiled}}
  attn.attention domain(i parallel %M, j key %N) score(%s = %q[j] : tensor<?xf32>) {
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}

// -----

func.func @two_value_dims(%v: memref<?x4x4xf32>, %o: memref<?x4x4xf32>, %M: index, %N: index) {
  // expected-error @below {{expects at most one value dimension, but value 0 has 2}}
  attn.attention domain(i parallel %M, j key %N, e value 4, f value 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  }
  value(%x = %v[j, e, f] : memref<?x4x4xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(output %o[i, e, f] : memref<?x4x4xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}

// -----

func.func @sum_of_fewer_dimensions(%o: memref<?x4xf32>, %M: index, %N: index) {
  // expected-error @below {{expects the sums of output 0 to have its dimensions, but value 0 has others}}
  attn.attention domain(i parallel %M, j key %N, e value 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value over() () {
    %z = arith.constant 1.0 : f32
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x4xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}

// -----

// Rows past the end of the domain would be written to the rows of another head.
func.func @rows_of_two_dims(%o: memref<?xf32>, %H: index, %M: index, %N: index) {
  // expected-error @below {{expects coordinate 0 of result 0 to be the tiled dimension 'i' and at most a constant, but its access is affine_map<(d0, d1, d2) -> (d0 * 10 + d1)>}}
  attn.attention domain(h parallel %H, i parallel %M, j key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[h * 10 + i] : memref<?xf32>)
      {schedule = #attn.schedule<queryDim = 1, queryTile = 8, keyDim = 2, keyBlock = 8>}
  return
}
