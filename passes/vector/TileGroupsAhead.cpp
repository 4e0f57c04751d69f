//===- TileGroupsAhead.cpp - rows asked for before they are copied --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A group of tiles copies its queries, and each block of keys and values, from
// far away, and its results go there. All that takes time in which nothing is
// computed: a core has few misses under way at once. While tiles are computed
// hardly any are. So each step of the products asks for a few lines of what
// comes next, which is in the second cache then. Only so much is asked for as
// stays there: rows of one head, with other heads between them, share few sets
// of a cache.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileGroupsAhead.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace fovea::attn;

/// Lines that are asked for at a time of each kind of rows: a step lasts long
/// enough for twice as many.
static constexpr int64_t kLinesAtATime = 8;

/// Lines of each kind that are under way, or have come, before they are needed.
static constexpr int64_t kMostLines = 1024;

/// From how many blocks before the last on what the group itself needs no more
/// is asked for.
static constexpr int64_t kLastBlocks = 2;

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

/// Lines of a cache that a row takes.
static int64_t getLines(MemRefType rows) {
  return llvm::divideCeil(rows.getShape().back(),
                          TileCode::getLineElements(rows.getElementType()));
}

/// A number in memory, 0 from the builder's place on.
Value GroupsAhead::createCounter(Location loc) {
  Value zero = code.index(loc, 0);
  Value counter = code.createBuffer(loc, {1}, builder.getIndexType());
  memref::StoreOp::create(builder, loc, zero, counter, zero);
  return counter;
}

/// Asks for rows in what is built after the builder's place in its block, from
/// row `next` on; only if `isNear`, where that is given.
void GroupsAhead::addQueue(Location loc, Value next, ArrayRef<Rows> all,
                           Value isNear) {
  if (all.empty())
    return;
  Queue queue;
  queue.body = builder.getInsertionBlock();
  queue.next = next;
  for (const Rows &rows : all) {
    auto type = cast<MemRefType>(rows.memory.getType());
    SmallVector<OpFoldResult> sizes(type.getRank(), builder.getIndexAttr(1)),
        strides(sizes);
    sizes[rows.dim] = rows.count;
    sizes.back() = builder.getIndexAttr(rows.columns);
    SmallVector<OpFoldResult> first = getAsOpFoldResult(rows.first);
    MemRefType view = memref::SubViewOp::inferRankReducedResultType(
        {ShapedType::kDynamic, rows.columns}, type, first, sizes, strides);
    Value count = arith::MinSIOp::create(
        builder, loc, rows.count, code.index(loc, kMostLines / getLines(view)));
    if (isNear)
      count = arith::SelectOp::create(builder, loc, isNear, count,
                                      code.index(loc, 0));
    queue.all.push_back(
        {memref::SubViewOp::create(builder, loc, view, rows.memory, first,
                                   sizes, strides),
         count, rows.isWritten});
  }
  queues.push_back(std::move(queue));
}

/// The loop over blocks of keys of an attention.
static scf::ForOp findBlocks(scf::ForallOp iteration) {
  scf::ForOp blocks;
  iteration.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
    bool copies = llvm::any_of(*loop.getBody(), llvm::IsaPred<TileLoadOp>);
    bool computes =
        loop.walk([](TileWeighOp) { return WalkResult::interrupt(); })
            .wasInterrupted();
    if (!copies || !computes)
      return WalkResult::advance();
    blocks = loop;
    return WalkResult::interrupt();
  });
  return blocks;
}

void GroupsAhead::prepare(scf::ForallOp iteration) {
  scf::ForOp blocks = findBlocks(iteration);
  if (!blocks || !iteration.isNormalized())
    return;
  OpBuilder::InsertionGuard guard(builder);
  Location loc = iteration.getLoc();
  FutureRows future(builder, code, iteration);
  IRMapping nextGroup = future.buildNextGroup();
  SmallVector<Rows> ofGroup, ofBlock;
  auto add = [&](SmallVector<Rows> &all, std::optional<Rows> rows) {
    if (rows && rows->columns > 0)
      all.push_back(std::move(*rows));
  };

  // The queries of the next group, and the results of this one.
  Operation *anchor = iteration.getBody()->findAncestorOpInBlock(*blocks);
  builder.setInsertionPoint(anchor);
  auto addAccess = [&](Operation *access, bool isBefore) {
    if (isBefore && isa<TileLoadOp>(access))
      add(ofGroup, future.locateAll(access, nextGroup));
    else if (!isBefore && isa<TileStoreOp>(access))
      add(ofGroup, future.locateAll(access, IRMapping()));
  };
  SmallVector<Operation *> steps;
  for (Operation &op : *iteration.getBody())
    steps.push_back(&op);
  bool isBefore = true;
  for (Operation *op : steps) {
    if (op == anchor) {
      isBefore = false;
      continue;
    }
    addAccess(op, isBefore);
    if (auto loop = dyn_cast<scf::ForOp>(op))
      for (Operation &inner : *loop.getBody())
        addAccess(&inner, isBefore);
  }

  Value nextOfGroup = createCounter(loc);
  builder.setInsertionPointToStart(blocks.getBody());
  Value nextOfBlock = createCounter(loc);
  SmallVector<TileLoadOp> loads(blocks.getBody()->getOps<TileLoadOp>());
  for (TileLoadOp load : loads)
    add(ofBlock, future.locateNextBlock(load, blocks, nextGroup));
  Value ahead = arith::MulIOp::create(builder, loc, blocks.getStep(),
                                      code.index(loc, kLastBlocks));
  Value place =
      arith::AddIOp::create(builder, loc, blocks.getInductionVar(), ahead);
  Value isNear = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge,
                                       place, blocks.getUpperBound());
  addQueue(loc, nextOfGroup, ofGroup, isNear);
  addQueue(loc, nextOfBlock, ofBlock);
}

void GroupsAhead::fetch(Location loc) {
  for (const Queue &queue : queues) {
    Region *here = builder.getInsertionBlock()->getParent();
    if (!queue.body->getParent()->isAncestor(here))
      continue;
    Value zero = code.index(loc, 0);
    Value next = memref::LoadOp::create(builder, loc, queue.next, zero);
    int64_t step = 1;
    for (const View &view : queue.all)
      step = std::max(step, kLinesAtATime / getLines(view.getType()));
    for (const View &view : queue.all) {
      Value isLeft = arith::CmpIOp::create(
          builder, loc, arith::CmpIPredicate::slt, next, view.count);
      auto branch = scf::IfOp::create(builder, loc, isLeft,
                                      /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      Value last =
          arith::SubIOp::create(builder, loc, view.count, code.index(loc, 1));
      for (int64_t k = 0; k < step; ++k) {
        // Beyond the last row it is asked for again.
        Value row =
            builder.createOrFold<arith::AddIOp>(loc, next, code.index(loc, k));
        if (k)
          row = arith::MinSIOp::create(builder, loc, row, last);
        code.prefetch(loc, view.rows, {row, zero}, view.getType().getDimSize(1),
                      view.isWritten);
      }
    }
    next = arith::AddIOp::create(builder, loc, next, code.index(loc, step));
    memref::StoreOp::create(builder, loc, next, queue.next, zero);
  }
}
