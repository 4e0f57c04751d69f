//===- Params.cpp - The weights of a program ------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Signature.h"

#include "dialect/Attn.h"

using namespace mlir;
using namespace fovea::attn;

const ParamSignature *ProgramParams::find(StringRef name) const {
  const auto *param = llvm::find_if(
      params, [&](const ParamSignature &other) { return other.name == name; });
  return param == params.end() ? nullptr : param;
}

/// The name pattern of a family as the runtime reads it: `{}` becomes `{0}`.
static std::string sourcePattern(StringRef source) {
  auto [before, after] = source.split("{}");
  if (before.size() == source.size())
    return source.str();
  return (before + "{0}" + after).str();
}

FailureOr<ProgramParams> fovea::attn::readParams(ModuleOp module) {
  ProgramParams program;
  int64_t base = 0;
  auto numberOf = [&](StringRef name) -> int64_t {
    for (auto [number, symbol] : llvm::enumerate(program.symbols))
      if (symbol.name == name)
        return number;
    program.symbols.emplace_back().name = name.str();
    return program.symbols.size() - 1;
  };
  for (auto op : module.getOps<ParamOp>()) {
    auto type =
        cast<RankedTensorType>(op.getSourceType().value_or(op.getType()));
    ParamSignature param{op.getSymName().str(),
                         sourcePattern(op.getSource()),
                         type.getElementType(),
                         {},
                         {},
                         op.getLoc()};
    param.members = op.getFamily();
    param.base = base;
    base += param.members;
    // Names matter only for the sizes that the file decides.
    if (type.hasStaticShape()) {
      for (int64_t size : type.getShape())
        param.dims.push_back({size});
    } else {
      auto dims =
          readDims(op, op->getAttr(kDimsAttr), type.getRank(), numberOf);
      if (failed(dims))
        return failure();
      param.dims = std::move(*dims);
      for (auto [dim, size] : llvm::enumerate(type.getShape()))
        if (ShapedType::isStatic(size))
          param.dims[dim] = {size};
    }
    if (PanelAttr panel = op.getPanelAttr()) {
      llvm::append_range(param.order, panel.getRows());
      llvm::append_range(param.order, panel.getColumns());
      param.columnRank = panel.getRows().size();
      param.block = panel.getWidth();
      param.pairs = cast<RankedTensorType>(op.getType()).getRank() == 4;
    }
    program.params.push_back(std::move(param));
  }
  return program;
}
