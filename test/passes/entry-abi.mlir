// RUN: fovea-opt %s -attn-entry-abi -split-input-file | FileCheck %s
// RUN: fovea-opt %s -attn-entry-abi -canonicalize -cse -eliminate-empty-tensors \
// RUN:   -one-shot-bufferize -canonicalize -split-input-file | FileCheck %s --check-prefix=BUFFER

// CHECK-LABEL: func.func @arguments(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?x4xf32, strided<[?, 1], offset: ?>> {attn.dims = {{\[}}["i"], ["c"]], attn.name = "x"}
// CHECK-SAME:    %[[S:[a-z0-9]+]]: f32 {attn.name = "s"}
// CHECK-SAME:    %[[Y:[a-z0-9]+]]: memref<?x4xf32, strided<[?, 1], offset: ?>> {attn.dims = {{\[}}["i"], ["c"]], attn.name = "y", attn.result}
// CHECK-SAME:    attributes {attn.entry
// CHECK:         bufferization.to_tensor %[[X]] restrict
// CHECK-NOT:     writable
// CHECK:         %[[R:.*]] = linalg.generic
// CHECK:         bufferization.materialize_in_destination %[[R]] in restrict writable %[[Y]]
// CHECK:         return
//
// BUFFER-LABEL: func.func @arguments(
// BUFFER-NOT:     memref.alloc
// BUFFER-NOT:     memref.copy
// BUFFER:         return
#map = affine_map<(a, b) -> (a, b)>
func.func @arguments(%x: tensor<?x4xf32> {attn.name = "x", attn.dims = [["i"], ["c"]]},
                     %s: f32 {attn.name = "s"})
    -> (tensor<?x4xf32> {attn.name = "y", attn.dims = [["i"], ["c"]]})
    attributes {attn.entry, attn.sizes = {c = 4 : i64}} {
  %zero = arith.constant 0 : index
  %i = tensor.dim %x, %zero : tensor<?x4xf32>
  %e = tensor.empty(%i) : tensor<?x4xf32>
  %r = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %p = arith.mulf %a, %s : f32
    linalg.yield %p : f32
  } -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// -----

// A function that is no entry keeps its signature.
// CHECK-LABEL: func.func @negative_not_an_entry(
// CHECK-SAME:    tensor<?xf32>) -> tensor<?xf32>
func.func @negative_not_an_entry(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

// -----

// What is computed in grouped dimensions is written through a view of the
// result: the size of g is that of the group, divided by that of h.
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[Q:[a-z0-9]+]]: memref<?x?xf32, {{.*}}, %[[K:[a-z0-9]+]]: memref<?xf32, {{.*}}, %[[O:[a-z0-9]+]]: memref<?x?xf32,
// CHECK-DAG:     %[[H:.*]] = memref.dim %[[K]]
// CHECK-DAG:     %[[HG:.*]] = memref.dim %[[Q]]
// CHECK:         %[[G:.*]] = arith.divsi %[[HG]]
// CHECK:         %[[VIEW:.*]] = memref.expand_shape %[[O]] {{\[\[}}0, 1], [2]] output_shape [%[[H]], %[[G]], %{{.*}}]
// CHECK:         bufferization.materialize_in_destination %{{.*}} in restrict writable %[[VIEW]]
//
// BUFFER-LABEL: func.func @grouped(
// BUFFER-NOT:     memref.alloc
// BUFFER-NOT:     memref.copy
// BUFFER:         return
#three = affine_map<(a, b, c) -> (a, b, c)>
#scale = affine_map<(a, b, c) -> (a)>
func.func @grouped(%q: tensor<?x?xf32> {attn.name = "q", attn.dims = [["h", "g"], ["i"]]},
                   %k: tensor<?xf32> {attn.name = "k", attn.dims = [["h"]]})
    -> (tensor<?x?xf32> {attn.name = "o", attn.dims = [["h", "g"], ["i"]]}) attributes {attn.entry} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %h = tensor.dim %k, %zero : tensor<?xf32>
  %hg = tensor.dim %q, %zero : tensor<?x?xf32>
  %g = arith.divsi %hg, %h : index
  %i = tensor.dim %q, %one : tensor<?x?xf32>
  %x = tensor.expand_shape %q [[0, 1], [2]] output_shape [%h, %g, %i] : tensor<?x?xf32> into tensor<?x?x?xf32>
  %e = tensor.empty(%h, %g, %i) : tensor<?x?x?xf32>
  %r = linalg.generic {indexing_maps = [#three, #scale, #three], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<?x?x?xf32>, tensor<?xf32>) outs(%e : tensor<?x?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %p = arith.mulf %a, %b : f32
    linalg.yield %p : f32
  } -> tensor<?x?x?xf32>
  %o = tensor.collapse_shape %r [[0, 1], [2]] : tensor<?x?x?xf32> into tensor<?x?xf32>
  return %o : tensor<?x?xf32>
}
