//===- AttnBufferization.cpp - attention on memory -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace fovea::attn;

namespace {
/// Operands become memrefs in place; results are the destinations' buffers.
template <typename Op>
struct AttentionModel
    : DstBufferizableOpInterfaceExternalModel<AttentionModel<Op>, Op> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    // What an attention writes it writes whole; an online state is read.
    auto attention = cast<Op>(op);
    if (attention.isDpsInit(&operand))
      return std::is_same_v<Op, OnlineOp>;
    return true;
  }

  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand,
                               const AnalysisState &) const {
    return cast<Op>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto attention = cast<Op>(op);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands, buffers;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<TensorType>(operand.get().getType())) {
        operands.push_back(operand.get());
        continue;
      }
      FailureOr<Value> buffer =
          getBuffer(rewriter, operand.get(), options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
      if (attention.isDpsInit(&operand))
        buffers.push_back(*buffer);
    }
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange(),
                            op->getAttrs());
    newState.propertiesAttr = op->getPropertiesAsAttribute();
    for (Region &region : op->getRegions())
      newState.addRegion()->takeBody(region);
    rewriter.create(newState);
    replaceOpWithBufferizedValues(rewriter, op, buffers);
    return success();
  }
};

/// A parameter is memory from the start, and is never written.
struct ParamRefModel
    : BufferizableOpInterface::ExternalModel<ParamRefModel, ParamRefOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const {
    return false;
  }
  bool bufferizesToAllocation(Operation *, Value) const { return false; }
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value,
                                              const AnalysisState &) const {
    return {};
  }
  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &,
                          BufferizationState &) const {
    auto ref = cast<ParamRefOp>(op);
    auto tensor = dyn_cast<RankedTensorType>(ref.getType());
    if (!tensor)
      return success();
    auto type = MemRefType::get(tensor.getShape(), tensor.getElementType());
    replaceOpWithNewBufferizedOp<ParamRefOp>(
        rewriter, op, type, ref.getParamAttr(), ref.getMember());
    return success();
  }
};
} // namespace

void fovea::attn::registerBufferizationModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, AttnDialect *) {
    AttentionOp::attachInterface<AttentionModel<AttentionOp>>(*context);
    OnlineOp::attachInterface<AttentionModel<OnlineOp>>(*context);
    ParamRefOp::attachInterface<ParamRefModel>(*context);
  });
}
