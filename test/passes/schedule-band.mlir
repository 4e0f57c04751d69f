// RUN: fovea-opt --attn-mask-segments --attn-schedule %s | FileCheck %s
// RUN: fovea-opt --attn-mask-segments --attn-schedule=level2-bytes=1048576 %s | FileCheck %s

// Each query has the keys near its place alone: a tile computes little for what it waits for, and small groups have that
// asked for before.
// CHECK-LABEL: func @band
// CHECK: queryTile = 32, {{.*}}queryGroup = 8, minQueries
func.func @band(%q: memref<?x64xf32>, %k: memref<?x64xf32>, %v: memref<?x64xf32>, %o: memref<?x64xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, d contraction 64, e value 64)
  contraction over(d) (%x = %q[i, d] : memref<?x64xf32>, %y = %k[j, d] : memref<?x64xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } mask() {
    %i = attn.index 0
    %j = attn.index 1
    %before = arith.cmpi sle, %j, %i : index
    %far = arith.subi %i, %j : index
    %width = arith.constant 128 : index
    %near = arith.cmpi slt, %far, %width : index
    %both = arith.andi %before, %near : i1
    attn.yield %both : i1
  } value(%z = %v[j, e] : memref<?x64xf32>) {
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x64xf32>)
  return
}

// Under a causal mask the tiles of a group have most of their keys in common.
// CHECK-LABEL: func @causal
// CHECK: queryTile = 32, {{.*}}queryGroup = 32, minQueries
func.func @causal(%q: memref<?x64xf32>, %k: memref<?x64xf32>, %v: memref<?x64xf32>, %o: memref<?x64xf32>, %M: index, %N: index) {
  attn.attention domain(i parallel %M, j key %N, d contraction 64, e value 64)
  contraction over(d) (%x = %q[i, d] : memref<?x64xf32>, %y = %k[j, d] : memref<?x64xf32>) {
    %xy = arith.mulf %x, %y : f32
    attn.yield %xy : f32
  } mask() {
    %i = attn.index 0
    %j = attn.index 1
    %before = arith.cmpi sle, %j, %i : index
    attn.yield %before : i1
  } value(%z = %v[j, e] : memref<?x64xf32>) {
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[i, e] : memref<?x64xf32>)
  return
}
