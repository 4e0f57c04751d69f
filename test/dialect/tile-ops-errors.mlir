// RUN: fovea-opt --split-input-file --verify-diagnostics %s

func.func @maps_for_inputs(%a: tensor<4xf32>) {
  // expected-error @below {{expects a map for each of 1 inputs, but got 0}}
  %r = attn.tile.map ins(%a : tensor<4xf32>) at [] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @no_projection(%a: tensor<4xf32>) {
  // expected-error @below {{expects map 0 to be a projection, but got affine_map<(d0) -> (d0 + 1)>}}
  %r = attn.tile.map ins(%a : tensor<4xf32>) at [affine_map<(r) -> (r + 1)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @map_of_other_dimensions(%a: tensor<4xf32>) {
  // expected-error @below {{expects map 0 to be over 1 dimensions, but got affine_map<(d0, d1) -> (d1)>}}
  %r = attn.tile.map ins(%a : tensor<4xf32>) at [affine_map<(r, s) -> (s)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @map_of_other_rank(%a: tensor<4x4xf32>) {
  // expected-error @below {{expects map 0 to give 2 coordinates, but got 1}}
  %r = attn.tile.map ins(%a : tensor<4x4xf32>) at [affine_map<(r) -> (r)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @other_extent(%a: tensor<5xf32>) {
  // expected-error @below {{expects extent 4 along dimension 0, but input 0 has 5}}
  %r = attn.tile.map ins(%a : tensor<5xf32>) at [affine_map<(r) -> (r)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @two_blocks(%a: tensor<4x4xf32>) {
  // expected-error @below {{expects a region of one block that is not empty}}
  %r = attn.tile.mask %a at [] {
    %true = arith.constant true
    cf.br ^end
  ^end:
    attn.yield %true : i1
  } : tensor<4x4xf32>
  return
}

// -----

func.func @empty_block() {
  // expected-error @below {{expects a region of one block that is not empty}}
  %r = "attn.tile.map"() <{maps = [], operandSegmentSizes = array<i32: 0, 0>}> ({
  ^bb0:
  }) : () -> tensor<4xf32>
  return
}

// -----

func.func @arguments(%a: tensor<4xf32>) {
  // expected-error @below {{expects 1 block arguments, but got 2}}
  %r = attn.tile.map ins(%a : tensor<4xf32>) at [affine_map<(r) -> (r)>] {
  ^bb0(%x: f32, %y: f32):
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @argument_type(%a: tensor<4xf32>) {
  // expected-error @below {{expects argument 0 to be 'f32', but it is 'f64'}}
  %r = attn.tile.map ins(%a : tensor<4xf32>) at [affine_map<(r) -> (r)>] {
  ^bb0(%x: f64):
    attn.yield %x : f64
  } -> tensor<4xf64>
  return
}

// -----

func.func @yielded(%a: tensor<4xf32>) {
  // expected-error @below {{expects the region to yield 'f64'}}
  %r = attn.tile.map ins(%a : tensor<4xf32>) at [affine_map<(r) -> (r)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4xf64>
  return
}

// -----

func.func @impure(%a: memref<f32>) {
  %r = attn.tile.map at [] {
    // expected-error @below {{is not scalar and pure, as a tile's elements are computed}}
    %x = memref.load %a[] : memref<f32>
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @nested_region(%c: i1) {
  %r = attn.tile.map at [] {
    // expected-error @below {{is not scalar and pure}}
    %x = scf.if %c -> f32 {
      %one = arith.constant 1.0 : f32
      scf.yield %one : f32
    } else {
      %two = arith.constant 2.0 : f32
      scf.yield %two : f32
    }
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @index_of_other_dimension() {
  %r = attn.tile.map at [] {
    // expected-error @below {{names dimension 1 of 1}}
    %i = attn.tile.index 1
    attn.yield %i : index
  } -> tensor<4xindex>
  return
}

// -----

func.func @index_outside() {
  // expected-error @below {{expects to stand in a region of a tile op}}
  %i = attn.tile.index 0
  return
}

// -----

func.func @map_extents(%n: index) {
  // expected-error @below {{expects 0 extents, but got 1}}
  %r = attn.tile.map at [] extents(%n) {
    %i = attn.tile.index 0
    attn.yield %i : index
  } -> tensor<4xindex>
  return
}

// -----

func.func @contract_rank() {
  // expected-error @below {{expects a result of rank 2, but got 'tensor<4xf32>'}}
  %r = attn.tile.contract at [] {
    %x = arith.constant 1.0 : f32
    attn.yield %x : f32
  } -> tensor<4xf32>
  return
}

// -----

func.func @contract_dimensions(%a: tensor<4xf32>) {
  // expected-error @below {{expects maps over rows, keys and what is summed, but got [affine_map<(d0) -> (d0)>]}}
  %r = attn.tile.contract ins(%a : tensor<4xf32>) at [affine_map<(r) -> (r)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4x4xf32>
  return
}

// -----

func.func @contract_unknown_extent(%a: tensor<4xf32>) {
  // expected-error @below {{expects an input along dimension 2, whose extent is not known otherwise}}
  %r = attn.tile.contract ins(%a : tensor<4xf32>) at [affine_map<(r, k, c) -> (r)>] {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } -> tensor<4x4xf32>
  return
}

// -----

func.func @mask_rank(%a: tensor<4xf32>) {
  // expected-error @below {{expects a score of rank 2, but got 'tensor<4xf32>'}}
  %r = attn.tile.mask %a at [] {} : tensor<4xf32>
  return
}

// -----

func.func @mask_without_region(%a: tensor<4x4xf32>) {
  // expected-error @below {{has inputs, but no region}}
  %r = attn.tile.mask %a ins(%a : tensor<4x4xf32>) at [affine_map<(r, k) -> (r, k)>] {}
      : tensor<4x4xf32>
  return
}

// -----

func.func @reduce_rows(%a: tensor<4x4xf32>, %b: tensor<5xf32>) {
  // expected-error @below {{expects a tile of rank 2 and a statistic of its rows, of one element type, but got 'tensor<4x4xf32>' and 'tensor<5xf32>'}}
  %r = attn.tile.reduce max %a onto %b : tensor<4x4xf32>, tensor<5xf32>
  return
}

// -----

func.func @rescale_element(%a: tensor<4x4xf32>, %b: tensor<4xf64>) {
  // expected-error @below {{expects a tile of rank 2 and a statistic of its rows, of one element type, but got 'tensor<4x4xf32>' and 'tensor<4xf64>'}}
  %r = attn.tile.rescale %a by %b : tensor<4x4xf32>, tensor<4xf64>
  return
}

// -----

func.func @weigh_rows(%w: tensor<4x6xf32>, %a: tensor<5x3xf32>) {
  // expected-error @below {{expects weights [rows x keys] and a sum [rows x values], but got 'tensor<4x6xf32>' and 'tensor<5x3xf32>'}}
  %r = attn.tile.weigh %w onto %a at [] {
    %x = arith.constant 1.0 : f32
    attn.yield %x : f32
  } : tensor<4x6xf32>, tensor<5x3xf32>
  return
}

// -----

func.func @weigh_element(%w: tensor<4x6xf64>, %a: tensor<4x3xf32>) {
  // expected-error @below {{expects weights of 'f32', or narrower ones, but got 'tensor<4x6xf64>'}}
  %r = attn.tile.weigh %w onto %a at [] {
    %x = arith.constant 1.0 : f32
    attn.yield %x : f32
  } : tensor<4x6xf64>, tensor<4x3xf32>
  return
}

// -----

func.func @load_lookups(%m: memref<8xf32>, %l: tensor<4xindex>) {
  // expected-error @below {{expects a map for each of 1 lookups, but got 0}}
  %r = attn.tile.load %m[affine_map<(r, l) -> (l)>] lookups(%l : tensor<4xindex> at [])
      inBounds [false] : memref<8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @load_lookup_type(%m: memref<8xf32>, %l: tensor<4xi32>) {
  // expected-error @below {{expects lookups to be tiles of indices read at a projection of the tile's coordinates, but got 'tensor<4xi32>' at affine_map<(d0) -> (d0)>}}
  %r = attn.tile.load %m[affine_map<(r, l) -> (l)>]
      lookups(%l : tensor<4xi32> at [affine_map<(r) -> (r)>])
      inBounds [false] : memref<8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @load_map(%m: memref<8xf32>) {
  // expected-error @below {{expects a map over 1 dimensions and 0 symbols, but got affine_map<(d0, d1) -> (d0)>}}
  %r = attn.tile.load %m[affine_map<(r, s) -> (r)>] inBounds [false]
      : memref<8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @load_coordinates(%m: memref<8x8xf32>) {
  // expected-error @below {{expects a map to 2 coordinates, but got affine_map<(d0) -> (d0)>}}
  %r = attn.tile.load %m[affine_map<(r) -> (r)>] inBounds [false]
      : memref<8x8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @load_bounds(%m: memref<8xf32>) {
  // expected-error @below {{expects inBounds for 1 coordinates, but got 2}}
  %r = attn.tile.load %m[affine_map<(r) -> (r)>] inBounds [false, true]
      : memref<8xf32> -> tensor<4xf32>
  return
}

// -----

func.func @load_element(%m: memref<8xf32>) {
  // expected-error @below {{expects a tile of 'f32', but got 'f64'}}
  %r = attn.tile.load %m[affine_map<(r) -> (r)>] inBounds [false]
      : memref<8xf32> -> tensor<4xf64>
  return
}

// -----

func.func @load_extents(%m: memref<8xf32>) {
  // expected-error @below {{expects 1 extents, but got 0}}
  %r = attn.tile.load %m[affine_map<(r) -> (r)>] inBounds [false]
      : memref<8xf32> -> tensor<?xf32>
  return
}

// -----

func.func @store_map(%t: tensor<4xf32>, %m: memref<8x8xf32>) {
  // expected-error @below {{expects a map from 1 dimensions and 0 symbols to 2 coordinates, but got affine_map<(d0) -> (d0)>}}
  attn.tile.store %t, %m[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<8x8xf32>
  return
}

// -----

func.func @store_element(%t: tensor<4xf32>, %m: memref<8xf64>) {
  // expected-error @below {{expects a tile of 'f64', but got 'f32'}}
  attn.tile.store %t, %m[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<8xf64>
  return
}

// -----

func.func @pairs_without_dimension(%m: memref<bf16>) {
  // expected-error @below {{expects pairs to lie along a dimension of memory, but it has none}}
  %r = attn.tile.load %m[affine_map<() -> ()>] inBounds [] : memref<bf16> -> tensor<i32>
  return
}

// -----

func.func @pairs_at_a_lookup(%m: memref<?xbf16>, %l: tensor<4xindex>) {
  // expected-error @below {{expects pairs at a last coordinate that uses no lookup, but got affine_map<(d0, d1) -> (d1)>}}
  %r = attn.tile.load %m[affine_map<(r, l) -> (l)>] lookups(%l : tensor<4xindex> at [affine_map<(r) -> (r)>])
      inBounds [false] : memref<?xbf16> -> tensor<4xi32>
  return
}

// -----

func.func @pieces_of_other_type(%x: tensor<4x8xf64>) {
  // expected-error @below {{expects a tile of rank 2 of f32, but got 'tensor<4x8xf64>'}}
  %p = attn.tile.pieces %x : tensor<4x8xf64> -> tensor<4x3x4xi32>
  return
}

// -----

func.func @pieces_of_other_rank(%x: tensor<8xf32>) {
  // expected-error @below {{expects a tile of rank 2 of f32, but got 'tensor<8xf32>'}}
  %p = attn.tile.pieces %x : tensor<8xf32> -> tensor<3x4xi32>
  return
}

// -----

func.func @too_few_pairs(%x: tensor<4x9xf32>) {
  // expected-error @below {{expects pairs [rows x pieces x columns / 2] of i32 for 'tensor<4x9xf32>', but got 'tensor<4x3x4xi32>'}}
  %p = attn.tile.pieces %x : tensor<4x9xf32> -> tensor<4x3x4xi32>
  return
}

// -----

func.func @other_rows(%x: tensor<4x8xf32>) {
  // expected-error @below {{expects pairs [rows x pieces x columns / 2] of i32 for 'tensor<4x8xf32>', but got 'tensor<?x3x4xi32>'}}
  %p = attn.tile.pieces %x : tensor<4x8xf32> -> tensor<?x3x4xi32>
  return
}

// -----

func.func @open_columns(%x: tensor<4x?xf32>) {
  // expected-error @below {{expects pairs [rows x pieces x columns / 2] of i32 for 'tensor<4x?xf32>', but got 'tensor<4x3x4xi32>'}}
  %p = attn.tile.pieces %x : tensor<4x?xf32> -> tensor<4x3x4xi32>
  return
}
