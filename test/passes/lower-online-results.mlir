// RUN: fovea-opt --attn-lower-online %s | FileCheck %s

// Several sums, one of them computed from the score, and the logarithm of the
// weight, which is summed while the weights are made; the greatest score and its
// place among the keys.
// CHECK-LABEL: func @results
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<8x4xf32>, %[[U:[a-z0-9]+]]: tensor<8xf32>, %[[B:[a-z0-9]+]]: tensor<8x1xf32>, %[[M:[a-z0-9]+]]: tensor<8xf32>, %[[L:[a-z0-9]+]]: tensor<8xf32>, %[[AT:[a-z0-9]+]]: tensor<8xi64>
func.func @results(%t: memref<?x?xf32>, %v: memref<?x4xf32>, %i0: index, %j0: index, %n: index,
                   %a: tensor<8x4xf32>, %u: tensor<8xf32>, %b: tensor<8x1xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>, %at: tensor<8xi64>)
    -> (tensor<8x4xf32>, tensor<8xf32>, tensor<8x1xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xi64>) {
  // CHECK: %[[S:.*]] = attn.tile.map ins(%{{[0-9]+}} : tensor<8x16xf32>)
  // CHECK: %[[M2:.*]] = attn.tile.reduce max %[[S]] onto %[[M]]
  // CHECK: %[[MAX:.*]] = attn.tile.reduce maximum %[[S]] onto %[[M]]
  // CHECK: %[[BEST:.*]] = attn.tile.reduce max %[[S]] onto %[[M]]
  // CHECK: %[[C:.*]] = attn.tile.map ins(%[[M]], %[[M2]]
  // CHECK: %[[W:.*]] = attn.tile.map ins(%[[S]], %[[M2]]
  // CHECK: %[[L2:.*]] = attn.tile.reduce sum %[[W]]
  // CHECK: %[[PLACES:.*]] = attn.tile.map ins(%[[S]], %[[BEST]]
  // CHECK: %[[LEAST:.*]] = attn.tile.reduce max %[[PLACES]]
  // CHECK: %[[FIRST:.*]] = attn.tile.map ins(%[[LEAST]] : tensor<8xf32>)
  // CHECK: %[[AT2:.*]] = attn.tile.map ins(%[[M]], %[[BEST]], %[[FIRST]], %[[AT]]
  // CHECK: %[[KEPT:.*]] = attn.tile.map ins(%[[S]] : tensor<8x16xf32>)
  // CHECK: %[[U1:.*]] = attn.tile.map ins(%[[U]], %[[L]], %[[M]], %[[M2]]
  // CHECK: %[[TERMS:.*]] = attn.tile.map ins(%[[W]], %[[S]], %[[M2]]
  // CHECK: %[[U2:.*]] = attn.tile.reduce sum %[[TERMS]] onto %[[U1]]
  // CHECK: %[[A1:.*]] = attn.tile.rescale %[[A]] by %[[C]]
  // CHECK: %[[A2:.*]] = attn.tile.weigh %[[W]] onto %[[A1]]
  // CHECK: %[[B1:.*]] = attn.tile.rescale %[[B]] by %[[C]]
  // CHECK: %[[B2:.*]] = attn.tile.weigh %[[W]] onto %[[B1]] end %{{.*}} ins(%[[KEPT]] : tensor<8x16xf32>)
  // CHECK: return %[[A2]], %[[U2]], %[[B2]], %[[M2]], %[[L2]], %[[MAX]], %[[BEST]], %[[AT2]]
  %r:8 = attn.online domain(i parallel 8 from %i0, j key %n from %j0, e value 4)
  score(%x = %t[i, j] : memref<?x?xf32>) {
    attn.yield %x : f32
  }
  value(%z = %v[j, e] : memref<?x4xf32>) {
    attn.yield %z : f32
  }
  value logweight
  value over() (%s : f32) {
    %ss = arith.mulf %s, %s : f32
    attn.yield %ss : f32
  } normalizer(#attn.softmax) statistics(max, argmax)
    outs(%a[i, e] : tensor<8x4xf32>, %u[i] : tensor<8xf32>, %b[i, 0] : tensor<8x1xf32>, %m[i] : tensor<8xf32>, %l[i] : tensor<8xf32>,
         %m[i] : tensor<8xf32>, %m[i] : tensor<8xf32>, %at[i] : tensor<8xi64>)
    {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5, %r#6, %r#7
      : tensor<8x4xf32>, tensor<8xf32>, tensor<8x1xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xi64>
}

// Shares have no shift: nothing is moved, the logarithm is that of the score.
// CHECK-LABEL: func @shares
// CHECK: %[[S:.*]] = attn.tile.map ins(%{{[0-9]+}} : tensor<8x16xf32>)
// CHECK: %[[W:.*]] = attn.tile.map ins(%[[S]] : tensor<8x16xf32>)
// CHECK: attn.tile.map ins(%[[W]], %[[S]] : tensor<8x16xf32>, tensor<8x16xf32>)
// CHECK: math.log
// CHECK: attn.tile.reduce sum
// CHECK-NOT: math.exp
func.func @shares(%t: memref<?x?xf32>, %i0: index, %j0: index, %n: index, %u: tensor<8xf32>, %l: tensor<8xf32>)
    -> (tensor<8xf32>, tensor<8xf32>) {
  %r:2 = attn.online domain(i parallel 8 from %i0, j key %n from %j0)
  score(%x = %t[i, j] : memref<?x?xf32>) {
    attn.yield %x : f32
  }
  value logweight normalizer(#attn.ratio) outs(%u[i] : tensor<8xf32>, %l[i] : tensor<8xf32>)
    {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}
