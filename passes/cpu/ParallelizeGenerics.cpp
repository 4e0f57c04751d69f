//===- ParallelizeGenerics.cpp - Linalg operations become loops over rows -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/cpu/RowGroups.h"
#include "passes/math/Elementary.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

namespace fovea::attn {
#define GEN_PASS_DEF_PARALLELIZEGENERICSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Fewer elements than this are not worth a task of their own.
static constexpr int64_t elementsPerTask = 16384;

//===----------------------------------------------------------------------===//
// A row of one operation
//===----------------------------------------------------------------------===//

namespace {
/// Emits the loops of one operation within a row.
class RowEmitter {
public:
  RowEmitter(OpBuilder &builder, const RowOp &row, unsigned band,
             ArrayRef<Value> sizes, ArrayRef<Value> bandIndices)
      : builder(builder), op(row.op), loc(op->getLoc()), sizes(sizes),
        indices(op.getNumLoops()), elements(op->getNumOperands()),
        dims(row.rowDims(band)) {
    for (auto [dim, index] : llvm::zip(row.parallel, bandIndices))
      indices[dim] = index;
    // A row that only reduces keeps its results in registers.
    inRegisters = !row.reduction.empty() && band == row.parallel.size();
  }

  void emit() {
    SmallVector<Value> results;
    if (inRegisters)
      for (OpOperand &init : op.getDpsInitsMutable())
        results.push_back(load(init));
    results = emitLoops(0, results);
    if (inRegisters)
      store(results);
  }

private:
  /// The indices of an operand's element, from those of the loops.
  SmallVector<Value> positions(OpOperand &operand) {
    SmallVector<Value> result;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    SmallVector<OpFoldResult> operands;
    // Dimensions that are not yet run are not in the map either.
    for (Value index : indices)
      operands.push_back(index ? OpFoldResult(index)
                               : OpFoldResult(builder.getIndexAttr(0)));
    for (AffineExpr expr : map.getResults()) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        result.push_back(indices[dim.getPosition()]);
        continue;
      }
      OpFoldResult value = affine::makeComposedFoldedAffineApply(
          builder, loc, AffineMap::get(map.getNumDims(), 0, expr), operands);
      result.push_back(getValueOrCreateConstantIndexOp(builder, loc, value));
    }
    return result;
  }

  Value load(OpOperand &operand) {
    if (!isa<MemRefType>(operand.get().getType()))
      return operand.get();
    return memref::LoadOp::create(builder, loc, operand.get(),
                                  positions(operand));
  }

  void store(ArrayRef<Value> results) {
    for (auto [init, result] :
         llvm::zip_equal(op.getDpsInitsMutable(), results))
      memref::StoreOp::create(builder, loc, result, init.get(),
                              positions(init));
  }

  /// Loads what no later loop decides and no result overwrites.
  void loadKnown(bool isInnermost) {
    for (OpOperand &operand : op->getOpOperands()) {
      Value &element = elements[operand.getOperandNumber()];
      if (element || !op.payloadUsesValueFromOperand(&operand) ||
          (op.isDpsInit(&operand) && (inRegisters || !isInnermost)))
        continue;
      if (!isInnermost && isa<MemRefType>(operand.get().getType())) {
        AffineMap map = op.getMatchingIndexingMap(&operand);
        bool isKnown = true;
        for (unsigned dim = 0; dim < indices.size(); ++dim)
          isKnown &= indices[dim] || !map.isFunctionOfDim(dim);
        if (!isKnown || llvm::any_of(op.getDpsInits(), [&](Value init) {
              return mayAlias(operand.get(), init);
            }))
          continue;
      }
      element = load(operand);
    }
  }

  SmallVector<Value> emitLoops(unsigned depth, ArrayRef<Value> carried) {
    loadKnown(depth == dims.size());
    if (depth == dims.size())
      return emitBody(carried);
    SmallVector<Value> saved = elements;
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    auto loop = scf::ForOp::create(builder, loc, zero, sizes[dims[depth]], one,
                                   carried);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    indices[dims[depth]] = loop.getInductionVar();
    SmallVector<Value> results =
        emitLoops(depth + 1, SmallVector<Value>(loop.getRegionIterArgs()));
    if (inRegisters)
      scf::YieldOp::create(builder, loc, results);
    elements = std::move(saved);
    indices[dims[depth]] = Value();
    return SmallVector<Value>(loop.getResults());
  }

  /// The operation's region at the current indices.
  SmallVector<Value> emitBody(ArrayRef<Value> carried) {
    Block *block = op.getBlock();
    IRMapping mapping;
    for (OpOperand &operand : op->getOpOperands())
      if (Value element = elements[operand.getOperandNumber()])
        mapping.map(op.getMatchingBlockArgument(&operand), element);
    if (inRegisters)
      for (auto [init, value] :
           llvm::zip_equal(op.getDpsInitsMutable(), carried))
        mapping.map(op.getMatchingBlockArgument(&init), value);
    for (Operation &inner : block->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        mapping.map(index.getResult(), indices[index.getDim()]);
        continue;
      }
      Operation *clone = builder.clone(inner, mapping);
      clone->walk([&](linalg::IndexOp index) {
        index.replaceAllUsesWith(indices[index.getDim()]);
        index.erase();
      });
    }
    SmallVector<Value> results;
    for (Value yielded : block->getTerminator()->getOperands())
      results.push_back(mapping.lookupOrDefault(yielded));
    if (inRegisters) {
      for (auto [result, before] : llvm::zip_equal(results, carried))
        allowReordering(result, before);
      return results;
    }
    store(results);
    return {};
  }

  /// Lets the step of a sum from `before` to `result` be taken in any order:
  /// its order is then that of the vector lanes, the same at each run.
  static void allowReordering(Value result, Value before) {
    auto allow = [](Operation *op, arith::FastMathFlags flags) {
      if (auto math = dyn_cast_or_null<arith::ArithFastMathInterface>(op))
        op->setAttr(math.getFastMathAttrName(),
                    arith::FastMathFlagsAttr::get(op->getContext(), flags));
    };
    Operation *step = result.getDefiningOp();
    if (!step || !isa<arith::AddFOp, arith::MulFOp>(step) ||
        !llvm::is_contained(step->getOperands(), before))
      return;
    allow(step, arith::FastMathFlags::reassoc | arith::FastMathFlags::contract);
    for (Value operand : step->getOperands())
      if (auto product = operand.getDefiningOp<arith::MulFOp>())
        allow(product, arith::FastMathFlags::contract);
  }

  OpBuilder &builder;
  linalg::LinalgOp op;
  Location loc;
  ArrayRef<Value> sizes;
  SmallVector<Value> indices;  // of all dimensions; null before their loops
  SmallVector<Value> elements; // of all operands; null before they are loaded
  SmallVector<unsigned> dims;
  bool inRegisters;
};
} // namespace

//===----------------------------------------------------------------------===//
// A group
//===----------------------------------------------------------------------===//

/// The sizes of all loops of `op`.
static SmallVector<Value> loopSizes(OpBuilder &builder, linalg::LinalgOp op) {
  SmallVector<Value> sizes;
  for (const Range &range : op.createLoopRanges(builder, op.getLoc()))
    sizes.push_back(
        getValueOrCreateConstantIndexOp(builder, op.getLoc(), range.size));
  return sizes;
}

static Value product(OpBuilder &builder, Location loc, ValueRange factors) {
  Value result = arith::ConstantIndexOp::create(builder, loc, 1);
  for (Value factor : factors)
    result = builder.createOrFold<arith::MulIOp>(loc, result, factor);
  return result;
}

/// The indices of row `row`; the last dimension of the band runs fastest.
static SmallVector<Value> rowIndices(OpBuilder &builder, Location loc,
                                     Value row, ArrayRef<Value> sizes) {
  SmallVector<Value> indices(sizes.size());
  for (size_t dim = sizes.size(); dim-- > 0;) {
    indices[dim] = row;
    if (dim == 0)
      break;
    indices[dim] = arith::RemUIOp::create(builder, loc, row, sizes[dim]);
    row = arith::DivUIOp::create(builder, loc, row, sizes[dim]);
  }
  return indices;
}

/// Replaces the operations of `group` by loops before the last of them.
static Operation *emitGroup(OpBuilder &builder, const RowGroup &group) {
  ArrayRef<RowOp> rows = group.ops();
  builder.setInsertionPoint(rows.back().op);
  Location loc = rows.back().op->getLoc();
  unsigned band = group.band();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };

  SmallVector<SmallVector<Value>> sizes;
  Value elements = constant(0);
  for (const RowOp &row : rows) {
    sizes.push_back(loopSizes(builder, row.op));
    SmallVector<Value> own;
    for (unsigned dim : row.rowDims(band))
      own.push_back(sizes.back()[dim]);
    elements = builder.createOrFold<arith::AddIOp>(loc, elements,
                                                   product(builder, loc, own));
  }
  SmallVector<Value> bandSizes;
  for (unsigned dim : ArrayRef(rows.front().parallel).take_front(band))
    bandSizes.push_back(sizes.front()[dim]);
  Value count = product(builder, loc, bandSizes);
  Value perTask = constant(elementsPerTask);
  elements = builder.createOrFold<arith::MaxSIOp>(loc, elements, constant(1));
  perTask = builder.createOrFold<arith::CeilDivSIOp>(loc, perTask, elements);
  Value tasks = builder.createOrFold<arith::CeilDivSIOp>(loc, count, perTask);

  auto emitRows = [&](Value begin, Value end) {
    auto loop = scf::ForOp::create(builder, loc, begin, end, constant(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    SmallVector<Value> indices =
        rowIndices(builder, loc, loop.getInductionVar(), bandSizes);
    for (auto [row, own] : llvm::zip_equal(rows, sizes))
      RowEmitter(builder, row, band, own, indices).emit();
    return loop.getOperation();
  };

  Operation *result;
  if (band == 0) {
    result = emitRows(constant(0), constant(1));
  } else {
    auto forall = scf::ForallOp::create(
        builder, loc, ArrayRef<OpFoldResult>(getAsOpFoldResult(tasks)),
        ValueRange(), std::nullopt);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(forall.getBody());
    Value begin = builder.createOrFold<arith::MulIOp>(
        loc, forall.getInductionVar(0), perTask);
    Value end = builder.createOrFold<arith::AddIOp>(loc, begin, perTask);
    end = builder.createOrFold<arith::MinSIOp>(loc, end, count);
    emitRows(begin, end);
    result = forall;
  }
  for (const RowOp &row : rows)
    row.op->erase();
  return result;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Groups the operations of `block`, in order.
static void collectGroups(Block &block, SmallVectorImpl<RowGroup> &groups) {
  bool isOpen = false;
  for (Operation &op : block) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
        linalgOp && linalgOp.hasPureBufferSemantics()) {
      RowOp row(linalgOp);
      if (!isOpen || !groups.back().tryAdd(row))
        groups.emplace_back(std::move(row));
      isOpen = true;
    } else if (!isMemoryEffectFree(&op)) {
      isOpen = false;
    }
  }
}

namespace {
struct ParallelizeGenericsPass
    : fovea::attn::impl::ParallelizeGenericsPassBase<ParallelizeGenericsPass> {
  void runOnOperation() override {
    SmallVector<RowGroup> groups;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      // Tasks have no tasks inside.
      if (isa<scf::ForallOp, linalg::LinalgOp>(op))
        return WalkResult::skip();
      for (Region &region : op->getRegions())
        for (Block &block : region)
          collectGroups(block, groups);
      return WalkResult::advance();
    });

    OpBuilder builder(&getContext());
    SmallVector<Operation *> functions;
    for (const RowGroup &group : groups) {
      Operation *emitted = emitGroup(builder, group);
      emitted->walk([](LoopLikeOpInterface loop) {
        if (!isa<scf::ForallOp>(loop))
          moveLoopInvariantCode(loop);
      });
      emitted->walk([&](Operation *op) {
        if (isElementary(op))
          functions.push_back(op);
      });
    }

    // Elementary functions as arithmetic, so that loops become vector code.
    RewritePatternSet patterns(&getContext());
    populateElementaryPatterns(patterns);
    GreedyRewriteConfig config;
    config.setStrictness(GreedyRewriteStrictness::ExistingAndNewOps);
    if (failed(applyOpPatternsGreedily(functions, std::move(patterns), config)))
      signalPassFailure();
  }
};
} // namespace
