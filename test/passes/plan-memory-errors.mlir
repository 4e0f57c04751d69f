// RUN: fovea-opt %s -attn-plan-memory -split-input-file -verify-diagnostics

func.func @data_dependent(%x: memref<?xindex> {attn.name = "x", attn.dims = [["n"]]}) attributes {attn.entry} {
  %zero = arith.constant 0 : index
  %n = memref.load %x[%zero] : memref<?xindex>
  // expected-error @below {{expected a size that the sizes of the entry's arguments decide, but found one that depends on 'memref.load'}}
  %a = memref.alloc(%n) : memref<?xf32>
  return
}

// -----

func.func @loop_index(%x: memref<?xf32> {attn.name = "x", attn.dims = [["n"]]}) attributes {attn.entry} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = memref.dim %x, %zero : memref<?xf32>
  scf.for %i = %zero to %n step %one {
    // expected-error @below {{expected a size that the sizes of the entry's arguments decide, but found one that depends on 'scf.for'}}
    %a = memref.alloc(%i) : memref<?xf32>
  }
  return
}

// -----

func.func @scalar(%n: i32 {attn.name = "n"}) attributes {attn.entry} {
  // expected-error @below {{expected buffer sizes that index sizes decide, but found one that the scalar 'n' decides}}
  %size = arith.index_cast %n : i32 to index
  %a = memref.alloc(%size) : memref<?xf32>
  return
}

// -----

func.func @strided(%x: memref<?xf32> {attn.name = "x", attn.dims = [["n"]]}) attributes {attn.entry} {
  // expected-error @below {{expected a contiguous buffer, but found 'memref<4xf32, strided<[2]>>'}}
  %a = memref.alloc() : memref<4xf32, strided<[2]>>
  return
}

// -----

func.func @varying_dimension(%x: memref<?x?xf32> {attn.name = "x", attn.dims = [["n"], ["m"]]}, %k: i32 {attn.name = "k"})
    attributes {attn.entry, attn.ranges = {g = [affine_map<()[s] -> (s)>, "k"]}} {
  %which = arith.index_cast %k : i32 to index
  // expected-error @below {{expected the size of a dimension known when compiling}}
  %n = memref.dim %x, %which : memref<?x?xf32>
  %a = memref.alloc(%n) : memref<?xf32>
  return
}
