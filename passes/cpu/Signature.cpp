//===- Signature.cpp - What an entry takes, returns and is sized by -------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/cpu/Signature.h"

using namespace mlir;
using namespace fovea::attn;

std::optional<int64_t> EntrySignature::findSymbol(StringRef wanted) const {
  for (auto [number, symbol] : llvm::enumerate(symbols))
    if (symbol.name == wanted)
      return number;
  return std::nullopt;
}

int64_t EntrySignature::getOrAddSymbol(StringRef wanted) {
  if (std::optional<int64_t> number = findSymbol(wanted))
    return *number;
  symbols.emplace_back().name = wanted.str();
  return symbols.size() - 1;
}

FailureOr<SmallVector<DimFactors>>
fovea::attn::readDims(Operation *op, Attribute attribute, int64_t rank,
                      function_ref<int64_t(StringRef)> numberOf) {
  auto groups = dyn_cast_or_null<ArrayAttr>(attribute);
  if (!groups || static_cast<int64_t>(groups.size()) != rank) {
    InFlightDiagnostic error = op->emitOpError("expected '")
                               << kDimsAttr << "' with " << rank
                               << " groups of index names, but found ";
    if (attribute)
      return error << attribute;
    return error << "none";
  }
  SmallVector<DimFactors> dims;
  for (Attribute group : groups) {
    DimFactors &factors = dims.emplace_back();
    auto names = dyn_cast<ArrayAttr>(group);
    if (!names || names.empty())
      return op->emitOpError("expected a group of index names in '")
             << kDimsAttr << "', but found " << group;
    for (Attribute name : names) {
      if (auto text = dyn_cast<StringAttr>(name))
        factors.push_back(~numberOf(text.getValue()));
      else if (auto size = dyn_cast<IntegerAttr>(name);
               size && size.getValue().isNonNegative())
        factors.push_back(size.getInt());
      else
        return op->emitOpError("expected an index name or a size in '")
               << kDimsAttr << "', but found " << name;
    }
  }
  return dims;
}

namespace {

/// Fills an EntrySignature from a function's attributes.
class SignatureReader {
public:
  SignatureReader(func::FuncOp function, const ProgramParams &params)
      : function(function), params(params) {}

  FailureOr<EntrySignature> read() {
    signature.name = function.getName().str();
    for (BlockArgument argument : function.getArguments()) {
      DictionaryAttr attributes =
          function.getArgAttrDict(argument.getArgNumber());
      if (attributes && attributes.contains(kWorkspaceAttr))
        continue;
      bool isResult = attributes && attributes.contains(kResultAttr);
      if (failed(readTensor(argument.getType(), attributes, argument.getLoc(),
                            isResult)))
        return failure();
    }
    for (auto [number, type] : llvm::enumerate(function.getResultTypes()))
      if (failed(readTensor(type, function.getResultAttrDict(number),
                            function.getLoc(), /*isResult=*/true)))
        return failure();
    if (failed(readSizes()) || failed(readRanges()))
      return failure();
    for (auto [number, symbol] : llvm::enumerate(params.symbols)) {
      IndexSymbol &own =
          signature.symbols[signature.getOrAddSymbol(symbol.name)];
      own.kind = IndexSymbol::Kind::Program;
      own.size = number;
    }
    return std::move(signature);
  }

private:
  LogicalResult readTensor(Type type, DictionaryAttr attributes, Location loc,
                           bool isResult);
  LogicalResult readSizes();
  LogicalResult readRanges();
  LogicalResult readRange(IndexSymbol &symbol, Attribute attribute);

  func::FuncOp function;
  const ProgramParams &params;
  EntrySignature signature;
};

LogicalResult SignatureReader::readTensor(Type type, DictionaryAttr attributes,
                                          Location loc, bool isResult) {
  auto name =
      attributes ? attributes.getAs<StringAttr>(kNameAttr) : StringAttr();
  if (!name)
    return function.emitOpError("expected '")
           << kNameAttr << "' on each argument and result, but found a "
           << (isResult ? "result" : "argument") << " of type " << type
           << " without it";
  TensorSignature tensor{name.str(), type, {}, true, loc};
  if (auto shaped = dyn_cast<ShapedType>(type)) {
    tensor.elementType = shaped.getElementType();
    tensor.isScalar = false;
    FailureOr<SmallVector<DimFactors>> dims = readDims(
        function, attributes.get(kDimsAttr), shaped.getRank(),
        [&](StringRef index) { return signature.getOrAddSymbol(index); });
    if (failed(dims))
      return failure();
    tensor.dims = std::move(*dims);
  } else if (isResult) {
    return function.emitOpError("expected results that are tensors, but found ")
           << type;
  }
  (isResult ? signature.outputs : signature.inputs)
      .push_back(std::move(tensor));
  return success();
}

LogicalResult SignatureReader::readSizes() {
  auto sizes = function->getAttrOfType<DictionaryAttr>(kSizesAttr);
  if (!sizes)
    return success();
  for (NamedAttribute entry : sizes) {
    auto size = dyn_cast<IntegerAttr>(entry.getValue());
    if (!size || size.getValue().isNegative())
      return function.emitOpError("expected a size of at least 0 for index '")
             << entry.getName().getValue() << "', but found "
             << entry.getValue();
    IndexSymbol &symbol =
        signature.symbols[signature.getOrAddSymbol(entry.getName().getValue())];
    symbol.kind = IndexSymbol::Kind::Fixed;
    symbol.size = size.getInt();
  }
  return success();
}

LogicalResult SignatureReader::readRanges() {
  auto ranges = function->getAttrOfType<DictionaryAttr>(kRangesAttr);
  if (!ranges)
    return success();
  for (NamedAttribute entry : ranges) {
    int64_t number = signature.getOrAddSymbol(entry.getName().getValue());
    IndexSymbol symbol;
    symbol.name = entry.getName().str();
    if (failed(readRange(symbol, entry.getValue())))
      return failure();
    signature.symbols[number] = std::move(symbol);
  }
  return success();
}

LogicalResult SignatureReader::readRange(IndexSymbol &symbol,
                                         Attribute attribute) {
  auto parts = dyn_cast<ArrayAttr>(attribute);
  auto map = parts && !parts.empty() ? dyn_cast<AffineMapAttr>(parts[0])
                                     : AffineMapAttr();
  if (!map || map.getValue().getNumDims() != 0 ||
      map.getValue().getNumResults() != 1 ||
      map.getValue().getNumSymbols() + 1 != parts.size())
    return function.emitOpError("expected a map over symbols and their names "
                                "for the range of index '")
           << symbol.name << "', but found " << attribute;
  symbol.kind = IndexSymbol::Kind::Computed;
  symbol.map = map.getValue();
  for (Attribute part : parts.getValue().drop_front()) {
    auto name = dyn_cast<StringAttr>(part);
    if (!name)
      return function.emitOpError("expected a name in the range of index '")
             << symbol.name << "', but found " << part;
    const auto *input =
        llvm::find_if(signature.inputs, [&](const TensorSignature &tensor) {
          return tensor.isScalar && tensor.elementType.isInteger() &&
                 tensor.name == name.getValue();
        });
    if (input != signature.inputs.end())
      symbol.terms.push_back({true, input - signature.inputs.begin()});
    else
      symbol.terms.push_back({false, signature.getOrAddSymbol(name)});
  }
  return success();
}

} // namespace

FailureOr<EntrySignature>
fovea::attn::readSignature(func::FuncOp entry, const ProgramParams &params) {
  return SignatureReader(entry, params).read();
}
