//===- LowerChecks.cpp - What a call is checked for -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "frontend/EntryLowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace fovea::frontend;
using namespace mlir;
namespace attn = fovea::attn;

/// Whether the violation holds for some values of `indices`: a loop for each.
Value EntryLowering::violated(const ReadCheck &check,
                              ArrayRef<const IndexVar *> indices) {
  Location loc = lowering.location(check.loc);
  bool isOutermost = indices.size() == check.indices.size();
  if (indices.empty()) {
    Value found = emit(check.violation, {}, {}, {});
    if (isOutermost && check.gate)
      found = arith::AndIOp::create(builder, loc, found,
                                    lowering.uniform(check.gate));
    return found;
  }
  const IndexVar *var = indices.front();
  auto loop = llvm::find_if(
      check.loops, [&](const Loop *loop) { return loop->index == var; });
  Value begin, end;
  if (loop != check.loops.end()) {
    begin = lowering.uniform((*loop)->begin);
    end = lowering.uniform((*loop)->end);
  } else {
    begin = arith::ConstantIndexOp::create(builder, loc, 0);
    end = lowering.sizeValue(var->extent);
  }
  if (isOutermost && check.gate)
    end = arith::SelectOp::create(builder, loc, lowering.uniform(check.gate),
                                  end, begin);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value none = arith::ConstantIntOp::create(builder, loc, 0, 1);
  auto op = scf::ForOp::create(builder, loc, begin, end, one, none);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.getBody());
  lowering.fixed[var] = op.getInductionVar();
  Value found = violated(check, indices.drop_front());
  lowering.fixed.erase(var);
  found = arith::OrIOp::create(builder, loc, op.getRegionIterArg(0), found);
  scf::YieldOp::create(builder, loc, found);
  return op.getResult(0);
}

LogicalResult EntryLowering::emitChecks(const Loop *round) {
  // What a call must meet comes first: it ends the call.
  SmallVector<const ReadCheck *> checks;
  for (ReadCheck::Kind kind : {ReadCheck::Require, ReadCheck::Report})
    for (const ReadCheck &check : lowering.function.checks)
      if (check.round == round && check.kind == kind)
        checks.push_back(&check);
  SmallVector<const Node *> computed;
  for (const ReadCheck *check : checks)
    for (const Node *node : reachable(check->violation))
      if (node->op == NodeOp::Read &&
          (node->tensor->kind == Tensor::Local ||
           node->tensor->kind == Tensor::LoopResult))
        computed.push_back(node);
  if (failed(makeBelow(computed)))
    return failure();
  for (const ReadCheck *check : checks) {
    prepareGathers(check->violation, {});
    Location loc = lowering.location(check->loc);
    Value found = violated(*check, check->indices);
    if (check->kind == ReadCheck::Report) {
      attn::ReportOp::create(builder, loc, found, check->message);
      continue;
    }
    Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
    Value met = arith::XOrIOp::create(builder, loc, found, yes);
    attn::RequireOp::create(builder, loc, met, check->message);
  }
  return success();
}
