//===- Alternatives.cpp - One program for several CPUs --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each CPU's program comes from a pipeline of its own: tiles, packed weights
// and instructions differ. The functions carry their CPU as attributes, so that
// one module, and one run of LLVM's passes, holds them all.
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Emit.h"

#include "llvm/IR/Constants.h"
#include "llvm/Linker/Linker.h"

using namespace llvm;

/// Makes `program` lead to `next`: its last field, `alternative`.
static void chain(GlobalVariable &program, GlobalVariable &next) {
  auto *fields = cast<ConstantStruct>(program.getInitializer());
  SmallVector<Constant *> values;
  for (const Use &field : fields->operands())
    values.push_back(cast<Constant>(field));
  values.back() = &next;
  program.setInitializer(ConstantStruct::get(fields->getType(), values));
}

Expected<std::unique_ptr<Module>>
fovea::emit::joinAlternatives(std::vector<Alternative> alternatives,
                              StringRef prefix) {
  if (alternatives.size() == 1)
    return std::move(alternatives.front().module);
  std::string exported = (prefix + "_program").str();
  SmallVector<std::string> names;
  for (auto &[module, cpu] : alternatives) {
    for (Function &function : *module)
      if (function.hasLocalLinkage())
        function.setName(function.getName() + "." + cpu);
    GlobalVariable *program = module->getNamedGlobal(exported);
    names.push_back(exported + "." + cpu);
    program->setName(names.back());
  }
  std::unique_ptr<Module> joined = std::move(alternatives.front().module);
  for (Alternative &other : drop_begin(alternatives))
    if (Linker::linkModules(*joined, std::move(other.module)))
      return createStringError("the program for '" + other.cpu +
                               "' cannot be joined with the others");
  // Only now: the linker would leave out what nothing refers to.
  for (const auto &[name, next] : zip(names, drop_begin(names))) {
    GlobalVariable *alternative = joined->getNamedGlobal(next);
    alternative->setLinkage(GlobalValue::InternalLinkage);
    chain(*joined->getNamedGlobal(name), *alternative);
  }
  joined->getNamedGlobal(names.front())->setName(exported);
  return joined;
}
