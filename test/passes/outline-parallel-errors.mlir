// RUN: fovea-opt %s -attn-outline-parallel -split-input-file -verify-diagnostics

func.func @results(%inv: !llvm.ptr {attn.invocation}, %t: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  // expected-error @below {{expected a parallel loop without results, but found 1}}
  %r = scf.forall (%i) in (%n) shared_outs(%o = %t) -> tensor<?xf32> {
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %t into %o[0] [%n] [1] : tensor<?xf32> into tensor<?xf32>
    }
  }
  return %r : tensor<?xf32>
}

// -----

func.func @no_invocation(%m: memref<?xf32>, %n: index, %x: f32) {
  // expected-error @below {{expected the enclosing function to take an argument with 'attn.invocation', but found none}}
  scf.forall (%i) in (%n) {
    memref.store %x, %m[%i] : memref<?xf32>
  }
  return
}

// -----

func.func @varying_size(%inv: !llvm.ptr {attn.invocation}, %n: index, %x: f32) {
  scf.forall (%i) in (%n) {
    // expected-error @below {{expected a size known before the parallel loop, but found one that depends on its iteration}}
    %a = memref.alloc(%i) : memref<?xf32>
    memref.store %x, %a[%i] : memref<?xf32>
  }
  return
}

// -----

func.func @strided(%inv: !llvm.ptr {attn.invocation}, %n: index, %x: f32) {
  scf.forall (%i) in (%n) {
    // expected-error @below {{expected a contiguous buffer in a parallel loop, but found 'memref<4xf32, strided<[2]>>'}}
    %a = memref.alloc() : memref<4xf32, strided<[2]>>
    memref.store %x, %a[%i] : memref<4xf32, strided<[2]>>
  }
  return
}

// -----

func.func @escaping(%inv: !llvm.ptr {attn.invocation}, %n: index, %b: memref<4xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  scf.forall (%i) in (%n) {
    %last = scf.for %k = %zero to %n step %one iter_args(%m = %b) -> memref<4xf32> {
      // expected-error @below {{expected a buffer of one iteration, but found it handed to the next one}}
      %a = memref.alloc() : memref<4xf32>
      memref.copy %m, %a : memref<4xf32> to memref<4xf32>
      scf.yield %a : memref<4xf32>
    }
    memref.copy %last, %b : memref<4xf32> to memref<4xf32>
  }
  return
}

// -----

// expected-note @below {{the value is defined here}}
func.func @tensor_inside(%inv: !llvm.ptr {attn.invocation}, %n: index, %t: tensor<4xf32>, %m: memref<4xf32>) {
  // expected-error @below {{expected values from outside that fit in memory, but found one of type 'tensor<4xf32>'}}
  scf.forall (%i) in (%n) {
    %x = tensor.extract %t[%i] : tensor<4xf32>
    memref.store %x, %m[%i] : memref<4xf32>
  }
  return
}

// -----

func.func @inner_results(%inv: !llvm.ptr {attn.invocation}, %n: index, %t: tensor<?xf32>) {
  scf.forall (%i) in (%n) {
    // expected-error @below {{expected a parallel loop without results, but found 1}}
    %r = scf.forall (%j) in (%n) shared_outs(%o = %t) -> tensor<?xf32> {
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %t into %o[0] [%n] [1] : tensor<?xf32> into tensor<?xf32>
      }
    }
  }
  return
}
