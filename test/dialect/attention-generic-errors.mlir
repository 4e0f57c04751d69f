// RUN: fovea-opt --split-input-file --verify-diagnostics %s

// What only the generic form can get wrong.

func.func @domain_lists() {
  // expected-error @below {{expects 1 dynamic bounds, but got 0}}
  "attn.attention"() <{
    domain = #attn.domain<j key ?>, inputSegments = array<i32: 0, 0, 0>, accesses = [],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax, resultKinds = [],
    operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}) : () -> ()
  return
}

// -----

func.func @offsets() {
  // expected-error @below {{expects 1 dynamic offsets, but got 0}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4 from ?>, inputSegments = array<i32: 0, 0, 0>, accesses = [],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax, resultKinds = [],
    operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}) : () -> ()
  return
}

// -----

func.func @lookups() {
  // expected-error @below {{expects 2 lookup regions, but has 0 inner regions}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 0, 0>, accesses = [],
    contractionDims = [], valueDims = [], numLookups = 2 : ui32, normalizer = #attn.softmax, resultKinds = [],
    operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}) : () -> ()
  return
}

// -----

func.func @contraction_dims() {
  // expected-error @below {{expects 1 regions of lookups, contractions, values and outputs, but has 0}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 0, 0>, accesses = [],
    contractionDims = [array<i64: 0>], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [], operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}) : () -> ()
  return
}

// -----

func.func @contraction_dim_type() {
  // expected-error @below {{expects contraction dimensions as integer arrays}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 0, 0, 0>, accesses = [],
    contractionDims = ["d"], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [], operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}, {}) : () -> ()
  return
}

// -----

func.func @groups() {
  // expected-error @below {{expects operands in 3 groups, but got 1}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0>, accesses = [],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [], operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}) : () -> ()
  return
}

// -----

func.func @group_sizes() {
  // expected-error @below {{has groups of 3 operands, but 0 operands}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 3, 0, 0>, accesses = [],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [], operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}) : () -> ()
  return
}

// -----

func.func @accesses(%o: memref<f32>) {
  // expected-error @below {{expects 1 accesses, but got 0}}
  "attn.attention"(%o) <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 0, 0>, accesses = [],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [#attn<result logsumexp>],
    operandSegmentSizes = array<i32: 0, 0, 0, 0, 1>}> ({}, {}, {}) : (memref<f32>) -> ()
  return
}

// -----

func.func @access_dims(%q: f32, %o: memref<f32>) {
  // expected-error @below {{operand 0 of the score has an access over 2 dimensions and 0 symbols, but the domain has 1 and 0 lookups, and the op 0 symbols}}
  "attn.attention"(%q, %o) <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 1, 0, 0>,
    accesses = [affine_map<(i, j) -> ()>, affine_map<(j) -> ()>],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [#attn<result logsumexp>],
    operandSegmentSizes = array<i32: 0, 0, 0, 1, 1>}> ({
    ^bb0(%s: f32):
      attn.yield %s : f32
    }, {}, {}) : (f32, memref<f32>) -> ()
  return
}

// -----

func.func @operands_without_region(%q: f32, %o: memref<f32>) {
  // expected-error @below {{the mask has operands, but no region}}
  "attn.attention"(%q, %o) <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 1, 0>,
    accesses = [affine_map<(j) -> ()>, affine_map<(j) -> ()>],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [#attn<result logsumexp>],
    operandSegmentSizes = array<i32: 0, 0, 0, 1, 1>}> ({
      %s = arith.constant 1.0 : f32
      attn.yield %s : f32
    }, {}, {}) : (f32, memref<f32>) -> ()
  return
}

// -----

func.func @result_kinds(%o: memref<f32>) {
  // expected-error @below {{expects a kind for each of 1 results, but got 0}}
  "attn.attention"(%o) <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 0, 0>,
    accesses = [affine_map<(j) -> ()>],
    contractionDims = [], valueDims = [], numLookups = 0 : ui32, normalizer = #attn.softmax, resultKinds = [],
    operandSegmentSizes = array<i32: 0, 0, 0, 0, 1>}> ({
      %s = arith.constant 1.0 : f32
      attn.yield %s : f32
    }, {}, {}) : (memref<f32>) -> ()
  return
}

// -----

func.func @value_dim_type() {
  // expected-error @below {{expects value dimensions as integer arrays}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 0, 0, 0, 0>, accesses = [],
    contractionDims = [], valueDims = ["e"], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [], operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}, {}) : () -> ()
  return
}

// -----

func.func @log_weight_dims() {
  // expected-error @below {{value 0 is the logarithm of the weight, which has no value dimensions}}
  "attn.attention"() <{
    domain = #attn.domain<j key 4, e value 4>, inputSegments = array<i32: 0, 0, 0, 0>, accesses = [],
    contractionDims = [], valueDims = [array<i64: 1>], numLookups = 0 : ui32, normalizer = #attn.softmax,
    resultKinds = [], operandSegmentSizes = array<i32: 0, 0, 0, 0, 0>}> ({}, {}, {}, {}) : () -> ()
  return
}
