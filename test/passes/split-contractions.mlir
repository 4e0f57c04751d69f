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

// A conversion is a computation like any other: it is made once.
// CHECK-LABEL: func @narrow
// CHECK-SAME: %[[Q:.*]]: tensor<8x4xbf16>, %[[KEYS:.*]]: tensor<16x4xbf16>
// CHECK: %[[X:.*]] = attn.tile.map ins(%[[Q]] : tensor<8x4xbf16>)
// CHECK: arith.extf
// CHECK: -> tensor<8x4xf32>
// CHECK: %[[Y:.*]] = attn.tile.map ins(%[[KEYS]] : tensor<16x4xbf16>)
// CHECK: arith.extf
// CHECK: -> tensor<16x4xf32>
// CHECK: attn.tile.contract ins(%[[X]], %[[Y]] : {{.*}}) at [#[[R]], #[[K]]]
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: arith.mulf %[[A]], %[[B]]
func.func @narrow(%q: tensor<8x4xbf16>, %k: tensor<16x4xbf16>) -> tensor<8x16xf32> {
  %s = attn.tile.contract ins(%q, %k : tensor<8x4xbf16>, tensor<16x4xbf16>)
      at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
  ^bb0(%x: bf16, %y: bf16):
    %wx = arith.extf %x : bf16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}

// What is weighed is computed once for each key and column, with the number of
// keys that its load knows; a gate of each row and column is a tile too.
// CHECK-LABEL: func @weighed
// CHECK-SAME: %[[GATE:[^:]*]]: tensor<8x4xbf16>, %[[N:[^:]*]]: index,
// CHECK: %[[V:.*]] = attn.tile.load
// CHECK-DAG: %[[X:.*]] = attn.tile.map ins(%[[V]] : tensor<?x4xf16>) at [#{{.*}}] extents(%[[N]])
// CHECK-DAG: %[[Y:.*]] = attn.tile.map ins(%[[GATE]] : tensor<8x4xbf16>)
// CHECK: attn.tile.weigh %{{.*}} onto %{{.*}} begin %{{.*}} end %[[N]] ins(%{{.*}}, %{{.*}} : tensor<{{.*}}xf32>, tensor<{{.*}}xf32>) at [#{{.*}}, #{{.*}}]
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[AB:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT: attn.yield %[[AB]]
func.func @weighed(%gate: tensor<8x4xbf16>, %n: index, %values: memref<?x4xf16>, %w: tensor<8x16xf32>, %sum: tensor<8x4xf32>)
    -> tensor<8x4xf32> {
  %c1 = arith.constant 1 : index
  %v = attn.tile.load %values[affine_map<(k, e) -> (k, e)>] extents(%n) inBounds [true, true]
      : memref<?x4xf16> -> tensor<?x4xf16>
  %next = attn.tile.weigh %w onto %sum begin %c1 end %n ins(%v, %gate : tensor<?x4xf16>, tensor<8x4xbf16>)
      at [affine_map<(r, k, e) -> (k, e)>, affine_map<(r, k, e) -> (r, e)>] {
  ^bb0(%x: f16, %y: bf16):
    %wx = arith.extf %x : f16 to f32
    %wy = arith.extf %y : bf16 to f32
    %xy = arith.mulf %wx, %wy : f32
    attn.yield %xy : f32
  } : tensor<8x16xf32>, tensor<8x4xf32>
  return %next : tensor<8x4xf32>
}

// A function of both sides is one for each pair.
// CHECK-LABEL: func @negative
// CHECK-NOT: attn.tile.map
func.func @negative(%q: tensor<8x4xf32>, %k: tensor<16x4xf32>) -> tensor<8x16xf32> {
  %s = attn.tile.contract ins(%q, %k : tensor<8x4xf32>, tensor<16x4xf32>)
      at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
  ^bb0(%x: f32, %y: f32):
    %sum = arith.addf %x, %y : f32
    %tanh = math.tanh %sum : f32
    attn.yield %tanh : f32
  } -> tensor<8x16xf32>
  return %s : tensor<8x16xf32>
}

// CHECK-LABEL: func @negative_plain_values
// CHECK-NOT: attn.tile.map
func.func @negative_plain_values(%v: tensor<16x4xf32>, %w: tensor<8x16xf32>, %sum: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %next = attn.tile.weigh %w onto %sum ins(%v : tensor<16x4xf32>) at [affine_map<(r, k, e) -> (k, e)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : tensor<8x16xf32>, tensor<8x4xf32>
  return %next : tensor<8x4xf32>
}
