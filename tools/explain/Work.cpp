//===- Work.cpp - Operations and bytes of a program -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Work.h"

#include "passes/graph/Contractions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

Operations &Operations::operator+=(const Operations &other) {
  flops += other.flops;
  functions += other.functions;
  return *this;
}

Operations Operations::operator*(const SizePolynomial &times) const {
  return {flops * times, functions * times};
}

//===----------------------------------------------------------------------===//
// Scalar code
//===----------------------------------------------------------------------===//

static Operations operationsOf(Operation &op) {
  Operations one;
  bool isFloat =
      op.getNumResults() == 1 && isa<FloatType>(op.getResult(0).getType());
  if (!isFloat)
    return one;
  if (isa<math::FmaOp>(op))
    one.flops = 2;
  else if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
               arith::RemFOp, arith::MaximumFOp, arith::MinimumFOp,
               arith::MaxNumFOp, arith::MinNumFOp, math::SqrtOp, math::RsqrtOp>(
               op))
    one.flops = 1;
  else if (isa<math::MathDialect>(op.getDialect()) &&
           !isa<math::AbsFOp, math::CopySignOp, math::FloorOp, math::CeilOp,
                math::RoundOp, math::RoundEvenOp, math::TruncOp>(op))
    one.functions = 1;
  return one;
}

/// The operations of a block that have to run at every point: those that need
/// one of `varying`, or an index.
static Operations countBlock(Block &block, ArrayRef<Value> varying) {
  llvm::DenseSet<Value> dependent(varying.begin(), varying.end());
  Operations sum;
  for (Operation &op : block) {
    bool depends = isa<IndexOp, linalg::IndexOp>(op) ||
                   llvm::any_of(op.getOperands(), [&](Value operand) {
                     return dependent.contains(operand);
                   });
    if (!depends)
      continue;
    dependent.insert(op.result_begin(), op.result_end());
    sum += operationsOf(op);
  }
  return sum;
}

/// The operations of a region of an attention, empty regions included.
static Operations countRegion(AttentionOpInterface op, Region &region) {
  if (region.empty())
    return {};
  SmallVector<Value> varying;
  unsigned leading = op.getNumLeadingArguments(region);
  auto inputs = op.getInputsOf(region);
  for (BlockArgument argument : region.getArguments()) {
    unsigned k = argument.getArgNumber();
    if (k < leading || isa<ShapedType>(inputs[k - leading].getType()))
      varying.push_back(argument);
  }
  return countBlock(region.front(), varying);
}

/// The operations of what `build` makes of a score and a shift.
static Operations
countScored(Location loc,
            function_ref<void(OpBuilder &, Value score, Value shift)> build) {
  Block block;
  OpBuilder builder(loc.getContext());
  Type f32 = builder.getF32Type();
  Value score = block.addArgument(f32, loc),
        shift = block.addArgument(f32, loc);
  builder.setInsertionPointToStart(&block);
  build(builder, score, shift);
  return countBlock(block, {score, shift});
}

/// What a normalizer does for each key: with a running maximum, a step of it;
/// the weight; with a mass, a step of its sum.
static Operations countNormalizer(NormalizerAttrInterface normalizer,
                                  Location loc) {
  Operations one =
      countScored(loc, [&](OpBuilder &builder, Value score, Value shift) {
        normalizer.buildWeight(builder, loc, score, shift);
      });
  one.flops += (normalizer.hasShift() ? 1 : 0) + (normalizer.hasMass() ? 1 : 0);
  return one;
}

/// What weighted sum `k` takes for each key and column.
static Operations countValue(AttentionOpInterface op, unsigned k) {
  Operations one =
      op.isLogWeight(k)
          ? countScored(op.getLoc(),
                        [&](OpBuilder &builder, Value score, Value shift) {
                          op.getNormalizer().buildLogWeight(
                              builder, op.getLoc(), score, shift);
                        })
          : countRegion(op, op.getValue(k));
  one.flops += 2; // weighed, summed
  return one;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

AttentionWork explain::measureAttention(AttentionOp op, Sizes &sizes) {
  auto self = cast<AttentionOpInterface>(op.getOperation());
  DomainAttr domain = op.getDomain();
  auto bounds = op.getMixedBounds();
  auto product = [&](auto dims) {
    SizePolynomial result(1);
    for (auto dim : dims)
      result = result * sizes.valueOf(bounds[dim]);
    return result;
  };
  AttentionWork work;
  work.queries = product(domain.getDims(DimKind::parallel));
  work.keys = product(domain.getDims(DimKind::key));

  for (unsigned k = 0; k < self.getNumContractions(); ++k) {
    Operations one = countRegion(self, self.getContraction(k));
    one.flops += 1; // the sum
    work.perPair += one * product(self.getDimsOfContraction(k));
  }
  work.perPair += countRegion(self, op.getScore());
  work.perPair += countNormalizer(op.getNormalizer(), op.getLoc());
  for (unsigned k = 0; k < self.getNumValues(); ++k) {
    SizePolynomial columns = product(self.getDimsOfValue(k));
    work.perPair += countValue(self, k) * columns;
    Operations last;
    last.flops = 1; // by the mass
    work.perQuery += last * columns;
  }
  for (unsigned out = 0; out < op.getOuts().size(); ++out) {
    if (op.getResultKind(out) == ResultKind::output)
      work.perQuery +=
          countRegion(self, self.getEpilogue(op.getOutputNumber(out))) *
          product(op.getDimsOfOutput(out));
    if (op.getResultKind(out) == ResultKind::max ||
        op.getResultKind(out) == ResultKind::argmax) {
      Operations one;
      one.flops = 1; // compared
      work.perPair += one;
    }
  }
  if (!op.getSink().empty()) { // weighed as one more key
    work.perQuery += countRegion(self, op.getSink());
    work.perQuery += countNormalizer(op.getNormalizer(), op.getLoc());
  }

  llvm::SetVector<Value> operands;
  ScheduleAttr schedule = *op.getSchedule();
  llvm::SetVector<std::pair<Value, AffineMap>> streams;
  for (auto [k, input] : llvm::enumerate(op.getInputs())) {
    if (!isa<ShapedType>(input.getType()))
      continue; // scalars stay in registers
    operands.insert(stripViews(input));
    AffineMap access = self.getInputAccess(k);
    if (access.isFunctionOfDim(schedule.getKeyDim()) &&
        streams.insert({input, access})) {
      SizePolynomial elements(1);
      for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
        bool isInTile = dim == schedule.getQueryDim() ||
                        domain.isKind(dim, DimKind::contraction) ||
                        domain.isKind(dim, DimKind::value);
        if (isInTile && access.isFunctionOfDim(dim))
          elements = elements * sizes.valueOf(bounds[dim]);
      }
      work.perKey +=
          elements *
          SizePolynomial(elementBytes(getElementTypeOrSelf(input.getType())));
    }
  }
  for (Value operand : operands)
    work.read += sizes.bytesOf(operand);
  for (Value out : op.getOuts())
    work.written += sizes.bytesOf(out);
  work.groups = sizes.valueOf(bounds[schedule.getQueryDim()])
                    .ceilDiv(static_cast<double>(schedule.getQueryTile() *
                                                 schedule.getQueryGroup()));
  for (unsigned dim : domain.getDims(DimKind::parallel))
    if (dim != schedule.getQueryDim())
      work.groups = work.groups * sizes.valueOf(bounds[dim]);
  return work;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// The sizes of the loops of `op`, from the shapes of its operands.
static std::vector<SizePolynomial> loopSizes(linalg::LinalgOp op,
                                             Sizes &sizes) {
  std::vector<SizePolynomial> loops(op.getNumLoops(),
                                    SizePolynomial::integer("?"));
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<ShapedType>(operand.get().getType()))
      continue;
    auto shape = sizes.shapeOf(operand.get());
    for (auto [expr, size] :
         llvm::zip(op.getMatchingIndexingMap(&operand).getResults(), shape))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        loops[dim.getPosition()] = size;
  }
  return loops;
}

/// Bytes of weights among what `op` reads; null polynomials are 0.
static SizePolynomial weightBytesOf(Operation *op, Sizes &sizes) {
  SizePolynomial bytes;
  for (Value operand : op->getOperands()) {
    Value source = stripViews(operand);
    if (source.getDefiningOp<ParamRefOp>())
      bytes += sizes.bytesOf(source);
  }
  return bytes;
}

std::vector<Layer> explain::measureLayers(func::FuncOp entry, Sizes &sizes) {
  std::vector<Layer> layers;
  entry.walk([&](linalg::LinalgOp op) {
    std::vector<SizePolynomial> loops = loopSizes(op, sizes);
    SizePolynomial points(1), results(1), summed(1);
    for (auto [size, kind] :
         llvm::zip_equal(loops, op.getIteratorTypesArray())) {
      points = points * size;
      bool isSum = kind == utils::IteratorType::reduction;
      (isSum ? summed : results) = (isSum ? summed : results) * size;
    }
    SizePolynomial trips = sizes.tripsOf(op);
    SmallVector<Value> varying(op.getBlock()->args_begin(),
                               op.getBlock()->args_end());
    Layer layer{LayerKind::Elementwise,
                op.getLoc(),
                trips,
                countBlock(*op.getBlock(), varying) * points * trips,
                weightBytesOf(op, sizes),
                ""};
    auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
    if (generic ? hasProductSumBody(generic)
                : linalg::isaContractionOpInterface(op)) {
      layer.kind = LayerKind::Product;
      layer.shape = results.text(true) + " x " + summed.text(true);
    } else if (op.getNumReductionLoops() != 0) {
      layer.kind = LayerKind::Reduction;
    }
    layers.push_back(std::move(layer));
  });
  return layers;
}
