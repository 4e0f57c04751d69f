//===- EntrySizes.cpp - Index sizes as values in an entry -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/EntrySizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace fovea::attn;

/// The arguments of `entry` with the description of each, without the
/// workspace.
static SmallVector<std::pair<BlockArgument, const TensorSignature *>>
describedArguments(func::FuncOp entry, const EntrySignature &signature) {
  SmallVector<std::pair<BlockArgument, const TensorSignature *>> described;
  const auto *input = signature.inputs.begin();
  const auto *output = signature.outputs.begin();
  for (BlockArgument argument : entry.getArguments()) {
    int64_t number = argument.getArgNumber();
    if (entry.getArgAttr(number, kWorkspaceAttr))
      continue;
    bool isResult = static_cast<bool>(entry.getArgAttr(number, kResultAttr));
    described.emplace_back(argument, isResult ? output++ : input++);
  }
  return described;
}

Value EntrySizes::getSymbol(int64_t number) {
  auto [entryOfNumber, isNew] = known.try_emplace(number);
  if (!isNew)
    return entryOfNumber->second; // null while it is being solved
  Value size = solve(number);
  known[number] = size;
  return size;
}

Value EntrySizes::solve(int64_t number) {
  const IndexSymbol &symbol = signature.symbols[number];
  if (symbol.kind == IndexSymbol::Kind::Fixed)
    return arith::ConstantIndexOp::create(builder, entry.getLoc(), symbol.size);
  auto arguments = describedArguments(entry, signature);
  // A dimension that is this index alone comes before one that is a product.
  for (bool grouped : {false, true})
    for (auto [argument, tensor] : arguments)
      for (auto [dim, factors] : llvm::enumerate(tensor->dims)) {
        if (grouped != (factors.size() > 1) ||
            !llvm::is_contained(factors, ~number))
          continue;
        if (Value size = solveInGroup(argument, dim, factors, number))
          return size;
      }
  return {};
}

Value EntrySizes::solveInGroup(Value argument, int64_t dim,
                               const DimFactors &factors, int64_t number) {
  if (llvm::count(factors, ~number) != 1)
    return {};
  SmallVector<Value> others;
  int64_t constant = 1;
  for (int64_t factor : factors) {
    if (factor == ~number)
      continue;
    if (factor >= 0) {
      constant *= factor;
      continue;
    }
    Value size = getSymbol(~factor);
    if (!size)
      return {};
    others.push_back(size);
  }
  Location loc = entry.getLoc();
  Value size = memref::DimOp::create(builder, loc, argument, dim);
  if (others.empty() && constant == 1)
    return size;
  Value product = arith::ConstantIndexOp::create(builder, loc, constant);
  for (Value other : others)
    product = arith::MulIOp::create(builder, loc, product, other);
  // An empty group says nothing of its parts; 0 / 0 must not happen.
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  product = arith::MaxSIOp::create(builder, loc, product, one);
  return arith::DivSIOp::create(builder, loc, size, product);
}
