// RUN: fovea-opt %s -attn-parallelize-generics -split-input-file | FileCheck %s

#row = affine_map<(i, c) -> (i, c)>
#sum = affine_map<(i, c) -> (i)>

// A sum along a row and what uses it are one loop: no row waits for another.
// CHECK-LABEL: func.func @rows(
// CHECK:         scf.forall
// CHECK:           scf.for %[[I:.*]] =
// CHECK:             memref.store %{{.*}}[%[[I]]]
// CHECK:             %[[SUM:.*]] = scf.for %[[C:.*]] = {{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (f32)
// CHECK:               memref.load %{{.*}}[%[[I]], %[[C]]]
// CHECK:               arith.addf %[[S]], %{{.*}} fastmath<reassoc,contract>
// CHECK:             memref.store %[[SUM]], %{{.*}}[%[[I]]]
// CHECK:             %[[M:.*]] = memref.load %{{.*}}[%[[I]]]
// CHECK:             scf.for
// CHECK:               arith.divf %{{.*}}, %[[M]]
// CHECK-NOT:     scf.forall
func.func @rows(%x: memref<?x?xf32>, %s: memref<?xf32>, %y: memref<?x?xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%s : memref<?xf32>)
  linalg.generic {indexing_maps = [#row, #sum], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.addf %b, %a : f32
    linalg.yield %t : f32
  }
  linalg.generic {indexing_maps = [#row, #sum, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<?x?xf32>, memref<?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %m: f32, %b: f32):
    %t = arith.divf %a, %m : f32
    linalg.yield %t : f32
  }
  return
}

// -----

#row = affine_map<(i, c) -> (i, c)>
#turned = affine_map<(i, c) -> (c, i)>

// A row that reads what all rows of another write comes after all of them.
// CHECK-LABEL: func.func @negative_turned(
// CHECK-COUNT-2: scf.forall
func.func @negative_turned(%x: memref<8x8xf32>, %t: memref<8x8xf32>, %y: memref<8x8xf32>) {
  linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x8xf32>) outs(%t : memref<8x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  }
  linalg.generic {indexing_maps = [#turned, #row], iterator_types = ["parallel", "parallel"]}
      ins(%t : memref<8x8xf32>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#row = affine_map<(i, c) -> (i, c)>

// The second operation writes where the first one reads: one offset of
// the workspace, under another name.
// CHECK-LABEL: func.func @negative_shared(
// CHECK-COUNT-2: scf.forall
func.func @negative_shared(%w: memref<?xi8>, %n: index, %y: memref<?x?xf32>) {
  %c0 = arith.constant 0 : index
  %x = memref.view %w[%c0][%n, %n] : memref<?xi8> to memref<?x?xf32>
  %z = memref.view %w[%c0][%n, %n] : memref<?xi8> to memref<?x?xf32>
  linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.negf %a : f32
    linalg.yield %t : f32
  }
  linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<?x?xf32>) outs(%z : memref<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.negf %a : f32
    linalg.yield %t : f32
  }
  return
}

// -----

#elements = affine_map<(n, c) -> (n, c)>
#rows = affine_map<(n, c) -> (n)>

// Means and sums have fewer elements than what is summed: they do not decide in which order it is read.
// CHECK-LABEL: func.func @deviations(
// CHECK:         scf.forall
// CHECK:           scf.for %[[N:[a-z0-9]+]] =
// CHECK:             %[[SUM:.*]] = memref.load %{{.*}}[%[[N]]]
// CHECK:             %[[MEAN:.*]] = memref.load %{{.*}}[%[[N]]]
// CHECK:             scf.for %[[C:[a-z0-9]+]] = {{.*}} iter_args({{.*}} = %[[SUM]])
// CHECK:               %[[X:.*]] = memref.load %{{.*}}[%[[N]], %[[C]]]
// CHECK:               arith.subf %[[X]], %[[MEAN]]
func.func @deviations(%x: memref<?x?xf32>, %mean: memref<?xf32>, %s: memref<?xf32>) {
  linalg.generic {indexing_maps = [#rows, #elements, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%mean, %x : memref<?xf32>, memref<?x?xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.subf %b, %a : f32
    %e = arith.mulf %d, %d : f32
    %f = arith.addf %c, %e : f32
    linalg.yield %f : f32
  }
  return
}

// -----

#in = affine_map<(c, n) -> (n, c)>
#out = affine_map<(c, n) -> (c)>

// Sums of columns are taken row after row, contiguous in memory.
// CHECK-LABEL: func.func @columns(
// CHECK:         scf.for %{{[a-z0-9]+}} =
// CHECK:         scf.for %[[N:[a-z0-9]+]] =
// CHECK:           scf.for %[[C:[a-z0-9]+]] =
// CHECK:             memref.load %{{.*}}[%[[N]], %[[C]]]
// CHECK:             memref.store %{{.*}}[%[[C]]]
func.func @columns(%x: memref<?x?xf32>, %s: memref<?xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = arith.addf %b, %a : f32
    linalg.yield %t : f32
  }
  return
}

// -----

#row = affine_map<(i) -> (i)>

// CHECK-LABEL: func.func @functions(
// CHECK-NOT:     math.{{erf|tanh|exp |sin}}
// CHECK:         math.powf
func.func @functions(%x: memref<?xf32>) {
  linalg.generic {indexing_maps = [#row], iterator_types = ["parallel"]} outs(%x : memref<?xf32>) {
  ^bb0(%a: f32):
    %0 = math.erf %a : f32
    %1 = math.tanh %0 : f32
    %2 = math.exp %1 : f32
    %3 = math.sin %2 : f32
    %4 = math.powf %3, %3 : f32
    linalg.yield %4 : f32
  }
  return
}
