//===- AttentionEvaluator.h - one attention op, row by row --------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_ATTENTIONEVALUATOR_H
#define FOVEA_TOOLS_EVALUATOR_ATTENTIONEVALUATOR_H

#include "tools/evaluator/Normalize.h"
#include "tools/evaluator/RegionRunner.h"

#include "llvm/ADT/SmallBitVector.h"

namespace fovea::evaluator {

/// Some dimensions of the domain, iterated in row-major order.
struct Box {
  llvm::SmallVector<unsigned> dims;
  llvm::SmallVector<int64_t> sizes;

  int64_t count() const {
    int64_t product = 1;
    for (int64_t size : sizes)
      product *= size;
    return product;
  }
};

/// An integer formula that accesses may use, and when its value changes.
struct Lookup {
  RegionRunner runner;
  llvm::SmallBitVector dims;
};

/// A region with the lookups that must be computed anew at each of its
/// points, since they depend on its own dimensions.
struct Part {
  RegionRunner runner;
  llvm::SmallVector<unsigned> ownLookups;
};

struct Contraction {
  Part part;
  Box box;
};

/// What is weighed, and the value dimensions of its sum.
struct Weighed {
  /// Absent for the logarithm of the weight.
  Part part;
  Box box;
  bool usesScore;
};

/// What an output makes of the weighted sums.
struct Epilogue {
  Part part;
  /// The value dimensions of the output.
  Box box;
};

struct Result {
  attn::ResultKind kind;
  Array array;
  Access access;
};

/// One attention op, evaluated one row (point of the parallel dimensions) at
/// a time.
class AttentionEvaluator {
public:
  AttentionEvaluator(attn::AttentionOpInterface op, const Frame &frame,
                     Normalizer normalizer)
      : op(op), domain(op.getDomain()), frame(frame), normalizer(normalizer),
        isOnline(llvm::isa<attn::OnlineOp>(op)) {}

  mlir::LogicalResult prepare();
  mlir::LogicalResult run();
  void setResults(Frame &frame);

private:
  /// The weighted sums of a row: for each value one number for each place of
  /// its box.
  using Sums = std::vector<std::vector<double>>;

  Box getBox(llvm::ArrayRef<unsigned> dims) const;
  mlir::LogicalResult prepareDomain();
  mlir::LogicalResult prepareLookups(llvm::ArrayRef<int64_t> symbols);
  mlir::LogicalResult prepareResults(llvm::ArrayRef<int64_t> symbols);
  mlir::FailureOr<Part> getPart(mlir::Region &region, const llvm::Twine &name,
                                llvm::ArrayRef<int64_t> symbols,
                                const llvm::SmallBitVector &dims);
  llvm::SmallBitVector getLookupsOf(mlir::Region &region) const;

  mlir::LogicalResult setLookups(llvm::ArrayRef<unsigned> which);
  template <typename Visit>
  mlir::LogicalResult forEach(const Box &box, Visit visit);
  template <typename Visit>
  mlir::LogicalResult evaluateOver(const Box &box, Part &part, Visit visit);

  mlir::LogicalResult runRow();
  bool isVisited();
  mlir::LogicalResult evaluateScore(double &score);
  mlir::FailureOr<Row> normalizeRow();
  mlir::FailureOr<Sums> addValues(llvm::ArrayRef<double> weights);
  double readSum(const Sums &sums, unsigned k) const;
  mlir::LogicalResult finishOutput(const Sums &sums, unsigned number,
                                   Result &output);
  mlir::LogicalResult finishRow(const Row &row);
  mlir::LogicalResult continueRow();
  mlir::LogicalResult continueSums(llvm::ArrayRef<double> weights,
                                   const RowState &older, double factor);
  mlir::LogicalResult continueStatistics(unsigned next);
  double findMax(double sofar) const;
  int64_t findFirstGreatest(double &greatest) const;
  mlir::FailureOr<int64_t> locate(const Result &result);
  mlir::LogicalResult store(Result &result, Cell cell);

  attn::AttentionOpInterface op;
  attn::DomainAttr domain;
  const Frame &frame;
  Normalizer normalizer;
  bool isOnline;

  llvm::SmallVector<int64_t> bounds, offsets;
  Box parallel, keys;
  std::vector<Lookup> lookups;
  llvm::SmallVector<unsigned> rowLookups, keyLookups;
  std::vector<Contraction> contractions;
  std::vector<Weighed> values;
  std::vector<Epilogue> epilogues;
  Part score, mask, sink;
  std::vector<Result> results;

  /// Index values of all dimensions, then the lookups.
  llvm::SmallVector<int64_t> point;
  std::vector<double> scores;
};

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_ATTENTIONEVALUATOR_H
