// RUN: fovea-opt --attn-pack-params='panel-width=4' --split-input-file %s | FileCheck %s

// A weight [output, input] is read in panels of four outputs.
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 4, d2, d1 mod 4)>
// CHECK: attn.param @w.panels family 2 from "w.{}" : tensor<2x6x4xf32> panel <rows[0] columns[1] width 4> of tensor<8x6xf32>
// CHECK-NOT: attn.param @w{{ }}
// CHECK-LABEL: func @linear
// CHECK: %[[P:.*]] = attn.param_ref @w.panels[%{{.*}}] : tensor<2x6x4xf32>
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[W]], #{{.*}}]{{.*}} ins(%{{.*}}, %[[P]]
attn.param @w family 2 from "w.{}" : tensor<8x6xf32>
func.func @linear(%x: tensor<?x6xf32>, %init: tensor<?x8xf32>, %l: index) -> tensor<?x8xf32> {
  %w = attn.param_ref @w[%l] : tensor<8x6xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x6xf32>, tensor<8x6xf32>) outs(%init : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Outputs in groups are flattened; those that fill no panel are padded.
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> ((d1 * 3 + d2) floordiv 4, d3, (d1 * 3 + d2) mod 4)>
// CHECK: attn.param @w.panels from "w" : tensor<2x5x4xf32> panel <rows[1] columns[0] width 4> of tensor<5x6xf32>
// CHECK-LABEL: func @grouped
// CHECK: linalg.generic {indexing_maps = [#[[W]], #{{.*}}, #{{.*}}]
attn.param @w from "w" : tensor<5x6xf32>
func.func @grouped(%x: tensor<?x5xf32>, %init: tensor<?x2x3xf32>) -> tensor<?x2x3xf32> {
  %flat = attn.param_ref @w : tensor<5x6xf32>
  %w = tensor.expand_shape %flat [[0], [1, 2]] output_shape [5, 2, 3] : tensor<5x6xf32> into tensor<5x2x3xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, h, d, k) -> (k, h, d)>, affine_map<(m, h, d, k) -> (m, k)>, affine_map<(m, h, d, k) -> (m, h, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%w, %x : tensor<5x2x3xf32>, tensor<?x5xf32>) outs(%init : tensor<?x2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %b, %a : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x2x3xf32>
  return %y : tensor<?x2x3xf32>
}

// -----

// A weight that is read otherwise too is kept in both forms.
// CHECK-DAG: attn.param @w from "w" : tensor<4x4xf32>
// CHECK-DAG: attn.param @w.panels
// CHECK-LABEL: func @both
// CHECK: attn.param_ref @w :
// CHECK: attn.param_ref @w.panels
attn.param @w from "w" : tensor<4x4xf32>
func.func @both(%x: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<4x4xf32>) {
  %w = attn.param_ref @w : tensor<4x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  return %y, %w : tensor<?x4xf32>, tensor<4x4xf32>
}

// -----

// The second orientation of a weight stays plain.
// CHECK-DAG: attn.param @w from "w" : tensor<4x4xf32>
// CHECK-DAG: attn.param @w.panels {{.*}}rows[0] columns[1]
// CHECK-LABEL: func @negative_transposed
// CHECK-DAG: %[[PLAIN:.*]] = attn.param_ref @w :
// CHECK-DAG: %[[PACKED:.*]] = attn.param_ref @w.panels
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[PACKED]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[PLAIN]]
attn.param @w from "w" : tensor<4x4xf32>
func.func @negative_transposed(%x: tensor<?x4xf32>, %init: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w = attn.param_ref @w : tensor<4x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  %z = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%y, %w : tensor<?x4xf32>, tensor<4x4xf32>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}

// -----

// A batch of products, each with a weight of its own, has no panels; nor has
// what is no product.
// CHECK-NOT: panels
// CHECK-LABEL: func @negative_batch
attn.param @w from "w" : tensor<3x4x4xf32>
attn.param @v from "v" : tensor<4x4xf32>
func.func @negative_batch(%x: tensor<3x?x4xf32>, %init: tensor<3x?x4xf32>, %t: tensor<?x4xf32>, %out: tensor<?x4xf32>)
    -> (tensor<3x?x4xf32>, tensor<?x4xf32>) {
  %w = attn.param_ref @w : tensor<3x4x4xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(h, m, n, k) -> (h, m, k)>, affine_map<(h, m, n, k) -> (h, n, k)>, affine_map<(h, m, n, k) -> (h, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<3x?x4xf32>, tensor<3x4x4xf32>) outs(%init : tensor<3x?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.mulf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<3x?x4xf32>
  %v = attn.param_ref @v : tensor<4x4xf32>
  %z = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t, %v : tensor<?x4xf32>, tensor<4x4xf32>) outs(%out : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: f32, %sum: f32):
    %ab = arith.addf %a, %b : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  return %y, %z : tensor<3x?x4xf32>, tensor<?x4xf32>
}
