//===- ElementTypes.cpp - MLIR's types as the runtime's -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/ElementTypes.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

static std::optional<fovea_dtype> integerCode(IntegerType type) {
  bool isUnsigned = type.isUnsigned();
  switch (type.getWidth()) {
  case 1:
    return FOVEA_BOOL;
  case 8:
    return isUnsigned ? FOVEA_U8 : FOVEA_I8;
  case 16:
    return isUnsigned ? FOVEA_U16 : FOVEA_I16;
  case 32:
    return isUnsigned ? FOVEA_U32 : FOVEA_I32;
  case 64:
    return isUnsigned ? FOVEA_U64 : FOVEA_I64;
  default:
    return std::nullopt;
  }
}

std::optional<fovea_dtype> fovea::attn::elementTypeCode(Type type) {
  return llvm::TypeSwitch<Type, std::optional<fovea_dtype>>(type)
      .Case([](IntegerType integer) { return integerCode(integer); })
      .Case([](Float32Type) { return FOVEA_F32; })
      .Case([](Float16Type) { return FOVEA_F16; })
      .Case([](BFloat16Type) { return FOVEA_BF16; })
      .Case([](Float64Type) { return FOVEA_F64; })
      .Case([](Float8E4M3FNType) { return FOVEA_F8E4M3; })
      .Case([](Float8E5M2Type) { return FOVEA_F8E5M2; })
      .Default([](Type) { return std::nullopt; });
}
