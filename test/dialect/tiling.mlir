// RUN: fovea-opt --transform-interpreter --canonicalize --cse %s | FileCheck %s

// A tile is the same op with smaller bounds and larger offsets, over the same
// operands; its destination is a slice.
// CHECK-DAG: #[[AT:.*]] = affine_map<(d0) -> (d0 * 8)>
// CHECK-DAG: #[[LEFT:.*]] = affine_map<(d0)[s0] -> (d0 * -8 + s0, 8)>
// CHECK-LABEL: func @tiles
// CHECK-SAME: %[[Q:[^:]*]]: tensor<2x?x4xf32>, %[[K:[^:]*]]: tensor<2x?x4xf32>
// CHECK: scf.forall (%[[B:.*]], %[[T:.*]]) in (2, %{{.*}}) shared_outs(%[[OUT:.*]] =
// CHECK-DAG: %[[ROWS:.*]] = affine.min #[[LEFT]](%[[T]])
// CHECK-DAG: %[[I:.*]] = affine.apply #[[AT]](%[[T]])
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[OUT]][%[[B]], %[[I]], 0] [1, %[[ROWS]], 4]
// CHECK: %[[TILE:.*]] = attn.attention
// CHECK-NEXT: domain(b parallel 1 from %[[B]], i parallel %[[ROWS]] from %[[I]], j key %{{.*}}, d contraction 4, e value 4)
// CHECK-NEXT: symbols(%[[B]], %[[I]])
// CHECK: %[[Q]][b, i, d]
// CHECK: %[[K]][b, j, d]
// CHECK: outs(output %[[SLICE]][b - s0, i - s1, e]
// CHECK: tensor.parallel_insert_slice %[[TILE]] into %[[OUT]][%[[B]], %[[I]], 0] [1, %[[ROWS]], 4]
func.func @tiles(%q: tensor<2x?x4xf32>, %k: tensor<2x?x4xf32>, %v: tensor<2x?x4xf32>, %o: tensor<2x?x4xf32>, %m: index, %n: index)
    -> tensor<2x?x4xf32> {
  %r = attn.attention
      domain(b parallel 2, i parallel %m, j key %n, d contraction 4, e value 4)
      contraction over(d) (%x = %q[b, i, d] : tensor<2x?x4xf32>, %y = %k[b, j, d] : tensor<2x?x4xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask() {
        %i = attn.index 1
        %j = attn.index 2
        %keep = arith.cmpi sle, %j, %i : index
        attn.yield %keep : i1
      }
      value(%z = %v[b, j, e] : tensor<2x?x4xf32>) {
        attn.yield %z : f32
      }
      normalizer(#attn.softmax) outs(output %o[b, i, e] : tensor<2x?x4xf32>)
  return %r : tensor<2x?x4xf32>
}

module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %attention = transform.structured.match ops{["attn.attention"]} in %module : (!transform.any_op) -> !transform.any_op
    %tile, %loop = transform.structured.tile_using_forall %attention tile_sizes [1, 8]
        : (!transform.any_op) -> (!transform.any_op, !transform.any_op)
    transform.yield
  }
}
