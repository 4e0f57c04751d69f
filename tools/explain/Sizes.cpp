//===- Sizes.cpp - Sizes in the IR as formulas ----------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Sizes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

unsigned explain::elementBytes(Type type) {
  return llvm::divideCeil(
      type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 64, 8);
}

Value explain::stripViews(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp,
             arith::IndexCastOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

SizePolynomial Sizes::symbol(int64_t number) const {
  if (number < static_cast<int64_t>(call.sizes.size()) && call.sizes[number])
    return SizePolynomial(static_cast<double>(*call.sizes[number]));
  return SizePolynomial::size(signature.symbols[number].name);
}

SizePolynomial Sizes::product(const DimFactors &factors) const {
  SizePolynomial result(1);
  for (int64_t factor : factors)
    result = result * (factor >= 0 ? SizePolynomial(static_cast<double>(factor))
                                   : symbol(~factor));
  return result;
}

/// The operand or result of the entry that an argument stands for. In buffer
/// form the results are arguments too.
const TensorSignature *Sizes::find(BlockArgument argument) {
  if (argument.getOwner() != &entry.getBody().front())
    return nullptr;
  size_t inputs = 0, outputs = 0;
  for (unsigned k = 0; k < argument.getArgNumber(); ++k)
    ++(entry.getArgAttr(k, kResultAttr) ? outputs : inputs);
  if (entry.getArgAttr(argument.getArgNumber(), kWorkspaceAttr))
    return nullptr;
  bool isResult = bool(entry.getArgAttr(argument.getArgNumber(), kResultAttr));
  const auto &tensors = isResult ? signature.outputs : signature.inputs;
  size_t number = isResult ? outputs : inputs;
  return number < tensors.size() ? &tensors[number] : nullptr;
}

ArrayRef<int64_t> Sizes::elementsOf(Value value) {
  auto source = dyn_cast<BlockArgument>(stripViews(value));
  const TensorSignature *tensor = source ? find(source) : nullptr;
  if (!tensor)
    return {};
  auto given = call.inputs.find(tensor->name);
  if (given == call.inputs.end())
    return {};
  return given->second.elements;
}

std::optional<int64_t> Sizes::commonElement(Value value) {
  ArrayRef<int64_t> elements = elementsOf(value);
  if (elements.empty() || !llvm::all_equal(elements))
    return std::nullopt;
  return elements.front();
}

std::string Sizes::nameOf(Value value) {
  auto source = dyn_cast<BlockArgument>(stripViews(value));
  const TensorSignature *tensor = source ? find(source) : nullptr;
  return tensor ? tensor->name : "";
}

SizePolynomial Sizes::argument(BlockArgument argument) {
  const TensorSignature *tensor = find(argument);
  if (!tensor)
    return SizePolynomial::integer("?");
  if (std::optional<int64_t> value = commonElement(argument))
    return SizePolynomial(static_cast<double>(*value));
  return SizePolynomial::integer(tensor->name);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

std::vector<SizePolynomial> Sizes::shapeOf(Value value) {
  auto type = cast<ShapedType>(value.getType());
  std::vector<SizePolynomial> shape;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size)
                        ? SizePolynomial::integer("?")
                        : SizePolynomial(static_cast<double>(size)));
  auto setDynamic = [&](auto &&sizeOf) {
    for (auto [dim, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        shape[dim] = sizeOf(dim);
  };
  auto setAll = [&](ArrayRef<OpFoldResult> sizes) {
    if (sizes.size() == shape.size())
      setDynamic([&](size_t dim) { return valueOf(sizes[dim]); });
  };
  auto setCollapsed = [&](Value source, auto groups) {
    auto sizes = shapeOf(source);
    setDynamic([&](size_t dim) {
      SizePolynomial size(1);
      for (int64_t part : groups[dim])
        size = size * sizes[part];
      return size;
    });
  };
  auto setLike = [&](Value source) {
    if (auto other = dyn_cast<ShapedType>(source.getType());
        other && other.getRank() == type.getRank())
      shape = shapeOf(source);
  };
  if (type.hasStaticShape())
    return shape;
  if (auto block = dyn_cast<BlockArgument>(value)) {
    if (const TensorSignature *tensor = find(block)) {
      setDynamic([&](size_t dim) { return product(tensor->dims[dim]); });
    } else if (auto loop =
                   dyn_cast<scf::ForOp>(block.getOwner()->getParentOp())) {
      if (OpOperand *init = loop.getTiedLoopInit(block))
        setLike(init->get());
    }
    return shape;
  }
  llvm::TypeSwitch<Operation *>(value.getDefiningOp())
      .Case<tensor::EmptyOp, memref::AllocOp>(
          [&](auto op) { setAll(op.getMixedSizes()); })
      .Case<tensor::ExpandShapeOp, memref::ExpandShapeOp>(
          [&](auto op) { setAll(op.getMixedOutputShape()); })
      .Case<tensor::CollapseShapeOp, memref::CollapseShapeOp>([&](auto op) {
        setCollapsed(op.getSrc(), op.getReassociationIndices());
      })
      .Case<tensor::ExtractSliceOp, memref::SubViewOp>(
          [&](auto op) { setAll(op.getMixedSizes()); })
      .Case<tensor::CastOp, memref::CastOp>(
          [&](auto op) { setLike(op.getSource()); })
      .Case([&](memref::ViewOp op) {
        unsigned next = 0;
        setDynamic([&](size_t) { return valueOf(op.getSizes()[next++]); });
      })
      .Case([&](scf::ForOp op) {
        setLike(op.getTiedLoopInit(cast<OpResult>(value))->get());
      })
      .Case([&](DestinationStyleOpInterface op) {
        setLike(op.getTiedOpOperand(cast<OpResult>(value))->get());
      });
  return shape;
}

SizePolynomial Sizes::countOf(Value value) {
  SizePolynomial count(1);
  if (isa<ShapedType>(value.getType()))
    for (const SizePolynomial &size : shapeOf(value))
      count = count * size;
  return count;
}

SizePolynomial Sizes::bytesOf(Value value) {
  return countOf(value) *
         SizePolynomial(elementBytes(getElementTypeOrSelf(value.getType())));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SizePolynomial Sizes::valueOf(Value value) {
  auto found = known.find(value);
  if (found == known.end())
    found = known.try_emplace(value, evaluate(value)).first;
  return found->second;
}

SizePolynomial Sizes::valueOf(OpFoldResult value) {
  if (auto constant = getConstantIntValue(value))
    return SizePolynomial(static_cast<double>(*constant));
  return valueOf(cast<Value>(value));
}

SizePolynomial Sizes::dimOf(Value shaped, Value index) {
  std::optional<int64_t> dim = getConstantIntValue(index);
  auto shape = shapeOf(shaped);
  return dim && *dim >= 0 && *dim < static_cast<int64_t>(shape.size())
             ? shape[*dim]
             : SizePolynomial::integer("?");
}

SizePolynomial Sizes::evaluate(Value value) {
  if (auto block = dyn_cast<BlockArgument>(value))
    return argument(block);
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return SizePolynomial(static_cast<double>(constant.getSExtValue()));
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned k) { return valueOf(op->getOperand(k)); };
  return llvm::TypeSwitch<Operation *, SizePolynomial>(op)
      .Case<tensor::DimOp, memref::DimOp>(
          [&](auto dim) { return dimOf(dim.getSource(), dim.getIndex()); })
      .Case([&](arith::AddIOp) { return operand(0) + operand(1); })
      .Case([&](arith::SubIOp) { return operand(0) - operand(1); })
      .Case([&](arith::MulIOp) { return operand(0) * operand(1); })
      // Sizes are not negative, so that all divisions round down.
      .Case<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(
          [&](auto) { return operand(0).floorDiv(operand(1)); })
      .Case<arith::CeilDivSIOp, arith::CeilDivUIOp>([&](auto) {
        SizePolynomial divisor = operand(1);
        return (operand(0) + divisor - SizePolynomial(1)).floorDiv(divisor);
      })
      .Case<arith::RemSIOp, arith::RemUIOp>([&](auto) {
        SizePolynomial divisor = operand(1);
        return operand(0) - operand(0).floorDiv(divisor) * divisor;
      })
      .Case<arith::MaxSIOp, arith::MaxUIOp>(
          [&](auto) { return SizePolynomial::max(operand(0), operand(1)); })
      .Case<arith::MinSIOp, arith::MinUIOp>(
          [&](auto) { return SizePolynomial::min(operand(0), operand(1)); })
      .Case<arith::IndexCastOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncIOp,
            arith::IndexCastUIOp>([&](auto) { return operand(0); })
      .Case([&](arith::AndIOp) { // rounding down to a power of two
        std::optional<double> mask = operand(1).constant();
        bool isRounding = mask && *mask < 0 && llvm::isPowerOf2_64(-*mask);
        return isRounding ? operand(0).floorDiv(-*mask) * SizePolynomial(-*mask)
                          : SizePolynomial::integer("?");
      })
      // A workspace too large to count is one that does not fit: what tells so
      // is never set here.
      .Case([&](arith::OrIOp) { return operand(0) + operand(1); })
      .Case([&](arith::SelectOp select) {
        if (std::optional<double> condition = operand(0).constant())
          return operand(*condition != 0 ? 1 : 2);
        // What is needed where a size is small is multiplied by 1 there, else
        // by 0.
        auto less = select.getCondition().getDefiningOp<arith::CmpIOp>();
        std::optional<double> otherwise = operand(2).constant();
        if (!less || less.getPredicate() != arith::CmpIPredicate::slt ||
            otherwise != 0)
          return SizePolynomial::integer("?");
        SizePolynomial gap = valueOf(less.getRhs()) - valueOf(less.getLhs());
        return operand(1) * SizePolynomial::min(SizePolynomial::max(gap, 0), 1);
      })
      .Case([&](LLVM::ExtractValueOp extract) {
        return extract.getPosition() == ArrayRef<int64_t>{0}
                   ? valueOf(extract.getContainer())
                   : SizePolynomial(0);
      })
      .Case([&](LLVM::SMulWithOverflowOp) { return operand(0) * operand(1); })
      .Case([&](LLVM::SAddWithOverflowOp) { return operand(0) + operand(1); })
      .Case([&](LLVM::LoadOp load) {
        int64_t offset = 0;
        if (auto element = load.getAddr().getDefiningOp<LLVM::GEPOp>())
          offset = element.getRawConstantIndices().front();
        return symbol(offset / static_cast<int64_t>(sizeof(int64_t)));
      })
      .Default([](Operation *) { return SizePolynomial::integer("?"); });
}

SizePolynomial Sizes::tripsOf(Operation *op) {
  SizePolynomial trips(1);
  while ((op = op->getParentOp()) && op != entry)
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      SizePolynomial step = valueOf(loop.getStep());
      trips = trips * (valueOf(loop.getUpperBound()) -
                       valueOf(loop.getLowerBound()) + step - SizePolynomial(1))
                          .floorDiv(step);
    }
  return trips;
}

SizePolynomial Sizes::workspaceBytes(func::FuncOp sizeFunction) {
  auto result = cast<func::ReturnOp>(sizeFunction.getBody().back().back());
  return valueOf(result.getOperand(0));
}
