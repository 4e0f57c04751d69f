// RUN: fovea-opt --attn-fuse-elementwise --canonicalize %s | FileCheck %s

#id = affine_map<(i, c) -> (i, c)>
#row = affine_map<(i, c) -> (i)>

// A layer norm's centred values are read twice and computed twice; they have no
// tensor.
// CHECK-LABEL: func @centred
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x8xf32>, %[[MEAN:[^:]*]]: tensor<?xf32>
// CHECK: %[[VARIANCE:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[MEAN]] :
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: linalg.generic {{.*}} ins(%[[X]], %[[MEAN]], %[[VARIANCE]] :
// CHECK: arith.subf
// CHECK: math.rsqrt
// CHECK-NOT: linalg.generic
func.func @centred(%x: tensor<?x8xf32>, %mean: tensor<?xf32>, %zero: tensor<?xf32>, %out: tensor<?x8xf32>)
    -> tensor<?x8xf32> {
  %c = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %mean : tensor<?x8xf32>, tensor<?xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    %d = arith.subf %a, %m : f32
    linalg.yield %d : f32
  } -> tensor<?x8xf32>
  %v = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%c : tensor<?x8xf32>) outs(%zero : tensor<?xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %aa = arith.mulf %a, %a : f32
    %next = arith.addf %sum, %aa : f32
    linalg.yield %next : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%c, %v : tensor<?x8xf32>, tensor<?xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = math.rsqrt %b : f32
    %ar = arith.mulf %a, %r : f32
    linalg.yield %ar : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// What one op reads once is computed there, whatever it costs.
// CHECK-LABEL: func @chain
// CHECK-COUNT-1: linalg.generic
// CHECK: math.exp
// CHECK: math.tanh
// CHECK-NOT: linalg.generic
func.func @chain(%x: tensor<?x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %e = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %exp = math.exp %a : f32
    linalg.yield %exp : f32
  } -> tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%e : tensor<?x8xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %tanh = math.tanh %a : f32
    linalg.yield %tanh : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A function that two ops read, or that one reads for every row, is computed
// once.
// CHECK-LABEL: func @negative_costly
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK: linalg.generic
// CHECK-NOT: math.exp
func.func @negative_costly(%x: tensor<8xf32>, %row: tensor<8xf32>, %out: tensor<?x8xf32>)
    -> (tensor<?x8xf32>, tensor<8xf32>) {
  %e = linalg.generic {indexing_maps = [affine_map<(c) -> (c)>, affine_map<(c) -> (c)>], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%row : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %exp = math.exp %a : f32
    linalg.yield %exp : f32
  } -> tensor<8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, c) -> (c)>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%e : tensor<8xf32>) outs(%out : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  } -> tensor<?x8xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(c) -> (c)>, affine_map<(c) -> (c)>], iterator_types = ["parallel"]}
      ins(%e : tensor<8xf32>) outs(%row : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %a : f32
    linalg.yield %n : f32
  } -> tensor<8xf32>
  return %y, %z : tensor<?x8xf32>, tensor<8xf32>
}

// A product with weights stays one, with the bias as its epilogue.
// CHECK-LABEL: func @negative_layer
// CHECK: math.tanh
// CHECK: linalg.generic
// CHECK: arith.mulf
// CHECK-NEXT: arith.addf
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic
func.func @negative_layer(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>, %zero: tensor<?x8xf32>,
    %sum: tensor<?xf32>) -> tensor<?xf32> {
  %t = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x8xf32>) outs(%zero : tensor<?x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %tanh = math.tanh %a : f32
    linalg.yield %tanh : f32
  } -> tensor<?x8xf32>
  %p = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t, %w : tensor<?x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %s: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %s, %ac : f32
    linalg.yield %next : f32
  } -> tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n) -> (n)>, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b, %p : tensor<8xf32>, tensor<?x8xf32>) outs(%zero : tensor<?x8xf32>) {
  ^bb0(%bias: f32, %a: f32, %o: f32):
    %plus = arith.addf %a, %bias : f32
    linalg.yield %plus : f32
  } -> tensor<?x8xf32>
  %r = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%y : tensor<?x8xf32>) outs(%sum : tensor<?xf32>) {
  ^bb0(%a: f32, %s: f32):
    %next = arith.addf %s, %a : f32
    linalg.yield %next : f32
  } -> tensor<?xf32>
  return %r : tensor<?xf32>
}
