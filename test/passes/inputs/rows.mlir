// Computations of rows, in graph form.
#map = affine_map<(b, n, c) -> (b, n)>
#rc = affine_map<(b, n, c) -> (b, n, c)>
#r = affine_map<(b, n, c) -> (b, n)>
#c = affine_map<(b, n, c) -> (c)>
#len = affine_map<(b, c, n) -> (b)>
#xin = affine_map<(b, c, n) -> (b, n, c)>
#out = affine_map<(b, c, n) -> (b, c)>
#d1 = affine_map<(b) -> (b)>
#bc = affine_map<(b, c) -> (b, c)>
#b = affine_map<(b, c) -> (b)>
#cn = affine_map<(b, c) -> (c, b)>
func.func @norm(%x: tensor<?x?x384xf32> {attn.name = "x", attn.dims = [["b"], ["n"], ["c"]]},
             %a: tensor<?x?x384xf32> {attn.name = "a", attn.dims = [["b"], ["n"], ["c"]]},
             %g: tensor<384xf32> {attn.name = "g", attn.dims = [["c"]]},
             %h: tensor<384xf32> {attn.name = "h", attn.dims = [["c"]]})
    -> (tensor<?x?x384xf32> {attn.name = "y", attn.dims = [["b"], ["n"], ["c"]]}) attributes {attn.entry, attn.sizes = {c = 384 : i64}} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?x384xf32>
  %n = tensor.dim %x, %c1 : tensor<?x?x384xf32>
  %e0 = tensor.empty(%b, %n) : tensor<?x?xf32>
  %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#rc, #rc, #r], iterator_types = ["parallel", "parallel", "reduction"]}
       ins(%x, %a : tensor<?x?x384xf32>, tensor<?x?x384xf32>) outs(%f0 : tensor<?x?xf32>) {
  ^bb0(%in: f32, %in2: f32, %out: f32):
    %s = arith.addf %in, %in2 : f32
    %t = arith.addf %out, %s : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  %e1 = tensor.empty(%b, %n) : tensor<?x?xf32>
  %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x?xf32>) -> tensor<?x?xf32>
  %v = linalg.generic {indexing_maps = [#rc, #rc, #r, #r], iterator_types = ["parallel", "parallel", "reduction"]}
       ins(%x, %a, %m : tensor<?x?x384xf32>, tensor<?x?x384xf32>, tensor<?x?xf32>) outs(%f1 : tensor<?x?xf32>) {
  ^bb0(%in: f32, %in2: f32, %in3: f32, %out: f32):
    %size = arith.constant 384.0 : f32
    %s = arith.addf %in, %in2 : f32
    %mean = arith.divf %in3, %size : f32
    %d = arith.subf %s, %mean : f32
    %q = arith.mulf %d, %d : f32
    %t = arith.addf %out, %q : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  %e2 = tensor.empty(%b, %n) : tensor<?x?x384xf32>
  %y = linalg.generic {indexing_maps = [#rc, #rc, #r, #r, #c, #c, #rc], iterator_types = ["parallel", "parallel", "parallel"]}
       ins(%x, %a, %m, %v, %g, %h : tensor<?x?x384xf32>, tensor<?x?x384xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<384xf32>, tensor<384xf32>) outs(%e2 : tensor<?x?x384xf32>) {
  ^bb0(%in: f32, %in2: f32, %in3: f32, %in4: f32, %in5: f32, %in6: f32, %out: f32):
    %size = arith.constant 384.0 : f32
    %eps = arith.constant 1.0e-12 : f32
    %s = arith.addf %in, %in2 : f32
    %mean = arith.divf %in3, %size : f32
    %d = arith.subf %s, %mean : f32
    %var = arith.divf %in4, %size : f32
    %var1 = arith.addf %var, %eps : f32
    %rs = math.rsqrt %var1 : f32
    %o1 = arith.mulf %d, %rs : f32
    %o2 = arith.mulf %o1, %in5 : f32
    %o3 = arith.addf %o2, %in6 : f32
    linalg.yield %o3 : f32
  } -> tensor<?x?x384xf32>
  return %y : tensor<?x?x384xf32>
}
// Rows that are looked up.
func.func @lookup(%ids: tensor<?x?xi32> {attn.name = "ids", attn.dims = [["b"], ["n"]]},
             %words: tensor<?x?xf32> {attn.name = "words", attn.dims = [["w"], ["c"]]})
    -> (tensor<?x?x?xf32> {attn.name = "y", attn.dims = [["b"], ["n"], ["c"]]}) attributes {attn.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi32>
  %n = tensor.dim %ids, %c1 : tensor<?x?xi32>
  %w = tensor.dim %words, %c0 : tensor<?x?xf32>
  %c = tensor.dim %words, %c1 : tensor<?x?xf32>
  %last = arith.subi %w, %c1 : index
  %e = tensor.empty(%b, %n, %c) : tensor<?x?x?xf32>
  %y = linalg.generic {indexing_maps = [#map, #rc], iterator_types = ["parallel", "parallel", "parallel"]}
       ins(%ids : tensor<?x?xi32>) outs(%e : tensor<?x?x?xf32>) {
  ^bb0(%in: i32, %o: f32):
    %at = arith.index_cast %in : i32 to index
    %k = linalg.index 2 : index
    %lo = arith.minsi %at, %last : index
    %hi = arith.maxsi %lo, %c0 : index
    %word = tensor.extract %words[%hi, %k] : tensor<?x?xf32>
    linalg.yield %word : f32
  } -> tensor<?x?x?xf32>
  return %y : tensor<?x?x?xf32>
}
// The mean of the first `len` rows; of none, 0.
func.func @means(%x: tensor<?x?x?xbf16> {attn.name = "x", attn.dims = [["b"], ["n"], ["c"]]},
             %lens: tensor<?xi32> {attn.name = "lens", attn.dims = [["b"]]})
    -> (tensor<?x?xf32> {attn.name = "y", attn.dims = [["b"], ["c"]]}) attributes {attn.entry} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x?x?xbf16>
  %c = tensor.dim %x, %c2 : tensor<?x?x?xbf16>
  %e = tensor.empty(%b, %c) : tensor<?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.generic {indexing_maps = [#len, #xin, #out], iterator_types = ["parallel", "parallel", "reduction"]}
       ins(%lens, %x : tensor<?xi32>, tensor<?x?x?xbf16>) outs(%f : tensor<?x?xf32>) {
  ^bb0(%l: i32, %in: bf16, %o: f32):
    %li = arith.index_cast %l : i32 to index
    %k = linalg.index 2 : index
    %p = arith.cmpi slt, %k, %li : index
    %wide = arith.extf %in : bf16 to f32
    %kept = arith.select %p, %wide, %zero : f32
    %t = arith.addf %o, %kept : f32
    linalg.yield %t : f32
  } -> tensor<?x?xf32>
  %e1 = tensor.empty(%b) : tensor<?xf32>
  %count = linalg.generic {indexing_maps = [#d1, #d1], iterator_types = ["parallel"]}
       ins(%lens : tensor<?xi32>) outs(%e1 : tensor<?xf32>) {
  ^bb0(%l: i32, %o: f32):
    %one = arith.constant 1 : i32
    %most = arith.maxsi %l, %one : i32
    %r = arith.sitofp %most : i32 to f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#bc, #b, #bc], iterator_types = ["parallel", "parallel"]}
       ins(%s, %count : tensor<?x?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%in: f32, %n: f32, %o: f32):
    %r = arith.divf %in, %n : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
// Elementary functions, and a transposed operand.
func.func @functions(%x: tensor<?x?xf32> {attn.name = "x", attn.dims = [["c"], ["b"]]})
    -> (tensor<?x?xf32> {attn.name = "y", attn.dims = [["b"], ["c"]]}) attributes {attn.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c = tensor.dim %x, %c0 : tensor<?x?xf32>
  %b = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%b, %c) : tensor<?x?xf32>
  %y = linalg.generic {indexing_maps = [#cn, #bc], iterator_types = ["parallel", "parallel"]}
       ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%in: f32, %o: f32):
    %r0 = math.erf %in : f32
    %r1 = math.tanh %in : f32
    %r2 = math.exp %in : f32
    %r3 = math.absf %in : f32
    %r4 = math.log1p %r3 : f32
    %s0 = arith.addf %r0, %r1 : f32
    %s1 = arith.addf %s0, %r2 : f32
    %s2 = arith.addf %s1, %r4 : f32
    linalg.yield %s2 : f32
  } -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
