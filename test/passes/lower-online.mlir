// RUN: fovea-opt --attn-lower-online %s | FileCheck %s

// One step of the online softmax; the last block of keys is shorter, and only
// reductions and sums say so.
// CHECK-LABEL: func @step
// CHECK-SAME: %[[A:[a-z0-9]+]]: tensor<8x?xf32>, %[[M:[a-z0-9]+]]: tensor<8xf32>, %[[L:[a-z0-9]+]]: tensor<8xf32>
func.func @step(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %v: memref<?x?xf32>,
                %i0: index, %j0: index, %n: index, %D: index, %E: index,
                %a: tensor<8x?xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>)
    -> (tensor<8x?xf32>, tensor<8xf32>, tensor<8xf32>) {
  // Rows may run past the end of the operand; what they read there is zero.
  // CHECK: %[[Q:.*]] = attn.tile.load %{{.*}} inBounds [false, true] : memref<?x?xf32> -> tensor<8x?xf32>
  // CHECK: %[[K:.*]] = attn.tile.load %{{.*}} inBounds [true, true] : memref<?x?xf32> -> tensor<?x?xf32>
  // CHECK: %[[S:.*]] = attn.tile.contract ins(%[[Q]], %[[K]]
  // CHECK: %[[X:.*]] = attn.tile.mask %[[S]] at []
  // CHECK: attn.tile.index 1
  // CHECK: %[[M2:.*]] = attn.tile.reduce max %[[X]] onto %[[M]] end %{{.*}} : tensor<8x16xf32>, tensor<8xf32>
  // Before there is any score sums are zeros, which 1 leaves as they are.
  // CHECK: %[[C:.*]] = attn.tile.map ins(%[[M]], %[[M2]]
  // CHECK-NEXT: ^bb0(%[[OLD:.*]]: f32, %{{.*}}: f32):
  // CHECK: %[[FIRST:.*]] = arith.cmpf oeq, %[[OLD]], %cst{{.*}} : f32
  // CHECK: arith.select %[[FIRST]], %cst{{.*}}, %{{.*}} : f32
  // CHECK: %[[W:.*]] = attn.tile.map ins(%[[X]], %[[M2]]
  // CHECK: %[[L1:.*]] = attn.tile.map ins(%[[L]], %[[C]]
  // CHECK: %[[L2:.*]] = attn.tile.reduce sum %[[W]] onto %[[L1]] end
  // CHECK: %[[A1:.*]] = attn.tile.rescale %[[A]] by %[[C]]
  // CHECK: %[[A2:.*]] = attn.tile.weigh %[[W]] onto %[[A1]] end
  // CHECK: return %[[A2]], %[[M2]], %[[L2]]
  %r:3 = attn.online
      domain(i parallel 8 from %i0, j key %n from %j0, d contraction %D, e value %E)
      contraction over(d) (%x = %q[i, d] : memref<?x?xf32>, %y = %k[j, d] : memref<?x?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 0
        %j = attn.index 1
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      }
      value(%z = %v[j, e] : memref<?x?xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax)
      outs(%a[i, e] : tensor<8x?xf32>, %m[i] : tensor<8xf32>, %l[i] : tensor<8xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r#0, %r#1, %r#2 : tensor<8x?xf32>, tensor<8xf32>, tensor<8xf32>
}

// Weights that are the scores: nothing to rescale, one column without a value
// dimension.
// CHECK-LABEL: func @plain
// CHECK-NOT: attn.tile.reduce
// CHECK-NOT: attn.tile.rescale
// CHECK: attn.tile.weigh %{{.*}} onto %{{.*}} end
// CHECK: } : tensor<8x16xf32>, tensor<8x1xf32>
func.func @plain(%v: memref<?xf32>, %n: index, %a: tensor<8x1xf32>) -> tensor<8x1xf32> {
  %r = attn.online domain(i parallel 8, j key %n) score() {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  }
  value(%z = %v[j] : memref<?xf32>) {
    attn.yield %z : f32
  } normalizer(#attn.plain) outs(%a[i, 0] : tensor<8x1xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r : tensor<8x1xf32>
}

// What is summed over need not be read: a constant is added once for each d.
// CHECK-LABEL: func @unread_dimension
// CHECK: %[[ONES:.*]] = attn.tile.map at [] {
// CHECK: } -> tensor<5xi1>
// CHECK: attn.tile.contract ins(%[[ONES]] : tensor<5xi1>)
func.func @unread_dimension(%n: index, %m: tensor<8xf32>)
    -> (tensor<8xf32>, tensor<8xf32>) {
  %r:2 = attn.online domain(i parallel 8, j key %n, d contraction 5)
  contraction over(d) () {
    %s = arith.constant 0.5 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(%m[i] : tensor<8xf32>, %m[i] : tensor<8xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}

// A visit is a range of index values; the block that it is in is read whole.
// CHECK-LABEL: func @visit
// CHECK-SAME: %[[J0:[a-z0-9]+]]: index, %[[N:[a-z0-9]+]]: index, %[[FROM:[a-z0-9]+]]: index, %[[TO:[a-z0-9]+]]: index
func.func @visit(%k: memref<?xf32>, %m: tensor<8xf32>, %l: tensor<8xf32>,
                 %j0: index, %n: index, %from: index, %to: index)
    -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK-DAG: %[[BEGIN:.*]] = arith.subi %[[FROM]], %[[J0]]
  // CHECK-DAG: %[[END:.*]] = arith.subi %[[TO]], %[[J0]]
  // CHECK: attn.tile.load %{{.*}} symbols(%[[J0]])
  // CHECK: attn.tile.reduce max %{{.*}} begin %[[BEGIN]] end %[[END]]
  // CHECK: attn.tile.reduce sum %{{.*}} begin %[[BEGIN]] end %[[END]]
  %r:2 = attn.online
      domain(i parallel 8, j key %n from %j0)
      score(%x = %k[j] : memref<?xf32>) {
        attn.yield %x : f32
      }
      normalizer(#attn.softmax)
      visit(%from, %to)
      outs(%m[i] : tensor<8xf32>, %l[i] : tensor<8xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}

// Scores have a place for every key of a block, whether it exists or not: what is
// read for them is checked along the keys as along the rows.
// CHECK-LABEL: func @given
// CHECK: %[[S:.*]] = attn.tile.load %{{.*}} inBounds [false, false] : memref<?x?xf32> -> tensor<8x16xf32>
// CHECK: %[[B:.*]] = attn.tile.load %{{.*}} inBounds [true] : memref<?xf32> -> tensor<?xf32>
// CHECK: attn.tile.map ins(%[[S]], %[[B]]
func.func @given(%s: memref<?x?xf32>, %b: memref<?xf32>, %n: index, %m: tensor<8xf32>, %l: tensor<8xf32>)
    -> (tensor<8xf32>, tensor<8xf32>) {
  %r:2 = attn.online domain(i parallel 8, j key %n)
      score(%x = %s[i, j] : memref<?x?xf32>, %y = %b[j] : memref<?xf32>) {
        %xy = arith.addf %x, %y : f32
        attn.yield %xy : f32
      }
      normalizer(#attn.softmax) outs(%m[i] : tensor<8xf32>, %l[i] : tensor<8xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 16>}
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}
