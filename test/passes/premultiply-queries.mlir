// RUN: fovea-opt --attn-premultiply-queries %s | FileCheck %s

// The matrix between queries and keys is applied to the queries, once for each.
// CHECK-LABEL: func @bilinear
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x6xf32>, %[[W:[^:]*]]: tensor<6x4xf32>, %[[K:[^:]*]]: tensor<?x4xbf16>
// CHECK: %[[FILL:.*]] = linalg.fill {{.*}} -> tensor<?x4xf32>
// CHECK: %[[P:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[Q]], %[[W]] : {{.*}} outs(%[[FILL]]
// CHECK: %[[QW:.*]] = arith.mulf
// CHECK: arith.addf %{{.*}}, %[[QW]]
// CHECK: contraction over(d) (%[[X:.*]] = %[[P]][i, d] : tensor<?x4xf32>, %[[Y:.*]] = %[[K]][j, d] : tensor<?x4xbf16>)
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[Y]]
// CHECK-NEXT: %[[XY:.*]] = arith.mulf %[[X]], %[[WIDE]]
// CHECK-NEXT: attn.yield %[[XY]]
func.func @bilinear(%q: tensor<?x6xf32>, %w: tensor<6x4xf32>, %k: tensor<?x4xbf16>, %v: tensor<?x4xf32>, %o: tensor<?x4xf32>, %n: index)
    -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %m = tensor.dim %q, %c0 : tensor<?x6xf32>
  %r = attn.attention
      domain(i parallel %m, j key %n, c contraction 6, d contraction 4, e value 4)
      contraction over(c, d) (%x = %q[i, c] : tensor<?x6xf32>, %t = %w[c, d] : tensor<6x4xf32>, %y = %k[j, d] : tensor<?x4xbf16>) {
        %wide = arith.extf %y : bf16 to f32
        %xt = arith.mulf %x, %t : f32
        %xty = arith.mulf %xt, %wide : f32
        attn.yield %xty : f32
      }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}

// The names of an entry's indices say which sizes are equal.
// CHECK-LABEL: func @names
// CHECK: linalg.generic
// CHECK: contraction over(d)
func.func @names(%q: tensor<?x?xf32> {attn.dims = [["i"], ["c"]]}, %w: tensor<?x4xf32> {attn.dims = [["c"], ["d"]]},
    %k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %o: tensor<?x4xf32>, %n: index) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %q, %c0 : tensor<?x?xf32>
  %c = tensor.dim %q, %c1 : tensor<?x?xf32>
  %r = attn.attention
      domain(i parallel %m, j key %n, c contraction %c, d contraction 4, e value 4)
      contraction over(c, d) (%x = %q[i, c] : tensor<?x?xf32>, %t = %w[c, d] : tensor<?x4xf32>, %y = %k[j, d] : tensor<?x4xf32>) {
        %xt = arith.mulf %x, %t : f32
        %xty = arith.mulf %xt, %y : f32
        attn.yield %xty : f32
      }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}

// Left alone: sizes that may differ, and a sum that keys take part in.
// CHECK-LABEL: func @negative_sizes
// CHECK-NOT: linalg.generic
func.func @negative_sizes(%q: tensor<?x?xf32>, %w: tensor<?x4xf32>, %k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %o: tensor<?x4xf32>, %n: index)
    -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %q, %c0 : tensor<?x?xf32>
  %c = tensor.dim %q, %c1 : tensor<?x?xf32>
  %r = attn.attention
      domain(i parallel %m, j key %n, c contraction %c, d contraction 4, e value 4)
      contraction over(c, d) (%x = %q[i, c] : tensor<?x?xf32>, %t = %w[c, d] : tensor<?x4xf32>, %y = %k[j, d] : tensor<?x4xf32>) {
        %xt = arith.mulf %x, %t : f32
        %xty = arith.mulf %xt, %y : f32
        attn.yield %xty : f32
      }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func @negative_keys
// CHECK-NOT: linalg.generic
func.func @negative_keys(%q: tensor<8x4xf32>, %w: tensor<4xf32>, %k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %o: tensor<8x4xf32>, %n: index)
    -> tensor<8x4xf32> {
  %r = attn.attention
      domain(i parallel 8, j key %n, d contraction 4, e value 4)
      contraction over(d) (%x = %q[i, d] : tensor<8x4xf32>, %t = %w[d] : tensor<4xf32>, %y = %k[j, d] : tensor<?x4xf32>) {
        %xt = arith.mulf %x, %t : f32
        %xty = arith.mulf %xt, %y : f32
        attn.yield %xty : f32
      }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<8x4xf32>)
  return %r : tensor<8x4xf32>
}
