// RUN: fovea-opt %s -attn-entry-abi -split-input-file -verify-diagnostics

// expected-error @below {{expected 'attn.name' on each argument and result, but found a argument of type 'f32' without it}}
func.func @unnamed(%s: f32) attributes {attn.entry} {
  return
}

// -----

// expected-error @below {{expected 'attn.dims' with 1 groups of index names, but found none}}
func.func @no_dims(%x: tensor<?xf32> {attn.name = "x"}) attributes {attn.entry} {
  return
}

// -----

// expected-error @below {{expected 'attn.dims' with 1 groups of index names, but found [["i"], ["j"]]}}
func.func @rank(%x: tensor<?xf32> {attn.name = "x", attn.dims = [["i"], ["j"]]}) attributes {attn.entry} {
  return
}

// -----

// expected-error @below {{expected a group of index names in 'attn.dims', but found []}}
func.func @empty_group(%x: tensor<?xf32> {attn.name = "x", attn.dims = [[]]}) attributes {attn.entry} {
  return
}

// -----

// expected-error @below {{expected an index name or a size in 'attn.dims', but found unit}}
func.func @odd_group(%x: tensor<?xf32> {attn.name = "x", attn.dims = [[unit]]}) attributes {attn.entry} {
  return
}

// -----

// expected-error @below {{expected results that are tensors, but found 'f32'}}
func.func @scalar_result(%s: f32 {attn.name = "s"}) -> (f32 {attn.name = "r"}) attributes {attn.entry} {
  return %s : f32
}

// -----

// expected-error @below {{expected a size of at least 0 for index 'd', but found -1 : i64}}
func.func @sizes() attributes {attn.entry, attn.sizes = {d = -1 : i64}} {
  return
}

// -----

// expected-error @below {{expected a map over symbols and their names for the range of index 'g', but found ["bags"]}}
func.func @range() attributes {attn.entry, attn.ranges = {g = ["bags"]}} {
  return
}

// -----

// expected-error @below {{expected a name in the range of index 'g', but found 3 : i64}}
func.func @range_term() attributes {attn.entry, attn.ranges = {g = [affine_map<()[s] -> (s)>, 3]}} {
  return
}

// -----

// expected-error @below {{expected a body of one block, but found 2}}
func.func @blocks() attributes {attn.entry} {
  cf.br ^end
^end:
  return
}

// -----

// expected-error @below {{expected 'attn.dims' with 2 groups of index names, but found none}}
attn.param @words from "words" : tensor<?x8xf32>
