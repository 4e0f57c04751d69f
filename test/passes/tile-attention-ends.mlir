// RUN: fovea-opt --attn-tile-attention %s | FileCheck %s

// What lies past the end of the domain keeps what it holds: where the result may
// be larger, tiles are stored to the part of it that the domain has.

// CHECK-LABEL: func @larger
// CHECK-SAME:    %[[O:[a-z0-9]+]]: memref<?xf32>, %[[M:[a-z0-9]+]]: index
// CHECK:         %[[SIZE:.*]] = memref.dim %[[O]]
// CHECK:         %[[END:.*]] = arith.minsi %[[SIZE]], %[[M]]
// CHECK:         %[[PART:.*]] = memref.subview %[[O]][0] [%[[END]]] [1]
// CHECK:         scf.forall
// CHECK:         attn.tile.store %{{.*}}, %[[PART]]
func.func @larger(%o: memref<?xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}

// The domain is a part of the rows, and the result has them from the fourth on.
// CHECK-LABEL: func @part
// CHECK-SAME:    %[[O:[a-z0-9]+]]: memref<40xf32>
// CHECK:         %[[PART:.*]] = memref.subview %[[O]][0] [25] [1]
// CHECK:         attn.tile.store %{{.*}}, %[[PART]]
func.func @part(%o: memref<40xf32>, %N: index) {
  attn.attention domain(i parallel 17 from 5, j key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i + 3] : memref<40xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}

// Sizes that are known to be the same, and indices of one name, need no part.
// CHECK-LABEL: func @negative_static
// CHECK-NOT:     memref.subview
func.func @negative_static(%o: memref<17xf32>, %N: index) {
  attn.attention domain(i parallel 17, j key %N) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<17xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}

// CHECK-LABEL: func @negative_same_index
// CHECK-NOT:     memref.subview
func.func @negative_same_index(%q: memref<?xf32> {attn.name = "q", attn.dims = [["i"]]},
                               %o: memref<?xf32> {attn.name = "o", attn.dims = [["i"]], attn.result}, %N: index)
    attributes {attn.entry} {
  %zero = arith.constant 0 : index
  %M = memref.dim %q, %zero : memref<?xf32>
  attn.attention domain(i parallel %M, j key %N) score(%s = %q[i] : memref<?xf32>) {
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[i] : memref<?xf32>)
      {schedule = #attn.schedule<queryDim = 0, queryTile = 8, keyDim = 1, keyBlock = 8>}
  return
}
