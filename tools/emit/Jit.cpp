//===- Jit.cpp - An object loaded into this process -----------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Jit.h"

#include "tools/emit/EmulatedInstructions.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;
using namespace fovea::emit;

LoadedObject::LoadedObject() = default;
LoadedObject::LoadedObject(LoadedObject &&) = default;
LoadedObject::~LoadedObject() = default;

Expected<LoadedObject> LoadedObject::load(StringRef object, StringRef prefix) {
  InitializeNativeTarget();
  LoadedObject loaded;
  // Names that the object does not define are looked up among those of this
  // process: the C library's.
  Expected<std::unique_ptr<orc::LLJIT>> jit = orc::LLJITBuilder().create();
  if (!jit)
    return jit.takeError();
  loaded.jit = std::move(*jit);
  orc::SymbolMap emulated;
  for (const Instruction &instruction : getInstructions())
    emulated[loaded.jit->mangleAndIntern(getSymbol(instruction))] = {
        orc::ExecutorAddr::fromPtr(instruction.function),
        JITSymbolFlags::Exported};
  if (Error error = loaded.jit->getMainJITDylib().define(
          orc::absoluteSymbols(std::move(emulated))))
    return error;
  if (Error error = loaded.jit->addObjectFile(
          MemoryBuffer::getMemBufferCopy(object, "program.o")))
    return error;
  Expected<orc::ExecutorAddr> address =
      loaded.find((prefix + "_program").str());
  if (!address)
    return address.takeError();
  loaded.found = address->toPtr<const fovea_program *>();
  return loaded;
}

Expected<orc::ExecutorAddr> LoadedObject::find(StringRef symbol) const {
  return jit->lookup(symbol);
}
