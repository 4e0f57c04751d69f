// RUN: fovea-opt --attn-split-contractions %s | FileCheck %s

// A function of the queries and one of the keys are computed once for each; a
// product that both take part in stays.
// CHECK-DAG: #[[R:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[K:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func @both_sides
// CHECK-SAME: %[[Q:.*]]: tensor<8x4xf32>, %[[KEYS:.*]]: tensor<16x4xf32>, %[[AT:.*]]: index
// CHECK: %[[X:.*]] = attn.tile.map ins(%[[Q]] : tensor<8x4xf32>)
// CHECK: math.exp
// CHECK: -> tensor<8x4xf32>
// CHECK: %[[Y:.*]] = attn.tile.map ins(%[[KEYS]] : tensor<16x4xf32>)
// CHECK: %[[LOCAL:.*]] = attn.tile.index 0
// CHECK: arith.addi %[[AT]], %[[LOCAL]]
// CHECK: math.cos
// CHECK: -> tensor<16x4xf32>
// CHECK: attn.tile.contract ins(%[[X]], %[[Y]] : {{.*}}) at [#[[R]], #[[K]]]
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[AB:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK-NEXT: attn.yield %[[AB]]
func.func @both_sides(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>, %at: index) -> tensor<8x16xf32> {
  %s = attn.tile.contract ins(%q, %k : tensor<8x4xf32>, tensor<16x4xf32>)
      at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
  ^bb0(%x: f32, %y: f32):
    %j = attn.tile.index 1
    %place = arith.addi %at, %j : index
    %int = arith.index_cast %place : index to i32
    %angle = arith.sitofp %int : i32 to f32
    %cos = math.cos %angle : f32
    %turned = arith.mulf %y, %cos : f32
    %e = math.exp %x : f32
    %xy = arith.mulf %e, %turned : f32
    attn.yield %xy : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}

// What is summed has a size that its load knows; a weight of each term is one
// tile for all rows and keys.
// CHECK-LABEL: func @dynamic
// CHECK-SAME: %{{.*}}, %{{.*}}, %[[D:.*]]: index
// CHECK: %[[W:.*]] = attn.tile.map at [] extents(%[[D]])
// CHECK: attn.tile.index 0
// CHECK: -> tensor<?xf32>
// CHECK: attn.tile.contract ins(%{{.*}}, %{{.*}}, %[[W]] :
// CHECK: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32, %[[C:.*]]: f32):
// CHECK: %[[AB:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK: arith.mulf %[[AB]], %[[C]]
func.func @dynamic(%q: memref<8x?xf32>, %k: memref<16x?xf32>, %d: index) -> tensor<8x16xf32> {
  %tq = attn.tile.load %q[affine_map<(r, d) -> (r, d)>] extents(%d) inBounds [true, true]
      : memref<8x?xf32> -> tensor<8x?xf32>
  %tk = attn.tile.load %k[affine_map<(r, d) -> (r, d)>] extents(%d) inBounds [true, true]
      : memref<16x?xf32> -> tensor<16x?xf32>
  %s = attn.tile.contract ins(%tq, %tk : tensor<8x?xf32>, tensor<16x?xf32>)
      at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
  ^bb0(%x: f32, %y: f32):
    %c = attn.tile.index 2
    %int = arith.index_cast %c : index to i32
    %weight = arith.sitofp %int : i32 to f32
    %xy = arith.mulf %x, %y : f32
    %term = arith.mulf %xy, %weight : f32
    attn.yield %term : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}

// An operand that the rest of the region reads too stays an input.
// CHECK-LABEL: func @read_twice
// CHECK-SAME: %[[Q:.*]]: tensor<8x4xf32>, %[[KEYS:.*]]: tensor<16x4xf32>
// CHECK: %[[Y:.*]] = attn.tile.map ins(%[[KEYS]]
// CHECK: attn.tile.contract ins(%[[Q]], %[[KEYS]], %[[Y]]
func.func @read_twice(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>) -> tensor<8x16xf32> {
  %s = attn.tile.contract ins(%q, %k : tensor<8x4xf32>, tensor<16x4xf32>)
      at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
  ^bb0(%x: f32, %y: f32):
    %tanh = math.tanh %y : f32
    %diff = arith.subf %x, %y : f32
    %term = arith.mulf %diff, %tanh : f32
    attn.yield %term : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}

// Conversions cost no more than the read, and a function of both sides is one
// for each pair.
// CHECK-LABEL: func @negative
// CHECK-NOT: attn.tile.map
func.func @negative(%q: tensor<8x4xbf16>, %k: tensor<16x4xbf16>) -> tensor<8x16xf32> {
  %s = attn.tile.contract ins(%q, %k : tensor<8x4xbf16>, tensor<16x4xbf16>)
      at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %sum = arith.addf %wx, %wy : f32
    %tanh = math.tanh %sum : f32
    attn.yield %tanh : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}
