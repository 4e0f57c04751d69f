//===- TileLinear.cpp - linear layers to the tile form --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layer is a product sum over packed weights (see PackParams), and the
// elementwise computation that alone reads its result. Layers that have their
// input in common, as the projections of an attention have, are one parallel
// loop: a task is a block of rows by a group of panels of the output features
// of one of them (see LayerTiler).
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"
#include "passes/Passes.h"
#include "passes/tile/LayerTiler.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include <vector>

namespace fovea::attn {
#define GEN_PASS_DEF_TILELINEARPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

/// Rows of a block are a multiple of this where there are several blocks: few
/// register tiles are left over; with pairs, few blocks of a matrix unit.
static constexpr int64_t rowStepPlain = 4, rowStepPairs = 32;

/// Rows of a block, however long they are: fewer would read the weights too
/// often.
static constexpr int64_t leastRows = 96;

/// Tasks for each thread beside the first, at least: all end at about the same
/// time.
static constexpr int64_t tasksPerThread = 4;

/// Groups of panels without pairs are so many times as large as with them: each
/// copies its rows anew, and all panels of one need not be near together.
static constexpr int64_t plainGroup = 4;

namespace {
/// What a task may have at most.
struct TaskSizes {
  int64_t rows, inputBytes, panels;
};

/// Builds the parallel loop of some layers in the place of the last of them.
class LayersTiler {
public:
  LayersTiler(RewriterBase &rewriter, ArrayRef<LinearLayer> layers,
              TaskSizes sizes)
      : rewriter(rewriter), first(layers.front()),
        loc(linalg::GenericOp(first.op).getLoc()),
        rowStep(first.pairs ? rowStepPairs : rowStepPlain),
        panelGroup(first.pairs ? sizes.panels : plainGroup * sizes.panels) {
    rewriter.setInsertionPoint(layers.back().getLast());
    for (const LinearLayer &layer : layers)
      tilers.emplace_back(rewriter, layer);
    int64_t bytes = first.pairs ? 2 : 4; // of a row
    for (unsigned loop : first.columns)
      bytes *= linalg::GenericOp(first.op).getStaticLoopRanges()[loop];
    int64_t fitting = std::max(sizes.inputBytes / bytes, leastRows);
    // In whole steps, so that equal blocks are no larger and none is empty.
    rowBlock =
        std::max(std::min(sizes.rows, fitting) / rowStep, int64_t(1)) * rowStep;
  }
  void run();

private:
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  }
  /// How many blocks `size` rows are cut into, and the rows of each but the
  /// last: as few as have no more than `rowBlock`, and as equal as can be.
  std::pair<Value, Value> cutRows(Value size);
  /// Cuts the panels of each layer into groups; `rowTasks` is how many tasks
  /// each group has.
  void cutPanels(Value rowTasks);
  /// Builds the group that has this number when those of the layers from `k` on
  /// are counted one after the other.
  void buildGroup(unsigned k, Value number, ValueRange rowStarts,
                  Value rowCount);

  RewriterBase &rewriter;
  const LinearLayer &first;
  Location loc;
  int64_t rowStep;
  std::vector<LayerTiler> tilers;
  /// Rows and panels of a task, at most.
  int64_t rowBlock, panelGroup;
  /// Of each layer: its groups, and the panels of each but the last.
  struct Groups {
    Value count, panels;
  };
  SmallVector<Groups> groups;
};
} // namespace

std::pair<Value, Value> LayersTiler::cutRows(Value size) {
  auto divide = [&](Value a, Value b) {
    return rewriter.createOrFold<arith::CeilDivSIOp>(loc, a, b);
  };
  Value count = divide(size, index(rowBlock));
  // There may be no rows.
  Value atLeastOne =
      rewriter.createOrFold<arith::MaxSIOp>(loc, count, index(1));
  Value step = index(rowStep);
  Value block = divide(divide(size, atLeastOne), step);
  block = rewriter.createOrFold<arith::MulIOp>(loc, block, step);
  return {count, block};
}

void LayersTiler::cutPanels(Value rowTasks) {
  int64_t panels = 0;
  for (LayerTiler &tiler : tilers)
    panels += tiler.countPanels();
  // As many panels as are allowed, but no more than leave each thread some
  // tasks to choose from. A panel computes the same in any group.
  Value others = arith::SubIOp::create(
      rewriter, loc, WorkersOp::create(rewriter, loc), index(1));
  Value tasks =
      arith::MulIOp::create(rewriter, loc, others, index(tasksPerThread));
  tasks = arith::MaxSIOp::create(rewriter, loc, tasks, index(1));
  Value all = arith::MulIOp::create(rewriter, loc, rowTasks, index(panels));
  Value most = arith::CeilDivSIOp::create(rewriter, loc, all, tasks);
  most = arith::MinSIOp::create(rewriter, loc, most, index(panelGroup));
  most = arith::MaxSIOp::create(rewriter, loc, most, index(1));
  for (LayerTiler &tiler : tilers) {
    Value own = index(tiler.countPanels());
    Value count = arith::CeilDivSIOp::create(rewriter, loc, own, most);
    groups.push_back(
        {count, arith::CeilDivSIOp::create(rewriter, loc, own, count)});
  }
}

void LayersTiler::buildGroup(unsigned k, Value number, ValueRange rowStarts,
                             Value rowCount) {
  auto build = [&] {
    Value panel =
        arith::MulIOp::create(rewriter, loc, number, groups[k].panels);
    Value left = arith::SubIOp::create(rewriter, loc,
                                       index(tilers[k].countPanels()), panel);
    Value count = arith::MinSIOp::create(rewriter, loc, left, groups[k].panels);
    // Scratch memory is as large as the largest group.
    count = arith::MinSIOp::create(rewriter, loc, count, index(panelGroup));
    tilers[k].build(rowStarts, rowCount, panel, count);
  };
  if (k + 1 == tilers.size())
    return build();
  Value isOwn = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                      number, groups[k].count);
  auto branch =
      scf::IfOp::create(rewriter, loc, isOwn, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  build();
  rewriter.setInsertionPointToStart(branch.elseBlock());
  Value rest = arith::SubIOp::create(rewriter, loc, number, groups[k].count);
  buildGroup(k + 1, rest, rowStarts, rowCount);
}

void LayersTiler::run() {
  SmallVector<OpFoldResult> counts;
  Value size, block, rowTasks = index(1);
  for (unsigned loop : first.rows) {
    Value count = tilers.front().buildSize(loop);
    if (loop == first.getBlockedRow()) {
      size = count;
      std::tie(count, block) = cutRows(size);
    }
    rowTasks = rewriter.createOrFold<arith::MulIOp>(loc, rowTasks, count);
    counts.push_back(count);
  }
  cutPanels(rowTasks);
  Value allGroups = index(0);
  for (auto [tiler, own] : llvm::zip_equal(tilers, groups)) {
    tiler.prepare();
    allGroups = rewriter.createOrFold<arith::AddIOp>(loc, allGroups, own.count);
  }
  counts.push_back(allGroups);
  auto forall =
      scf::ForallOp::create(rewriter, loc, counts, ValueRange(), std::nullopt);
  rewriter.setInsertionPointToStart(forall.getBody());

  SmallVector<Value> starts(forall.getInductionVars());
  Value group = starts.pop_back_val();
  Value rowCount = index(1);
  if (block) {
    starts.back() = arith::MulIOp::create(rewriter, loc, starts.back(), block);
    Value left = arith::SubIOp::create(rewriter, loc, size, starts.back());
    rowCount = arith::MinSIOp::create(rewriter, loc, left, block);
    // Scratch memory is as large as the largest block.
    rowCount = arith::MinSIOp::create(rewriter, loc, rowCount, index(rowBlock));
  }
  buildGroup(0, group, starts, rowCount);
}

namespace {
struct TileLinearPass : fovea::attn::impl::TileLinearPassBase<TileLinearPass> {
  using TileLinearPassBase::TileLinearPassBase;
  void runOnOperation() override {
    SmallVector<SmallVector<LinearLayer>> groups;
    llvm::SmallDenseSet<Operation *> epilogues;
    getOperation()->walk([&](linalg::GenericOp op) {
      std::optional<LinearLayer> layer = matchLinearLayer(op);
      if (!layer)
        return;
      // What is computed from two layers belongs to the first.
      if (layer->epilogue && !epilogues.insert(layer->epilogue).second)
        layer->epilogue = {};
      auto isTogether = [&](const LinearLayer &other) {
        return canComputeTogether(other, *layer);
      };
      if (groups.empty() || !llvm::all_of(groups.back(), isTogether))
        groups.emplace_back();
      groups.back().push_back(*layer);
    });
    IRRewriter rewriter(&getContext());
    for (ArrayRef<LinearLayer> layers : groups) {
      LayersTiler(rewriter, layers, {rowBlock, inputBytes, panelGroup}).run();
      for (const LinearLayer &layer : layers)
        erase(rewriter, layer);
    }
  }

  static void erase(RewriterBase &rewriter, LinearLayer layer) {
    Value buffer = layer.op.getOutputs()[0];
    if (layer.epilogue)
      rewriter.eraseOp(layer.epilogue);
    rewriter.eraseOp(layer.op);
    rewriter.eraseOp(layer.fill);
    if (auto alloc = buffer.getDefiningOp<memref::AllocOp>();
        alloc && alloc->use_empty())
      rewriter.eraseOp(alloc);
  }
};
} // namespace
