// RUN: fovea-opt --attn-lower-online --split-input-file --verify-diagnostics %s

func.func @no_schedule(%n: index, %m: tensor<8xf32>) {
  // expected-error @below {{expects a schedule before it is lowered}}
  %r:2 = attn.online domain(i parallel 8, j key %n) score() {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%m[i] : tensor<8xf32>, %m[i] : tensor<8xf32>)
  return
}

// -----

func.func @no_tile(%n: index, %m: tensor<8xf32>) {
  // expected-error @below {{expects a tile of the scheduled sizes, but dimension 'b' has bound 3}}
  %r:2 = attn.online domain(b parallel 3, i parallel 8, j key %n) score() {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%m[i] : tensor<8xf32>, %m[i] : tensor<8xf32>)
      {schedule = #attn.schedule<queryDim = 1, queryTile = 8, keyDim = 2, keyBlock = 16>}
  return
}

// -----

func.func @inputs(%q: tensor<?xf32>, %n: index, %m: tensor<8xf32>) {
  // expected-error @below {{expects its inputs in memory}}
  %r:2 = attn.online domain(i parallel 8, j key %n) score(%s = %q[j] : tensor<?xf32>) {
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%m[i] : tensor<8xf32>, %m[i] : tensor<8xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return
}

// -----

func.func @state(%n: index, %m: tensor<9xf32>) {
  // expected-error @below {{expects part 0 of its state to be 'tensor<8xf32>', but got 'tensor<9xf32>'}}
  %r:2 = attn.online domain(i parallel 8, j key %n) score() {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%m[i] : tensor<9xf32>, %m[i] : tensor<9xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return
}

// -----

func.func @value_dims(%n: index, %m: tensor<8x4x4xf32>) {
  // expected-error @below {{expects at most one value dimension, but value 0 has 2}}
  %r = attn.online domain(i parallel 8, j key %n, e value 4, f value 4) score() {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  }
  value() {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  } normalizer(#attn.plain) outs(%m[i, e, f] : tensor<8x4x4xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return
}
