//===- ElaborateSemantics.cpp - What elaboration tells the tools ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A function's body is elaborated once on its own, with operands of unknown
// type, and once more in every call. Only the first is what its text means.
//
//===----------------------------------------------------------------------===//

#include "frontend/Elaborate.h"
#include "frontend/SemanticIndex.h"

using namespace fovea::frontend;
using llvm::SMLoc;
using llvm::SMRange;

void Elaborator::see(SMRange range, const Binding &binding) {
  if (semantics && !inlineDepth)
    semantics->addName(range, binding.loc,
                       {binding.value, binding.tensor, binding.index});
}

void Elaborator::see(SMRange range, SMLoc definition, const Node *value) {
  if (semantics && !inlineDepth)
    semantics->addName(range, definition, {value, nullptr, nullptr});
}

void Elaborator::see(SMRange range, const Node *value) {
  if (semantics && !inlineDepth)
    semantics->addExpr(range, value);
}

void Elaborator::see(const IndexVar *index, const ast::Range *range) {
  if (semantics)
    semantics->addRange(index, range->end->range);
}

/// `masks.causal` names a module and, after the dot, what is in it.
void Elaborator::see(const ast::NameExpr *name, const Module &module,
                     SMLoc definition, const Node *value) {
  if (!semantics || inlineDepth)
    return;
  SMRange last(SMLoc::getFromPointer(name->name.begin()),
               SMLoc::getFromPointer(name->name.end()));
  semantics->addName(last, definition, {value, nullptr, nullptr});
  if (name->qualifier.empty())
    return;
  SMRange qualifier(SMLoc::getFromPointer(name->qualifier.begin()),
                    SMLoc::getFromPointer(name->qualifier.end()));
  const char *file = module.file->buffer.data();
  semantics->addName(qualifier, SMLoc::getFromPointer(file), {});
}
