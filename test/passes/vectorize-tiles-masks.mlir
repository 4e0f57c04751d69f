// RUN: fovea-opt --attn-vectorize-tiles --canonicalize --cse %s | FileCheck %s

#id = affine_map<(r, k) -> (r, k)>
#across = affine_map<(r, k) -> (k, r)>

// Places of queries lie along the lanes. What two places differ by is computed once for all lanes, and compared in i32:
// j <= i where -lane <= i0 - j.
// CHECK-LABEL: func @band
// CHECK-SAME: %[[I:[^ ]*]]: index, %[[J:[^ ]*]]: index, %[[W:[^ ]*]]: index
// CHECK-DAG: %[[DOWN:.*]] = arith.constant dense<[0, -1, -2, -3, -4, -5, -6, -7]> : vector<8xi32>
// CHECK-DAG: %[[UP:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : vector<8xi32>
// CHECK-DAG: %[[MOST:.*]] = arith.constant 1073741824 : index
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -1073741824 : index
// CHECK: scf.for %[[KEY:[^ ]*]] =
// CHECK:   %[[PLACE:.*]] = arith.addi %[[J]], %[[KEY]]
// CHECK:   %[[AHEAD:.*]] = arith.subi %[[I]], %[[PLACE]]
// CHECK:   %[[BELOW:.*]] = arith.minsi %[[AHEAD]], %[[MOST]]
// CHECK:   %[[FAR:.*]] = arith.maxsi %[[BELOW]], %[[LEAST]]
// CHECK:   %[[NARROW:.*]] = arith.index_cast %[[FAR]] : index to i32
// CHECK:   %[[SHARED:.*]] = vector.broadcast %[[NARROW]] : i32 to vector<8xi32>
// CHECK:   arith.cmpi sge, %[[SHARED]], %[[DOWN]] : vector<8xi32>
// CHECK:   arith.subi %[[W]], %[[AHEAD]]
// CHECK:   arith.cmpi sgt, %{{.*}}, %[[UP]] : vector<8xi32>
// CHECK-NOT: vector<8xindex>
// CHECK: return
func.func @band(%i0: index, %j0: index, %w: index, %s: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %scores = attn.tile.load %s[#across] inBounds [true, true] : memref<8x8xf32> -> tensor<8x8xf32>
  %kept = attn.tile.mask %scores at [] {
    %k = attn.tile.index 1
    %j = arith.addi %j0, %k : index
    %r = attn.tile.index 0
    %i = arith.addi %i0, %r : index
    %before = arith.cmpi sle, %j, %i : index
    %distance = arith.subi %i, %j : index
    %near = arith.cmpi slt, %distance, %w : index
    %both = arith.andi %before, %near : i1
    attn.yield %both : i1
  } : tensor<8x8xf32>
  attn.tile.store %kept, %o[#across] : tensor<8x8xf32>, memref<8x8xf32>
  return
}

// Other functions of places may be as large as indices get.
// CHECK-LABEL: func @negative_product
// CHECK: arith.cmpi slt, %{{.*}} : vector<8xindex>
// CHECK: arith.cmpi ult, %{{.*}} : vector<8xindex>
func.func @negative_product(%i0: index, %n: index, %s: memref<8x8xf32>, %o: memref<8x8xf32>) {
  %scores = attn.tile.load %s[#across] inBounds [true, true] : memref<8x8xf32> -> tensor<8x8xf32>
  %kept = attn.tile.mask %scores at [] {
    %r = attn.tile.index 0
    %i = arith.addi %i0, %r : index
    %square = arith.muli %i, %i : index
    %before = arith.cmpi slt, %square, %n : index
    %inside = arith.cmpi ult, %i, %n : index
    %both = arith.andi %before, %inside : i1
    attn.yield %both : i1
  } : tensor<8x8xf32>
  attn.tile.store %kept, %o[#across] : tensor<8x8xf32>, memref<8x8xf32>
  return
}
