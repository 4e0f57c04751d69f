//===- CheckReads.cpp - Reads stay in their dimensions --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/CheckReads.h"
#include "frontend/Describe.h"
#include "frontend/ReadChecker.h"
#include "sets/Projection.h"

using namespace fovea::frontend;
using fovea::attn::Linear;
using fovea::attn::Predicate;
using llvm::ArrayRef;

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

std::string ReadChecker::quotedPosition() {
  return "position '" + describeExpression(at) + "'";
}

std::string ReadChecker::quotedDimension() {
  return "dimension '" + position.dimension + "' of '" + position.of + "'";
}

/// The read is wrong for all sizes that matter.
void ReadChecker::reportAlways(Side side, const Rows &rows) {
  std::string message = quotedPosition();
  fovea::attn::Bounds bounds;
  IndexSets::Ref value = sets.integer(at);
  if (value && value->kind == fovea::attn::IndexExpr::Kind::Leaf)
    bounds = fovea::attn::boundsOf(value->leaf, rows);
  bool isStatic = position.extent->isStatic();
  if (side == Side::Above && isStatic && bounds.greatest)
    message += " reaches " + std::to_string(*bounds.greatest) + ", but " +
               quotedDimension() + " has size " +
               std::to_string(position.extent->value);
  else if (side == Side::Below && bounds.least)
    message += " reaches " + std::to_string(*bounds.least) + ", below 0, in " +
               quotedDimension();
  else
    message += " leaves " + quotedDimension() + " for every size";
  std::string condition =
      describeExpression(at) +
      (side == Side::Below ? " >= 0" : " < " + describeExpression(size));
  Diagnostic &report = diags.error(loc, message);
  if (const Tensor *tensor = position.read.node->tensor)
    report.note(tensor->loc, "'" + position.of + "' is declared here");
  report.help("guard the read: 'select(" + condition + ", …, 0)', or 'where " +
              condition + "' in a reduction");
}

/// Sizes and operands alone decide.
void ReadChecker::checkSizes(Side side, ArrayRef<Rows> found) {
  constexpr size_t fewConditions = 4;
  std::vector<Rows> conditions;
  for (const Rows &rows : found) {
    std::optional<Rows> condition = onlyUniform(rows);
    if (!condition || conditions.size() == fewConditions) {
      // Try all positions, then.
      const Node *violation = outside(side == Side::Below, side == Side::Above);
      for (const Guard &guard : guards)
        violation = both(asCondition(guard), violation);
      addCheck(ReadCheck::Require, violation,
               quotedPosition() + " leaves " + quotedDimension());
      return;
    }
    if (isAlways(*condition))
      return reportAlways(side, rows);
    conditions.push_back(std::move(*condition));
  }
  for (const Rows &condition : conditions) {
    std::string expected;
    for (const Linear &row : condition) {
      if (isAlways({row}))
        continue; // said by "not empty"
      if (std::optional<Linear> negation = fovea::attn::negated(row))
        expected += (expected.empty() ? "" : " or ") +
                    describeExpression(sets.toCondition(*negation, loc));
    }
    addCheck(ReadCheck::Require, conditionOf(condition),
             quotedPosition() + " leaves " + quotedDimension() + ": expected " +
                 expected);
  }
}

/// Clamping needs an element to be clamped to.
void ReadChecker::checkNotEmpty() {
  std::optional<Linear> none;
  if (IndexSets::Ref extent = sets.integer(size);
      extent && extent->kind == fovea::attn::IndexExpr::Kind::Leaf)
    none = fovea::attn::scaled(extent->leaf, -1);
  if (!none)
    return;
  for (const Rows &rows : complete(Predicate::nonNegative(none)))
    if (std::optional<Rows> condition = onlyUniform(rows))
      if (const Node *violation = conditionOf(*condition))
        addCheck(ReadCheck::Require, violation,
                 quotedDimension() + " is empty, but is read");
}

/// The data decide where a position is.
void ReadChecker::checkLookup() {
  IndexSet indices;
  indices.insert(at->free.begin(), at->free.end());
  const Node *violation = outside(true, true);
  addCheck(ReadCheck::Report, both(guardsOver(indices), violation),
           quotedPosition() + " was out of range of " + quotedDimension() +
               ", and was clamped");
}

/// The data decide whether an affine position is read at all. Only sizes for
/// which it can be wrong are worth a look at the data.
void ReadChecker::checkGuardedByData(ArrayRef<Rows> found) {
  const Node *violation = outside(true, true);
  for (const Guard &guard : guards)
    violation = both(asCondition(guard), violation);
  const Node *gate = nullptr;
  bool isGated = true;
  for (const Rows &rows : found) {
    std::optional<Rows> condition = onlyUniform(rows);
    const Node *term = condition ? conditionOf(*condition) : nullptr;
    isGated &= term != nullptr;
    gate = either(gate, term);
  }
  addCheck(ReadCheck::Report, violation,
           quotedPosition() + " was out of range of " + quotedDimension(),
           isGated ? gate : nullptr);
}

void ReadChecker::run() {
  std::vector<Rows> below = violations(Side::Below);
  std::vector<Rows> above = violations(Side::Above);
  if (below.empty() && above.empty())
    return;
  if (!sets.opaqueIn(at).empty() || !sets.isExact(at)) {
    checkNotEmpty();
    // A remainder, for one, is in range unless the dimension is empty.
    auto isElsewhere = [&](const Rows &rows) {
      Rows others = rows;
      if (IndexSets::Ref extent = sets.integer(size);
          extent && extent->kind == fovea::attn::IndexExpr::Kind::Leaf)
        if (auto row = fovea::attn::scaled(extent->leaf, 1, -1))
          others.push_back(*row);
      return !fovea::attn::isEmptySet(others);
    };
    if (llvm::any_of(below, isElsewhere) || llvm::any_of(above, isElsewhere))
      checkLookup();
    return;
  }
  if (dataDecide()) {
    llvm::append_range(below, above);
    return checkGuardedByData(below);
  }
  if (!below.empty())
    checkSizes(Side::Below, below);
  if (!above.empty())
    checkSizes(Side::Above, above);
}

//===----------------------------------------------------------------------===//
// All reads of a function
//===----------------------------------------------------------------------===//

/// The positions of `read` that are not an index of the same range.
static std::vector<Position> positionsOf(const GuardedRead &read) {
  std::vector<Position> positions;
  auto add = [&](const Node *at, const Extent *extent, llvm::StringRef of,
                 std::string dimension) {
    bool inLoop = llvm::any_of(
        read.loops, [&](const Loop *loop) { return at->index == loop->index; });
    if (!extent || (at->op == NodeOp::Index && !inLoop && at->index->extent &&
                    *at->index->extent == *extent))
      return;
    positions.push_back({read, at, extent, of.str(), std::move(dimension)});
  };
  if (read.node->op == NodeOp::Softmax) {
    for (auto [key, at] : llvm::zip_equal(read.node->bound, read.node->at()))
      add(at, key->extent, "softmax", key->name);
    return positions;
  }
  const Tensor *tensor = read.node->tensor;
  for (auto [k, part] : llvm::enumerate(tensor->parts()))
    add(read.node->operands[k], part.extent, tensor->name,
        part.index ? part.index->name : std::to_string(k));
  return positions;
}

void fovea::frontend::checkReads(IndexGraph &graph, Function &function,
                                 Diagnostics &diags) {
  for (const GuardedRead &read : guardedReads(graph, function, diags))
    for (const Position &position : positionsOf(read))
      ReadChecker(graph, function, diags, position).run();
}
