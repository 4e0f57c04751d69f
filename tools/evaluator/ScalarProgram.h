//===- ScalarProgram.h - scalar regions as flat code --------------*- C++ -*-=//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EVALUATOR_SCALARPROGRAM_H
#define FOVEA_TOOLS_EVALUATOR_SCALARPROGRAM_H

#include "tools/evaluator/Values.h"

namespace fovea::evaluator {

/// A scalar region, compiled once into instructions over registers, so that
/// running it looks nothing up and walks no IR. A register holds the values of
/// several points, its lanes: an instruction is decoded once for all of them.
class ScalarProgram {
public:
  /// Compiles the body of a region up to its terminator. `numIndices` is the
  /// number of dimensions that attn.index or linalg.index may name; values
  /// from outside are taken from `frame` now. Fails at an op that is no scalar
  /// op.
  static mlir::FailureOr<ScalarProgram>
  compile(mlir::Block &body, unsigned numIndices, const Frame &frame);
  /// Compiles one op outside of any region.
  static mlir::FailureOr<ScalarProgram> compile(mlir::Operation *op,
                                                const Frame &frame);

  /// How many points may be run at once; one if what is run depends on values.
  unsigned getNumLanes() const { return numLanes; }
  /// Sets an argument for all lanes.
  void setArgument(unsigned argument, Cell value) {
    std::fill_n(getLanes(argument), numLanes, value);
  }
  /// Sets an argument to `count` elements of a tensor, one for each lane.
  void loadArgument(unsigned argument, const Array &array, int64_t offset,
                    int64_t stride, unsigned count);
  /// Sets the value of a dimension: `first` in lane 0, then `step` more each.
  void setIndex(unsigned dim, int64_t first, int64_t step = 0);
  bool usesIndex(unsigned dim) const { return usedIndices[dim]; }
  /// Runs the first `count` lanes; fails at an op that has no defined value.
  mlir::LogicalResult run(unsigned count = 1);
  /// Operand `k` of the terminator, or result `k` of the one op: its lanes.
  const Cell *getResults(unsigned k) const {
    return registers.data() + results[k] * numLanes;
  }
  Cell getResult(unsigned k) const { return *getResults(k); }

private:
  friend class ScalarCompiler;

  enum class Opcode : uint8_t {
#define FLOAT(op, name, value) name,
#define INTEGER(op, name, value) name,
#include "tools/evaluator/ScalarOps.def"
    CmpF,
    CmpI,
    Select,
    DivSI,
    DivUI,
    RemSI,
    RemUI,
    FloorDivSI,
    CeilDivSI,
    CeilDivUI,
    Extract,    // tensors[extra] at the coordinates in operands[a ...]
    Move,       // result = a
    Jump,       // to extra
    JumpUnless, // to extra unless a
  };
  struct Instruction {
    Opcode opcode;
    /// The width of an integer result, and of integer operands.
    uint8_t width = 64, from = 64;
    uint8_t predicate = 0;
    unsigned result = 0, a = 0, b = 0, c = 0, extra = 0;
    mlir::Operation *op = nullptr;
  };
  struct CapturedTensor {
    Array array;
    llvm::SmallVector<int64_t> strides;
  };

  Cell *getLanes(unsigned reg) { return registers.data() + reg * numLanes; }
  /// Gives each register its lanes, once all instructions are known.
  void addLanes();
  mlir::LogicalResult divide(const Instruction &in, unsigned count);
  mlir::LogicalResult extract(const Instruction &in, unsigned count);

  std::vector<Instruction> code;
  std::vector<Cell> registers;
  std::vector<unsigned> operands;
  std::vector<CapturedTensor> tensors;
  llvm::SmallVector<unsigned> results;
  llvm::SmallVector<bool> usedIndices;
  unsigned numArguments = 0, numLanes = 1;
};

} // namespace fovea::evaluator

#endif // FOVEA_TOOLS_EVALUATOR_SCALARPROGRAM_H
