// RUN: fovea-opt %s -attn-bind-runtime -split-input-file -verify-diagnostics

// expected-error @below {{expected an entry in buffer form, but found 1 results}}
func.func @tensors(%x: tensor<?xf32> {attn.name = "x", attn.dims = [["n"]]})
    -> (tensor<?xf32> {attn.name = "y", attn.dims = [["n"]]}) attributes {attn.entry} {
  return %x : tensor<?xf32>
}

// -----

func.func @nested(%flag: i1 {attn.name = "flag"}) attributes {attn.entry} {
  scf.if %flag {
    // expected-error @below {{expected a condition at the top level of an entry, but found it inside 'scf.if'}}
    attn.require %flag, "the flag is set"
  }
  return
}

// -----

func.func @parallel(%flag: i1 {attn.name = "flag"}, %n: i32 {attn.name = "n"}) attributes {attn.entry} {
  %count = arith.index_cast %n : i32 to index
  scf.forall (%i) in (%count) {
    // expected-error @below {{expected a condition outside of parallel loops, but found it inside 'scf.forall'}}
    attn.report %flag, "the flag is set"
  }
  return
}

// -----

func.func @tensor_weight() attributes {attn.entry} {
  // expected-error @below {{expected a declared weight in memory, but found 'tensor<8xf32>'}}
  %w = attn.param_ref @w : tensor<8xf32>
  return
}
attn.param @w from "w" : tensor<8xf32>

// -----

// expected-error @below {{expected elements that a tensor can have, but found 'i7' in 's'}}
func.func @odd_type(%s: i7 {attn.name = "s"}) attributes {attn.entry} {
  return
}

// -----

// expected-error @below {{expected elements that a tensor can have, but found 'i7' in 'w'}}
attn.param @w from "w" : tensor<8xi7>

// -----

// expected-error @below {{expected a range of index 'g' that needs at most 16 intermediate values, but found 17}}
func.func @deep(%n: i32 {attn.name = "n"}) attributes {attn.entry, attn.ranges = {
  g = [affine_map<()[s] -> (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s floordiv (s)))))))))))))))))>, "n"]}} {
  return
}

// -----

func.func @packed_dynamic() attributes {attn.entry} {
  // expected-error @below {{expected a packed weight of known shape, but found 'memref<?x64x32xf32>'}}
  %w = attn.param_ref @w : memref<?x64x32xf32>
  return
}
attn.param @w from "w" : tensor<?x64x32xf32>
    panel <rows[0] columns[1] width 32> of tensor<?x64xf32> {attn.dims = [["n"], ["k"]]}
