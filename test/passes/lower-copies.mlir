// RUN: fovea-opt %s -attn-lower-copies | FileCheck %s

// CHECK-LABEL: func.func @strided(
// CHECK-SAME:    %[[A:.*]]: memref<?xf32>, %[[B:.*]]: memref
// CHECK-NOT:     memref.copy
// CHECK:         linalg.generic {{.*}} ins(%[[A]] : {{.*}}) outs(%[[B]]
func.func @strided(%a: memref<?xf32>, %b: memref<?xf32, strided<[?], offset: ?>>) {
  memref.copy %a, %b : memref<?xf32> to memref<?xf32, strided<[?], offset: ?>>
  return
}
