// tanh(s * x w), in graph form.
func.func @dense(%x: tensor<?x?xf32> {attn.name = "x", attn.dims = [["i"], ["c"]]},
                 %w: tensor<?x?xf32> {attn.name = "w", attn.dims = [["c"], ["o"]]}, %s: f32 {attn.name = "s"})
    -> (tensor<?x?xf32> {attn.name = "y", attn.dims = [["i"], ["o"]]}) attributes {attn.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %i = tensor.dim %x, %c0 : tensor<?x?xf32>
  %o = tensor.dim %w, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%i, %o) : tensor<?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %m = linalg.matmul ins(%x, %w : tensor<?x?xf32>, tensor<?x?xf32>) outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>
  %e2 = tensor.empty(%i, %o) : tensor<?x?xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
       ins(%m : tensor<?x?xf32>) outs(%e2 : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %p = arith.mulf %a, %s : f32
    %t = math.tanh %p : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}
