// RUN: fovea-opt --verify-roundtrip %s | FileCheck %s

// CHECK: attn.param @table from "embeddings.weight" : tensor<?x384xf32>
attn.param @table from "embeddings.weight" : tensor<?x384xf32>
// CHECK: attn.param @wq family 6 from "layer.{}.query.weight" : tensor<384x384xbf16>
attn.param @wq family 6 from "layer.{}.query.weight" : tensor<384x384xbf16>
// CHECK: attn.param @packed from "out.weight" : tensor<12x128x16xf32> panel <rows[0, 2] columns[1] width 16> of tensor<12x128x16xf32>
attn.param @packed from "out.weight" : tensor<12x128x16xf32>
    panel <rows[0, 2] columns[1] width 16> of tensor<12x128x16xf32>

// CHECK-LABEL: func @use
func.func @use(%layer: index, %ok: i1) -> (tensor<?x384xf32>, memref<384x384xbf16>) {
  // CHECK: attn.require %{{.*}}, "the table fits"
  attn.require %ok, "the table fits"
  // CHECK: attn.report %{{.*}}, "a word is clamped"
  attn.report %ok, "a word is clamped"
  // CHECK: attn.workers
  %workers = attn.workers
  // CHECK: attn.param_ref @table : tensor<?x384xf32>
  %t = attn.param_ref @table : tensor<?x384xf32>
  // CHECK: attn.param_ref @wq[%{{.*}}] : memref<384x384xbf16>
  %w = attn.param_ref @wq[%layer] : memref<384x384xbf16>
  return %t, %w : tensor<?x384xf32>, memref<384x384xbf16>
}
