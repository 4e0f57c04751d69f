// RUN: fovea-opt --attn-tabulate --split-input-file %s | FileCheck %s

// The angle of a key is a table over keys and components, its frequency one
// over components alone.
// CHECK-LABEL: func @rotary
// CHECK-SAME: %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[M:.*]]: index, %[[N:.*]]: index
// CHECK: %[[FREQUENCY:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<4xf32>)
// CHECK: math.powf
// CHECK: %[[SIZE:.*]] = tensor.empty(%[[N]]) : tensor<?x4xf32>
// CHECK: %[[TABLE:.*]] = linalg.generic {{.*}} ins(%[[FREQUENCY]] : tensor<4xf32>) outs(%[[SIZE]]
// CHECK: ^bb0(%[[F:.*]]: f32, %{{.*}}: f32):
// CHECK: %[[J:.*]] = linalg.index 0
// CHECK: arith.index_cast %[[J]]
// CHECK-NOT: math.powf
// CHECK: math.cos
// CHECK: attn.attention
// CHECK: contraction over(d) (%[[X:.*]] = %{{.*}}[i, d]{{.*}}, %[[Y:.*]] = %{{.*}}[j, d]{{.*}}, %[[C:.*]] = %[[TABLE]][j, d]
// CHECK-NOT: math
// CHECK: arith.mulf %[[Y]], %[[C]]
func.func @rotary(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %o: tensor<?x4xf32>, %m: index, %n: index)
    -> tensor<?x4xf32> {
  %r = attn.attention
      domain(i parallel %m, j key %n, d contraction 4, e value 4)
      contraction over(d) (%x = %q[i, d] : tensor<?x4xf32>, %y = %k[j, d] : tensor<?x4xf32>) {
        %base = arith.constant 100.0 : f32
        %j = attn.index 1
        %d = attn.index 2
        %ji = arith.index_cast %j : index to i32
        %jf = arith.sitofp %ji : i32 to f32
        %di = arith.index_cast %d : index to i32
        %df = arith.sitofp %di : i32 to f32
        %frequency = math.powf %base, %df : f32
        %angle = arith.divf %jf, %frequency : f32
        %cos = math.cos %angle : f32
        %turned = arith.mulf %y, %cos : f32
        %xy = arith.mulf %x, %turned : f32
        attn.yield %xy : f32
      }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}

// -----

// Left alone: a function of what is read, one of query and key together, and
// one of a dimension that starts elsewhere.
// CHECK-LABEL: func @negative
// CHECK-NOT: linalg.generic
// CHECK: attn.attention
func.func @negative(%q: tensor<?x4xf32>, %k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %o: tensor<?x4xf32>, %m: index, %n: index)
    -> tensor<?x4xf32> {
  %r = attn.attention
      domain(i parallel %m, j key %n, d contraction 2 from 1, e value 4)
      contraction over(d) (%x = %q[i, d] : tensor<?x4xf32>, %y = %k[j, d] : tensor<?x4xf32>) {
        %i = attn.index 0
        %j = attn.index 1
        %d = attn.index 2
        %ij = arith.subi %i, %j : index
        %iji = arith.index_cast %ij : index to i32
        %ijf = arith.sitofp %iji : i32 to f32
        %far = math.exp %ijf : f32
        %di = arith.index_cast %d : index to i32
        %df = arith.sitofp %di : i32 to f32
        %sin = math.sin %df : f32
        %tanh = math.tanh %y : f32
        %xy = arith.mulf %x, %tanh : f32
        %a = arith.mulf %xy, %far : f32
        %b = arith.mulf %a, %sin : f32
        attn.yield %b : f32
      }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}
