// RUN: fovea-opt --attn-narrow-tensors %s | FileCheck %s

#id = affine_map<(i) -> (i)>

// The second rounds what the first has rounded already: it yields its element.
// CHECK-LABEL: func @chained
// CHECK: arith.truncf
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<8xbf16>) outs(%{{.*}} : tensor<8xbf16>)
// CHECK-NEXT: ^bb0(%[[IN:.*]]: bf16, %{{.*}}: bf16):
// CHECK-NOT: arith.truncf
// CHECK: linalg.yield %[[IN]] : bf16
// CHECK: arith.extf
func.func @chained(%x: tensor<8xf32>) -> tensor<8xf32> {
  %place = tensor.empty() : tensor<8xf32>
  %first = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%place : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.truncf %in : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<8xf32>
  %second = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%first : tensor<8xf32>) outs(%place : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.truncf %in : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<8xf32>
  %third = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%second : tensor<8xf32>) outs(%place : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %neg = arith.negf %in : f32
    linalg.yield %neg : f32
  } -> tensor<8xf32>
  return %third : tensor<8xf32>
}
