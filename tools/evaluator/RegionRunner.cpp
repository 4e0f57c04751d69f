//===- RegionRunner.cpp - a region of an attn op with its operands --------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/RegionRunner.h"

using namespace mlir;
using namespace fovea;
using namespace fovea::evaluator;

FailureOr<RegionRunner> RegionRunner::get(attn::AttentionOpInterface op,
                                          Region &region,
                                          ArrayRef<int64_t> symbols,
                                          const Frame &frame) {
  RegionRunner runner;
  if (region.empty())
    return runner;
  runner.present = true;
  unsigned numDims = op.getDomain().getNumDims();
  FailureOr<ScalarProgram> program =
      ScalarProgram::compile(region.front(), numDims, frame);
  if (failed(program))
    return failure();
  runner.program = std::move(*program);
  for (unsigned dim = 0; dim < numDims; ++dim)
    if (runner.program.usesIndex(dim))
      runner.indices.push_back(dim);

  unsigned argument = op.getNumLeadingArguments(region);
  for (auto [input, map] :
       llvm::zip_equal(op.getInputsOf(region), op.getAccessesOf(region))) {
    const RuntimeValue &value = frame.at(input);
    if (!value.array.isTensor()) {
      runner.program.setArgument(argument++, value.cell);
      continue;
    }
    FailureOr<Access> access =
        Access::get(op, map, symbols, numDims, value.array.getShape());
    if (failed(access))
      return failure();
    runner.operands.push_back({argument++, value.array, std::move(*access)});
  }
  return runner;
}

FailureOr<Cell> RegionRunner::evaluate(ArrayRef<int64_t> point) {
  setIndices(point);
  for (Operand &operand : operands) {
    int64_t offset = operand.access.locate(point);
    // All bits zero is the zero of either kind.
    program.setArgument(operand.argument,
                        offset < 0 ? Cell{.i = 0} : operand.array.load(offset));
  }
  if (failed(program.run()))
    return failure();
  return program.getResult(0);
}

bool RegionRunner::beginRun(ArrayRef<int64_t> point, unsigned dim,
                            int64_t count) {
  for (Operand &operand : operands) {
    std::optional<Access::Run> run =
        operand.access.locateRun(point, dim, count);
    if (!run)
      return false;
    operand.run = *run;
  }
  setIndices(point);
  return true;
}
