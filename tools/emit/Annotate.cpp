//===- Annotate.cpp - How often each block of the code ran ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks are counted where they are the same for every CPU: in LLVM IR, after
// all passes that change them. So what emulated code counts holds for the
// machine code that was not run.
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Annotate.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace fovea;

static constexpr StringLiteral blockName = "block";

/// The blocks of a module in order, which their names and counters follow.
static SmallVector<BasicBlock *> getBlocks(Module &module) {
  SmallVector<BasicBlock *> blocks;
  for (Function &function : module)
    for (BasicBlock &block : function)
      blocks.push_back(&block);
  return blocks;
}

size_t emit::numberBlocks(Module &module) {
  SmallVector<BasicBlock *> blocks = getBlocks(module);
  // Two blocks of a function never have one name, not even for a moment.
  for (BasicBlock *block : blocks)
    block->setName("");
  for (auto [number, block] : enumerate(blocks))
    block->setName(blockName + Twine(number));
  return blocks.size();
}

std::string emit::countsSymbol(StringRef prefix) {
  return (prefix + "_block_counts").str();
}

void emit::countBlocks(Module &module, StringRef prefix) {
  SmallVector<BasicBlock *> blocks = getBlocks(module);
  IRBuilder<> builder(module.getContext());
  Type *count = builder.getInt64Ty();
  auto *type = ArrayType::get(count, blocks.size());
  auto *counts = new GlobalVariable(
      module, type, /*isConstant=*/false, GlobalValue::ExternalLinkage,
      ConstantAggregateZero::get(type), countsSymbol(prefix));
  for (auto [number, block] : enumerate(blocks)) {
    builder.SetInsertPoint(block, block->getFirstInsertionPt());
    builder.CreateAtomicRMW(
        AtomicRMWInst::Add,
        builder.CreateConstInBoundsGEP2_64(type, counts, 0, number),
        builder.getInt64(1), MaybeAlign(), AtomicOrdering::Monotonic);
  }
}

/// The number of the block that a line of assembly begins, if it begins one
/// that has a number: `.LBB0_2:  # %block7`, `# %bb.1:  # %block7`.
static std::optional<size_t> getNumber(StringRef line) {
  StringRef name = line.rsplit('%').second;
  size_t number = 0;
  if (!line.contains(':') || !name.consume_front(blockName) ||
      name.getAsInteger(10, number))
    return std::nullopt;
  return number;
}

std::string emit::annotate(StringRef assembly, ArrayRef<int64_t> counts) {
  std::string text;
  raw_string_ostream stream(text);
  while (!assembly.empty()) {
    auto [line, rest] = assembly.split('\n');
    assembly = rest;
    stream << line;
    std::optional<size_t> number = getNumber(line);
    if (number && *number < counts.size())
      stream << " ran " << counts[*number] << " times";
    stream << '\n';
  }
  return text;
}
