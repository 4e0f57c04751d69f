// RUN: fovea-opt --attn-split-fills %s | FileCheck %s

// Sums that start from one filled tensor get one each.
// CHECK-LABEL: func @two_sums
// CHECK: %[[EMPTY:.*]] = tensor.empty
// CHECK: %[[FILL:.*]] = linalg.fill ins(%{{.*}}) outs(%[[EMPTY]]
// CHECK: %[[OTHER_EMPTY:.*]] = tensor.empty
// CHECK: %[[OTHER_FILL:.*]] = linalg.fill ins(%{{.*}}) outs(%[[OTHER_EMPTY]]
// CHECK: linalg.generic {{.*}} outs(%[[OTHER_FILL]]
// CHECK: linalg.generic {{.*}} outs(%[[FILL]]
func.func @two_sums(%x: tensor<?x8xf32>, %y: tensor<?x8xf32>, %n: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%n) : tensor<?xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  %a = linalg.generic {
      indexing_maps = [affine_map<(i, c) -> (i, c)>, affine_map<(i, c) -> (i)>],
      iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x8xf32>) outs(%fill : tensor<?xf32>) {
  ^bb0(%e: f32, %sum: f32):
    %next = arith.addf %sum, %e : f32
    linalg.yield %next : f32
  } -> tensor<?xf32>
  %b = linalg.generic {
      indexing_maps = [affine_map<(i, c) -> (i, c)>, affine_map<(i, c) -> (i)>],
      iterator_types = ["parallel", "reduction"]} ins(%y : tensor<?x8xf32>) outs(%fill : tensor<?xf32>) {
  ^bb0(%e: f32, %sum: f32):
    %next = arith.addf %sum, %e : f32
    linalg.yield %next : f32
  } -> tensor<?xf32>
  return %a, %b : tensor<?xf32>, tensor<?xf32>
}

// One use needs no second fill, and a fill of a given tensor is not repeated.
// CHECK-LABEL: func @negative_given
// CHECK-COUNT-1: linalg.fill
// CHECK-NOT: linalg.fill
// CHECK: return
func.func @negative_given(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %fill, %fill : tensor<4xf32>, tensor<4xf32>
}

// Results that are put into one empty tensor get one each.
// CHECK-LABEL: func @two_results
// CHECK: %[[EMPTY:.*]] = tensor.empty
// CHECK: %[[OTHER:.*]] = tensor.empty
// CHECK: linalg.generic {{.*}} outs(%[[OTHER]]
// CHECK: linalg.generic {{.*}} outs(%[[EMPTY]]
func.func @two_results(%x: tensor<?xf32>, %n: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %empty = tensor.empty(%n) : tensor<?xf32>
  %b = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%e: f32, %old: f32):
    %twice = arith.addf %e, %e : f32
    linalg.yield %twice : f32
  } -> tensor<?xf32>
  %a = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
  ^bb0(%e: f32, %old: f32):
    %minus = arith.negf %e : f32
    linalg.yield %minus : f32
  } -> tensor<?xf32>
  return %a, %b : tensor<?xf32>, tensor<?xf32>
}
