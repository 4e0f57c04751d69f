// RUN: fovea-opt %s -attn-phase-graph -attn-phase-bufferize | FileCheck %s --check-prefix=BUFFER
// RUN: fovea-opt %s -attn-phase-graph -attn-phase-bufferize -attn-phase-tile | FileCheck %s --check-prefix=TILE
// RUN: fovea-opt %s -attn-phase-graph -attn-phase-bufferize -attn-phase-tile -attn-phase-llvm | FileCheck %s --check-prefix=LLVM
// RUN: not fovea-opt %s -attn-phase-llvm=x=1 2>&1 | FileCheck %s --check-prefix=OPTIONS

// Nothing is left of the higher forms, and nothing calls a function that the
// object would not have.
// BUFFER-LABEL: func.func @f(
// BUFFER-NOT:     tensor<
// BUFFER:         linalg.matmul
//
// TILE-LABEL: func.func @f(
// TILE-SAME:    attn.workspace
// TILE-NOT:     memref.alloc
// TILE:         scf.forall
//
// LLVM-LABEL: llvm.func internal @model.f(
// LLVM-NOT:     unrealized_conversion_cast
// LLVM-NOT:     func.
// LLVM:       llvm.func internal @model.f_workspace_size(
// LLVM:       llvm.mlir.global external constant @model_program()
//
// OPTIONS: expected no options, but found 'x=1'
#map = affine_map<(a, b) -> (a, b)>
func.func @f(%x: tensor<?x?xf32> {attn.name = "x", attn.dims = [["i"], ["c"]]},
             %w: tensor<?x?xf32> {attn.name = "w", attn.dims = [["c"], ["o"]]})
    -> (tensor<?x?xf32> {attn.name = "y", attn.dims = [["i"], ["o"]]}) attributes {attn.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %i = tensor.dim %x, %c0 : tensor<?x?xf32>
  %o = tensor.dim %w, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%i, %o) : tensor<?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x?xf32>, tensor<?x?xf32>) outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>
  %r = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]}
       ins(%m : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %t = math.tanh %a : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}
