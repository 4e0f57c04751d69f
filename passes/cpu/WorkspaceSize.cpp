//===- WorkspaceSize.cpp - The function that sizes a workspace ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/WorkspaceSize.h"

#include "passes/cpu/Invocation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace fovea::attn;

std::string fovea::attn::workspaceSizeName(StringRef entry) {
  return (entry + "_workspace_size").str();
}

/// The product of `factors`, with the symbols' values read from `symbols`.
static Value sizeOf(OpBuilder &builder, Location loc, const DimFactors &factors,
                    Value symbols) {
  Value product;
  for (int64_t factor : factors) {
    Value size;
    if (factor >= 0) {
      size = arith::ConstantIndexOp::create(builder, loc, factor);
    } else {
      Value loaded = loadAt(builder, loc, symbols, ~factor * sizeof(int64_t),
                            builder.getI64Type());
      size = arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                        loaded);
    }
    product = product ? builder.createOrFold<arith::MulIOp>(loc, product, size)
                      : size;
  }
  return product;
}

/// The symbol whose value is that of the integer scalar input `number`.
static std::optional<int64_t> symbolOfInput(const EntrySignature &signature,
                                            int64_t number) {
  for (auto [index, symbol] : llvm::enumerate(signature.symbols))
    if (symbol.kind == IndexSymbol::Kind::Computed &&
        symbol.terms.size() == 1 && symbol.terms[0].isInput &&
        symbol.terms[0].number == number &&
        isa<AffineSymbolExpr>(symbol.map.getResult(0)))
      return index;
  return std::nullopt;
}

LogicalResult
fovea::attn::cloneFromSymbols(OpBuilder &builder, func::FuncOp entry,
                              const EntrySignature &signature,
                              const llvm::SetVector<Operation *> &slice,
                              Value symbols, IRMapping &mapping) {
  SmallVector<const TensorSignature *> described;
  SmallVector<std::optional<int64_t>> scalars;
  const auto *input = signature.inputs.begin();
  const auto *output = signature.outputs.begin();
  for (BlockArgument argument : entry.getArguments()) {
    bool isResult = static_cast<bool>(
        entry.getArgAttr(argument.getArgNumber(), kResultAttr));
    scalars.push_back(
        isResult ? std::nullopt
                 : symbolOfInput(signature, input - signature.inputs.begin()));
    described.push_back(isResult ? output++ : input++);
  }

  for (Operation *op : slice) {
    Location loc = op->getLoc();
    for (Value operand : op->getOperands()) {
      auto argument = dyn_cast<BlockArgument>(operand);
      if (!argument || isa<MemRefType>(operand.getType()) ||
          mapping.contains(operand))
        continue;
      std::optional<int64_t> symbol = scalars[argument.getArgNumber()];
      if (!symbol)
        return op->emitOpError("expected buffer sizes that index sizes decide, "
                               "but found one that the scalar '")
               << described[argument.getArgNumber()]->name << "' decides";
      Value value = loadAt(builder, loc, symbols, *symbol * sizeof(int64_t),
                           builder.getI64Type());
      if (operand.getType().isIndex())
        value =
            arith::IndexCastOp::create(builder, loc, operand.getType(), value);
      else if (operand.getType() != value.getType())
        value = arith::TruncIOp::create(builder, loc, operand.getType(), value);
      mapping.map(operand, value);
    }
    auto dim = dyn_cast<memref::DimOp>(op);
    auto argument =
        dim ? dyn_cast<BlockArgument>(dim.getSource()) : BlockArgument();
    if (!argument) {
      builder.clone(*op, mapping);
      continue;
    }
    std::optional<int64_t> index = dim.getConstantIndex();
    if (!index)
      return op->emitOpError("expected the size of a dimension known when "
                             "compiling");
    mapping.map(dim.getResult(),
                sizeOf(builder, loc,
                       described[argument.getArgNumber()]->dims[*index],
                       symbols));
  }
  return success();
}

void fovea::attn::checkOverflow(func::FuncOp function) {
  SmallVector<Operation *> steps;
  function.walk([&](Operation *op) {
    if (isa<arith::MulIOp, arith::AddIOp>(op) &&
        op->getResult(0).getType().isIndex())
      steps.push_back(op);
  });
  OpBuilder builder(function.getContext());
  Type i64 = builder.getI64Type(), i1 = builder.getI1Type();
  Type pair = LLVM::LLVMStructType::getLiteral(builder.getContext(), {i64, i1});
  Value overflow;
  for (Operation *op : steps) {
    builder.setInsertionPoint(op);
    Location loc = op->getLoc();
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(
          arith::IndexCastOp::create(builder, loc, i64, operand));
    Value checked = isa<arith::MulIOp>(op)
                        ? LLVM::SMulWithOverflowOp::create(
                              builder, loc, pair, operands[0], operands[1])
                              .getResult()
                        : LLVM::SAddWithOverflowOp::create(
                              builder, loc, pair, operands[0], operands[1])
                              .getResult();
    Value result = LLVM::ExtractValueOp::create(builder, loc, checked,
                                                ArrayRef<int64_t>{0});
    Value flag = LLVM::ExtractValueOp::create(builder, loc, checked,
                                              ArrayRef<int64_t>{1});
    overflow =
        overflow
            ? arith::OrIOp::create(builder, loc, overflow, flag).getResult()
            : flag;
    Value index = arith::IndexCastOp::create(builder, loc,
                                             builder.getIndexType(), result);
    op->replaceAllUsesWith(ValueRange(index));
    op->erase();
  }
  if (!overflow)
    return;
  Operation *end = function.getBody().front().getTerminator();
  builder.setInsertionPoint(end);
  Value none = arith::ConstantIntOp::create(builder, end->getLoc(), -1, 64);
  Value bytes = arith::SelectOp::create(builder, end->getLoc(), overflow, none,
                                        end->getOperand(0));
  end->setOperand(0, bytes);
}
