// RUN: fovea-opt --attn-tile-linear %s | FileCheck %s

#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n floordiv 4, k, n mod 4)>
#y = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#bias = affine_map<(m, n) -> (n)>

// Each layer stays where it is, a loop of its own.

// The second one has another input.
// CHECK-LABEL: func @other_input
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
func.func @other_input(%x: memref<?x6xf32>, %z: memref<?x6xf32>, %w: memref<2x6x4xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc(%m) : memref<?x8xf32>
  %q = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%p : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.fill ins(%zero : f32) outs(%q : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%z, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%q : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  return
}

// The input is changed between them.
// CHECK-LABEL: func @input_changes
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: linalg.generic
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
func.func @input_changes(%w: memref<2x6x4xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %x = memref.alloc(%m) : memref<?x6xf32>
  linalg.fill ins(%zero : f32) outs(%x : memref<?x6xf32>)
  %p = memref.alloc(%m) : memref<?x8xf32>
  %q = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%p : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
      outs(%x : memref<?x6xf32>) {
  ^bb0(%old: f32):
    %new = arith.negf %old : f32
    linalg.yield %new : f32
  }
  linalg.fill ins(%zero : f32) outs(%q : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%q : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  return
}

// What the first one makes is read between them.
// CHECK-LABEL: func @result_is_read
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: linalg.generic
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
func.func @result_is_read(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc(%m) : memref<?x8xf32>
  %o = memref.alloc(%m) : memref<?x8xf32>
  %q = memref.alloc(%m) : memref<?x8xf32>
  %r = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%p : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p : memref<?x8xf32>) outs(%o : memref<?x8xf32>) {
  ^bb0(%a0: f32, %old: f32):
    %new = arith.negf %a0 : f32
    linalg.yield %new : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p : memref<?x8xf32>) outs(%r : memref<?x8xf32>) {
  ^bb0(%a0: f32, %old: f32):
    %new = arith.addf %a0, %a0 : f32
    linalg.yield %new : f32
  }
  linalg.fill ins(%zero : f32) outs(%q : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%q : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  return
}

// The second one's bias is what the first one makes.
// CHECK-LABEL: func @result_is_needed
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
func.func @result_is_needed(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc(%m) : memref<?x8xf32>
  %sum = memref.alloc(%m) : memref<?x8xf32>
  %q = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%p : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.fill ins(%zero : f32) outs(%sum : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%sum : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%p, %sum : memref<?x8xf32>, memref<?x8xf32>) outs(%q : memref<?x8xf32>) {
  ^bb0(%a0: f32, %a1: f32, %old: f32):
    %new = arith.mulf %a0, %a1 : f32
    linalg.yield %new : f32
  }
  return
}

// What lies between writes memory that may be the input's.
// CHECK-LABEL: func @argument_is_written
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
// CHECK: linalg.generic
// CHECK: scf.forall (%{{.*}}, %{{.*}}) in (%{{.*}}, %{{.*}})
func.func @argument_is_written(%x: memref<?x6xf32>, %w: memref<2x6x4xf32>, %o: memref<?x6xf32>, %m: index) {
  %zero = arith.constant 0.0 : f32
  %p = memref.alloc(%m) : memref<?x8xf32>
  %q = memref.alloc(%m) : memref<?x8xf32>
  linalg.fill ins(%zero : f32) outs(%p : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%p : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]}
      outs(%o : memref<?x6xf32>) {
  ^bb0(%old: f32):
    %new = arith.negf %old : f32
    linalg.yield %new : f32
  }
  linalg.fill ins(%zero : f32) outs(%q : memref<?x8xf32>)
  linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<?x6xf32>, memref<2x6x4xf32>) outs(%q : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32, %acc: f32):
    %ef = arith.mulf %e, %f : f32
    %next = arith.addf %acc, %ef : f32
    linalg.yield %next : f32
  }
  return
}
