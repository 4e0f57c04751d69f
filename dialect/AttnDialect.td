//===- AttnDialect.td - the attn dialect ---------------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTN_DIALECT_TD
#define FOVEA_DIALECT_ATTN_DIALECT_TD

include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::fovea::attn";
  let summary = "Attention in index notation";
  let description = [{
    One op, `attn.attention`, carries every variant of attention in the manner
    of `linalg.generic`: an explicit iteration domain, operands read through
    affine accesses, and scalar pure regions for what is computed. Its online
    form `attn.online` keeps the softmax state explicit, and the `attn.tile.*`
    ops are what both become on tiles of fixed size, before a target takes over.
    Everything around attention stays in upstream dialects.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"
  ];
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

#endif // FOVEA_DIALECT_ATTN_DIALECT_TD
