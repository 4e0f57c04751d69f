// RUN: fovea-opt --attn-mask-segments --split-input-file %s | FileCheck %s

// Symbols: offset, extent and end of b, i, j, d, then the mask's operands.

// The padding only ends the visit; causality is masked from the second query on.
// CHECK-DAG: #[[BEGIN:.*]] = affine_map<()[{{.*}}] -> (s6)>
// CHECK-DAG: #[[VISIT:.*]] = affine_map<()[{{.*}}] -> (s3 + s4, s12)>
// CHECK-DAG: #[[MASKED:.*]] = affine_map<()[{{.*}}] -> (s3 + 1)>
// CHECK-DAG: #[[END:.*]] = affine_map<()[{{.*}}] -> (s8)>
// CHECK-LABEL: func @causal_padding
// CHECK: #attn.segments<key 2, visit [#[[BEGIN]] to #[[VISIT]]], masked [#[[MASKED]] to #[[END]]]>
func.func @causal_padding(%q: tensor<?x?x64xf32>, %k: tensor<?x?x64xf32>,
    %lens: tensor<?xi32>, %B: index, %M: index, %N: index, %l: tensor<?x?xf32>)
    -> tensor<?x?xf32> {
  %r = attn.attention
      domain(b parallel %B, i parallel %M, j key %N, d contraction 64)
      contraction over(d) (%x = %q[b, i, d] : tensor<?x?x64xf32>,
                           %y = %k[b, j, d] : tensor<?x?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask(%len = %lens[b] : tensor<?xi32>) {
        %i = attn.index 1
        %j = attn.index 2
        %n = arith.index_cast %len : i32 to index
        %past = arith.cmpi sle, %j, %i : index
        %real = arith.cmpi slt, %j, %n : index
        %keep = arith.andi %past, %real : i1
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[b, i] : tensor<?x?xf32>)
  return %r : tensor<?x?xf32>
}

// -----

// Without a mask every key is visited and none is masked.
// CHECK-DAG: #[[BEGIN:.*]] = affine_map<()[{{.*}}] -> (s3)>
// CHECK-DAG: #[[END:.*]] = affine_map<()[{{.*}}] -> (s5)>
// CHECK-LABEL: func @dense
// CHECK: #attn.segments<key 1, visit [#[[BEGIN]] to #[[END]]], masked []>
func.func @dense(%q: tensor<?x64xf32>, %k: tensor<?x64xf32>, %M: index, %N: index,
    %l: tensor<?xf32>) -> tensor<?xf32> {
  %r = attn.attention
      domain(i parallel %M, j key %N, d contraction 64)
      contraction over(d) (%x = %q[i, d] : tensor<?x64xf32>,
                           %y = %k[j, d] : tensor<?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
  return %r : tensor<?xf32>
}

// -----

// A length for each query differs within a tile, and document numbers of keys
// do as well: nothing is known.
// CHECK-DAG: #[[BEGIN:.*]] = affine_map<()[{{.*}}] -> (s3)>
// CHECK-DAG: #[[END:.*]] = affine_map<()[{{.*}}] -> (s5)>
// CHECK-LABEL: func @varies_in_tile
// CHECK: #attn.segments<key 1, visit [#[[BEGIN]] to #[[END]]], masked [#[[BEGIN]] to #[[END]]]>
func.func @varies_in_tile(%q: tensor<?x64xf32>, %k: tensor<?x64xf32>,
    %lens: tensor<?xindex>, %docs: tensor<?xi32>, %M: index, %N: index,
    %l: tensor<?xf32>) -> tensor<?xf32> {
  %r = attn.attention
      domain(i parallel %M, j key %N, d contraction 64)
      contraction over(d) (%x = %q[i, d] : tensor<?x64xf32>,
                           %y = %k[j, d] : tensor<?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask(%len = %lens[i] : tensor<?xindex>, %here = %docs[i] : tensor<?xi32>,
           %there = %docs[j] : tensor<?xi32>) {
        %j = attn.index 1
        %real = arith.cmpi slt, %j, %len : index
        %same = arith.cmpi eq, %here, %there : i32
        %keep = arith.andi %real, %same : i1
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
  return %r : tensor<?xf32>
}

// -----

// Static sizes are facts: the mask holds for all 128 keys.
// CHECK-LABEL: func @always_by_size
// CHECK: #attn.segments<key 1, visit [#{{.*}} to #{{.*}}], masked []>
func.func @always_by_size(%q: tensor<?x64xf32>, %k: tensor<128x64xf32>, %M: index,
    %l: tensor<?xf32>) -> tensor<?xf32> {
  %r = attn.attention
      domain(i parallel %M, j key 128, d contraction 64)
      contraction over(d) (%x = %q[i, d] : tensor<?x64xf32>,
                           %y = %k[j, d] : tensor<128x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %j = attn.index 1
        %c128 = arith.constant 128 : index
        %keep = arith.cmpi slt, %j, %c128 : index
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
  return %r : tensor<?xf32>
}

// -----

// The tile extends along the query dimension i alone, not along the head: the
// condition on h is exact. The outer key dimension y is walked one by one.
// CHECK-DAG: #[[LOWER:.*]] = affine_map<()[{{.*}}] -> (s3 - 2, ((-s0 + s6 + s7 - 1) floordiv 4611686018427387904) * -4611686018427387904)>
// CHECK-DAG: #[[UPPER:.*]] = affine_map<()[{{.*}}] -> (s3 + s4 + 2)>
// CHECK-LABEL: func @two_key_dims
// CHECK: #attn.segments<key 3, visit [#[[LOWER]] to #[[UPPER]]], masked
func.func @two_key_dims(%q: tensor<?x?x8xf32>, %k: tensor<?x?x?x8xf32>, %H: index,
    %M: index, %Y: index, %X: index, %l: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = attn.attention
      domain(h parallel %H, i parallel %M, y key %Y, x key %X, d contraction 8)
      contraction over(d) (%a = %q[h, i, d] : tensor<?x?x8xf32>,
                           %b = %k[h, y, x, d] : tensor<?x?x?x8xf32>) {
        %ab = arith.mulf %a, %b : f32
        attn.yield %ab : f32
      }
      mask() {
        %h = attn.index 0
        %i = attn.index 1
        %y = attn.index 2
        %x = attn.index 3
        %c2 = arith.constant 2 : index
        %right = arith.subi %x, %i : index
        %left = arith.subi %i, %x : index
        %distance = arith.maxsi %left, %right : index
        %near = arith.cmpi sle, %distance, %c2 : index
        %below = arith.cmpi sge, %y, %h : index
        %keep = arith.andi %near, %below : i1
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[h, i] : tensor<?x?xf32>)
  return %r : tensor<?x?xf32>
}

// -----

// A switch: when it is off, every key is kept.
// CHECK-DAG: #[[OFF:.*]] = affine_map<()[{{.*}}] -> ((s9 floordiv 4611686018427387904) * -4611686018427387904)>
// CHECK-LABEL: func @switch
// CHECK: #attn.segments<key 1, visit [{{.*}}#[[OFF]] to
func.func @switch(%q: tensor<?x64xf32>, %k: tensor<?x64xf32>, %causal: i1, %M: index,
    %N: index, %l: tensor<?xf32>) -> tensor<?xf32> {
  %r = attn.attention
      domain(i parallel %M, j key %N, d contraction 64)
      contraction over(d) (%x = %q[i, d] : tensor<?x64xf32>,
                           %y = %k[j, d] : tensor<?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask(%on = %causal[] : i1) {
        %i = attn.index 0
        %j = attn.index 1
        %true = arith.constant true
        %past = arith.cmpi sle, %j, %i : index
        %keep = arith.select %on, %past, %true : i1
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
  return %r : tensor<?xf32>
}

// -----

// Segments that are there already stay.
// CHECK: #[[GIVEN:.*]] = affine_map<()[{{.*}}] -> (7)>
// CHECK-LABEL: func @given
// CHECK: #attn.segments<key 1, visit [#[[GIVEN]] to #[[GIVEN]]], masked []>
#seven = affine_map<()[s0, s1, s2, s3, s4, s5, s6, s7, s8] -> (7)>
func.func @given(%q: tensor<?x64xf32>, %k: tensor<?x64xf32>, %M: index, %N: index,
    %l: tensor<?xf32>) -> tensor<?xf32> {
  %r = attn.attention
      domain(i parallel %M, j key %N, d contraction 64)
      contraction over(d) (%x = %q[i, d] : tensor<?x64xf32>,
                           %y = %k[j, d] : tensor<?x64xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
      {segments = #attn.segments<key 1, visit [#seven to #seven], masked []>}
  return %r : tensor<?xf32>
}
