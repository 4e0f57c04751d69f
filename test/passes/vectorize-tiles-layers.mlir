// RUN: fovea-opt --attn-vectorize-tiles=matrix-unit --canonicalize --cse %s | FileCheck %s
// RUN: fovea-opt --attn-vectorize-tiles=bf16-dots --canonicalize --cse %s | FileCheck %s --check-prefix=DOTS

#x = affine_map<(r, k, c) -> (k, c)>
#w = affine_map<(r, k, c) -> (r, c)>

// Blocks of 32 rows are multiplied where they lie, by all panels. 40 columns are one
// tile of pairs, and one that is copied and filled up with zeros, as a last block
// without all of its rows is. One step more than there are blocks by panels
// multiplies a block, and finishes four rows of the one before at a time: between
// the products, and, what there are too few of these for, behind them. Sixteen rows
// and fewer are two tiles.
// CHECK-LABEL: func @layer
// CHECK-SAME: %[[X:[^:]*]]: memref<?x40xbf16, strided<[?, 1]>>, %[[W:[^:]*]]: memref<2x32x64xbf16>, %[[B:[^:]*]]: memref<64xf32>, %[[Y:[^:]*]]: memref<?x64xbf16>, %[[M:[^:]*]]: index, %[[N:[^:]*]]: index
// CHECK-DAG: %[[SUMS:.*]] = memref.alloc() {{.*}} : memref<64x32xf32>
// CHECK-DAG: %[[LAST:.*]] = memref.alloc() {{.*}} : memref<32x32xi32>
// CHECK-DAG: %[[REST:.*]] = memref.alloc({{.*}}) {{.*}} : memref<?x16xi32>
// CHECK: %[[BLOCKS:.*]] = arith.ceildivsi %[[M]], %c32
// CHECK: %[[COUNT:.*]] = arith.muli %[[BLOCKS]], %[[N]]
// CHECK: vector.maskedload %[[X]]
// CHECK: vector.store %{{.*}}, %[[REST]]
// CHECK: vector.maskedload %[[X]]
// CHECK: vector.store %{{.*}}, %[[LAST]]
// CHECK: %[[MORE:.*]] = arith.addi %[[COUNT]], %c1
// CHECK: %[[STEPS:.*]] = arith.select %{{.*}}, %[[MORE]], %c0
// CHECK: scf.for %[[STEP:.*]] = %c0 to %[[STEPS]]
// CHECK-DAG: arith.divui %[[STEP]], %[[N]]
// CHECK-DAG: arith.remui %[[STEP]], %[[N]]
// CHECK: vector.load %[[B]]
// CHECK: scf.if
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloaddt164.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.intr.prefetch
// CHECK: scf.if
// CHECK: vector.load %[[SUMS]]{{.*}} : memref<64x32xf32>, vector<32xf32>
// CHECK: arith.addf %{{.*}} : vector<32xf32>
// CHECK: arith.truncf %{{.*}} : vector<32xf32> to vector<32xbf16>
// CHECK: vector.maskedstore %[[Y]]
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK: } else {
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK-NOT: llvm.call_intrinsic
// CHECK: scf.for
// CHECK: vector.load %[[SUMS]]
// CHECK: vector.maskedstore %[[Y]]

// Without a matrix unit pairs that memory has half of are put together first.
// DOTS-LABEL: func @layer
// DOTS: vector.maskedload
// DOTS: scf.parallel
// DOTS: x86vector.avx512.dot
// DOTS-NOT: scf.if
// DOTS: return
func.func @layer(%x: memref<?x40xbf16, strided<[?, 1]>>, %w: memref<2x32x64xbf16>, %b: memref<64xf32>, %y: memref<?x64xbf16>, %m: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %tx = attn.tile.load %x[affine_map<(k, c) -> (k, c * 2)>] extents(%m) inBounds [true, false] : memref<?x40xbf16, strided<[?, 1]>> -> tensor<?x32xi32>
  scf.parallel (%p) = (%c0) to (%n) step (%c1) {
    %f = arith.muli %p, %c32 : index
    %tw = attn.tile.load %w[affine_map<(r, c)[s] -> (s, c, r * 2)>] symbols(%p) inBounds [true, true, true] : memref<2x32x64xbf16> -> tensor<32x32xi32>
    %tb = attn.tile.load %b[affine_map<(r)[s] -> (s + r)>] symbols(%f) inBounds [true] : memref<64xf32> -> tensor<32xf32>
    %s = attn.tile.contract ins(%tx, %tw : tensor<?x32xi32>, tensor<32x32xi32>) at [#x, #w] {
    ^bb0(%a: i32, %c: i32):
      %ac = attn.tile.pair_product %a, %c
      attn.yield %ac : f32
    } -> tensor<32x?xf32>
    %r = attn.tile.map ins(%s, %tb : tensor<32x?xf32>, tensor<32xf32>) at [affine_map<(r, k) -> (r, k)>, affine_map<(r, k) -> (r)>] extents(%m) {
    ^bb0(%a: f32, %c: f32):
      %sum = arith.addf %a, %c : f32
      %small = arith.truncf %sum : f32 to bf16
      attn.yield %small : bf16
    } -> tensor<32x?xbf16>
    attn.tile.store %r, %y[affine_map<(r, k)[s] -> (k, s + r)>] symbols(%f) : tensor<32x?xbf16>, memref<?x64xbf16>
  }
  return
}

// 1536 columns are multiplied in parts of 384: sums of all blocks, of 8 rows of them
// by 2 panels and one more, go on from part to part. Each step asks for the weights
// of the next part.
// CHECK-LABEL: func @parts
// CHECK-SAME: %{{.*}}, %[[W:[^:]*]]: memref<2x768x64xbf16>
// CHECK-DAG: %[[PART:.*]] = arith.constant 192 : index
// CHECK-DAG: %[[PARTIAL:.*]] = memref.alloc() {{.*}} : memref<17x32x32xf32>
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilezero.internal"
// CHECK: scf.for %{{.*}} to %[[PART]]
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloadd64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tileloaddt164.internal"
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"
// CHECK-COUNT-4: llvm.intr.prefetch
// CHECK-NOT: vector.store
// CHECK: scf.for %[[K:.*]] = %{{.*}} to %c2 step
// CHECK: %[[NEXT:.*]] = arith.addi %[[K]], %c1
// CHECK: arith.muli %[[NEXT]], %[[PART]]
// CHECK-NOT: tilezero
// CHECK-COUNT-4: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK-NOT: tilezero
// CHECK: vector.load %{{.*}} : memref<64x32xf32>, vector<32xf32>
func.func @parts(%x: memref<?x1536xbf16>, %w: memref<2x768x64xbf16>, %y: memref<?x64xf32>, %rows: index, %panels: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c32 = arith.constant 32 : index
  %c256 = arith.constant 256 : index
  %m = arith.minsi %rows, %c256 : index
  %n = arith.minsi %panels, %c2 : index
  %tx = attn.tile.load %x[affine_map<(k, c) -> (k, c * 2)>] extents(%m) inBounds [true, true] : memref<?x1536xbf16> -> tensor<?x768xi32>
  scf.parallel (%p) = (%c0) to (%n) step (%c1) {
    %f = arith.muli %p, %c32 : index
    %tw = attn.tile.load %w[affine_map<(r, c)[s] -> (s, c, r * 2)>] symbols(%p) inBounds [true, true, true] : memref<2x768x64xbf16> -> tensor<32x768xi32>
    %s = attn.tile.contract ins(%tx, %tw : tensor<?x768xi32>, tensor<32x768xi32>) at [#x, #w] {
    ^bb0(%a: i32, %c: i32):
      %ac = attn.tile.pair_product %a, %c
      attn.yield %ac : f32
    } -> tensor<32x?xf32>
    attn.tile.store %s, %y[affine_map<(r, k)[s] -> (k, s + r)>] symbols(%f) : tensor<32x?xf32>, memref<?x64xf32>
  }
  return
}

// Rows that lie in columns are no left operands: vectors multiply them.
// CHECK-LABEL: func @negative_columns
// CHECK-NOT: llvm.x86.tdpbf16ps
// CHECK: return
func.func @negative_columns(%x: memref<32x?x2xbf16>, %w: memref<2x32x64xbf16>, %y: memref<?x64xf32>, %m: index, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %tx = attn.tile.load %x[affine_map<(k, c) -> (c, k, 0)>] extents(%m) inBounds [true, true, true] : memref<32x?x2xbf16> -> tensor<?x32xi32>
  scf.parallel (%p) = (%c0) to (%n) step (%c1) {
    %f = arith.muli %p, %c32 : index
    %tw = attn.tile.load %w[affine_map<(r, c)[s] -> (s, c, r * 2)>] symbols(%p) inBounds [true, true, true] : memref<2x32x64xbf16> -> tensor<32x32xi32>
    %s = attn.tile.contract ins(%tx, %tw : tensor<?x32xi32>, tensor<32x32xi32>) at [#x, #w] {
    ^bb0(%a: i32, %c: i32):
      %ac = attn.tile.pair_product %a, %c
      attn.yield %ac : f32
    } -> tensor<32x?xf32>
    attn.tile.store %s, %y[affine_map<(r, k)[s] -> (k, s + r)>] symbols(%f) : tensor<32x?xf32>, memref<?x64xf32>
  }
  return
}
