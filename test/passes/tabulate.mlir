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

// -----

// Queries and keys are turned by the same angles, which repeat themselves after
// 16 components: one table serves both, as long as the longer of them, and
// cosines and sines are made together.
// CHECK-LABEL: func @shared
// CHECK-SAME: %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[M:.*]]: index, %[[N:.*]]: index
// CHECK: %[[LENGTH:.*]] = arith.maxsi %[[M]], %[[N]]
// CHECK: tensor.empty(%[[LENGTH]]) : tensor<?x16xf32>
// CHECK: %[[TABLES:.*]]:2 = linalg.generic
// CHECK-NOT: floordivsi
// CHECK: math.cos
// CHECK: math.sin
// CHECK-NOT: linalg.generic
// CHECK: attn.attention
// CHECK: contraction over(d)
// CHECK-SAME: = %[[TABLES]]#0[i, d mod 16] : tensor<?x16xf32>
// CHECK-SAME: = %[[TABLES]]#1[i, d mod 16] : tensor<?x16xf32>
// CHECK-SAME: = %[[TABLES]]#1[j, d mod 16] : tensor<?x16xf32>
// CHECK-SAME: = %[[TABLES]]#0[j, d mod 16] : tensor<?x16xf32>
// CHECK-NOT: math
// CHECK: score
func.func @shared(%q: tensor<?x32xf32>, %k: tensor<?x32xf32>, %v: tensor<?x4xf32>, %o: tensor<?x4xf32>, %m: index, %n: index)
    -> tensor<?x4xf32> {
  %r = attn.attention
      domain(i parallel %m, j key %n, d contraction 32, e value 4)
      contraction over(d) (%x = %q[i, d] : tensor<?x32xf32>, %y = %k[j, d] : tensor<?x32xf32>) {
        %c16 = arith.constant 16 : index
        %i = attn.index 0
        %j = attn.index 1
        %d = attn.index 2
        %quotient = arith.floordivsi %d, %c16 : index
        %product = arith.muli %quotient, %c16 : index
        %rest = arith.subi %d, %product : index
        %ri = arith.index_cast %rest : index to i32
        %rf = arith.sitofp %ri : i32 to f32
        %ii = arith.index_cast %i : index to i32
        %if = arith.sitofp %ii : i32 to f32
        %ji = arith.index_cast %j : index to i32
        %jf = arith.sitofp %ji : i32 to f32
        %ia = arith.mulf %if, %rf : f32
        %ja = arith.mulf %jf, %rf : f32
        %ic = math.cos %ia : f32
        %is = math.sin %ia : f32
        %js = math.sin %ja : f32
        %jc = math.cos %ja : f32
        %half = arith.mulf %x, %ic : f32
        %turned = arith.mulf %half, %is : f32
        %a = arith.mulf %y, %jc : f32
        %b = arith.mulf %a, %js : f32
        %xy = arith.mulf %turned, %b : f32
        attn.yield %xy : f32
      }
      score(%s: f32) { attn.yield %s : f32 }
      value(%z = %v[j, e] : tensor<?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x4xf32>)
  return %r : tensor<?x4xf32>
}

// -----

// Left as they are: remainders by what is no whole vector, a function of the
// component itself beside one of its remainder, and lengths that stay apart
// because the functions differ.
// CHECK-LABEL: func @negative_shared
// CHECK: outs(%{{.*}} : tensor<?x32xf32>)
// CHECK: math.cos
// CHECK: outs(%{{.*}} : tensor<?x32xf32>)
// CHECK: math.sin
// CHECK: outs(%{{.*}} : tensor<8xf32>)
// CHECK: math.exp
// CHECK: attn.attention
// CHECK: [i, d]
// CHECK: [j, d]
// CHECK: [e]
func.func @negative_shared(%q: tensor<?x32xf32>, %k: tensor<?x32xf32>, %v: tensor<?x8xf32>, %o: tensor<?x8xf32>, %m: index,
    %n: index) -> tensor<?x8xf32> {
  %r = attn.attention
      domain(i parallel %m, j key %n, d contraction 32, e value 8)
      contraction over(d) (%x = %q[i, d] : tensor<?x32xf32>, %y = %k[j, d] : tensor<?x32xf32>) {
        %c16 = arith.constant 16 : index
        %i = attn.index 0
        %j = attn.index 1
        %d = attn.index 2
        %quotient = arith.floordivsi %d, %c16 : index
        %product = arith.muli %quotient, %c16 : index
        %rest = arith.subi %d, %product : index
        %near = arith.addi %i, %rest : index
        %far = arith.addi %j, %d : index
        %ni = arith.index_cast %near : index to i32
        %nf = arith.sitofp %ni : i32 to f32
        %fi = arith.index_cast %far : index to i32
        %ff = arith.sitofp %fi : i32 to f32
        %c = math.cos %nf : f32
        %s = math.sin %ff : f32
        %xc = arith.mulf %x, %c : f32
        %ys = arith.mulf %y, %s : f32
        %xy = arith.mulf %xc, %ys : f32
        attn.yield %xy : f32
      }
      value(%z = %v[j, e] : tensor<?x8xf32>) {
        %c4 = arith.constant 4 : index
        %e = attn.index 3
        %quotient = arith.floordivsi %e, %c4 : index
        %product = arith.muli %quotient, %c4 : index
        %rest = arith.subi %e, %product : index
        %ri = arith.index_cast %rest : index to i32
        %rf = arith.sitofp %ri : i32 to f32
        %decay = math.exp %rf : f32
        %w = arith.mulf %z, %decay : f32
        attn.yield %w : f32
      }
      normalizer(#attn.softmax) outs(output %o[i, e] : tensor<?x8xf32>)
  return %r : tensor<?x8xf32>
}
