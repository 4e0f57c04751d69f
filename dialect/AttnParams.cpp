//===- AttnParams.cpp - verification of weights ---------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

LogicalResult ParamOp::verify() {
  if (getFamily() > 1 && !getSource().contains("{}"))
    return emitOpError() << "is a family of " << getFamily()
                         << ", but its source '" << getSource()
                         << "' has no '{}'";
  if (getPanel().has_value() != getSourceType().has_value())
    return emitOpError("expects a source type exactly when it is packed");
  if (!getPanel())
    return success();
  auto source = cast<RankedTensorType>(*getSourceType());
  llvm::SmallBitVector seen(source.getRank());
  for (ArrayRef<int64_t> dims :
       {getPanel()->getRows(), getPanel()->getColumns()})
    for (int64_t dim : dims) {
      if (dim < 0 || dim >= source.getRank() || seen.test(dim))
        return emitOpError() << "packs dimension " << dim << " of " << source
                             << ", which does not exist or is packed twice";
      seen.set(dim);
    }
  if (!seen.all())
    return emitOpError() << "expects every dimension of " << source
                         << " to be a row or column of its panels";
  if (getPanel()->getWidth() <= 0)
    return emitOpError() << "expects a positive panel width, but got "
                         << getPanel()->getWidth();
  auto type = cast<RankedTensorType>(getType());
  bool arePairs = type.getRank() == 4 && type.getDimSize(3) == 2;
  if ((type.getRank() != 3 && !arePairs) ||
      type.getDimSize(2) != getPanel()->getWidth())
    return emitOpError() << "expects the packed type panels x columns x "
                         << getPanel()->getWidth() << ", or panels x pairs x "
                         << getPanel()->getWidth() << " x 2, but got " << type;
  return success();
}

LogicalResult ParamRefOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto param = symbols.lookupNearestSymbolFrom<ParamOp>(*this, getParamAttr());
  if (!param)
    return emitOpError() << "names '" << getParam()
                         << "', which is not an attn.param";
  auto declared = cast<RankedTensorType>(param.getType());
  auto result = cast<ShapedType>(getType());
  if (declared.getElementType() != result.getElementType() ||
      declared.getShape() != result.getShape())
    return emitOpError() << "expects " << declared << ", the type of '"
                         << getParam() << "', but got " << result;
  if (getMember() == nullptr && param.getFamily() > 1)
    return emitOpError() << "expects a member, since '" << getParam()
                         << "' is a family of " << param.getFamily();
  return success();
}
