// RUN: fovea-opt --verify-roundtrip %s | FileCheck %s
// RUN: fovea-opt --mlir-print-op-generic %s | fovea-opt | FileCheck %s

// CHECK-LABEL: func @causal_grouped
func.func @causal_grouped(%q: tensor<?x?x4x?x64xf32>, %k: tensor<?x?x?x64xf32>,
    %v: tensor<?x?x?x64xf32>, %slope: tensor<?x4xf32>, %past: tensor<?xi32>,
    %B: index, %H: index, %M: index, %N: index,
    %o: tensor<?x?x4x?x64xf32>, %l: tensor<?x?x4x?xf32>)
    -> (tensor<?x?x4x?x64xf32>, tensor<?x?x4x?xf32>) {
  // CHECK: attn.attention
  // CHECK-NEXT: domain(b parallel %{{.*}}, h parallel %{{.*}}, g parallel 4, i parallel %{{.*}}, j key %{{.*}}, d contraction 64, e value 64)
  // CHECK-NEXT: contraction over(d) (%[[X:.*]] = %{{.*}}[b, h, g, i, d] : tensor<?x?x4x?x64xf32>, %{{.*}} = %{{.*}}[b, h, j, d] : tensor<?x?x?x64xf32>) {
  // CHECK: score(%{{.*}}: f32, %{{.*}} = %{{.*}}[h, g] : tensor<?x4xf32>) {
  // CHECK: mask(%{{.*}} = %{{.*}}[b] : tensor<?xi32>) {
  // CHECK: value(%{{.*}} = %{{.*}}[b, h, j, e] : tensor<?x?x?x64xf32>) {
  // CHECK: normalizer(#attn.softmax)
  // CHECK-NEXT: outs(output %{{.*}}[b, h, g, i, e] : tensor<?x?x4x?x64xf32>, logsumexp %{{.*}}[b, h, g, i] : tensor<?x?x4x?xf32>)
  %r:2 = attn.attention
      domain(b parallel %B, h parallel %H, g parallel 4, i parallel %M, j key %N,
             d contraction 64, e value 64)
      contraction over(d) (%x = %q[b, h, g, i, d] : tensor<?x?x4x?x64xf32>,
                           %y = %k[b, h, j, d] : tensor<?x?x?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      score(%s : f32, %a = %slope[h, g] : tensor<?x4xf32>) {
        %i = attn.index 3
        %j = attn.index 4
        %ij = arith.subi %i, %j : index
        %d = arith.index_cast %ij : index to i64
        %f = arith.sitofp %d : i64 to f32
        %p = arith.mulf %a, %f : f32
        %t = arith.subf %s, %p : f32
        attn.yield %t : f32
      }
      mask(%p = %past[b] : tensor<?xi32>) {
        %i = attn.index 3
        %j = attn.index 4
        %pi = arith.index_cast %p : i32 to index
        %last = arith.addi %i, %pi : index
        %m = arith.cmpi sle, %j, %last : index
        attn.yield %m : i1
      }
      value(%z = %v[b, h, j, e] : tensor<?x?x?x64xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[b, h, g, i, e] : tensor<?x?x4x?x64xf32>,
           logsumexp %l[b, h, g, i] : tensor<?x?x4x?xf32>)
  return %r#0, %r#1 : tensor<?x?x4x?x64xf32>, tensor<?x?x4x?xf32>
}

// A paged cache: the page is looked up, the place in it is arithmetic.
// CHECK-LABEL: func @paged
func.func @paged(%q: tensor<?x32xf32>, %kc: tensor<?x16x32xf32>, %page: tensor<?x?xi32>,
    %B: index, %N: index, %o: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: lookup(%{{.*}} = %{{.*}}[b, j floordiv 16] : tensor<?x?xi32>) {
  // CHECK: %{{.*}} = %{{.*}}[l0, j mod 16, d] : tensor<?x16x32xf32>) {
  %r = attn.attention
      domain(b parallel %B, j key %N, d contraction 32)
      lookup(%p = %page[b, j floordiv 16] : tensor<?x?xi32>) {
        %pi = arith.index_cast %p : i32 to index
        attn.yield %pi : index
      }
      contraction over(d) (%x = %q[b, d] : tensor<?x32xf32>,
                           %y = %kc[l0, j mod 16, d] : tensor<?x16x32xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      normalizer(#attn.softmax)
      outs(logsumexp %o[b] : tensor<?xf32>)
  return %r : tensor<?xf32>
}

// A tile of an attention is the same op with offsets, over the same operands.
// CHECK-LABEL: func @online_tile
func.func @online_tile(%q: memref<?x64xf32>, %k: memref<?x64xf32>, %table: memref<?xf32>,
    %i0: index, %j0: index, %M: index, %acc: tensor<32xf32>, %m: tensor<32xf32>)
    -> (tensor<32xf32>, tensor<32xf32>) {
  // CHECK: attn.online
  // CHECK-NEXT: domain(i parallel 32 from %{{.*}}, j key 48 from %{{.*}}, d contraction 64)
  // CHECK-NEXT: symbols(%{{.*}})
  // CHECK: score(%{{.*}}: f32, %{{.*}} = %{{.*}}[i - j + s0 - 1] : memref<?xf32>)
  // CHECK: outs(%{{.*}}[i] : tensor<32xf32>, %{{.*}}[i] : tensor<32xf32>)
  %r:2 = attn.online
      domain(i parallel 32 from %i0, j key 48 from %j0, d contraction 64)
      symbols(%M)
      contraction over(d) (%x = %q[i, d] : memref<?x64xf32>,
                           %y = %k[j, d] : memref<?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      score(%s : f32, %b = %table[i - j + s0 - 1] : memref<?xf32>) {
        %t = arith.addf %s, %b : f32
        attn.yield %t : f32
      }
      normalizer(#attn.softmax)
      outs(%acc[i] : tensor<32xf32>, %m[i] : tensor<32xf32>)
  return %r#0, %r#1 : tensor<32xf32>, tensor<32xf32>
}

// Sums over different value dimensions, one of them computed from the score, and
// of the logarithm of the weight; outputs that are made of several of them.
// CHECK-LABEL: func @results
func.func @results(%q: tensor<?x64xf32>, %k: tensor<?x64xf32>, %v: tensor<?x32xf32>, %u: tensor<?xf32>,
    %M: index, %N: index, %o: tensor<?x32xf32>, %h: tensor<?xf32>, %best: tensor<?xi64>)
    -> (tensor<?x32xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi64>) {
  // CHECK: value(%{{.*}} = %{{.*}}[j, e] : tensor<?x32xf32>) {
  // CHECK: value logweight
  // CHECK: value over() (%{{.*}}: f32, %{{.*}} = %{{.*}}[j] : tensor<?xf32>) {
  // CHECK: epilogue 1 (%{{.*}}: f32, %{{.*}}: f32, %{{.*}}: f32) {
  // CHECK: outs(output %{{.*}}[i, e] : tensor<?x32xf32>, output %{{.*}}[i] : tensor<?xf32>, max %{{.*}}[i] : tensor<?xf32>, argmax %{{.*}}[i] : tensor<?xi64>)
  %r:4 = attn.attention
      domain(i parallel %M, j key %N, d contraction 64, e value 32)
      contraction over(d) (%x = %q[i, d] : tensor<?x64xf32>, %y = %k[j, d] : tensor<?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%z = %v[j, e] : tensor<?x32xf32>) {
        attn.yield %z : f32
      }
      value logweight
      value over() (%s : f32, %z = %u[j] : tensor<?xf32>) {
        %sz = arith.mulf %s, %z : f32
        attn.yield %sz : f32
      }
      epilogue 1 (%a : f32, %b : f32, %c : f32) {
        %d = arith.subf %c, %b : f32
        attn.yield %d : f32
      }
      normalizer(#attn.softmax)
      outs(output %o[i, e] : tensor<?x32xf32>, output %h[i] : tensor<?xf32>,
           max %h[i] : tensor<?xf32>, argmax %best[i] : tensor<?xi64>)
  return %r#0, %r#1, %r#2, %r#3 : tensor<?x32xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xi64>
}

// CHECK-LABEL: func @online_results
func.func @online_results(%a: tensor<8xf32>, %at: tensor<8xi64>)
    -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xi64>) {
  // CHECK: value logweight
  // CHECK: statistics(max, argmax)
  %r:6 = attn.online domain(i parallel 8, j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value logweight normalizer(#attn.softmax) statistics(max, argmax)
    outs(%a[i] : tensor<8xf32>, %a[i] : tensor<8xf32>, %a[i] : tensor<8xf32>,
         %a[i] : tensor<8xf32>, %a[i] : tensor<8xf32>, %at[i] : tensor<8xi64>)
  return %r#0, %r#1, %r#2, %r#3, %r#4, %r#5
      : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xi64>
}
