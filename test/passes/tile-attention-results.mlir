// RUN: fovea-opt --attn-schedule='min-queries=0 query-tile=8 key-block=16' --attn-tile-attention %s | FileCheck %s

// Each sum is a part of the state with its own columns, the statistics follow;
// each output is stored from the sums that it uses.
// CHECK-LABEL: func @results
// CHECK-SAME: %[[O:[a-z0-9]+]]: memref<?x?xf32>, %[[P:[a-z0-9]+]]: memref<?x4xbf16>, %[[H:[a-z0-9]+]]: memref<?xf32>, %[[TOP:[a-z0-9]+]]: memref<?xf32>, %[[BEST:[a-z0-9]+]]: memref<?xi32>
func.func @results(%q: memref<?xf32>, %v: memref<?x?xf32>, %w: memref<?x4xf32>, %o: memref<?x?xf32>, %p: memref<?x4xbf16>,
                   %h: memref<?xf32>, %top: memref<?xf32>, %best: memref<?xi32>, %M: index, %N: index, %E: index) {
  // Each result is as large as the domain, or larger.
  // CHECK: %[[O_PART:.*]] = memref.subview %[[O]]
  // CHECK: %[[P_PART:.*]] = memref.subview %[[P]]
  // CHECK: %[[H_PART:.*]] = memref.subview %[[H]]
  // CHECK: %[[TOP_PART:.*]] = memref.subview %[[TOP]]
  // CHECK: %[[BEST_PART:.*]] = memref.subview %[[BEST]]
  // CHECK: arith.constant -1 : i64
  // CHECK: -> tensor<8xi64>
  // CHECK: %[[R:[a-z0-9]+]]:8 = attn.online
  // CHECK: value over(e) (
  // CHECK: value over(c) (
  // CHECK: value logweight
  // CHECK-NOT: epilogue
  // CHECK: statistics(max, argmax)
  // CHECK-NEXT: outs(%{{.*}}[i, e] : tensor<8x?xf32>, %{{.*}}[i, c] : tensor<8x4xf32>, %{{.*}}[i] : tensor<8xf32>, {{.*}} : tensor<8xi64>)
  // The state is put back into that of the group, then results are made of it.
  // CHECK: tensor.insert_slice
  // CHECK: %[[A:.*]] = tensor.extract_slice {{.*}} to tensor<8x?xf32>
  // CHECK: %[[B:.*]] = tensor.extract_slice {{.*}} to tensor<8x4xf32>
  // CHECK: %[[U:.*]] = tensor.extract_slice {{.*}} to tensor<8xf32>
  // The sum of the logarithms is divided and moved first.
  // CHECK: %[[LOG:.*]] = attn.tile.map ins(%[[U]],
  // CHECK: math.log
  // CHECK: attn.tile.map ins(%[[A]],
  // CHECK: attn.tile.store {{.*}}, %[[O_PART]]
  // CHECK: attn.tile.map ins(%[[B]],
  // CHECK: attn.tile.store {{.*}}, %[[P_PART]]
  // CHECK: attn.tile.map ins(%[[LOG]] :
  // CHECK: arith.negf
  // CHECK: attn.tile.store {{.*}}, %[[H_PART]]
  // CHECK: attn.tile.store {{.*}}, %[[TOP_PART]]
  // CHECK: arith.trunci %{{.*}} : i64 to i32
  // CHECK: attn.tile.store {{.*}}, %[[BEST_PART]]
  attn.attention
      domain(i parallel %M, j key %N, e value %E, c value 4)
      score(%x = %q[i] : memref<?xf32>, %y = %q[j] : memref<?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value over(e) (%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      }
      value over(c) (%z = %w[j, c] : memref<?x4xf32>) {
        attn.yield %z : f32
      }
      value logweight
      epilogue 2 (%a : f32, %b : f32, %u : f32) {
        %negative = arith.negf %u : f32
        attn.yield %negative : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[i, e] : memref<?x?xf32>, output %p[i, c] : memref<?x4xbf16>, output %h[i] : memref<?xf32>,
           max %top[i] : memref<?xf32>, argmax %best[i] : memref<?xi32>)
  return
}

// A sink moves the logarithms to its shift, and is no part of their sum.
// CHECK-LABEL: func @sink
// CHECK: %[[S:.*]] = attn.tile.load
// CHECK: %[[U2:.*]] = attn.tile.map ins(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>)
// CHECK: %[[KEYS:.*]] = attn.tile.map
// CHECK: %[[MASS:.*]] = attn.tile.map ins(%[[KEYS]],
// CHECK: attn.tile.map ins(%[[U2]], %[[KEYS]], %[[MASS]],
func.func @sink(%q: memref<?xf32>, %c: memref<?xf32>, %h: memref<?xf32>, %M: index, %N: index) {
  attn.attention
      domain(i parallel %M, j key %N)
      score(%x = %q[j] : memref<?xf32>) {
        attn.yield %x : f32
      }
      value logweight
      sink(%x = %c[i] : memref<?xf32>) {
        attn.yield %x : f32
      }
      normalizer(#attn.softmax)
      outs(output %h[i] : memref<?xf32>)
  return
}
