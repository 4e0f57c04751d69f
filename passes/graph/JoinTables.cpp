//===- JoinTables.cpp - tables that are made together ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/graph/JoinTables.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace fovea::attn;

/// The sizes of a table.
static SmallVector<OpFoldResult> getSizes(linalg::GenericOp table) {
  return table.getDpsInitOperand(0)
      ->get()
      .getDefiningOp<tensor::EmptyOp>()
      .getMixedSizes();
}

/// Whether nothing but attentions reads a table, so that its size, and the
/// place where it is made, may change.
static bool isFree(linalg::GenericOp table) {
  return llvm::all_of(table->getUsers(), llvm::IsaPred<AttentionOp>);
}

/// Whether two tables are of one function of their indices.
static bool isSameFunction(linalg::GenericOp a, linalg::GenericOp b) {
  return a.getIndexingMaps() == b.getIndexingMaps() &&
         llvm::equal(a.getInputs(), b.getInputs()) &&
         getElementTypeOrSelf(a.getResult(0).getType()) ==
             getElementTypeOrSelf(b.getResult(0).getType()) &&
         OperationEquivalence::isRegionEquivalentTo(
             &a.getRegion(), &b.getRegion(),
             OperationEquivalence::IgnoreLocations);
}

namespace {
/// Builds the larger of two sizes, once for each pair of them.
class LargerSizes {
public:
  explicit LargerSizes(RewriterBase &rewriter) : rewriter(rewriter) {}

  OpFoldResult get(Location loc, OpFoldResult a, OpFoldResult b) {
    std::optional<int64_t> x = getConstantIntValue(a);
    std::optional<int64_t> y = getConstantIntValue(b);
    if (x && y)
      return rewriter.getIndexAttr(std::max(*x, *y));
    if (a == b)
      return a;
    for (auto &[first, second, larger] : known)
      if (first == a && second == b)
        return larger;
    OpFoldResult larger = rewriter.createOrFold<arith::MaxSIOp>(
        loc, getValueOrCreateConstantIndexOp(rewriter, loc, a),
        getValueOrCreateConstantIndexOp(rewriter, loc, b));
    known.emplace_back(a, b, larger);
    return larger;
  }

private:
  RewriterBase &rewriter;
  SmallVector<std::tuple<OpFoldResult, OpFoldResult, OpFoldResult>> known;
};
} // namespace

/// One operation for the results of `tables`, with `sizes` for each.
static linalg::GenericOp buildJoined(RewriterBase &rewriter,
                                     ArrayRef<linalg::GenericOp> tables,
                                     ArrayRef<OpFoldResult> sizes) {
  linalg::GenericOp first = tables.front();
  Location loc = first.getLoc();
  SmallVector<Value> inputs, outs;
  SmallVector<Type> types;
  SmallVector<AffineMap> maps;
  for (linalg::GenericOp table : tables) {
    llvm::append_range(inputs, table.getInputs());
    llvm::append_range(maps, ArrayRef(table.getIndexingMapsArray())
                                 .take_front(table.getNumDpsInputs()));
    outs.push_back(tensor::EmptyOp::create(
        rewriter, loc, sizes,
        getElementTypeOrSelf(table.getResult(0).getType())));
    types.push_back(outs.back().getType());
  }
  for (linalg::GenericOp table : tables)
    maps.push_back(table.getIndexingMapsArray().back());
  return linalg::GenericOp::create(
      rewriter, loc, types, inputs, outs, maps, first.getIteratorTypesArray(),
      [&](OpBuilder &b, Location, ValueRange args) {
        SmallVector<Value> results;
        for (linalg::GenericOp table : tables) {
          IRMapping mapping;
          for (BlockArgument input : table.getRegionInputArgs()) {
            mapping.map(input, args.front());
            args = args.drop_front();
          }
          for (Operation &step : table.getBlock()->without_terminator())
            b.clone(step, mapping);
          results.push_back(mapping.lookupOrDefault(
              table.getBlock()->getTerminator()->getOperand(0)));
        }
        linalg::YieldOp::create(b, loc, results);
      });
}

void fovea::attn::joinTables(RewriterBase &rewriter,
                             SmallVector<linalg::GenericOp> tables) {
  OpBuilder::InsertionGuard guard(rewriter);
  // Functions of queries that are those of keys.
  LargerSizes larger(rewriter);
  SmallVector<linalg::GenericOp> free;
  for (linalg::GenericOp table : tables) {
    if (!isFree(table) || llvm::is_contained(free, table))
      continue;
    auto same = llvm::find_if(free, [&](linalg::GenericOp other) {
      return isSameFunction(other, table);
    });
    if (same == free.end()) {
      free.push_back(table);
      continue;
    }
    rewriter.setInsertionPoint(table);
    SmallVector<OpFoldResult> sizes;
    for (auto [a, b] : llvm::zip_equal(getSizes(*same), getSizes(table)))
      sizes.push_back(larger.get(table.getLoc(), a, b));
    linalg::GenericOp joined = buildJoined(rewriter, table, sizes);
    rewriter.replaceOp(table, joined.getResults());
    rewriter.replaceOp(*same, joined.getResults());
    *same = joined;
  }

  // Functions of the same indices.
  while (!free.empty()) {
    SmallVector<OpFoldResult> sizes = getSizes(free.front());
    SmallVector<linalg::GenericOp> together;
    llvm::erase_if(free, [&](linalg::GenericOp table) {
      if (getSizes(table) != sizes)
        return false;
      together.push_back(table);
      return true;
    });
    if (together.size() == 1)
      continue;
    rewriter.setInsertionPoint(together.back());
    linalg::GenericOp joined = buildJoined(rewriter, together, sizes);
    for (auto [table, result] : llvm::zip(together, joined.getResults()))
      rewriter.replaceOp(table, result);
  }
}
