// RUN: fovea-opt --attn-vectorize-tiles --canonicalize --cse %s | FileCheck %s

#id = affine_map<(r, k) -> (r, k)>
#row = affine_map<(r) -> (r)>
#across = affine_map<(r, k) -> (k, r)>

// Places of queries lie along the lanes. What two places differ by is computed once for all lanes, and compared in i32:
// j <= i where -lane <= (i0 - j0) - k. What no key of the tile changes is brought within 32 bits outside of the loop.
// CHECK-LABEL: func @band
// CHECK-SAME: %[[I:[^ ]*]]: index, %[[J:[^ ]*]]: index, %[[W:[^ ]*]]: index
// CHECK-DAG: %[[DOWN:.*]] = arith.constant dense<[0, -1, -2, -3, -4, -5, -6, -7]> : vector<8xi32>
// CHECK-DAG: %[[UP:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : vector<8xi32>
// CHECK-DAG: %[[MOST:.*]] = arith.constant 1073741824 : index
// CHECK-DAG: %[[LEAST:.*]] = arith.constant -1073741824 : index
// CHECK: %[[AHEAD:.*]] = arith.subi %[[I]], %[[J]]
// CHECK: scf.for %[[KEY:[^ ]*]] =
// CHECK:   %[[BELOW:.*]] = arith.minsi %[[AHEAD]], %[[MOST]]
// CHECK:   %[[FAR:.*]] = arith.maxsi %[[BELOW]], %[[LEAST]]
// CHECK:   %[[NARROW:.*]] = arith.index_cast %[[FAR]] : index to i32
// CHECK:   %[[PLACE:.*]] = arith.index_cast %[[KEY]] : index to i32
// CHECK:   %[[LEFT:.*]] = arith.subi %[[NARROW]], %[[PLACE]] : i32
// CHECK:   %[[SHARED:.*]] = vector.broadcast %[[LEFT]] : i32 to vector<8xi32>
// CHECK:   arith.cmpi sge, %[[SHARED]], %[[DOWN]] : vector<8xi32>
// CHECK:   %[[SINCE:.*]] = arith.addi %{{.*}}, %[[PLACE]] : i32
// CHECK:   %[[NEAR:.*]] = vector.broadcast %[[SINCE]] : i32 to vector<8xi32>
// CHECK:   arith.cmpi sgt, %[[NEAR]], %[[UP]] : vector<8xi32>
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

// Keys that all lanes keep are known before the loop: i0 + 7 - w < j and j <= i0. Between them and the others, in whole
// steps, nothing is compared.
// CHECK-LABEL: func @kept
// CHECK-SAME: %[[I:[^ ]*]]: index, %[[J:[^ ]*]]: index, %[[W:[^ ]*]]: index, %[[BEGIN:[^ ]*]]: index, %[[END:[^ ]*]]: index
// CHECK: %[[REST:.*]] = arith.remsi
// CHECK: %[[WHOLE:.*]] = arith.subi %[[END]], %[[REST]]
// CHECK: %[[D:.*]] = arith.subi %[[I]], %[[J]]
// CHECK: %[[AFTER:.*]] = arith.addi %[[D]], %c1
// CHECK: %[[LAST:.*]] = arith.minsi %[[WHOLE]], %[[AFTER]]
// CHECK: %[[I8:.*]] = arith.addi %[[I]], %c8
// CHECK: %[[D8:.*]] = arith.subi %[[I8]], %[[J]]
// CHECK: %[[NEAR:.*]] = arith.subi %[[D8]], %[[W]]
// CHECK: %[[FIRST:.*]] = arith.maxsi %[[BEGIN]], %[[NEAR]]
// CHECK: %[[BEFORE:.*]] = arith.subi %[[FIRST]], %[[BEGIN]]
// CHECK: arith.ceildivui %[[BEFORE]], %c4
// CHECK: %[[UNTIL:.*]] = arith.subi %[[LAST]], %[[BEGIN]]
// CHECK: %[[TO1:.*]] = arith.maxsi %[[UNTIL]], %c0
// CHECK: arith.divui %[[TO1]], %c4
// CHECK: scf.for %{{[^ ]*}} = %[[BEGIN]] to %[[FROM:[^ ]*]] step %c4
// CHECK: arith.cmpi
// CHECK: scf.for %{{[^ ]*}} = %[[FROM]] to %[[TO:[^ ]*]] step %c4
// CHECK-NOT: arith.cmpi
// CHECK: scf.for %{{[^ ]*}} = %[[TO]] to %[[WHOLE]] step %c4
// CHECK: arith.cmpi
// CHECK: scf.for %{{[^ ]*}} = %[[WHOLE]] to %[[END]] step %c1
func.func @kept(%i0: index, %j0: index, %w: index, %begin: index, %end: index, %s: memref<24x8xf32>, %first: memref<8xf32>,
                %o: memref<8xf32>) {
  %m = attn.tile.load %first[#row] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  %scores = attn.tile.load %s[#across] inBounds [true, true] : memref<24x8xf32> -> tensor<8x24xf32>
  %kept = attn.tile.mask %scores at [] {
    %k = attn.tile.index 1
    %j = arith.addi %j0, %k : index
    %r = attn.tile.index 0
    %i = arith.addi %i0, %r : index
    %before = arith.cmpi sle, %j, %i : index
    %distance = arith.subi %i, %j : index
    %near = arith.cmpi sgt, %w, %distance : index
    %both = arith.andi %before, %near : i1
    attn.yield %both : i1
  } : tensor<8x24xf32>
  %most = attn.tile.reduce max %kept onto %m begin %begin end %end : tensor<8x24xf32>, tensor<8xf32>
  attn.tile.store %most, %o[#row] : tensor<8xf32>, memref<8xf32>
  return
}

// Whether any of two comparisons holds says nothing of all lanes: there is one loop over whole steps.
// CHECK-LABEL: func @negative_either
// CHECK-COUNT-2: scf.for
// CHECK-NOT: scf.for
// CHECK: return
func.func @negative_either(%i0: index, %p: index, %begin: index, %end: index, %s: memref<24x8xf32>, %first: memref<8xf32>,
                           %o: memref<8xf32>) {
  %m = attn.tile.load %first[#row] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  %scores = attn.tile.load %s[#across] inBounds [true, true] : memref<24x8xf32> -> tensor<8x24xf32>
  %kept = attn.tile.mask %scores at [] {
    %k = attn.tile.index 1
    %r = attn.tile.index 0
    %i = arith.addi %i0, %r : index
    %before = arith.cmpi sle, %k, %i : index
    %prefix = arith.cmpi slt, %k, %p : index
    %either = arith.ori %before, %prefix : i1
    attn.yield %either : i1
  } : tensor<8x24xf32>
  %most = attn.tile.reduce max %kept onto %m begin %begin end %end : tensor<8x24xf32>, tensor<8xf32>
  attn.tile.store %most, %o[#row] : tensor<8xf32>, memref<8xf32>
  return
}

// What places differ by is a number of f32: of i32 where it fits.
// CHECK-LABEL: func @distance
// CHECK-SAME: %[[I:[^ ]*]]: index, %[[J:[^ ]*]]: index
// CHECK-DAG: %[[UP:.*]] = arith.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : vector<8xi32>
// CHECK-DAG: %[[MOST:.*]] = arith.constant 1073741824 : index
// CHECK-DAG: %[[TWICE:.*]] = arith.constant 2147483648 : index
// CHECK: scf.for %[[KEY:[^ ]*]] =
// CHECK: %[[D:.*]] = arith.subi %[[I]], %[[J]]
// CHECK: %[[ABOVE:.*]] = arith.addi %[[D]], %[[MOST]]
// CHECK: %[[FITS:.*]] = arith.cmpi ule, %[[ABOVE]], %[[TWICE]]
// CHECK: scf.if %[[FITS]] -> (vector<8xf32>)
// CHECK:   %[[NARROW:.*]] = arith.index_cast %[[D]] : index to i32
// CHECK:   arith.subi %[[NARROW]], %{{.*}} : i32
// CHECK:   %[[LANES:.*]] = arith.addi %{{.*}}, %[[UP]] : vector<8xi32>
// CHECK:   arith.sitofp %[[LANES]] : vector<8xi32> to vector<8xf32>
// CHECK: } else {
// CHECK:   arith.sitofp %{{.*}} : vector<8xi64> to vector<8xf32>
func.func @distance(%i0: index, %j0: index, %s: memref<24x8xf32>, %first: memref<8xf32>, %o: memref<8xf32>) {
  %m = attn.tile.load %first[#row] inBounds [true] : memref<8xf32> -> tensor<8xf32>
  %scores = attn.tile.load %s[#across] inBounds [true, true] : memref<24x8xf32> -> tensor<8x24xf32>
  %biased = attn.tile.map ins(%scores : tensor<8x24xf32>) at [#id] {
  ^bb0(%x: f32):
    %k = attn.tile.index 1
    %j = arith.addi %j0, %k : index
    %r = attn.tile.index 0
    %i = arith.addi %i0, %r : index
    %distance = arith.subi %i, %j : index
    %long = arith.index_cast %distance : index to i64
    %float = arith.sitofp %long : i64 to f32
    %y = arith.subf %x, %float : f32
    attn.yield %y : f32
  } -> tensor<8x24xf32>
  %most = attn.tile.reduce max %biased onto %m : tensor<8x24xf32>, tensor<8xf32>
  attn.tile.store %most, %o[#row] : tensor<8xf32>, memref<8xf32>
  return
}
