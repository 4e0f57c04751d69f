//===- BindRuntime.cpp - A program becomes what the runtime calls ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Entries become functions of an invocation; the tables that describe them,
// and the weights, become the one constant that the object exports.
//
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/cpu/BindInvocation.h"
#include "passes/cpu/ProgramTables.h"

#include "dialect/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

namespace fovea::attn {
#define GEN_PASS_DEF_BINDRUNTIMEPASS
#include "passes/Passes.h.inc"
} // namespace fovea::attn

using namespace mlir;
using namespace fovea::attn;

namespace {

struct BindRuntimePass
    : public fovea::attn::impl::BindRuntimePassBase<BindRuntimePass> {
  using BindRuntimePassBase::BindRuntimePassBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<ProgramParams> params = readParams(module);
    if (failed(params))
      return signalPassFailure();
    std::vector<BoundEntry> entries;
    for (auto function : module.getOps<func::FuncOp>()) {
      if (!function->hasAttr(kEntryAttr))
        continue;
      FailureOr<BoundEntry> entry = bindInvocation(function, *params);
      if (failed(entry))
        return signalPassFailure();
      entries.push_back(std::move(*entry));
    }
    // Only the program is visible outside of the object. An entry may be called
    // `memset` all the same: LLVM would take it for the C library's.
    auto internal =
        LLVM::LinkageAttr::get(&getContext(), LLVM::Linkage::Internal);
    SymbolTable symbols(module);
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      function->setAttr("llvm.linkage", internal);
      if (failed(symbols.rename(function,
                                (prefix + "." + function.getName()).str())))
        return signalPassFailure();
    }
    ProgramIdentity identity{prefix, cpu, features};
    if (failed(addProgramTables(module, identity, entries, *params)))
      return signalPassFailure();
    for (auto param : llvm::make_early_inc_range(module.getOps<ParamOp>()))
      param.erase();
  }
};

} // namespace
