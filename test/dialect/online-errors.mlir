// RUN: fovea-opt --split-input-file --verify-diagnostics %s

func.func @state(%a: tensor<4xf32>) {
  // expected-error @below {{expects a state of 2 parts, but got 1}}
  %r = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%a[i] : tensor<4xf32>)
  return
}

// -----

func.func @state_access(%a: tensor<4xf32>) {
  // expected-error @below {{part 1 of the state depends on the key dimension 'j', which has no value there}}
  %r:2 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%a[i] : tensor<4xf32>, %a[j] : tensor<4xf32>)
  return
}

// -----

func.func @state_type(%a: tensor<4xi32>) {
  // expected-error @below {{expects a state of floats, but got 'tensor<4xi32>'}}
  %r:2 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%a[i] : tensor<4xi32>, %a[i] : tensor<4xi32>)
  return
}

// -----

func.func @visit_of_one_value(%a: tensor<4xf32>, %n: index) {
  // expected-error @below {{expects the begin and the end of the visited keys, but got 1 values}}
  %r:2 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) visit(%n) outs(%a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>)
    {schedule = #attn.schedule<queryDim = 0, queryTile = 4, keyDim = 1, keyBlock = 4>}
  return
}

// -----

func.func @visit_without_schedule(%a: tensor<4xf32>, %n: index) {
  // expected-error @below {{expects a schedule, which names the key dimension that `visit` is of}}
  %r:2 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) visit(%n, %n) outs(%a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>)
  return
}

// -----

func.func @statistic(%a: tensor<4xf32>) {
  // expected-error @below {{expects statistics 'max' and 'argmax', but got 'weights'}}
  %r:3 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) statistics(weights)
    outs(%a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>)
  return
}

// -----

func.func @statistic_twice(%a: tensor<4xf32>) {
  // expected-error @below {{has the statistic 'max' twice}}
  %r:4 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) statistics(max, max)
    outs(%a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>)
  return
}

// -----

func.func @statistic_name(%a: tensor<4xf32>) {
  %r:3 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  // expected-error @below {{expected 'output', 'logsumexp', 'weights', 'max' or 'argmax', but found 'min'}}
  } normalizer(#attn.softmax) statistics(min) outs(%a[i] : tensor<4xf32>)
  return
}

// -----

func.func @index_type(%a: tensor<4xf32>) {
  // expected-error @below {{expects a state of i64, but got 'tensor<4xf32>'}}
  %r:4 = attn.online domain(i parallel 4, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) statistics(argmax)
    outs(%a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>)
  return
}

// -----

func.func @argmax_over_two_dimensions(%a: tensor<4xf32>, %p: tensor<4xi64>) {
  // expected-error @below {{expects one key dimension for argmax, but has 2}}
  %r:4 = attn.online domain(i parallel 4, j key 4, l key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) statistics(argmax)
    outs(%a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %a[i] : tensor<4xf32>, %p[i] : tensor<4xi64>)
  return
}
