// RUN: fovea-opt --split-input-file --verify-diagnostics %s

#end = affine_map<()[s0] -> (s0)>
// expected-error@+1 {{segments expect a key dimension, but found -1}}
module attributes {a = #attn.segments<key -1, visit [#end to #end], masked []>} {}

// -----

#none = affine_map<()[s0] -> ()>
// expected-error@+1 {{segments expect bounds over symbols with at least one result, but found affine_map<()[s0] -> ()>}}
module attributes {a = #attn.segments<key 0, visit [], masked [#none to #none]>} {}

// -----

#dims = affine_map<(d0) -> (d0)>
// expected-error@+1 {{segments expect bounds over symbols with at least one result, but found affine_map<(d0) -> (d0)>}}
module attributes {a = #attn.segments<key 0, visit [#dims to #dims], masked []>} {}

// -----

#end = affine_map<()[s0, s1, s2, s3, s4, s5] -> (s5)>
func.func @query_dimension(%q: tensor<?xf32>, %k: tensor<?xf32>, %M: index, %N: index,
    %l: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@+1 {{has segments of dimension 0, which is not a key dimension}}
  %r = attn.attention
      domain(i parallel %M, j key %N)
      contraction over() (%x = %q[i] : tensor<?xf32>, %y = %k[j] : tensor<?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
      {segments = #attn.segments<key 0, visit [#end to #end], masked []>}
  return %r : tensor<?xf32>
}

// -----

#end = affine_map<()[s0, s1, s2, s3, s4, s5] -> (s5)>
func.func @symbols_of_mask(%q: tensor<?xf32>, %k: tensor<?xf32>, %n: index, %M: index,
    %N: index, %l: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error@+1 {{expects segments over 7 symbols, but found one over 6}}
  %r = attn.attention
      domain(i parallel %M, j key %N)
      contraction over() (%x = %q[i] : tensor<?xf32>, %y = %k[j] : tensor<?xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      mask(%len = %n[] : index) {
        %j = attn.index 1
        %keep = arith.cmpi slt, %j, %len : index
        attn.yield %keep : i1
      }
      normalizer(#attn.softmax)
      outs(logsumexp %l[i] : tensor<?xf32>)
      {segments = #attn.segments<key 1, visit [#end to #end], masked []>}
  return %r : tensor<?xf32>
}
