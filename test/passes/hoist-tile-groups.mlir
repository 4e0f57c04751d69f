// RUN: fovea-opt --attn-hoist-tile-groups %s | FileCheck %s

#rows = affine_map<(r, d)[s] -> (r + s, d)>

// Queries are read once for each tile, and not again for every block of keys.
// CHECK-LABEL: func @queries
// CHECK-SAME: %{{.*}}, %{{.*}}, %[[TILES:[a-z0-9]+]]: index, %{{.*}}, %[[D:[a-z0-9]+]]: index
// CHECK: %[[COUNT:.*]] = arith.minsi %[[TILES]], %c4
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[D]]) : tensor<4x8x?xf32>
// CHECK: %[[ALL:.*]] = scf.for %[[T:.*]] = %c0 to %[[COUNT]] step %c1 iter_args(%[[BEFORE:.*]] = %[[EMPTY]])
// CHECK: %[[FIRST:.*]] = arith.muli %[[T]], %c8
// CHECK: %[[Q:.*]] = attn.tile.load %{{.*}} symbols(%[[FIRST]])
// CHECK: %[[NEXT:.*]] = tensor.insert_slice %[[Q]] into %[[BEFORE]][%[[T]], 0, 0] [1, 8, %[[D]]] [1, 1, 1]
// CHECK: scf.yield %[[NEXT]]
// CHECK: scf.for
// CHECK: %[[KEYS:.*]] = attn.tile.load
// CHECK: scf.for %[[TILE:[a-z0-9]+]] =
// CHECK-NOT: attn.tile.load
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[ALL]][%[[TILE]], 0, 0] [1, 8, %[[D]]] [1, 1, 1]
// CHECK: attn.tile.contract ins(%[[PART]], %[[KEYS]]
func.func @queries(%q: memref<?x?xf32>, %k: memref<?x?xf32>, %tiles: index, %N: index, %D: index,
                   %state: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %count = arith.minsi %tiles, %c4 : index
  %r = scf.for %j = %c0 to %N step %c16 iter_args(%outer = %state) -> tensor<8xf32> {
    %keys = attn.tile.load %k[#rows] symbols(%j) extents(%D) inBounds [true, true]
        : memref<?x?xf32> -> tensor<16x?xf32>
    %s = scf.for %t = %c0 to %count step %c1 iter_args(%inner = %outer) -> tensor<8xf32> {
      %first = arith.muli %t, %c8 : index
      %rows = attn.tile.load %q[#rows] symbols(%first) extents(%D) inBounds [false, true]
          : memref<?x?xf32> -> tensor<8x?xf32>
      %scores = attn.tile.contract ins(%rows, %keys : tensor<8x?xf32>, tensor<16x?xf32>)
          at [affine_map<(r, k, d) -> (r, d)>, affine_map<(r, k, d) -> (k, d)>] {
      ^bb0(%x: f32, %y: f32):
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      } -> tensor<8x16xf32>
      %max = attn.tile.reduce max %scores onto %inner : tensor<8x16xf32>, tensor<8xf32>
      scf.yield %max : tensor<8xf32>
    }
    scf.yield %s : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}

// The number of tiles has no bound: there is no room for all.
// CHECK-LABEL: func @negative_unbounded
// CHECK-NOT: tensor.empty
func.func @negative_unbounded(%q: memref<?x?xf32>, %tiles: index, %N: index, %state: tensor<8xf32>)
    -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %j = %c0 to %N step %c1 iter_args(%outer = %state) -> tensor<8xf32> {
    %s = scf.for %t = %c0 to %tiles step %c1 iter_args(%inner = %outer) -> tensor<8xf32> {
      %rows = attn.tile.load %q[#rows] symbols(%t) inBounds [false, true]
          : memref<?x?xf32> -> tensor<8x16xf32>
      %max = attn.tile.reduce max %rows onto %inner : tensor<8x16xf32>, tensor<8xf32>
      scf.yield %max : tensor<8xf32>
    }
    scf.yield %s : tensor<8xf32>
  }
  return %r : tensor<8xf32>
}
