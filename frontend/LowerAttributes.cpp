//===- LowerAttributes.cpp - What the runtime must know of sizes ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Lowering.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"

using namespace fovea::frontend;
using namespace mlir;

/// The name of a part: its index, or one made for a part that has none.
std::string FunctionLowering::partName(const Tensor *tensor, unsigned dim,
                                       unsigned part) {
  if (const IndexVar *index = tensor->dims[dim][part].index)
    return index->name;
  std::string name = tensor->name + "." + std::to_string(dim);
  return part ? name + "." + std::to_string(part) : name;
}

ArrayAttr FunctionLowering::dimsAttr(const Tensor *tensor) {
  SmallVector<Attribute> dims;
  for (unsigned dim = 0; dim < tensor->dims.size(); ++dim) {
    SmallVector<Attribute> parts;
    for (unsigned part = 0; part < tensor->dims[dim].size(); ++part)
      parts.push_back(builder.getStringAttr(partName(tensor, dim, part)));
    dims.push_back(builder.getArrayAttr(parts));
  }
  return builder.getArrayAttr(dims);
}

AffineExpr fovea::frontend::affineOf(NodeOp op, AffineExpr a, AffineExpr b) {
  if (!a || !b)
    return {};
  auto constant = dyn_cast<AffineConstantExpr>(b);
  bool divides = constant && constant.getValue() > 0;
  switch (op) {
  case NodeOp::Add:
    return a + b;
  case NodeOp::Subtract:
    return a - b;
  case NodeOp::Multiply:
    return constant || isa<AffineConstantExpr>(a) ? a * b : AffineExpr();
  case NodeOp::FloorDivide:
    return divides ? a.floorDiv(b) : AffineExpr();
  case NodeOp::Modulo:
    return divides ? a % b : AffineExpr();
  default:
    return {};
  }
}

/// `extent` as an affine map over the sizes of indices and scalar operands.
LogicalResult
FunctionLowering::addRange(const Extent *extent, StringRef name,
                           llvm::SMLoc loc,
                           SmallVectorImpl<NamedAttribute> &ranges) {
  MLIRContext *context = builder.getContext();
  SmallVector<std::string> symbols;
  auto symbol = [&](StringRef name) {
    auto it = llvm::find(symbols, name);
    unsigned position = it - symbols.begin();
    if (it == symbols.end())
      symbols.push_back(name.str());
    return getAffineSymbolExpr(position, context);
  };
  llvm::DenseMap<const Node *, AffineExpr> exprs;
  const Node *root = extent->expr;
  if (extent->kind == Extent::Symbol)
    root = graph.size(extent, loc);
  for (const Node *node : reachable(root)) {
    auto operand = [&](unsigned k) { return exprs.lookup(node->operands[k]); };
    AffineExpr expr;
    switch (node->op) {
    case NodeOp::Integer:
      expr = getAffineConstantExpr(node->integer, context);
      break;
    case NodeOp::Size:
      expr = symbol(node->extent->name);
      break;
    case NodeOp::Read:
      if (node->tensor->dims.empty())
        expr = symbol(node->tensor->name);
      break;
    case NodeOp::Static:
      error(node->loc,
            "compile-time parameter '" + node->name + "' has no value")
          .help("give it one: --set " + function.name + "." + node->name +
                "=VALUE");
      return failure();
    case NodeOp::Negate:
      expr = operand(0) ? -operand(0) : AffineExpr();
      break;
    default:
      if (node->operands.size() == 2)
        expr = affineOf(node->op, operand(0), operand(1));
      break;
    }
    if (expr)
      exprs[node] = expr;
  }
  AffineExpr result = exprs.lookup(root);
  if (!result) {
    error(loc, "the size of '" + name +
                   "' is not affine in sizes and integer operands")
        .help("only sums, products with constants, and '//' and '%' by "
              "constants");
    return failure();
  }
  SmallVector<Attribute> values{
      AffineMapAttr::get(AffineMap::get(0, symbols.size(), result, context))};
  for (const std::string &each : symbols)
    values.push_back(builder.getStringAttr(each));
  ranges.push_back(builder.getNamedAttr(name, builder.getArrayAttr(values)));
  return success();
}

LogicalResult FunctionLowering::addSizeAttributes() {
  llvm::StringMap<const Extent *> seen;
  SmallVector<NamedAttribute> sizes, ranges;
  auto add = [&](const Tensor *tensor) -> LogicalResult {
    for (unsigned dim = 0; dim < tensor->dims.size(); ++dim)
      for (unsigned part = 0; part < tensor->dims[dim].size(); ++part) {
        std::string name = partName(tensor, dim, part);
        const Extent *extent = tensor->dims[dim][part].extent;
        if (!seen.try_emplace(name, extent).second)
          continue;
        if (extent->isStatic())
          sizes.push_back(builder.getNamedAttr(
              name, builder.getI64IntegerAttr(extent->value)));
        else if ((extent->kind == Extent::Computed || extent->name != name) &&
                 llvm::failed(addRange(extent, name, tensor->loc, ranges)))
          return failure();
      }
    return success();
  };
  for (const Tensor *operand : function.operands)
    if (llvm::failed(add(operand)))
      return failure();
  for (const FunctionResult &result : function.results)
    if (llvm::failed(add(result.type)))
      return failure();
  if (!sizes.empty())
    func->setAttr("attn.sizes", builder.getDictionaryAttr(sizes));
  if (!ranges.empty())
    func->setAttr("attn.ranges", builder.getDictionaryAttr(ranges));
  return success();
}
