// RUN: fovea-opt --attn-tile-to-loops --split-input-file --verify-diagnostics %s

// A tile that no tile op made.
func.func @argument(%t: tensor<4xf32>, %m: memref<4xf32>) {
  // expected-error @below {{cannot become loops: it uses a tensor that no tile op made}}
  attn.tile.store %t, %m[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<4xf32>
  return
}

// -----

func.func @carried(%t: tensor<4xf32>, %n: index, %m: memref<4xf32>) {
  %c1 = arith.constant 1 : index
  // expected-error @below {{cannot become loops: it uses a tensor that no tile op made}}
  %r = scf.for %i = %c1 to %n step %c1 iter_args(%x = %t) -> (tensor<4xf32>) {
    scf.yield %x : tensor<4xf32>
  }
  attn.tile.store %r, %m[affine_map<(r) -> (r)>] : tensor<4xf32>, memref<4xf32>
  return
}
