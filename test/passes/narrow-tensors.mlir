// RUN: fovea-opt --attn-narrow-tensors --canonicalize --cse %s | FileCheck %s

#id = affine_map<(m, n) -> (m, n)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mn = affine_map<(m, n, k) -> (m, n)>

// What is rounded is held so, and converted where it is read, also through a
// change of shape.
// CHECK-LABEL: func @rounded
// CHECK: %[[X:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?x8xf32>) outs(%{{.*}} : tensor<?x8xbf16>)
// CHECK: %[[N:.*]] = arith.truncf
// CHECK-NEXT: linalg.yield %[[N]] : bf16
// CHECK: tensor.expand_shape %[[X]] {{.*}} : tensor<?x8xbf16> into tensor<?x2x4xbf16>
// CHECK: linalg.generic {{.*}} ins(%[[X]], %{{.*}} : tensor<?x8xbf16>, tensor<4x8xbf16>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: bf16, %[[B:.*]]: bf16, %{{.*}}: f32)
// CHECK-NEXT: %[[WA:.*]] = arith.extf %[[A]]
// CHECK-NEXT: %[[WB:.*]] = arith.extf %[[B]]
// CHECK-NEXT: arith.mulf %[[WA]], %[[WB]]
func.func @rounded(%v: tensor<?x8xf32>, %w: tensor<4x8xbf16>, %m: index) -> (tensor<?x4xf32>, tensor<?x2x4xf32>) {
  %place = tensor.empty(%m) : tensor<?x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %twice = arith.addf %in, %in : f32
    %n = arith.truncf %twice : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %group = tensor.expand_shape %x [[0], [1, 2]] output_shape [%m, 2, 4] : tensor<?x8xf32> into tensor<?x2x4xf32>
  %out3 = tensor.empty(%m) : tensor<?x2x4xf32>
  %minus = linalg.generic {indexing_maps = [affine_map<(m, g, n) -> (m, g, n)>, affine_map<(m, g, n) -> (m, g, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%group : tensor<?x2x4xf32>) outs(%out3 : tensor<?x2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %neg = arith.negf %in : f32
    linalg.yield %neg : f32
  } -> tensor<?x2x4xf32>
  %zero = arith.constant 0.0 : f32
  %sums = tensor.empty(%m) : tensor<?x4xf32>
  %start = linalg.fill ins(%zero : f32) outs(%sums : tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = linalg.generic {indexing_maps = [#mk, #nk, #mn], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x8xf32>, tensor<4x8xbf16>) outs(%start : tensor<?x4xf32>) {
  ^bb0(%a: f32, %b: bf16, %sum: f32):
    %wb = arith.extf %b : bf16 to f32
    %ab = arith.mulf %a, %wb : f32
    %next = arith.addf %sum, %ab : f32
    linalg.yield %next : f32
  } -> tensor<?x4xf32>
  return %y, %minus : tensor<?x4xf32>, tensor<?x2x4xf32>
}

// A loop carries what it is given and yields in the narrow type, where both are.
// CHECK-LABEL: func @carried
// CHECK: scf.for {{.*}} iter_args(%[[X:.*]] = %{{.*}}) -> (tensor<?x8xbf16>)
// CHECK: linalg.generic {{.*}} ins(%[[X]] : tensor<?x8xbf16>) outs(%{{.*}} : tensor<?x8xbf16>)
// CHECK: scf.yield %{{.*}} : tensor<?x8xbf16>
func.func @carried(%v: tensor<?x8xf32>, %m: index, %layers: index) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = tensor.empty(%m) : tensor<?x8xf32>
  %x = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.truncf %in : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %last = scf.for %l = %c0 to %layers step %c1 iter_args(%carried = %x) -> tensor<?x8xf32> {
    %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%carried : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %twice = arith.addf %in, %in : f32
      %n = arith.truncf %twice : f32 to bf16
      %e = arith.extf %n : bf16 to f32
      linalg.yield %e : f32
    } -> tensor<?x8xf32>
    scf.yield %next : tensor<?x8xf32>
  }
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%last : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %neg = arith.negf %in : f32
    linalg.yield %neg : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A result of an attention that is rounded by all that reads it is stored so;
// its queries are read as they are held.
// CHECK-LABEL: func @attention
// CHECK: %[[Q:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?x8xbf16>)
// CHECK: %[[O:.*]] = attn.attention
// CHECK: contraction over(c) (%[[A:.*]] = %[[Q]][i, c] : tensor<?x8xbf16>
// CHECK-NEXT: arith.extf %[[A]] : bf16 to f32
// CHECK: outs(output %{{.*}}[i, e] : tensor<?x8xbf16>)
// CHECK: linalg.generic {{.*}} ins(%[[O]] : tensor<?x8xbf16>)
// CHECK-NOT: arith.truncf
func.func @attention(%v: tensor<?x8xf32>, %k: tensor<?x8xf32>, %m: index) -> tensor<?xf32> {
  %place = tensor.empty(%m) : tensor<?x8xf32>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.truncf %in : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %o = attn.attention
      domain(i parallel %m, j key %m, c contraction 8, e value 8)
      contraction over(c) (%x = %q[i, c] : tensor<?x8xf32>, %y = %k[j, c] : tensor<?x8xf32>) {
        %xy = arith.mulf %x, %y : f32
        attn.yield %xy : f32
      }
      value(%x = %k[j, e] : tensor<?x8xf32>) {
        attn.yield %x : f32
      }
      normalizer(#attn.softmax)
      outs(output %place[i, e] : tensor<?x8xf32>)
  %zero = arith.constant 0.0 : f32
  %sums = tensor.empty(%m) : tensor<?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%sums : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, affine_map<(m, n) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%o : tensor<?x8xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%in: f32, %sum: f32):
    %n = arith.truncf %in : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    %next = arith.addf %sum, %e : f32
    linalg.yield %next : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// The result of a function has its type; what is read by position too; and a
// loop that yields something else carries f32.
// CHECK-LABEL: func @negative_used_otherwise
// CHECK-NOT: xbf16>
// CHECK: return
func.func @negative_used_otherwise(%v: tensor<?x8xf32>, %m: index, %i: index) -> (tensor<?x8xf32>, f32, tensor<?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %place = tensor.empty(%m) : tensor<?x8xf32>
  %returned = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.truncf %in : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %read = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %twice = arith.addf %in, %in : f32
    %n = arith.truncf %twice : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %element = tensor.extract %read[%i, %i] : tensor<?x8xf32>
  %given = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %neg = arith.negf %in : f32
    %n = arith.truncf %neg : f32 to bf16
    %e = arith.extf %n : bf16 to f32
    linalg.yield %e : f32
  } -> tensor<?x8xf32>
  %last = scf.for %l = %c0 to %i step %c1 iter_args(%carried = %given) -> tensor<?x8xf32> {
    %next = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%carried : tensor<?x8xf32>) outs(%place : tensor<?x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %twice = arith.addf %in, %in : f32
      linalg.yield %twice : f32
    } -> tensor<?x8xf32>
    scf.yield %next : tensor<?x8xf32>
  }
  return %returned, %element, %last : tensor<?x8xf32>, f32, tensor<?x8xf32>
}
