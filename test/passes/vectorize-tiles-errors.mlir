// RUN: fovea-opt --attn-vectorize-tiles --split-input-file --verify-diagnostics %s

func.func @argument(%t: tensor<8xf32>, %m: memref<8xf32>) {
  // expected-error @below {{expects its tiles to come from tile ops, through scf.for and scf.if at most}}
  attn.tile.store %t, %m[affine_map<(r) -> (r)>] : tensor<8xf32>, memref<8xf32>
  return
}

// -----

// The same tile as queries, along lanes, and as keys, not along lanes.
func.func @two_lanes(%m: memref<8x4xf32>, %o: memref<8x8xf32>) {
  %t = attn.tile.load %m[affine_map<(r, c) -> (r, c)>] inBounds [true, true]
      : memref<8x4xf32> -> tensor<8x4xf32>
  // expected-error @below {{expects its tiles to lie along lanes in one way, but two uses of a tile have different dimensions there}}
  %s = attn.tile.contract ins(%t, %t : tensor<8x4xf32>, tensor<8x4xf32>)
      at [affine_map<(r, k, c) -> (r, c)>, affine_map<(r, k, c) -> (k, c)>] {
  ^bb0(%x: f32, %y: f32):
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } -> tensor<8x8xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (r, k)>] : tensor<8x8xf32>, memref<8x8xf32>
  return
}

// -----

func.func @dynamic_keys(%m: memref<8x?xf32>, %o: memref<8xf32>, %n: index) {
  %s = attn.tile.load %m[affine_map<(r, k) -> (r, k)>] extents(%n) inBounds [true, true]
      : memref<8x?xf32> -> tensor<8x?xf32>
  %init = attn.tile.load %o[affine_map<(r) -> (r)>] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  // expected-error @below {{expects static extents along rows and keys, but got 'tensor<8x?xf32>'}}
  %r = attn.tile.reduce max %s onto %init : tensor<8x?xf32>, tensor<8xf32>
  attn.tile.store %r, %o[affine_map<(r) -> (r)>] : tensor<8xf32>, memref<8xf32>
  return
}

// -----

// expected-error @below {{expects tiles in structured control flow, but has several blocks}}
func.func @blocks(%m: memref<8xf32>) {
  %t = attn.tile.load %m[affine_map<(r) -> (r)>] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  cf.br ^store
^store:
  attn.tile.store %t, %m[affine_map<(r) -> (r)>] : tensor<8xf32>, memref<8xf32>
  return
}

// -----

func.func @sum_of_rank_3(%m: memref<8x4x4xf32>, %s: memref<8x6xf32>) {
  %w = attn.tile.load %s[affine_map<(r, k) -> (r, k)>] inBounds [true, true]
      : memref<8x6xf32> -> tensor<8x6xf32>
  %init = attn.tile.load %m[affine_map<(r, e, f) -> (r, e, f)>] inBounds [true, true, true]
      : memref<8x4x4xf32> -> tensor<8x4x4xf32>
  // expected-error @below {{expects a weighted sum of rank 2 on CPUs, but got 'tensor<8x4x4xf32>'}}
  %r = attn.tile.weigh %w onto %init at [] {
    %one = arith.constant 1.0 : f32
    attn.yield %one : f32
  } : tensor<8x6xf32>, tensor<8x4x4xf32>
  attn.tile.store %r, %m[affine_map<(r, e, f) -> (r, e, f)>] : tensor<8x4x4xf32>, memref<8x4x4xf32>
  return
}

// -----

// Few rows are weighed by vectors of f32 alone.
func.func @narrow_weights(%w: memref<4x8xbf16>, %a: memref<4x4xf32>, %o: memref<4x4xf32>) {
  %tw = attn.tile.load %w[affine_map<(r, k) -> (r, k)>] inBounds [true, true] : memref<4x8xbf16> -> tensor<4x8xbf16>
  %ta = attn.tile.load %a[affine_map<(r, e) -> (r, e)>] inBounds [true, true] : memref<4x4xf32> -> tensor<4x4xf32>
  // expected-error @below {{expects weights of 'f32' for few rows, but got 'bf16'}}
  %r = attn.tile.weigh %tw onto %ta at [] {
    %one = arith.constant 1.0 : bf16
    attn.yield %one : bf16
  } : tensor<4x8xbf16>, tensor<4x4xf32>
  attn.tile.store %r, %o[affine_map<(r, e) -> (r, e)>] : tensor<4x4xf32>, memref<4x4xf32>
  return
}

// -----

func.func @extract(%t: tensor<4xindex>, %m: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{reads a tensor that is not a tile}}
  %i = tensor.extract %t[%c0] : tensor<4xindex>
  %x = attn.tile.load %m[affine_map<(r)[s0] -> (r + s0)>] symbols(%i) inBounds [false]
      : memref<8xf32> -> tensor<8xf32>
  attn.tile.store %x, %m[affine_map<(r) -> (r)>] : tensor<8xf32>, memref<8xf32>
  return
}

// -----

// Pairs are of columns, which therefore are no lanes.
func.func @pieces_across(%m: memref<16x32xf32>, %o: memref<16x16xf32>) {
  %t = attn.tile.load %m[affine_map<(r, c) -> (r, c)>] inBounds [true, true] : memref<16x32xf32> -> tensor<16x32xf32>
  // expected-error @below {{expects its rows to lie along lanes}}
  %p = attn.tile.pieces %t : tensor<16x32xf32> -> tensor<16x1x16xi32>
  %a = tensor.extract_slice %p[0, 0, 0] [16, 1, 16] [1, 1, 1] : tensor<16x1x16xi32> to tensor<16x16xi32>
  %s = attn.tile.contract ins(%a : tensor<16x16xi32>) at [affine_map<(r, k, c) -> (c, r)>] {
  ^bb0(%x: i32):
    %f = arith.bitcast %x : i32 to f32
    attn.yield %f : f32
  } -> tensor<16x16xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x16xf32>, memref<16x16xf32>
  return
}

// -----

func.func @few_pairs(%m: memref<16x8xf32>, %o: memref<16x16xf32>) {
  %t = attn.tile.load %m[affine_map<(r, c) -> (r, c)>] inBounds [true, true] : memref<16x8xf32> -> tensor<16x8xf32>
  // expected-error @below {{expects pairs in multiples of 16, but got 4}}
  %p = attn.tile.pieces %t : tensor<16x8xf32> -> tensor<16x1x4xi32>
  %a = tensor.extract_slice %p[0, 0, 0] [16, 1, 4] [1, 1, 1] : tensor<16x1x4xi32> to tensor<16x4xi32>
  %s = attn.tile.contract ins(%a : tensor<16x4xi32>) at [affine_map<(r, k, c) -> (r, c)>] {
  ^bb0(%x: i32):
    %f = arith.bitcast %x : i32 to f32
    attn.yield %f : f32
  } -> tensor<16x16xf32>
  attn.tile.store %s, %o[affine_map<(r, k) -> (k, r)>] : tensor<16x16xf32>, memref<16x16xf32>
  return
}
