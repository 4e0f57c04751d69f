//===- BufferLifetimes.cpp - Which buffers may share memory ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/BufferLifetimes.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"

using namespace mlir;
using namespace fovea::attn;

namespace {

/// Positions of operations in program order: an operation with regions spans
/// those inside it.
class Positions {
public:
  explicit Positions(func::FuncOp function) {
    int64_t next = 0;
    function.walk<WalkOrder::PreOrder>(
        [&](Operation *op) { begins[op] = next++; });
    function.walk<WalkOrder::PostOrder>([&](Operation *op) {
      int64_t end = begins[op];
      for (Region &region : op->getRegions())
        for (Operation &inner : region.getOps())
          end = std::max(end, ends[&inner]);
      ends[op] = end;
    });
  }
  int64_t begin(Operation *op) const { return begins.lookup(op); }
  int64_t end(Operation *op) const { return ends.lookup(op); }

private:
  llvm::DenseMap<Operation *, int64_t> begins, ends;
};

struct Lifetime {
  memref::AllocOp alloc;
  int64_t begin, end;
};

/// The last position at which `alloc` or a view of it is in use.
int64_t lastUse(memref::AllocOp alloc, const BufferViewFlowAnalysis &views,
                const Positions &positions, func::FuncOp function) {
  int64_t last = positions.end(alloc);
  Block *home = alloc->getBlock();
  for (Value view : views.resolve(alloc.getResult())) {
    // A view that is handed to the next iteration of a loop around the
    // allocation is in use throughout that loop.
    if (auto argument = dyn_cast<BlockArgument>(view))
      if (Operation *loop = argument.getOwner()->getParentOp();
          loop->isProperAncestor(alloc))
        last = std::max(last, positions.end(loop));
    for (Operation *user : view.getUsers()) {
      Operation *atHome = home->findAncestorOpInBlock(*user);
      last = std::max(last, positions.end(atHome ? atHome : function));
    }
  }
  return last;
}

/// Whether two buffers take equally many bytes, as far as their types and
/// dynamic sizes tell.
bool haveSameSize(memref::AllocOp a, memref::AllocOp b) {
  auto staticBits = [](MemRefType type) {
    int64_t bits = type.getElementTypeBitWidth();
    for (int64_t size : type.getShape())
      bits *= ShapedType::isDynamic(size) ? 1 : size;
    return bits;
  };
  auto dynamic = [](memref::AllocOp alloc) {
    SmallVector<const void *> sizes;
    for (Value size : alloc.getDynamicSizes())
      sizes.push_back(size.getAsOpaquePointer());
    llvm::sort(sizes);
    return sizes;
  };
  return staticBits(a.getType()) == staticBits(b.getType()) &&
         dynamic(a) == dynamic(b);
}

} // namespace

SmallVector<SharedPlace> fovea::attn::shareBuffers(func::FuncOp function) {
  BufferViewFlowAnalysis views(function);
  Positions positions(function);
  SmallVector<Lifetime> lifetimes; // in the order of their beginnings
  function.walk([&](memref::AllocOp alloc) {
    lifetimes.push_back({alloc, positions.begin(alloc),
                         lastUse(alloc, views, positions, function)});
  });
  SmallVector<SharedPlace> places;
  SmallVector<int64_t> busyUntil;
  for (const Lifetime &lifetime : lifetimes) {
    std::optional<size_t> choice;
    for (auto [number, place] : llvm::enumerate(places)) {
      if (busyUntil[number] >= lifetime.begin)
        continue;
      bool fits = llvm::any_of(place.buffers, [&](memref::AllocOp other) {
        return haveSameSize(lifetime.alloc, other);
      });
      if (!choice || fits)
        choice = number;
      if (fits)
        break;
    }
    if (!choice) {
      choice = places.size();
      places.emplace_back();
      busyUntil.push_back(0);
    }
    places[*choice].buffers.push_back(lifetime.alloc);
    busyUntil[*choice] = lifetime.end;
  }
  return places;
}
