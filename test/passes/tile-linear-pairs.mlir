// RUN: fovea-opt --attn-tile-linear --canonicalize --cse %s | FileCheck %s

// Pairs of weights lie side by side by features, those of inputs by columns;
// 40 columns are filled up to 64. The result is rounded on the tile.
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1)[s0] -> (s0, d1, d0 * 2)>
// CHECK-DAG: #[[X:.*]] = affine_map<(d0, d1)[s0] -> (d0 + s0, d1 * 2)>
// CHECK-LABEL: func @layer
// CHECK-SAME: %[[IN:[^:]*]]: memref<?x40xbf16, strided<[?, 1]>>, %[[PAIRS:[^:]*]]: memref<2x32x32x2xbf16>
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[PAIRS]] {{\[\[}}0], [1], [2, 3]]
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK-DAG: %[[TX:.*]] = attn.tile.load %[[IN]][#[[X]]]{{.*}} inBounds [true, false] : {{.*}} -> tensor<?x32xi32>
// CHECK-DAG: %[[TW:.*]] = attn.tile.load %[[FLAT]][#[[W]]]{{.*}} inBounds [true, true, true] : {{.*}} -> tensor<32x32xi32>
// CHECK: attn.tile.contract ins(%[[TX]], %[[TW]]
// CHECK: attn.tile.pair_product
// CHECK: -> tensor<32x?xf32>
// CHECK: arith.truncf
// CHECK: attn.tile.store
func.func @layer(%x: memref<?x40xbf16, strided<[?, 1]>>, %w: memref<2x32x32x2xbf16>, %y: memref<?x64xbf16>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc(%m) : memref<?x64xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<?x64xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 32, k floordiv 2, n mod 32, k mod 2)>,
                       affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x40xbf16, strided<[?, 1]>>, memref<2x32x32x2xbf16>) outs(%t : memref<?x64xf32>) {
  ^bb0(%a: bf16, %c: bf16, %sum: f32):
    %wa = arith.extf %a : bf16 to f32
    %wc = arith.extf %c : bf16 to f32
    %ac = arith.mulf %wa, %wc : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]} ins(%t : memref<?x64xf32>) outs(%y : memref<?x64xbf16>) {
  ^bb0(%sum: f32, %old: bf16):
    %small = arith.truncf %sum : f32 to bf16
    linalg.yield %small : bf16
  }
  return
}

// As many of 3072 columns as 1.25 MiB holds are 213 rows: blocks of at most 192, which is
// whole tiles. 23 blocks of 192 rows have all 4261, and none is empty.
// CHECK-LABEL: func @long_rows
// CHECK: scf.forall (%[[I:.*]], %{{.*}}) in (23, %{{.*}})
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %c192
// CHECK: %[[LEFT:.*]] = arith.subi %c4261, %[[FIRST]]
// CHECK: arith.minsi %[[LEFT]], %c192
func.func @long_rows(%x: memref<4261x3072xbf16>, %w: memref<2x1536x32x2xbf16>, %y: memref<4261x64xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<4261x64xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 32, k floordiv 2, n mod 32, k mod 2)>,
                       affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<4261x3072xbf16>, memref<2x1536x32x2xbf16>) outs(%y : memref<4261x64xf32>) {
  ^bb0(%a: bf16, %c: bf16, %sum: f32):
    %wa = arith.extf %a : bf16 to f32
    %wc = arith.extf %c : bf16 to f32
    %ac = arith.mulf %wa, %wc : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  return
}

// Columns in groups that lie side by side are one; those that do not are copied first.
// CHECK-LABEL: func @groups
// CHECK-SAME: %[[A:[^:]*]]: memref<?x3x32xbf16>, %[[B:[^:]*]]: memref<?x3x32xbf16, strided<[?, ?, 1]>>
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[A]] {{\[\[}}0], [1, 2]]
// CHECK: scf.forall
// CHECK: attn.tile.load %[[FLAT]]
// CHECK: %[[COPY:.*]] = memref.alloc(%{{.*}}) : memref<?x3x32xbf16>
// CHECK: memref.copy %[[B]], %[[COPY]]
// CHECK: %[[FLATCOPY:.*]] = memref.collapse_shape %[[COPY]] {{\[\[}}0], [1, 2]]
// CHECK: scf.forall
// CHECK: attn.tile.load %[[FLATCOPY]]
func.func @groups(%a: memref<?x3x32xbf16>, %b: memref<?x3x32xbf16, strided<[?, ?, 1]>>, %w: memref<1x48x32x2xbf16>,
                  %y: memref<?x32xf32>, %z: memref<?x32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x32xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, h, d) -> (m, h, d)>,
                       affine_map<(m, n, h, d) -> (n floordiv 32, (h * 32 + d) floordiv 2, n mod 32, (h * 32 + d) mod 2)>,
                       affine_map<(m, n, h, d) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%a, %w : memref<?x3x32xbf16>, memref<1x48x32x2xbf16>) outs(%y : memref<?x32xf32>) {
  ^bb0(%p: bf16, %c: bf16, %sum: f32):
    %wp = arith.extf %p : bf16 to f32
    %wc = arith.extf %c : bf16 to f32
    %pc = arith.mulf %wp, %wc : f32
    %next = arith.addf %sum, %pc : f32
    linalg.yield %next : f32
  }
  linalg.fill ins(%zero : f32) outs(%z : memref<?x32xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, h, d) -> (m, h, d)>,
                       affine_map<(m, n, h, d) -> (n floordiv 32, (h * 32 + d) floordiv 2, n mod 32, (h * 32 + d) mod 2)>,
                       affine_map<(m, n, h, d) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%b, %w : memref<?x3x32xbf16, strided<[?, ?, 1]>>, memref<1x48x32x2xbf16>) outs(%z : memref<?x32xf32>) {
  ^bb0(%p: bf16, %c: bf16, %sum: f32):
    %wp = arith.extf %p : bf16 to f32
    %wc = arith.extf %c : bf16 to f32
    %pc = arith.mulf %wp, %wc : f32
    %next = arith.addf %sum, %pc : f32
    linalg.yield %next : f32
  }
  return
}

// Weights whose pairs are in another order than the columns of the input stay plain loops.
// CHECK-LABEL: func @negative_order
// CHECK-NOT: attn.tile
// CHECK: return
func.func @negative_order(%a: memref<?x3x32xbf16>, %w: memref<1x48x32x2xbf16>, %y: memref<?x32xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x32xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, h, d) -> (m, h, d)>,
                       affine_map<(m, n, h, d) -> (n floordiv 32, (d * 3 + h) floordiv 2, n mod 32, (d * 3 + h) mod 2)>,
                       affine_map<(m, n, h, d) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%a, %w : memref<?x3x32xbf16>, memref<1x48x32x2xbf16>) outs(%y : memref<?x32xf32>) {
  ^bb0(%p: bf16, %c: bf16, %sum: f32):
    %wp = arith.extf %p : bf16 to f32
    %wc = arith.extf %c : bf16 to f32
    %pc = arith.mulf %wp, %wc : f32
    %next = arith.addf %sum, %pc : f32
    linalg.yield %next : f32
  }
  return
}
