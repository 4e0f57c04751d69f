//===- AttnAttrs.cpp - attributes: syntax and verification -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fovea::attn;

#define GET_ATTRDEF_CLASSES
#include "dialect/AttnAttrs.cpp.inc"

void AttnDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/AttnAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// DomainAttr
//===----------------------------------------------------------------------===//

SmallVector<unsigned> DomainAttr::getDims(DimKind kind) const {
  SmallVector<unsigned> dims;
  for (auto [dim, k] : llvm::enumerate(getKinds()))
    if (k == kind)
      dims.push_back(dim);
  return dims;
}

/// Prints a static value, or `?` for one that is an operand.
static void printSize(AsmPrinter &printer, int64_t size) {
  if (ShapedType::isDynamic(size))
    printer << '?';
  else
    printer << size;
}

static ParseResult parseSize(AsmParser &parser, int64_t &size) {
  if (succeeded(parser.parseOptionalQuestion())) {
    size = ShapedType::kDynamic;
    return success();
  }
  return parser.parseInteger(size);
}

void DomainAttr::print(AsmPrinter &printer) const {
  printer << '<';
  for (unsigned dim = 0, e = getNumDims(); dim < e; ++dim) {
    if (dim)
      printer << ", ";
    printer.printKeywordOrString(getNames()[dim].getValue());
    printer << ' ' << stringifyDimKind(getKinds()[dim]) << ' ';
    printSize(printer, getBounds()[dim]);
    if (getOffsets()[dim] != 0) {
      printer << " from ";
      printSize(printer, getOffsets()[dim]);
    }
  }
  printer << '>';
}

Attribute DomainAttr::parse(AsmParser &parser, Type) {
  SmallVector<StringAttr> names;
  SmallVector<DimKind> kinds;
  SmallVector<int64_t> bounds, offsets;
  auto parseDim = [&]() -> ParseResult {
    std::string name;
    StringRef kindText;
    SMLoc kindLoc;
    if (parser.parseKeywordOrString(&name) ||
        parser.getCurrentLocation(&kindLoc) || parser.parseKeyword(&kindText))
      return failure();
    std::optional<DimKind> kind = symbolizeDimKind(kindText);
    if (!kind)
      return parser.emitError(kindLoc)
             << "expected 'parallel', 'key', 'contraction' or 'value', but "
                "found '"
             << kindText << "'";
    int64_t bound, offset = 0;
    if (parseSize(parser, bound))
      return failure();
    if (succeeded(parser.parseOptionalKeyword("from")) &&
        parseSize(parser, offset))
      return failure();
    names.push_back(StringAttr::get(parser.getContext(), name));
    kinds.push_back(*kind);
    bounds.push_back(bound);
    offsets.push_back(offset);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseDim))
    return {};
  return parser.getChecked<DomainAttr>(parser.getContext(), names, kinds,
                                       bounds, offsets);
}

LogicalResult DomainAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<StringAttr> names,
                                 ArrayRef<DimKind> kinds,
                                 ArrayRef<int64_t> bounds,
                                 ArrayRef<int64_t> offsets) {
  size_t rank = names.size();
  assert(kinds.size() == rank && bounds.size() == rank &&
         offsets.size() == rank && "a kind, bound and offset for each name");
  for (size_t dim = 0; dim < rank; ++dim) {
    if (!ShapedType::isDynamic(bounds[dim]) && bounds[dim] < 0)
      return emitError() << "domain dimension '" << names[dim].getValue()
                         << "' has the negative bound " << bounds[dim];
    if (llvm::is_contained(names.take_front(dim), names[dim]))
      return emitError() << "domain has two dimensions named '"
                         << names[dim].getValue() << "'";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// SegmentsAttr
//===----------------------------------------------------------------------===//

static void printIntervals(AsmPrinter &printer, ArrayRef<AffineMap> lower,
                           ArrayRef<AffineMap> upper) {
  printer << '[';
  llvm::interleaveComma(llvm::zip(lower, upper), printer, [&](auto bounds) {
    printer << AffineMapAttr::get(std::get<0>(bounds)) << " to "
            << AffineMapAttr::get(std::get<1>(bounds));
  });
  printer << ']';
}

static ParseResult parseIntervals(AsmParser &parser,
                                  SmallVectorImpl<AffineMap> &lower,
                                  SmallVectorImpl<AffineMap> &upper) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        AffineMapAttr from, to;
        if (parser.parseAttribute(from) || parser.parseKeyword("to") ||
            parser.parseAttribute(to))
          return failure();
        lower.push_back(from.getValue());
        upper.push_back(to.getValue());
        return success();
      });
}

void SegmentsAttr::print(AsmPrinter &printer) const {
  printer << "<key " << getKey() << ", visit ";
  printIntervals(printer, getVisitLower(), getVisitUpper());
  printer << ", masked ";
  printIntervals(printer, getMaskedLower(), getMaskedUpper());
  printer << '>';
}

Attribute SegmentsAttr::parse(AsmParser &parser, Type) {
  int64_t key;
  SmallVector<AffineMap> visitLower, visitUpper, maskedLower, maskedUpper;
  if (parser.parseLess() || parser.parseKeyword("key") ||
      parser.parseInteger(key) || parser.parseComma() ||
      parser.parseKeyword("visit") ||
      parseIntervals(parser, visitLower, visitUpper) || parser.parseComma() ||
      parser.parseKeyword("masked") ||
      parseIntervals(parser, maskedLower, maskedUpper) || parser.parseGreater())
    return {};
  return parser.getChecked<SegmentsAttr>(parser.getContext(), key, visitLower,
                                         visitUpper, maskedLower, maskedUpper);
}

LogicalResult SegmentsAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t key, ArrayRef<AffineMap> visitLower,
                                   ArrayRef<AffineMap> visitUpper,
                                   ArrayRef<AffineMap> maskedLower,
                                   ArrayRef<AffineMap> maskedUpper) {
  if (key < 0)
    return emitError() << "segments expect a key dimension, but found " << key;
  assert(visitLower.size() == visitUpper.size() &&
         maskedLower.size() == maskedUpper.size() &&
         "one upper bound for each lower bound");
  for (ArrayRef<AffineMap> maps :
       {visitLower, visitUpper, maskedLower, maskedUpper})
    for (AffineMap map : maps)
      if (map.getNumDims() != 0 || map.getNumResults() == 0)
        return emitError() << "segments expect bounds over symbols with at "
                              "least one result, but found "
                           << AffineMapAttr::get(map);
  return success();
}
