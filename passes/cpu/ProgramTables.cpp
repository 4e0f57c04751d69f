//===- ProgramTables.cpp - What the runtime knows of a program ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/ProgramTables.h"

#include "passes/cpu/ConstantTable.h"
#include "passes/cpu/ElementTypes.h"
#include "passes/cpu/RangeCode.h"

#include "runtime/fovea_abi.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace fovea::attn;

namespace {

using Row = ConstantTables::Row;
using Field = ConstantTables::Field;

/// Builds the tables of one program. All names but the program's are internal;
/// they have a dot, so that none is that of a function of the C library.
class ProgramWriter {
public:
  explicit ProgramWriter(ModuleOp module) : tables(module) {}

  LogicalResult write(const ProgramIdentity &identity,
                      ArrayRef<BoundEntry> entries,
                      const ProgramParams &params);

private:
  FailureOr<Field> symbolTable(StringRef owner, ArrayRef<IndexSymbol> symbols,
                               Operation *op);
  Field dimTable(StringRef owner, ArrayRef<DimFactors> dims);
  FailureOr<Field> tensorTable(StringRef owner,
                               ArrayRef<TensorSignature> tensors);
  FailureOr<Row> entryRow(BoundEntry entry);
  FailureOr<Row> paramRow(const ParamSignature &param);

  ConstantTables tables;
};

FailureOr<Field> ProgramWriter::symbolTable(StringRef owner,
                                            ArrayRef<IndexSymbol> symbols,
                                            Operation *op) {
  SmallVector<Row> rows;
  for (const IndexSymbol &symbol : symbols) {
    Field code = ConstantTables::Null{};
    int64_t words = 0;
    if (symbol.kind == IndexSymbol::Kind::Computed) {
      FailureOr<SmallVector<int64_t>> program = encodeRange(symbol, op);
      if (failed(program))
        return failure();
      words = program->size();
      code =
          tables.numbers((owner + "." + symbol.name + ".code").str(), *program);
    }
    static_assert(
        static_cast<int>(IndexSymbol::Kind::Solved) == FOVEA_SYMBOL_SOLVED &&
        static_cast<int>(IndexSymbol::Kind::Fixed) == FOVEA_SYMBOL_FIXED &&
        static_cast<int>(IndexSymbol::Kind::Computed) ==
            FOVEA_SYMBOL_COMPUTED &&
        static_cast<int>(IndexSymbol::Kind::Program) == FOVEA_SYMBOL_PROGRAM);
    rows.push_back({tables.text((owner + "." + symbol.name).str(), symbol.name),
                    code, ConstantTables::i64(symbol.size),
                    ConstantTables::i32(static_cast<int>(symbol.kind)),
                    ConstantTables::i32(words)});
  }
  return tables.table((owner + ".symbols").str(), rows);
}

Field ProgramWriter::dimTable(StringRef owner, ArrayRef<DimFactors> dims) {
  SmallVector<Row> rows;
  for (const DimFactors &factors : dims)
    rows.push_back({tables.numbers((owner + ".factors").str(), factors),
                    ConstantTables::i64(factors.size())});
  return tables.table((owner + ".dims").str(), rows);
}

FailureOr<Field> ProgramWriter::tensorTable(StringRef owner,
                                            ArrayRef<TensorSignature> tensors) {
  SmallVector<Row> rows;
  for (const TensorSignature &tensor : tensors) {
    std::string name = (owner + "." + tensor.name).str();
    std::optional<fovea_dtype> dtype = elementTypeCode(tensor.elementType);
    if (!dtype)
      return emitError(tensor.loc, "expected elements that a tensor can have, "
                                   "but found ")
             << tensor.elementType << " in '" << tensor.name << "'";
    rows.push_back(
        {tables.text(name, tensor.name), dimTable(name, tensor.dims),
         ConstantTables::i32(*dtype), ConstantTables::i32(tensor.dims.size()),
         ConstantTables::i32(tensor.isScalar ? FOVEA_TENSOR_SCALAR : 0),
         ConstantTables::i32(0)});
  }
  return tables.table(owner, rows);
}

FailureOr<Row> ProgramWriter::entryRow(BoundEntry entry) {
  const EntrySignature &signature = entry.signature;
  const std::string &name = signature.name;
  FailureOr<Field> symbols = symbolTable(name, signature.symbols, entry.run);
  FailureOr<Field> inputs = tensorTable(name + ".inputs", signature.inputs);
  FailureOr<Field> outputs = tensorTable(name + ".outputs", signature.outputs);
  if (failed(symbols) || failed(inputs) || failed(outputs))
    return failure();
  SmallVector<Row> requirements;
  for (StringRef message : entry.requirements)
    requirements.push_back({tables.text(name + ".requirement", message)});
  Field workspaceSize = ConstantTables::Null{};
  if (entry.workspaceSize)
    workspaceSize = entry.workspaceSize;
  return Row{tables.text(name + ".name", name),
             *symbols,
             *inputs,
             *outputs,
             tables.table(name + ".requirements", requirements),
             entry.run,
             workspaceSize,
             ConstantTables::i32(signature.symbols.size()),
             ConstantTables::i32(signature.inputs.size()),
             ConstantTables::i32(signature.outputs.size()),
             ConstantTables::i32(requirements.size())};
}

FailureOr<Row> ProgramWriter::paramRow(const ParamSignature &param) {
  std::optional<fovea_dtype> dtype = elementTypeCode(param.elementType);
  if (!dtype)
    return emitError(param.loc, "expected elements that a tensor can have, but "
                                "found ")
           << param.elementType << " in '" << param.name << "'";
  int32_t layout = param.block == 0 ? FOVEA_LAYOUT_ROW_MAJOR
                   : param.pairs    ? FOVEA_LAYOUT_PAIR_PANELS
                                    : FOVEA_LAYOUT_PANELS;
  return Row{tables.text(param.name + ".source", param.source),
             dimTable(param.name, param.dims),
             tables.numbers(param.name + ".order", param.order, 8),
             ConstantTables::i64(0),
             ConstantTables::i32(param.members),
             ConstantTables::i32(*dtype),
             ConstantTables::i32(param.dims.size()),
             ConstantTables::i32(layout),
             ConstantTables::i32(0),
             ConstantTables::i32(param.columnRank),
             ConstantTables::i32(param.block),
             ConstantTables::i32(0)};
}

LogicalResult ProgramWriter::write(const ProgramIdentity &identity,
                                   ArrayRef<BoundEntry> entries,
                                   const ProgramParams &params) {
  SmallVector<Row> entryRows, paramRows;
  for (const BoundEntry &entry : entries) {
    FailureOr<Row> row = entryRow(entry);
    if (failed(row))
      return failure();
    entryRows.push_back(*row);
  }
  for (const ParamSignature &param : params.params) {
    FailureOr<Row> row = paramRow(param);
    if (failed(row))
      return failure();
    paramRows.push_back(*row);
  }
  FailureOr<Field> symbols = symbolTable("program", params.symbols, nullptr);
  if (failed(symbols))
    return failure();
  tables.exported(identity.prefix + "_program",
                  {ConstantTables::i32(FOVEA_ABI_VERSION),
                   ConstantTables::i32(sizeof(fovea_program)),
                   tables.text("program.name", identity.prefix),
                   tables.text("program.cpu", identity.targetCpu),
                   ConstantTables::i64(identity.cpuFeatures),
                   tables.table("program.entries", entryRows),
                   tables.table("program.params", paramRows), *symbols,
                   ConstantTables::i32(entryRows.size()),
                   ConstantTables::i32(paramRows.size()),
                   ConstantTables::i32(params.symbols.size()),
                   ConstantTables::i32(0), ConstantTables::Null{}});
  return success();
}

} // namespace

LogicalResult fovea::attn::addProgramTables(ModuleOp module,
                                            const ProgramIdentity &identity,
                                            ArrayRef<BoundEntry> entries,
                                            const ProgramParams &params) {
  return ProgramWriter(module).write(identity, entries, params);
}
