// RUN: fovea-opt --split-input-file --verify-diagnostics %s

// expected-error @below {{is a family of 6, but its source 'layer.weight' has no '{}'}}
attn.param @w family 6 from "layer.weight" : tensor<4x4xf32>

// -----

// expected-error @below {{expects a source type exactly when it is packed}}
"attn.param"() <{sym_name = "w", source = "w", type = tensor<1x4x16xf32>,
                 panel = #attn.panel<rows[0] columns[1] width 16>}> : () -> ()

// -----

// expected-error @below {{packs dimension 2 of 'tensor<4x4xf32>', which does not exist or is packed twice}}
attn.param @w from "w" : tensor<1x4x16xf32> panel <rows[2] columns[1] width 16> of tensor<4x4xf32>

// -----

// expected-error @below {{packs dimension 0 of 'tensor<4x4xf32>', which does not exist or is packed twice}}
attn.param @w from "w" : tensor<1x4x16xf32> panel <rows[0] columns[0] width 16> of tensor<4x4xf32>

// -----

// expected-error @below {{expects every dimension of 'tensor<4x4x2xf32>' to be a row or column of its panels}}
attn.param @w from "w" : tensor<1x4x16xf32> panel <rows[0] columns[1] width 16> of tensor<4x4x2xf32>

// -----

// expected-error @below {{expects a positive panel width, but got 0}}
attn.param @w from "w" : tensor<1x4x16xf32> panel <rows[0] columns[1] width 0> of tensor<4x4xf32>

// -----

// expected-error @below {{expects the packed type panels x columns x 16, or panels x pairs x 16 x 2, but got 'tensor<4x4xf32>'}}
attn.param @w from "w" : tensor<4x4xf32> panel <rows[0] columns[1] width 16> of tensor<4x4xf32>

// -----

func.func @unknown() -> tensor<4xf32> {
  // expected-error @below {{names 'w', which is not an attn.param}}
  %w = attn.param_ref @w : tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

attn.param @w from "w" : tensor<4xf32>
func.func @other_type() -> tensor<5xf32> {
  // expected-error @below {{expects 'tensor<4xf32>', the type of 'w', but got 'tensor<5xf32>'}}
  %w = attn.param_ref @w : tensor<5xf32>
  return %w : tensor<5xf32>
}

// -----

attn.param @w family 2 from "w.{}" : tensor<4xf32>
func.func @no_member() -> tensor<4xf32> {
  // expected-error @below {{expects a member, since 'w' is a family of 2}}
  %w = attn.param_ref @w : tensor<4xf32>
  return %w : tensor<4xf32>
}
