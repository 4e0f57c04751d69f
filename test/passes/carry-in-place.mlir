// RUN: fovea-opt --attn-carry-in-place %s | FileCheck %s

// What an iteration computes goes where it found what the last one did.
// CHECK-LABEL: func @layers
// CHECK: scf.for {{.*}} iter_args(%[[X:.*]] = %{{.*}}) -> (tensor<?xf32>)
// CHECK: %[[NEXT:.*]] = linalg.generic
// CHECK: %[[KEPT:.*]] = bufferization.materialize_in_destination %[[NEXT]] in %[[X]]
// CHECK: scf.yield %[[KEPT]]
func.func @layers(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %l = %c0 to %n step %c1 iter_args(%t = %x) -> tensor<?xf32> {
    %size = tensor.dim %x, %c0 : tensor<?xf32>
    %empty = tensor.empty(%size) : tensor<?xf32>
    %next = linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
        ins(%t : tensor<?xf32>) outs(%empty : tensor<?xf32>) {
    ^bb0(%a: f32, %b: f32):
      %twice = arith.addf %a, %a : f32
      linalg.yield %twice : f32
    } -> tensor<?xf32>
    scf.yield %next : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// Two tensors that change places each get a copy of their own; scalars do not.
// CHECK-LABEL: func @swap
// CHECK: iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}})
// CHECK: %[[TWICE:.*]] = arith.addi %[[S]], %[[S]]
// CHECK: %[[FIRST:.*]] = bufferization.materialize_in_destination %[[B]] in %[[A]]
// CHECK: %[[SECOND:.*]] = bufferization.materialize_in_destination %[[A]] in %[[B]]
// CHECK: scf.yield %[[FIRST]], %[[SECOND]], %[[TWICE]]
func.func @swap(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>, index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:3 = scf.for %l = %c0 to %n step %c1 iter_args(%a = %x, %b = %y, %s = %c1)
      -> (tensor<4xf32>, tensor<4xf32>, index) {
    %twice = arith.addi %s, %s : index
    scf.yield %b, %a, %twice : tensor<4xf32>, tensor<4xf32>, index
  }
  return %r#0, %r#1, %r#2 : tensor<4xf32>, tensor<4xf32>, index
}

// What stays as it is needs no place.
// CHECK-LABEL: func @negative_unchanged
// CHECK-NOT: materialize_in_destination
func.func @negative_unchanged(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = scf.for %l = %c0 to %n step %c1 iter_args(%t = %x) -> tensor<4xf32> {
    scf.yield %t : tensor<4xf32>
  }
  return %y : tensor<4xf32>
}
