// RUN: fovea-opt %s -attn-lower-expands | FileCheck %s

// CHECK-LABEL: func.func @two_unknown(
// CHECK-SAME:    %[[M:.*]]: memref<{{.*}}>, %[[H:.*]]: index, %[[G:.*]]: index, %[[I:.*]]: index)
// CHECK:         %[[BASE:.*]], %[[OFFSET:.*]], %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %[[M]]
// CHECK:         %[[HEAD:.*]] = arith.muli %[[STRIDES]]#0, %[[G]]
// CHECK:         memref.reinterpret_cast %[[BASE]] to offset: [%[[OFFSET]]], sizes: [%[[H]], %[[G]], %[[I]]], strides: [%[[HEAD]], %[[STRIDES]]#0, 1]
func.func @two_unknown(%m: memref<?x?xf32, strided<[?, 1], offset: ?>>, %h: index, %g: index, %i: index)
    -> memref<?x?x?xf32, strided<[?, ?, 1], offset: ?>> {
  %e = memref.expand_shape %m [[0, 1], [2]] output_shape [%h, %g, %i]
      : memref<?x?xf32, strided<[?, 1], offset: ?>> into memref<?x?x?xf32, strided<[?, ?, 1], offset: ?>>
  return %e : memref<?x?x?xf32, strided<[?, ?, 1], offset: ?>>
}

// CHECK-LABEL: func.func @known(
// CHECK:         memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [3, 4], strides: [4, 1]
func.func @known(%m: memref<12xf32>) -> memref<3x4xf32> {
  %e = memref.expand_shape %m [[0, 1]] output_shape [3, 4] : memref<12xf32> into memref<3x4xf32>
  return %e : memref<3x4xf32>
}
