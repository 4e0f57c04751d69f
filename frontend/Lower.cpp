//===- Lower.cpp - From checked programs to MLIR --------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Lower.h"
#include "dialect/Attn.h"
#include "frontend/Lowering.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringExtras.h"

using namespace fovea::frontend;
using namespace mlir;
namespace attn = fovea::attn;

void fovea::frontend::loadDialects(MLIRContext &context) {
  context.loadDialect<attn::AttnDialect, arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect, scf::SCFDialect,
                      tensor::TensorDialect>();
}

/// The parameter's name in the file, with `{}` for the member of a family.
static std::string sourceOf(const Tensor *param) {
  std::string source = param->source;
  if (!param->familyRank)
    return source;
  std::string member = "{" + param->dims.front().front().index->name + "}";
  size_t at = source.find(member);
  return source.replace(at, member.size(), "{}");
}

/// The shape of the parameter in its file; nothing, with errors, when a size is
/// not known: weights are packed and laid out before a file is seen.
static std::optional<SmallVector<int64_t>> paramShape(const Tensor *param,
                                                      Diagnostics &diags) {
  SmallVector<int64_t> shape;
  bool ok = true;
  for (ArrayRef<TensorPart> dim :
       ArrayRef(param->dims).drop_front(param->familyRank)) {
    shape.push_back(1);
    for (const TensorPart &part : dim) {
      if (part.extent->isStatic()) {
        shape.back() *= part.extent->value;
        continue;
      }
      ok = false;
      std::string name = part.index ? part.index->name : part.extent->name;
      diags
          .error(param->loc, "the size of '" + name + "' in the parameter '" +
                                 param->name + "' is not known when compiling")
          .help("give it a range, as in '" + name +
                " in 0..64', or a size: --set MODEL." + name + "=64");
    }
  }
  if (!ok)
    return std::nullopt;
  return shape;
}

static std::string exportedNames(const Program &program) {
  if (program.functions.empty())
    return "it exports nothing";
  return "it exports " +
         llvm::join(llvm::map_range(
                        program.functions,
                        [](const Function &function) { return function.name; }),
                    ", ");
}

OwningOpRef<ModuleOp>
fovea::frontend::lowerToMLIR(Checked &checked, MLIRContext &context,
                             Diagnostics &diags,
                             ArrayRef<std::string> entries) {
  loadDialects(context);
  Locations locations(diags.getSources(), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  OpBuilder builder(&context);
  builder.setInsertionPointToEnd(module->getBody());

  Program &program = checked.program;
  SmallVector<const Function *> wanted;
  for (const Function &function : program.functions)
    if (entries.empty() || llvm::is_contained(entries, function.name))
      wanted.push_back(&function);
  for (const std::string &entry : entries)
    if (llvm::none_of(wanted, [&](const Function *function) {
          return function->name == entry;
        }))
      diags
          .error(llvm::SMLoc(),
                 "the program exports no attention or entry '" + entry + "'")
          .help(exportedNames(program));
  if (diags.hasErrors())
    return nullptr;

  llvm::MapVector<const Tensor *, std::string> symbols;
  llvm::StringMap<unsigned> used;
  for (const Function *function : wanted)
    used[function->name] = 1;
  for (const Tensor *param : program.params) {
    // Two models of one file may have parameters of one name.
    std::string name = param->name;
    if (unsigned count = used[name]++)
      name += "_" + std::to_string(count);
    symbols[param] = name;
    std::optional<SmallVector<int64_t>> shape = paramShape(param, diags);
    if (!shape)
      continue;
    int64_t family =
        param->familyRank ? param->dims.front().front().extent->value : 1;
    attn::ParamOp::create(
        builder, locations(param->loc), name, family, sourceOf(param),
        RankedTensorType::get(*shape, storageType(param->dtype, &context)),
        TypeAttr(), attn::PanelAttr());
  }
  if (diags.hasErrors())
    return nullptr;
  bool ok = true; // the other functions may have errors of their own
  for (const Function *function : wanted)
    ok &= succeeded(FunctionLowering(*module, *function, program.graph,
                                     locations, symbols, diags)
                        .run());
  if (!ok)
    return nullptr;
  return module;
}
