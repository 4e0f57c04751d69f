//===- AttnInterfaces.td - interfaces of the attn dialect ----*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_DIALECT_ATTN_INTERFACES_TD
#define FOVEA_DIALECT_ATTN_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Attn_NormalizerAttrInterface : AttrInterface<"NormalizerAttrInterface"> {
  let cppNamespace = "::fovea::attn";
  let description = [{
    How scores become weights, one row (query) at a time, in a form that visits
    the keys once and in any order. With a shift m (the row's running maximum,
    for families that have one) and a mass l:

    ```
      weight(s, m)           the weight of one key, before the final division
      rescale(m_old, m_new)  what weights taken with m_old are multiplied by
      finalize(a, m, l)      a = sum of weight * value  ->  the result
    ```

    The state (a, m, l) of two disjoint sets of keys merges associatively:
    m = max(m1, m2), and a and l are the sums of the rescaled parts.
    So a sink, one more key whose value is zero, may be added at the end.
    The sum u of weight * log weight merges too, where there is a mass: moved to
    another shift it is rescale * (u + l * log rescale).
    All methods build IR on floats, scalar or vector, of one type.
  }];
  let methods = [
    InterfaceMethod<"Whether the state has a shift, the running maximum of the scores.",
      "bool", "hasShift">,
    InterfaceMethod<"Whether the result depends on the mass, the sum of the weights.",
      "bool", "hasMass">,
    InterfaceMethod<"Builds the weight of a score under a shift; a score of -inf weighs 0.",
      "::mlir::Value", "buildWeight",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$score, "::mlir::Value":$shift)>,
    InterfaceMethod<"Builds the factor that moves sums from one shift to a later one.",
      "::mlir::Value", "buildRescale",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$oldShift, "::mlir::Value":$newShift)>,
    InterfaceMethod<"Builds the logarithm of a weight other than 0; only for families with a mass.",
      "::mlir::Value", "buildLogWeight",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$score, "::mlir::Value":$shift)>,
    InterfaceMethod<"Builds the logarithm of a factor other than 0 that moves sums from one shift "
                    "to a later one.",
      "::mlir::Value", "buildLogRescale",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$oldShift, "::mlir::Value":$newShift)>,
    InterfaceMethod<"Builds the factor that the weighted sum is multiplied by at the end; a row "
                    "without keys gives 0.",
      "::mlir::Value", "buildFinalFactor",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$shift, "::mlir::Value":$mass)>,
    InterfaceMethod<"Builds the logarithm of the mass without its shift: log sum exp for softmax; "
                    "-inf for a row without keys.",
      "::mlir::Value", "buildLogMass",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc,
           "::mlir::Value":$shift, "::mlir::Value":$mass)>
  ];
}

#endif // FOVEA_DIALECT_ATTN_INTERFACES_TD
