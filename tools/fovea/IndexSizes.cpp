//===- IndexSizes.cpp - Sizes of named indices, for a run -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/IndexSizes.h"

#include "tools/fovea/Entry.h"

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"

using namespace fovea;
using namespace fovea::attn;
using namespace fovea::tool;

llvm::Error IndexSizes::set(int64_t symbol, int64_t size) {
  std::optional<int64_t> &value = values[symbol];
  if (value && *value != size)
    return llvm::createStringError(
        "expected index '" + entry.symbols[symbol].name + "' of size " +
        llvm::Twine(*value) + ", but found " + llvm::Twine(size));
  value = size;
  return llvm::Error::success();
}

std::optional<int64_t> IndexSizes::product(const DimFactors &factors) const {
  int64_t size = 1;
  for (int64_t factor : factors) {
    std::optional<int64_t> part = factor >= 0 ? factor : values[~factor];
    if (!part || llvm::MulOverflow(size, *part, size))
      return std::nullopt;
  }
  return size;
}

llvm::Expected<std::vector<int64_t>>
IndexSizes::shapeOf(const TensorSignature &tensor) const {
  std::vector<int64_t> shape;
  for (const DimFactors &factors : tensor.dims) {
    if (std::optional<int64_t> size = product(factors)) {
      shape.push_back(*size);
      continue;
    }
    for (int64_t factor : factors)
      if (factor < 0 && !values[~factor])
        return llvm::createStringError("expected --size " + missingOptions() +
                                       ", which nothing gives, to draw '" +
                                       tensor.name + "'");
    return llvm::createStringError("expected sizes that can be counted in '" +
                                   tensor.name + "'");
  }
  return shape;
}

/// The sizes that only the command line can give: `b=N,i=N`.
std::string IndexSizes::missingOptions() const {
  std::vector<std::string> options;
  for (auto [symbol, value] : llvm::zip_equal(entry.symbols, values))
    if (!value && symbol.kind == IndexSymbol::Kind::Solved)
      options.push_back(symbol.name + "=N");
  return llvm::join(options, ",");
}

int64_t IndexSizes::smallest() const {
  std::optional<int64_t> result;
  for (std::optional<int64_t> value : values)
    if (value && *value > 1)
      result = std::min(result.value_or(*value), *value);
  return result.value_or(1);
}

int64_t IndexSizes::largest() const {
  int64_t result = 1;
  for (std::optional<int64_t> value : values)
    result = std::max(result, value.value_or(1));
  return result;
}

/// Solves the one factor that is unknown in a dimension of `size`, if it
/// divides; true if something was learnt.
static llvm::Expected<bool> solveDim(IndexSizes &sizes,
                                     const DimFactors &factors, int64_t size) {
  DimFactors others;
  std::optional<int64_t> unknown;
  for (int64_t factor : factors) {
    if (factor >= 0 || sizes.get(~factor))
      others.push_back(factor);
    else if (unknown)
      return false;
    else
      unknown = ~factor;
  }
  std::optional<int64_t> rest = sizes.product(others);
  if (!unknown || !rest || *rest == 0 || size % *rest != 0)
    return false;
  if (llvm::Error error = sizes.set(*unknown, size / *rest))
    return error;
  return true;
}

/// Evaluates the range of a computed symbol from what is known.
static std::optional<int64_t>
computeRange(const IndexSymbol &symbol, const IndexSizes &sizes,
             llvm::ArrayRef<std::optional<HostTensor>> given) {
  llvm::SmallVector<mlir::Attribute> operands;
  mlir::Builder builder(symbol.map.getContext());
  for (const IndexSymbol::Term &term : symbol.terms) {
    std::optional<int64_t> value;
    if (!term.isInput)
      value = sizes.get(term.number);
    else if (given[term.number] && given[term.number]->count() == 1)
      value = given[term.number]->integers().front();
    if (!value)
      return std::nullopt;
    operands.push_back(builder.getIndexAttr(*value));
  }
  llvm::SmallVector<mlir::Attribute> results;
  if (failed(symbol.map.constantFold(operands, results)))
    return std::nullopt;
  return cast<mlir::IntegerAttr>(results.front()).getInt();
}

/// An error if the shape of `value` contradicts sizes that are known.
static llvm::Error checkShape(const EntrySignature &entry,
                              const TensorSignature &tensor,
                              const HostTensor &value,
                              const IndexSizes &sizes) {
  if (value.shape().size() != tensor.dims.size())
    return llvm::createStringError(
        "expected " + llvm::Twine(tensor.dims.size()) + " dimensions in '" +
        tensor.name + "', but found " + llvm::Twine(value.shape().size()));
  for (auto [dim, factors] : llvm::enumerate(tensor.dims)) {
    int64_t found = value.shape()[dim];
    std::string names =
        llvm::join(llvm::map_range(factors,
                                   [&](int64_t factor) {
                                     return factor >= 0
                                                ? std::to_string(factor)
                                                : entry.symbols[~factor].name;
                                   }),
                   ", ");
    auto contradiction = [&](const llvm::Twine &expected) {
      return llvm::createStringError("expected " + expected + " of dimension " +
                                     llvm::Twine(dim) + " (" + names +
                                     ") of '" + tensor.name + "', but found " +
                                     llvm::Twine(found));
    };
    if (std::optional<int64_t> size = sizes.product(factors)) {
      if (*size != found)
        return contradiction("size " + llvm::Twine(*size));
      continue;
    }
    DimFactors known;
    llvm::copy_if(factors, std::back_inserter(known), [&](int64_t factor) {
      return factor >= 0 || sizes.get(~factor);
    });
    std::optional<int64_t> part = sizes.product(known);
    if (part && *part > 0 && found % *part != 0)
      return contradiction("a multiple of " + llvm::Twine(*part) +
                           " as the size");
  }
  return llvm::Error::success();
}

llvm::Expected<IndexSizes>
tool::solveIndexSizes(const EntrySignature &entry,
                      llvm::ArrayRef<std::optional<HostTensor>> given,
                      const llvm::StringMap<int64_t> &requested) {
  IndexSizes sizes(entry);
  for (auto [number, symbol] : llvm::enumerate(entry.symbols))
    if (symbol.kind == IndexSymbol::Kind::Fixed)
      if (llvm::Error error = sizes.set(number, symbol.size))
        return error;
  for (const auto &request : requested) {
    std::optional<int64_t> number = entry.findSymbol(request.getKey());
    if (!number)
      return llvm::createStringError(
          "expected --size with an index of '" + entry.name + "' (" +
          nameList(entry.symbols) + "), but found '" + request.getKey() + "'");
    if (llvm::Error error = sizes.set(*number, request.second))
      return error;
  }
  // Until nothing more is learnt; each round learns a symbol.
  for (bool learnt = true; learnt;) {
    learnt = false;
    for (auto [tensor, value] : llvm::zip_equal(entry.inputs, given)) {
      if (!value || value->shape().size() != tensor.dims.size())
        continue;
      for (auto [factors, size] :
           llvm::zip_equal(tensor.dims, value->shape())) {
        llvm::Expected<bool> solved = solveDim(sizes, factors, size);
        if (!solved)
          return solved.takeError();
        learnt |= *solved;
      }
    }
    for (auto [number, symbol] : llvm::enumerate(entry.symbols)) {
      if (symbol.kind != IndexSymbol::Kind::Computed || sizes.get(number))
        continue;
      if (std::optional<int64_t> size = computeRange(symbol, sizes, given)) {
        if (llvm::Error error = sizes.set(number, *size))
          return error;
        learnt = true;
      }
    }
  }
  for (auto [tensor, value] : llvm::zip_equal(entry.inputs, given))
    if (value)
      if (llvm::Error error = checkShape(entry, tensor, *value, sizes))
        return error;
  return sizes;
}
