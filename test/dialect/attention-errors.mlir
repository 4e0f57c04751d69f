// RUN: fovea-opt --split-input-file --verify-diagnostics %s

func.func @dim_kind(%N: index) {
  // expected-error @below {{expected 'parallel', 'key', 'contraction' or 'value', but found 'row'}}
  attn.attention domain(i row %N)
}

// -----

func.func @negative_bound() {
  // expected-error @below {{domain dimension 'j' has the negative bound -4}}
  attn.attention domain(j key -4) normalizer(#attn.plain) outs()
  return
}

// -----

// expected-error @below {{domain has two dimensions named 'j'}}
module attributes {a = #attn.domain<j key 4, j key 4>} {}

// -----

// expected-error @below {{expected 'parallel', 'key', 'contraction' or 'value', but found 'row'}}
module attributes {a = #attn.domain<j row 4>} {}

// -----

func.func @unknown_contraction_dim(%N: index) {
  // expected-error @below {{the domain has no dimension named 'd'}}
  attn.attention domain(j key %N) contraction over(d) () {}
}

// -----

func.func @normalizer(%N: index) {
  // expected-error @below {{expected a normalizer, but found 4 : i64}}
  attn.attention domain(j key %N) normalizer(4)
}

// -----

func.func @result_kind(%N: index, %o: memref<f32>) {
  // expected-error @below {{expected 'output', 'logsumexp', 'weights', 'max' or 'argmax', but found 'mass'}}
  attn.attention domain(j key %N) normalizer(#attn.softmax) outs(mass %o[] : memref<f32>)
}

// -----

func.func @no_key(%o: memref<f32>) {
  // expected-error @below {{expects at least one key dimension}}
  attn.attention domain(i parallel 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @contraction_kind(%o: memref<f32>) {
  // expected-error @below {{contraction 0 sums over dimension 0, which is not a contraction dimension}}
  attn.attention domain(j key 4) contraction over(j) () {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @summed_twice(%o: memref<f32>) {
  // expected-error @below {{contraction dimension 'd' is summed twice}}
  attn.attention domain(j key 4, d contraction 4) contraction over(d, d) () {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @operand_type(%q: memref<*xf32>, %o: memref<f32>) {
  // expected-error @below {{operand 0 of the score is 'memref<*xf32>', which is neither a tensor or memref of numbers with a rank nor a number}}
  attn.attention domain(j key 4) score(%x = %q[] : memref<*xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @access_rank(%q: memref<4x4xf32>, %o: memref<f32>) {
  // expected-error @below {{operand 0 of the score has 2 dimensions, but its access gives 1 coordinates}}
  attn.attention domain(j key 4) score(%x = %q[j] : memref<4x4xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @access_kind(%q: memref<4xf32>, %o: memref<f32>) {
  // expected-error @below {{operand 0 of the score depends on the contraction dimension 'd', which has no value there}}
  attn.attention domain(j key 4, d contraction 4) score(%x = %q[d] : memref<4xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @result_access(%o: memref<4xf32>) {
  // expected-error @below {{result logsumexp depends on the key dimension 'j', which has no value there}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[j] : memref<4xf32>)
  return
}

// -----

func.func @lookup_of_itself(%q: memref<4xi32>, %o: memref<f32>) {
  // expected-error @below {{operand 0 of the lookup 0 uses lookup 0, which is not known there}}
  "attn.attention"(%q, %o) <{
    domain = #attn.domain<j key 4>, inputSegments = array<i32: 1, 0, 0, 0>,
    accesses = [affine_map<(j, l) -> (l)>, affine_map<(j, l) -> ()>], contractionDims = [], valueDims = [],
    numLookups = 1 : ui32, normalizer = #attn.softmax, resultKinds = [#attn<result logsumexp>],
    operandSegmentSizes = array<i32: 0, 0, 0, 1, 1>}> ({
      %s = arith.constant 1.0 : f32
      attn.yield %s : f32
    }, {}, {}, {
    ^bb0(%p: i32):
      %i = arith.index_cast %p : i32 to index
      attn.yield %i : index
    }) : (memref<4xi32>, memref<f32>) -> ()
  return
}

// -----

func.func @two_blocks(%o: memref<f32>) {
  // expected-error @below {{expects the score to have one block}}
  attn.attention domain(j key 4) score() {
    cf.br ^end
  ^end:
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @arguments(%o: memref<f32>) {
  // expected-error @below {{expects the score to have 0 block arguments, but it has 1}}
  attn.attention domain(j key 4) score(%s : f32) {
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @argument_type(%q: memref<4xf32>, %o: memref<f32>) {
  // expected-error @below {{expects argument 0 of the score to be 'f32', but it is 'f64'}}
  attn.attention domain(j key 4)
  contraction over() (%x = %q[j] : memref<4xf32>) { attn.yield %x : f32 }
  score(%s : f64) {
    %t = arith.truncf %s : f64 to f32
    attn.yield %t : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @no_yield(%o: memref<f32>) {
  // expected-error @below {{expects the score to end with attn.yield}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    llvm.unreachable
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @yield_type(%o: memref<f32>) {
  // expected-error @below {{expects the score to yield f32, but it yields 'f64'}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f64
    attn.yield %s : f64
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @impure(%o: memref<f32>) {
  attn.attention domain(j key 4) score() {
    // expected-error @below {{in the score is not scalar and pure}}
    %m = memref.alloc() : memref<f32>
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @index_range(%o: memref<f32>) {
  attn.attention domain(j key 4) score() {
    // expected-error @below {{names dimension 3, but the domain has 1}}
    %i = attn.index 3
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @index_kind(%o: memref<f32>) {
  attn.attention domain(j key 4, e value 4) score() {
    // expected-error @below {{names dimension 'e', which has no value in the score}}
    %i = attn.index 1
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @index_outside() {
  // expected-error @below {{expects to stand in a region of attn.attention or attn.online}}
  %i = attn.index 0
  return
}

// -----

func.func @no_score(%o: memref<f32>) {
  // expected-error @below {{expects a score region, since there are 0 contractions}}
  attn.attention domain(j key 4) normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @no_result() {
  // expected-error @below {{expects at least one result}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs()
  return
}

// -----

func.func @two_of_a_kind(%o: memref<f32>) {
  // expected-error @below {{has two results of the kind logsumexp}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<f32>, logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @integer_result(%o: memref<i32>) {
  // expected-error @below {{expects results of floats, but got 'memref<i32>'}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(logsumexp %o[] : memref<i32>)
  return
}

// -----

func.func @no_value(%o: memref<f32>) {
  // expected-error @below {{has an output, but no value region}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @no_mass(%o: memref<f32>) {
  // expected-error @below {{has no log-sum-exp with the normalizer #attn.plain}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.plain) outs(logsumexp %o[] : memref<f32>)
  return
}

// -----

func.func @value_over_another_dimension(%o: memref<f32>) {
  // expected-error @below {{value 0 extends over dimension 0, which is not a value dimension}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value over(j) () {
    %z = arith.constant 1.0 : f32
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @log_weight_without_mass(%o: memref<f32>) {
  // expected-error @below {{has the logarithm of the weight as a value, but its normalizer #attn.plain divides by nothing}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value logweight
      normalizer(#attn.plain) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @sum_over_no_dimension_of_the_output(%o: memref<f32>) {
  // expected-error @below {{uses a sum over dimension 'e' in output 0, which does not have it}}
  attn.attention domain(j key 4, e value 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value() {
    %z = arith.constant 1.0 : f32
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @epilogue_reads_another_dimension(%g: memref<4xf32>, %o: memref<f32>) {
  // expected-error @below {{operand 0 of the epilogue depends on the value dimension 'e', which has no value there}}
  attn.attention domain(j key 4, e value 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value logweight
  epilogue(%a : f32, %x = %g[e] : memref<4xf32>) {
    attn.yield %x : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @more_outputs_than_values(%o: memref<f32>, %p: memref<f32>) {
  // expected-error @below {{expects an epilogue of output 1, since there are 1 values}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value() {
    %z = arith.constant 1.0 : f32
    attn.yield %z : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>, output %p[] : memref<f32>)
  return
}

// -----

func.func @epilogue_of_no_output(%o: memref<f32>) {
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value() {
    %z = arith.constant 1.0 : f32
    attn.yield %z : f32
  }
  // expected-error @below {{expected the epilogue of one of 1 outputs, but found 1}}
  epilogue 1 (%a : f32) {
    attn.yield %a : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @epilogues_out_of_order(%o: memref<f32>) {
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } value() {
    %z = arith.constant 1.0 : f32
    attn.yield %z : f32
  }
  epilogue 1 (%a : f32) {
    attn.yield %a : f32
  }
  // expected-error @below {{expected epilogues by ascending number of the output, but found 0}}
  epilogue 0 (%a : f32) {
    attn.yield %a : f32
  } normalizer(#attn.softmax) outs(output %o[] : memref<f32>)
  return
}

// -----

func.func @argmax_of_floats(%o: memref<f32>) {
  // expected-error @below {{expects results of integers for argmax, but got 'memref<f32>'}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(argmax %o[] : memref<f32>)
  return
}

// -----

func.func @argmax_over_two_dimensions(%o: memref<i32>) {
  // expected-error @below {{expects one key dimension for argmax, but has 2}}
  attn.attention domain(j key 4, l key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } normalizer(#attn.softmax) outs(argmax %o[] : memref<i32>)
  return
}

// -----

func.func @sink_of_plain(%o: memref<f32>) {
  // expected-error @below {{has a sink, but its normalizer #attn.plain divides by nothing}}
  attn.attention domain(j key 4) score() {
    %s = arith.constant 1.0 : f32
    attn.yield %s : f32
  } sink() {
    %c = arith.constant 0.0 : f32
    attn.yield %c : f32
  } normalizer(#attn.plain) outs(weights %o[] : memref<f32>)
  return
}
