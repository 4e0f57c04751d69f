//===- TileToLoops.cpp - the tile form to plain scalar loops --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each tile becomes a buffer, and each tile op the loops of its definition.
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/loops/Loops.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Transforms/DialectConversion.h"

#include <limits>

namespace fovea::attn {
#define GEN_PASS_DEF_TILETOLOOPSPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// One function for each op; operands are buffers
//===----------------------------------------------------------------------===//

static Value lower(TileLoadOp op, TileLoadOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<Value> extents = loops.getExtents(type, op.getExtents());
  return loops.fill(type, extents, [&](ValueRange point) -> Value {
    SmallVector<Value> dims(point);
    for (auto [lookup, map] :
         llvm::zip(operands.getLookups(),
                   op.getLookupMaps().getAsValueRange<AffineMapAttr>()))
      dims.push_back(loops.read(lookup, map, point));
    Type element = cast<MemRefType>(op.getSource().getType()).getElementType();
    auto read = [&](AffineMap map) -> Value {
      auto [indices, exists] = loops.locate(op.getSource(), map, dims,
                                            op.getSymbols(), type.getRank());
      auto branch = scf::IfOp::create(builder, loc, element, exists,
                                      /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(builder, loc, loops.load(op.getSource(), indices));
      builder.setInsertionPointToStart(branch.elseBlock());
      Value zero =
          arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
      scf::YieldOp::create(builder, loc, zero);
      return branch.getResult(0);
    };
    if (!op.readsPairs())
      return read(op.getMap());
    SmallVector<AffineExpr> next(op.getMap().getResults());
    next.back() = next.back() + 1;
    auto getBits = [&](AffineMap map) -> Value {
      Value bits = arith::BitcastOp::create(builder, loc, builder.getI16Type(),
                                            read(map));
      return arith::ExtUIOp::create(builder, loc, builder.getI32Type(), bits);
    };
    Value lower = getBits(op.getMap());
    Value upper = getBits(AffineMap::get(op.getMap().getNumDims(),
                                         op.getMap().getNumSymbols(), next,
                                         builder.getContext()));
    Value places =
        arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(16));
    upper = arith::ShLIOp::create(builder, loc, upper, places);
    return arith::OrIOp::create(builder, loc, lower, upper);
  });
}

static Value lower(TilePairProductOp op, TilePairProductOp::Adaptor operands,
                   OpBuilder &builder, Loops &) {
  return TilePairProductOp::buildArithmetic(builder, op.getLoc(),
                                            operands.getA(), operands.getB());
}

static Value lower(TilePiecesOp op, TilePiecesOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getType());
  Value tile = operands.getTile();
  SmallVector<Value> source = loops.getExtents(tile);
  SmallVector<Value> extents = {source[0], loops.index(type.getDimSize(1)),
                                loops.index(type.getDimSize(2))};
  return loops.fill(type, extents, [&](ValueRange point) {
    auto read = [&](int64_t offset) -> Value {
      Value column = arith::AddIOp::create(
          builder, loc,
          arith::MulIOp::create(builder, loc, point[2], loops.index(2)),
          loops.index(offset));
      Value last =
          arith::SubIOp::create(builder, loc, source[1], loops.index(1));
      Value exists = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::sle, column, last);
      column = arith::MinSIOp::create(builder, loc, column, last);
      return arith::SelectOp::create(builder, loc, exists,
                                     loops.load(tile, {point[0], column}),
                                     loops.constant(builder.getF32Type(), 0.0));
    };
    SmallVector<Value> pieces = TilePiecesOp::buildArithmetic(
        builder, loc, read(0), read(1), type.getDimSize(1));
    Value result = pieces.back();
    for (int64_t k = type.getDimSize(1) - 2; k >= 0; --k) {
      Value isThis = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::eq, point[1], loops.index(k));
      result = arith::SelectOp::create(builder, loc, isThis, pieces[k], result);
    }
    return result;
  });
}

static void lower(TileStoreOp op, TileStoreOp::Adaptor operands,
                  OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  Value tile = operands.getTile();
  loops.forEach(loops.getExtents(tile), [&](ValueRange point) {
    auto [indices, exists] = loops.locate(op.getDest(), op.getMap(), point,
                                          op.getSymbols(), point.size());
    auto branch =
        scf::IfOp::create(builder, loc, exists, /*withElseRegion=*/false);
    builder.setInsertionPointToStart(branch.thenBlock());
    memref::StoreOp::create(builder, loc, loops.load(tile, point), op.getDest(),
                            indices);
  });
}

static Value lower(TileContractOp op, TileContractOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  auto type = cast<RankedTensorType>(op.getType());
  // The extent of a dimension is that of any input that has it.
  SmallVector<Value> extents(op.getNumDims());
  for (auto [input, map] : llvm::zip(
           operands.getInputs(), op.getMaps().getAsValueRange<AffineMapAttr>()))
    for (auto [k, extent] : llvm::enumerate(loops.getExtents(input)))
      extents[map.getDimPosition(k)] = extent;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(size))
      extents[dim] = loops.index(size);
  return loops.fill(
      type, ArrayRef(extents).take_front(2), [&](ValueRange result) {
        return loops.reduce(
            loops.constant(type.getElementType(), 0.0),
            ArrayRef(extents).drop_front(2), [&](ValueRange c, Value sum) {
              SmallVector<Value> point(result);
              llvm::append_range(point, c);
              Value term = loops.compute(op.getBody(), operands.getInputs(),
                                         op.getMaps(), point);
              return arith::AddFOp::create(builder, op.getLoc(), sum, term);
            });
      });
}

static Value lower(TileMapOp op, TileMapOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<Value> extents = loops.getExtents(type, op.getExtents());
  return loops.fill(type, extents, [&](ValueRange point) {
    return loops.compute(op.getBody(), operands.getInputs(), op.getMaps(),
                         point);
  });
}

static Value lower(TileMaskOp op, TileMaskOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  Type element = cast<RankedTensorType>(op.getType()).getElementType();
  SmallVector<Value> extents = loops.getExtents(operands.getScore());
  return loops.fill(op.getType(), extents, [&](ValueRange point) -> Value {
    Value keep = arith::ConstantIntOp::create(builder, loc, 1, 1);
    if (!op.getBody().empty())
      keep = loops.compute(op.getBody(), operands.getInputs(), op.getMaps(),
                           point);
    if (Value end = op.getEnd()) {
      Value inRange = loops.compare(arith::CmpIPredicate::slt, point[1], end);
      keep = arith::AndIOp::create(builder, loc, keep, inRange);
    }
    Value score = loops.load(operands.getScore(), point);
    Value dropped =
        loops.constant(element, -std::numeric_limits<double>::infinity());
    return arith::SelectOp::create(builder, loc, keep, score, dropped);
  });
}

static Value lower(TileReduceOp op, TileReduceOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  SmallVector<Value> extents = loops.getExtents(operands.getTile());
  Value end = op.getEnd() ? op.getEnd() : extents[1];
  return loops.fill(op.getType(), extents[0], [&](ValueRange row) {
    Value init = loops.load(operands.getInit(), row);
    auto step = [&](ValueRange key, Value sofar) -> Value {
      Value element =
          loops.load(operands.getTile(), ValueRange{row[0], key[0]});
      if (op.getKind() == TileReduction::sum)
        return arith::AddFOp::create(builder, loc, sofar, element);
      if (op.getKind() == TileReduction::maximum)
        return arith::MaximumFOp::create(builder, loc, element, sofar);
      // A NaN is greater than nothing, and so passed over.
      Value greater = arith::CmpFOp::create(
          builder, loc, arith::CmpFPredicate::OGT, element, sofar);
      return arith::SelectOp::create(builder, loc, greater, element, sofar);
    };
    return loops.reduce(init, end, step, op.getBegin());
  });
}

static Value lower(TileRescaleOp op, TileRescaleOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  SmallVector<Value> extents = loops.getExtents(operands.getTile());
  return loops.fill(op.getType(), extents, [&](ValueRange point) -> Value {
    Value element = loops.load(operands.getTile(), point);
    Value factor = loops.load(operands.getFactor(), point[0]);
    return arith::MulFOp::create(builder, loc, element, factor);
  });
}

static Value lower(TileWeighOp op, TileWeighOp::Adaptor operands,
                   OpBuilder &builder, Loops &loops) {
  Location loc = op.getLoc();
  Value end = op.getEnd();
  if (!end)
    end = loops.getExtents(operands.getWeights())[1];
  SmallVector<Value> extents = loops.getExtents(operands.getInit());
  return loops.fill(op.getType(), extents, [&](ValueRange at) {
    Value init = loops.load(operands.getInit(), at);
    auto step = [&](ValueRange key, Value sum) -> Value {
      SmallVector<Value> point = {at[0], key[0]};
      llvm::append_range(point, at.drop_front());
      Value weight =
          loops.load(operands.getWeights(), ArrayRef(point).take_front(2));
      Value value = loops.compute(op.getBody(), operands.getInputs(),
                                  op.getMaps(), point);
      if (weight.getType() != init.getType())
        for (Value *factor : {&weight, &value})
          *factor =
              arith::ExtFOp::create(builder, loc, init.getType(), *factor);
      Value term = arith::MulFOp::create(builder, loc, weight, value);
      return arith::AddFOp::create(builder, loc, sum, term);
    };
    return loops.reduce(init, end, step, op.getBegin());
  });
}

/// The coordinates in the larger tensor of a point of a slice of it.
template <typename Op>
static SmallVector<Value> locateInWhole(Op op, ValueRange point,
                                        OpBuilder &builder) {
  SmallVector<Value> whole;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  unsigned next = 0;
  for (auto [dim, offset] : llvm::enumerate(op.getMixedOffsets())) {
    Value begin = getValueOrCreateConstantIndexOp(builder, op.getLoc(), offset);
    whole.push_back(dropped.test(dim)
                        ? begin
                        : arith::AddIOp::create(builder, op.getLoc(), begin,
                                                point[next++]));
  }
  return whole;
}

static Value lower(tensor::ExtractSliceOp op,
                   tensor::ExtractSliceOp::Adaptor operands, OpBuilder &builder,
                   Loops &loops) {
  SmallVector<Value> extents;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (auto [dim, size] : llvm::enumerate(op.getMixedSizes()))
    if (!dropped.test(dim))
      extents.push_back(
          getValueOrCreateConstantIndexOp(builder, op.getLoc(), size));
  return loops.fill(op.getType(), extents, [&](ValueRange point) {
    return loops.load(operands.getSource(), locateInWhole(op, point, builder));
  });
}

static Value lower(tensor::InsertSliceOp op,
                   tensor::InsertSliceOp::Adaptor operands, OpBuilder &builder,
                   Loops &loops) {
  Value dest = operands.getDest(), source = operands.getSource();
  Value whole =
      loops.fill(op.getType(), loops.getExtents(dest),
                 [&](ValueRange point) { return loops.load(dest, point); });
  loops.forEach(loops.getExtents(source), [&](ValueRange point) {
    memref::StoreOp::create(builder, op.getLoc(), loops.load(source, point),
                            whole, locateInWhole(op, point, builder));
  });
  return whole;
}

static Value lower(tensor::EmptyOp op, tensor::EmptyOp::Adaptor operands,
                   OpBuilder &, Loops &loops) {
  return loops.allocate(
      op.getType(), loops.getExtents(op.getType(), operands.getDynamicSizes()));
}

/// Whether a tensor is a short list of indices, such as points of a key range,
/// that is only read by element.
static bool isList(tensor::FromElementsOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  return type.getRank() == 1 && type.getElementType().isIndex() &&
         llvm::all_of(op->getUsers(), llvm::IsaPred<tensor::ExtractOp>);
}

static Value lower(tensor::FromElementsOp op,
                   tensor::FromElementsOp::Adaptor operands, OpBuilder &builder,
                   Loops &loops) {
  Value buffer = loops.allocate(op.getType(), {});
  for (auto [k, element] : llvm::enumerate(operands.getElements()))
    memref::StoreOp::create(builder, op.getLoc(), element, buffer,
                            loops.index(k));
  return buffer;
}

static Value lower(tensor::ExtractOp op, tensor::ExtractOp::Adaptor operands,
                   OpBuilder &, Loops &loops) {
  return loops.load(operands.getTensor(), operands.getIndices());
}

/// Whether a tile comes from a tile op, or from control flow that carries it.
static bool comesFromTiles(Value tile) {
  Operation *def = tile.getDefiningOp();
  if (!def)
    def = tile.getParentBlock()->getParentOp();
  return isa<AttnDialect, scf::SCFDialect>(def->getDialect()) ||
         isa<tensor::ExtractSliceOp, tensor::InsertSliceOp, tensor::EmptyOp>(
             def);
}

namespace {

/// Replaces an op by what `lower` makes of it.
template <typename Op>
struct LowerToLoops : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor operands,
                  ConversionPatternRewriter &rewriter) const override {
    Loops loops(rewriter, op.getLoc());
    if constexpr (std::is_same_v<Op, TileStoreOp>) {
      lower(op, operands, rewriter, loops);
      rewriter.eraseOp(op);
    } else {
      rewriter.replaceOp(op, lower(op, operands, rewriter, loops));
    }
    return success();
  }
};

struct TileToLoopsPass
    : fovea::attn::impl::TileToLoopsPassBase<TileToLoopsPass> {
  void runOnOperation() override {
    WalkResult checked = getOperation()->walk([](Operation *op) {
      for (Value operand : op->getOperands())
        if (isa<AttnDialect, scf::SCFDialect>(op->getDialect()) &&
            isa<RankedTensorType>(operand.getType()) &&
            !comesFromTiles(operand)) {
          op->emitOpError("cannot become loops: it uses a tensor that no tile "
                          "op made");
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    if (checked.wasInterrupted())
      return signalPassFailure();
    // Plain loops have one thread.
    getOperation()->walk([](WorkersOp op) {
      OpBuilder builder(op);
      op.replaceAllUsesWith(
          arith::ConstantIndexOp::create(builder, op.getLoc(), 1).getResult());
      op.erase();
    });
    TypeConverter converter;
    converter.addConversion([](Type type) { return type; });
    converter.addConversion([](RankedTensorType type) {
      return MemRefType::get(type.getShape(), type.getElementType());
    });
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    ConversionTarget target(*context);
    patterns.add<
        LowerToLoops<TileLoadOp>, LowerToLoops<TileStoreOp>,
        LowerToLoops<TileContractOp>, LowerToLoops<TilePairProductOp>,
        LowerToLoops<TilePiecesOp>, LowerToLoops<TileMapOp>,
        LowerToLoops<TileMaskOp>, LowerToLoops<TileReduceOp>,
        LowerToLoops<TileRescaleOp>, LowerToLoops<TileWeighOp>,
        LowerToLoops<tensor::EmptyOp>, LowerToLoops<tensor::ExtractSliceOp>,
        LowerToLoops<tensor::InsertSliceOp>,
        LowerToLoops<tensor::FromElementsOp>, LowerToLoops<tensor::ExtractOp>>(
        converter, context);
    target
        .addIllegalOp<TileLoadOp, TileStoreOp, TileContractOp,
                      TilePairProductOp, TilePiecesOp, TileMapOp, TileMaskOp,
                      TileReduceOp, TileRescaleOp, TileWeighOp, tensor::EmptyOp,
                      tensor::ExtractSliceOp, tensor::InsertSliceOp>();
    target.addDynamicallyLegalOp<tensor::FromElementsOp>(
        [](tensor::FromElementsOp op) { return !isList(op); });
    target.addDynamicallyLegalOp<tensor::ExtractOp>([](tensor::ExtractOp op) {
      auto list = op.getTensor().getDefiningOp<tensor::FromElementsOp>();
      return !list || !isList(list);
    });
    target.addLegalDialect<arith::ArithDialect, memref::MemRefDialect>();
    target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
    scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                         target);
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
