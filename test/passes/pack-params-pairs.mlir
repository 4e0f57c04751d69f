// RUN: fovea-opt --attn-pack-params='panel-width=4 pairs' --split-input-file %s | FileCheck %s
// RUN: fovea-opt --attn-pack-params='panel-width=4' --split-input-file %s | FileCheck %s --check-prefix=SINGLE

// Columns of bf16 are in pairs, filled up to 16 of them; without pairs the
// other factor is converted once.
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2) -> (d1 floordiv 4, d2 floordiv 2, d1 mod 4, d2 mod 2)>
// CHECK: attn.param @w.pairs from "w" : tensor<2x16x4x2xbf16> panel <rows[0] columns[1] width 4> of tensor<7x6xbf16>
// CHECK-NOT: attn.param @w{{ }}
// CHECK-LABEL: func @linear
// CHECK-SAME: %[[X:[^:]*]]: tensor<?x6xbf16>
// CHECK: %[[P:.*]] = attn.param_ref @w.pairs
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[W]], #{{.*}}]{{.*}} ins(%[[X]], %[[P]]
// SINGLE: attn.param @w.panels from "w" : tensor<2x6x4xbf16>
// SINGLE-LABEL: func @linear
// SINGLE-SAME: %[[X:[^:]*]]: tensor<?x6xbf16>
// SINGLE: %[[WIDE:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<?x6xbf16>) outs(%{{.*}} : tensor<?x6xf32>)
// SINGLE: linalg.generic {{.*}} ins(%[[WIDE]], %{{.*}} : tensor<?x6xf32>, tensor<2x6x4xbf16>)
// SINGLE-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: bf16, %{{.*}}: f32)
// SINGLE-NEXT: %[[WB:.*]] = arith.extf %[[B]]
// SINGLE-NEXT: arith.mulf %[[A]], %[[WB]]
attn.param @w from "w" : tensor<7x6xbf16>
func.func @linear(%x: tensor<?x6xbf16>, %init: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %w = attn.param_ref @w : tensor<7x6xbf16>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x6xbf16>, tensor<7x6xbf16>) outs(%init : tensor<?x7xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %wa = arith.extf %a : bf16 to f32
    %wb = arith.extf %b : bf16 to f32
    %ab = arith.mulf %wa, %wb : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x7xf32>
  return %y : tensor<?x7xf32>
}

// -----

// Columns in groups are one, if pairs stay within a group.
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1, d2, d3) -> (d1 floordiv 4, d2 * 2 + d3 floordiv 2, d1 mod 4, d3 mod 2)>
// CHECK: attn.param @w.pairs from "w" : tensor<2x16x4x2xbf16>
// CHECK-LABEL: func @groups
// CHECK: linalg.generic {indexing_maps = [#[[W]], #{{.*}}, #{{.*}}]
attn.param @w from "w" : tensor<8x12xbf16>
func.func @groups(%x: tensor<?x3x4xbf16>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %flat = attn.param_ref @w : tensor<8x12xbf16>
  %w = tensor.expand_shape %flat [[0], [1, 2]] output_shape [8, 3, 4] : tensor<8x12xbf16> into tensor<8x3x4xbf16>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, h, d) -> (n, h, d)>, affine_map<(m, n, h, d) -> (m, h, d)>, affine_map<(m, n, h, d) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%w, %x : tensor<8x3x4xbf16>, tensor<?x3x4xbf16>) outs(%init : tensor<?x8xf32>) {
  ^bb0(%b: bf16, %a: bf16, %sum: f32):
    %wb = arith.extf %b : bf16 to f32
    %wa = arith.extf %a : bf16 to f32
    %ab = arith.mulf %wa, %wb : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// Groups of an odd size, columns that are not last in the other factor, and a
// factor of f32 have single columns.
// CHECK-NOT: pairs
// CHECK-LABEL: func @negative
// CHECK-NOT: pairs
attn.param @w from "w" : tensor<4x6xbf16>
attn.param @v from "v" : tensor<4x6xbf16>
attn.param @u from "u" : tensor<4x6xbf16>
func.func @negative(%x: tensor<?x2x3xbf16>, %t: tensor<6x?xbf16>, %f: tensor<?x6xf32>, %init: tensor<?x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %flat = attn.param_ref @w : tensor<4x6xbf16>
  %w = tensor.expand_shape %flat [[0], [1, 2]] output_shape [4, 2, 3] : tensor<4x6xbf16> into tensor<4x2x3xbf16>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, h, d) -> (n, h, d)>, affine_map<(m, n, h, d) -> (m, h, d)>, affine_map<(m, n, h, d) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%w, %x : tensor<4x2x3xbf16>, tensor<?x2x3xbf16>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%b: bf16, %a: bf16, %sum: f32):
    %wb = arith.extf %b : bf16 to f32
    %wa = arith.extf %a : bf16 to f32
    %ab = arith.mulf %wa, %wb : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  %v = attn.param_ref @v : tensor<4x6xbf16>
  %z = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t, %v : tensor<6x?xbf16>, tensor<4x6xbf16>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: bf16, %b: bf16, %sum: f32):
    %wa = arith.extf %a : bf16 to f32
    %wb = arith.extf %b : bf16 to f32
    %ab = arith.mulf %wa, %wb : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  %u = attn.param_ref @u : tensor<4x6xbf16>
  %s = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%f, %u : tensor<?x6xf32>, tensor<4x6xbf16>) outs(%init : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: bf16, %sum: f32):
    %wb = arith.extf %b : bf16 to f32
    %ab = arith.mulf %a, %wb : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  return %y, %z, %s : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}
