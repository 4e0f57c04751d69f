//===- RegionRunner.h - a region of an attn op with its operands --*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_REGIONRUNNER_H
#define FOVEA_TOOLS_EVALUATOR_REGIONRUNNER_H

#include "tools/evaluator/Access.h"
#include "tools/evaluator/ScalarProgram.h"

#include "dialect/Attn.h"

namespace fovea::evaluator {

/// A region of attn.attention or attn.online, ready to be evaluated at points:
/// the index values of the domain's dimensions, then the lookups.
class RegionRunner {
public:
  static mlir::FailureOr<RegionRunner> get(attn::AttentionOpInterface op,
                                           mlir::Region &region,
                                           llvm::ArrayRef<int64_t> symbols,
                                           const Frame &frame);

  bool isPresent() const { return present; }
  /// The dimensions that attn.index names in it.
  llvm::ArrayRef<unsigned> getIndices() const { return indices; }

  /// Sets a block argument that is no operand: a contraction's result or the
  /// weighted value.
  void setLeading(unsigned k, double value) {
    program.setArgument(k, {.f = value});
  }
  mlir::FailureOr<Cell> evaluate(llvm::ArrayRef<int64_t> point);

  /// Calls `visit(k, value)` at `count` points along `dim`, starting at
  /// `point`. Returns nothing, and visits nothing, when some operand is not
  /// read in range and in even steps there.
  template <typename Visit>
  std::optional<mlir::LogicalResult> evaluateRun(llvm::ArrayRef<int64_t> point,
                                                 unsigned dim, int64_t count,
                                                 Visit visit) {
    if (!beginRun(point, dim, count))
      return std::nullopt;
    bool usesIndex = program.usesIndex(dim);
    int64_t lanes = program.getNumLanes();
    for (int64_t begin = 0; begin < count; begin += lanes) {
      int64_t part = std::min(lanes, count - begin);
      for (Operand &operand : operands)
        program.loadArgument(operand.argument, operand.array,
                             operand.run.offset + begin * operand.run.stride,
                             operand.run.stride, part);
      if (usesIndex)
        program.setIndex(dim, point[dim] + begin, 1);
      if (mlir::failed(program.run(part)))
        return mlir::failure();
      const Cell *results = program.getResults(0);
      for (int64_t k = 0; k < part; ++k)
        visit(begin + k, results[k]);
    }
    return mlir::success();
  }

private:
  struct Operand {
    unsigned argument;
    Array array;
    Access access;
    Access::Run run = {0, 0};
  };

  bool beginRun(llvm::ArrayRef<int64_t> point, unsigned dim, int64_t count);
  void setIndices(llvm::ArrayRef<int64_t> point) {
    for (unsigned dim : indices)
      program.setIndex(dim, point[dim]);
  }

  bool present = false;
  ScalarProgram program;
  llvm::SmallVector<unsigned> indices;
  std::vector<Operand> operands;
};

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_REGIONRUNNER_H
