// RUN: fovea-opt --attn-tile-linear='row-block=8' %s | FileCheck %s
// RUN: fovea-opt --attn-tile-linear='row-block=16' --canonicalize %s | FileCheck %s --check-prefix=BLOCKS

// One task is a block of rows by a group of panels of features: of the two panels
// as many as leave each thread beside the first four tasks, of eight rows. The rows
// are one tile for all panels; the bias is added, and the result made smaller, on
// the tile.
// CHECK-DAG: #[[$TURNED:.*]] = affine_map<(d0, d1)[s0, s1] -> (d1 + s0, (d0 + s1) mod 11, (d0 + s1) floordiv 11)>
// CHECK-DAG: #[[W:.*]] = affine_map<(d0, d1)[{{.*}}] -> (s{{.*}}, d1, d0)>
// CHECK-LABEL: func @layer
// CHECK-SAME: %[[X:.*]]: memref<?x6xf32>, %[[PANELS:.*]]: memref<2x6x4xf32>, %[[B:.*]]: memref<8xf32>, %[[Y:.*]]: memref<?x8xbf16>
// CHECK-NOT: memref.alloc
// CHECK-NOT: linalg
// CHECK: %[[RANGES:.*]] = arith.ceildivsi %{{.*}}, %c8
// CHECK: %[[WORKERS:.*]] = attn.workers
// CHECK: %[[OTHERS:.*]] = arith.subi %[[WORKERS]], %c1
// CHECK: %[[WANTED:.*]] = arith.muli %[[OTHERS]], %c4
// CHECK: %[[TASKS:.*]] = arith.maxsi %[[WANTED]], %c1
// CHECK: %[[ALL:.*]] = arith.muli %[[RANGES]], %c2
// CHECK: %[[SHARE:.*]] = arith.ceildivsi %[[ALL]], %[[TASKS]]
// CHECK: %[[ROOM:.*]] = arith.minsi %[[SHARE]], %c32
// CHECK: %[[MOST:.*]] = arith.maxsi %[[ROOM]], %c1
// CHECK: %[[GROUPS:.*]] = arith.ceildivsi %c2{{.*}}, %[[MOST]]
// CHECK: %[[SIZE:.*]] = arith.ceildivsi %c2{{.*}}, %[[GROUPS]]
// CHECK: scf.forall (%{{.*}}, %[[GROUP:.*]]) in (%[[RANGES]], %[[GROUPS]])
// CHECK: %[[FIRST:.*]] = arith.muli %[[GROUP]], %[[SIZE]]
// CHECK: %[[LEFT:.*]] = arith.subi %c2{{.*}}, %[[FIRST]]
// CHECK: %[[OWN:.*]] = arith.minsi %[[LEFT]], %[[SIZE]]
// CHECK: %[[COUNT:.*]] = arith.minsi %[[OWN]], %c32
// CHECK: %[[TX:.*]] = attn.tile.load %[[X]]{{.*}} -> tensor<?x6xf32>
// CHECK: scf.parallel (%[[I:.*]]) = (%{{.*}}) to (%[[COUNT]])
// CHECK: %[[PANEL:.*]] = arith.addi %[[FIRST]], %[[I]]
// CHECK: %[[TW:.*]] = attn.tile.load %[[PANELS]][#[[W]]] symbols(%[[PANEL]]){{.*}} -> tensor<4x6xf32>
// CHECK: %[[SUM:.*]] = attn.tile.contract ins(%[[TX]], %[[TW]]
// CHECK: arith.mulf
// CHECK: -> tensor<4x?xf32>
// CHECK: %[[TB:.*]] = attn.tile.load %[[B]]{{.*}} -> tensor<4xf32>
// CHECK: %[[OUT:.*]] = attn.tile.map ins(%[[TB]], %[[SUM]]
// CHECK: arith.addf
// CHECK: arith.truncf
// CHECK: -> tensor<4x?xbf16>
// CHECK: attn.tile.store %[[OUT]], %[[Y]]
// CHECK-NOT: linalg
func.func @layer(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %b: memref<8xf32>, %y: memref<?x8xbf16>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<?x8xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%t : memref<?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%b, %t : memref<8xf32>, memref<?x8xf32>) outs(%y : memref<?x8xbf16>) {
  ^bb0(%bias: f32, %sum: f32, %old: bf16):
    %plus = arith.addf %sum, %bias : f32
    %small = arith.truncf %plus : f32 to bf16
    linalg.yield %small : bf16
  }
  return
}

// What two computations read is kept: neither is an epilogue.
// CHECK-LABEL: func @shared
// CHECK: %[[T:.*]] = memref.alloc
// CHECK: attn.tile.store %{{.*}}, %[[T]]
// CHECK: linalg.generic
// CHECK: linalg.generic
func.func @shared(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %y: memref<?x8xf32>, %z: memref<?x8xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<?x8xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%t : memref<?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]} ins(%t : memref<?x8xf32>) outs(%y : memref<?x8xf32>) {
  ^bb0(%sum: f32, %old: f32):
    %twice = arith.addf %sum, %sum : f32
    linalg.yield %twice : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]} ins(%t : memref<?x8xf32>) outs(%z : memref<?x8xf32>) {
  ^bb0(%sum: f32, %old: f32):
    %minus = arith.negf %sum : f32
    linalg.yield %minus : f32
  }
  return
}

// The last panel is not full: what is beyond the last feature is neither read
// nor written.
// CHECK-LABEL: func @last_panel
// CHECK-SAME: %{{.*}}, %{{.*}}, %[[B:.*]]: memref<6xf32>
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: attn.tile.load %[[B]]{{.*}} inBounds [false]
func.func @last_panel(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %b: memref<6xf32>, %y: memref<?x6xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %t = memref.alloc(%m) : memref<?x6xf32>
  linalg.fill ins(%zero : f32) outs(%t : memref<?x6xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%t : memref<?x6xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%b, %t : memref<6xf32>, memref<?x6xf32>) outs(%y : memref<?x6xf32>) {
  ^bb0(%bias: f32, %sum: f32, %old: f32):
    %plus = arith.addf %sum, %bias : f32
    linalg.yield %plus : f32
  }
  return
}

// A sum that goes on from something else, and weights that are not in panels,
// are left to plain loops.
// CHECK-LABEL: func @negative
// CHECK-NOT: attn.tile
func.func @negative(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %plain: memref<8x6xf32>, %y: memref<?x8xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%y : memref<?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x8xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %plain : memref<?x6xf32>, memref<8x6xf32>) outs(%y : memref<?x8xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  return
}

// Blocks are as equal as can be, in multiples of four rows: 20 rows in blocks of
// at most 16 are 12 and 8, and 33 are 12, 12 and 9.
// CHECK-LABEL: func @equal_blocks
// BLOCKS-LABEL: func @equal_blocks
// BLOCKS: scf.forall (%[[I:.*]], %{{.*}}) in (2, %{{.*}})
// BLOCKS: %[[FIRST:.*]] = arith.muli %[[I]], %c12
// BLOCKS: %[[LEFT:.*]] = arith.subi %c20, %[[FIRST]]
// BLOCKS: arith.minsi %[[LEFT]], %c12
// BLOCKS: scf.forall (%[[I:.*]], %{{.*}}) in (3, %{{.*}})
// BLOCKS: arith.muli %[[I]], %c12
func.func @equal_blocks(%x: memref<20x6xf32>, %more: memref<33x6xf32>, %w: memref<2x6x4xf32>, %y: memref<20x8xf32>, %all: memref<33x8xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<20x8xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<20x6xf32>, memref<2x6x4xf32>) outs(%y : memref<20x8xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  linalg.fill ins(%zero : f32) outs(%all : memref<33x8xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>, affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%more, %w : memref<33x6xf32>, memref<2x6x4xf32>) outs(%all : memref<33x8xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  return
}

#x = affine_map<(m, n, k) -> (m, k)>
#panels = affine_map<(m, n, k) -> (n floordiv 32, k, n mod 32)>
#y = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>

// What lies between writes the layer's own input: the sum is stored first.
// CHECK-LABEL: func.func @input_written_before_the_epilogue
// CHECK: memref.alloc
// CHECK: attn.tile.contract
// CHECK-NOT: attn.tile.map
// CHECK: linalg.generic
// CHECK: linalg.generic
func.func @input_written_before_the_epilogue(%x: memref<?x64xf32>, %w: memref<2x64x32xf32>, %z: memref<?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?x64xf32>
  %half = memref.subview %x[0, 0] [%m, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1]>>
  %y = memref.alloc(%m) : memref<?x64xf32>
  linalg.fill ins(%zero : f32) outs(%y : memref<?x64xf32>)
  linalg.generic {indexing_maps = [#x, #panels, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x64xf32>, memref<2x64x32xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %c: f32, %acc: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  // In place, through a view that was made earlier.
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
      outs(%half : memref<?x32xf32, strided<[64, 1]>>) {
  ^bb0(%a: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y, %x : memref<?x64xf32>, memref<?x64xf32>) outs(%z : memref<?x64xf32>) {
  ^bb0(%a: f32, %c: f32, %out: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  }
  return
}

// What is read later is what has overwritten the sum: that is computed on the
// tile. In a loop the buffer is also read before it is filled again.
// CHECK-LABEL: func.func @in_place
// CHECK-SAME: %{{.*}}, %{{.*}}, %[[B:[^:]*]]: memref<64xf32>
// CHECK: %[[Y:.*]] = memref.alloc
// CHECK: scf.for
// CHECK: linalg.generic {{.*}} ins(%[[Y]]
// CHECK-NOT: linalg.fill
// CHECK: attn.tile.contract
// CHECK: attn.tile.load %[[B]]
// CHECK: %[[OUT:.*]] = attn.tile.map
// CHECK: attn.tile.store %[[OUT]], %[[Y]]
// CHECK: linalg.generic {{.*}} ins(%[[Y]]
// CHECK-NOT: linalg.generic
func.func @in_place(%x: memref<?x64xf32>, %w: memref<2x64x32xf32>, %b: memref<64xf32>, %z: memref<?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %m = memref.dim %x, %c0 : memref<?x64xf32>
  %y = memref.alloc(%m) : memref<?x64xf32>
  linalg.fill ins(%zero : f32) outs(%y : memref<?x64xf32>)
  scf.for %i = %c0 to %c2 step %c1 {
    linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%y : memref<?x64xf32>) outs(%z : memref<?x64xf32>) {
    ^bb0(%a: f32, %out: f32):
      %s = arith.addf %a, %out : f32
      linalg.yield %s : f32
    }
    linalg.fill ins(%zero : f32) outs(%y : memref<?x64xf32>)
    linalg.generic {indexing_maps = [#x, #panels, #y], iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%x, %w : memref<?x64xf32>, memref<2x64x32xf32>) outs(%y : memref<?x64xf32>) {
    ^bb0(%a: f32, %c: f32, %acc: f32):
      %p = arith.mulf %a, %c : f32
      %s = arith.addf %acc, %p : f32
      linalg.yield %s : f32
    }
    linalg.generic {indexing_maps = [affine_map<(m, n) -> (n)>, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%b, %y : memref<64xf32>, memref<?x64xf32>) outs(%y : memref<?x64xf32>) {
    ^bb0(%bias: f32, %a: f32, %out: f32):
      %s = arith.addf %a, %bias : f32
      linalg.yield %s : f32
    }
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<?x64xf32>) outs(%z : memref<?x64xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  }
  return
}

// A view reads the sum before it is overwritten: it is stored first.
// CHECK-LABEL: func.func @sum_read_through_a_view
// CHECK: attn.tile.contract
// CHECK-NOT: attn.tile.map
// CHECK: linalg.generic
// CHECK: linalg.generic
func.func @sum_read_through_a_view(%x: memref<?x64xf32>, %w: memref<2x64x32xf32>, %z: memref<?x32xf32>) {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %m = memref.dim %x, %c0 : memref<?x64xf32>
  %y = memref.alloc(%m) : memref<?x64xf32>
  %half = memref.subview %y[0, 0] [%m, 32] [1, 1] : memref<?x64xf32> to memref<?x32xf32, strided<[64, 1]>>
  linalg.fill ins(%zero : f32) outs(%y : memref<?x64xf32>)
  linalg.generic {indexing_maps = [#x, #panels, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x64xf32>, memref<2x64x32xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %c: f32, %acc: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %acc, %p : f32
    linalg.yield %s : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%half : memref<?x32xf32, strided<[64, 1]>>) outs(%z : memref<?x32xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<?x64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  }
  return
}

// Weights count features in their own order, here along the second loop first:
// the last panel has 6 of its 8 lanes, and what is beyond feature 21 is out of
// range of the first index.
// CHECK-LABEL: func.func @features_in_another_order
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: attn.tile.store %{{.*}}[#[[$TURNED]]]
func.func @features_in_another_order(%x: memref<?x6xf32>, %w: memref<3x6x8xf32>, %y: memref<?x11x2xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%y : memref<?x11x2xf32>)
  linalg.generic {
      indexing_maps = [affine_map<(m, d, h, k) -> (m, k)>,
                       affine_map<(m, d, h, k) -> ((h * 11 + d) floordiv 8, k, (h * 11 + d) mod 8)>,
                       affine_map<(m, d, h, k) -> (m, d, h)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<3x6x8xf32>) outs(%y : memref<?x11x2xf32>) {
  ^bb0(%a: f32, %c: f32, %sum: f32):
    %ac = arith.mulf %a, %c : f32
    %next = arith.addf %sum, %ac : f32
    linalg.yield %next : f32
  }
  return
}
