//===- AttnParsing.cpp - parser of attn.attention and attn.online --===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The clauses are those that AttnPrinting.cpp lists, in that order.
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

namespace {
using UnresolvedOperand = OpAsmParser::UnresolvedOperand;

class AttentionParser {
public:
  AttentionParser(OpAsmParser &parser, OperationState &result, bool isWhole)
      : parser(parser), result(result), isWhole(isWhole) {}

  ParseResult parse();

private:
  ParseResult parseSize(int64_t &size,
                        SmallVectorImpl<UnresolvedOperand> &operands);
  ParseResult parseDomain();
  ParseResult parseAccess(AffineMap &access);
  ParseResult parsePart(Region &region);
  ParseResult parseNamed(StringRef name, std::unique_ptr<Region> &region,
                         int32_t &segment);
  ParseResult parseValues();
  ParseResult parseEpilogues();
  FailureOr<ResultKindAttr> parseResultKind();
  ParseResult parseOuts();
  ParseResult parseDimNames(SmallVectorImpl<int64_t> &dims);
  ParseResult resolve(ArrayRef<UnresolvedOperand> operands,
                      ArrayRef<Type> types);
  ParseResult finish();

  OpAsmParser &parser;
  OperationState &result;
  bool isWhole;

  SMLoc domainLoc;
  SmallVector<StringAttr> names;
  SmallVector<DimKind> kinds;
  SmallVector<int64_t> bounds, offsets;
  SmallVector<UnresolvedOperand> boundOperands, offsetOperands, symbols;
  unsigned numLookups = 0;

  SmallVector<UnresolvedOperand> inputs, visit, outs;
  SmallVector<Type> inputTypes, outTypes;
  SmallVector<AffineMap> accesses, outAccesses;
  SmallVector<Attribute> contractionDims, valueDims, resultKinds, statistics;
  /// Operands of each region of `inner` before score and mask, and after.
  SmallVector<int32_t> firstSegments, lastSegments;
  SmallVector<std::unique_ptr<Region>> inner;
  std::unique_ptr<Region> score, mask, sink;
  int32_t scoreSegment = 0, maskSegment = 0, sinkSegment = 0;
  /// An output's number, epilogue, and operands.
  struct Epilogue {
    SMLoc loc;
    int64_t number;
    std::unique_ptr<Region> region;
    int32_t segment;
  };
  SmallVector<Epilogue> epilogues;
};
} // namespace

ParseResult
AttentionParser::parseSize(int64_t &size,
                           SmallVectorImpl<UnresolvedOperand> &operands) {
  OptionalParseResult constant = parser.parseOptionalInteger(size);
  if (constant.has_value())
    return *constant;
  size = ShapedType::kDynamic;
  return parser.parseOperand(operands.emplace_back());
}

ParseResult AttentionParser::parseDomain() {
  domainLoc = parser.getCurrentLocation();
  if (parser.parseKeyword("domain"))
    return failure();
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        std::string name;
        StringRef kindText;
        SMLoc kindLoc;
        if (parser.parseKeywordOrString(&name) ||
            parser.getCurrentLocation(&kindLoc) ||
            parser.parseKeyword(&kindText))
          return failure();
        std::optional<DimKind> kind = symbolizeDimKind(kindText);
        if (!kind)
          return parser.emitError(kindLoc)
                 << "expected 'parallel', 'key', 'contraction' or 'value', "
                    "but found '"
                 << kindText << "'";
        names.push_back(parser.getBuilder().getStringAttr(name));
        kinds.push_back(*kind);
        if (parseSize(bounds.emplace_back(), boundOperands))
          return failure();
        offsets.push_back(0);
        if (succeeded(parser.parseOptionalKeyword("from")))
          return parseSize(offsets.back(), offsetOperands);
        return success();
      });
}

ParseResult AttentionParser::parseAccess(AffineMap &access) {
  MLIRContext *context = parser.getContext();
  SmallVector<std::string> texts;
  SmallVector<AffineExpr> exprs;
  for (auto [k, name] : llvm::enumerate(names)) {
    texts.push_back(name.str());
    exprs.push_back(getAffineDimExpr(k, context));
  }
  for (unsigned k = 0; k < numLookups; ++k) {
    texts.push_back("l" + std::to_string(k));
    exprs.push_back(getAffineDimExpr(names.size() + k, context));
  }
  for (unsigned k = 0; k < symbols.size(); ++k) {
    texts.push_back("s" + std::to_string(k));
    exprs.push_back(getAffineSymbolExpr(k, context));
  }
  SmallVector<std::pair<StringRef, AffineExpr>> known;
  for (auto [text, expr] : llvm::zip(texts, exprs))
    known.emplace_back(text, expr);

  SmallVector<AffineExpr> results;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        return parser.parseAffineExpr(known, results.emplace_back());
      }))
    return failure();
  // The number of lookups is fixed at the end, when all are known.
  access = AffineMap::get(names.size(), symbols.size(), results, context);
  return success();
}

ParseResult AttentionParser::parsePart(Region &region) {
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren, [&]() -> ParseResult {
            OpAsmParser::Argument &argument = arguments.emplace_back();
            if (parser.parseArgument(argument))
              return failure();
            if (failed(parser.parseOptionalEqual()))
              return parser.parseColonType(argument.type);
            AffineMap access;
            Type type;
            if (parser.parseOperand(inputs.emplace_back()) ||
                parseAccess(access) || parser.parseColonType(type))
              return failure();
            inputTypes.push_back(type);
            accesses.push_back(access);
            argument.type = getElementTypeOrSelf(type);
            return success();
          }))
    return failure();
  return parser.parseRegion(region, arguments);
}

/// A clause that may be absent.
ParseResult AttentionParser::parseNamed(StringRef name,
                                        std::unique_ptr<Region> &region,
                                        int32_t &segment) {
  region = std::make_unique<Region>();
  if (failed(parser.parseOptionalKeyword(name)))
    return success();
  size_t before = inputs.size();
  if (parsePart(*region))
    return failure();
  segment = inputs.size() - before;
  return success();
}

ParseResult AttentionParser::parseValues() {
  while (succeeded(parser.parseOptionalKeyword("value"))) {
    size_t before = inputs.size();
    SmallVector<int64_t> dims;
    Region &region = *inner.emplace_back(std::make_unique<Region>());
    if (failed(parser.parseOptionalKeyword("logweight"))) {
      if (succeeded(parser.parseOptionalKeyword("over"))) {
        if (parseDimNames(dims))
          return failure();
      } else {
        for (auto [dim, kind] : llvm::enumerate(kinds))
          if (kind == DimKind::value)
            dims.push_back(dim);
      }
      if (parsePart(region))
        return failure();
    }
    valueDims.push_back(parser.getBuilder().getDenseI64ArrayAttr(dims));
    lastSegments.push_back(inputs.size() - before);
  }
  return success();
}

ParseResult AttentionParser::parseEpilogues() {
  SMLoc loc = parser.getCurrentLocation();
  while (succeeded(parser.parseOptionalKeyword("epilogue"))) {
    size_t before = inputs.size();
    Epilogue &epilogue = epilogues.emplace_back();
    epilogue.loc = loc;
    OptionalParseResult number = parser.parseOptionalInteger(epilogue.number);
    if (!number.has_value())
      epilogue.number = 0;
    else if (failed(*number))
      return failure();
    epilogue.region = std::make_unique<Region>();
    if (parsePart(*epilogue.region))
      return failure();
    epilogue.segment = inputs.size() - before;
    if (epilogues.size() > 1 &&
        epilogue.number <= epilogues[epilogues.size() - 2].number)
      return parser.emitError(loc)
             << "expected epilogues by ascending number of the output, but "
                "found "
             << epilogue.number;
    loc = parser.getCurrentLocation();
  }
  return success();
}

FailureOr<ResultKindAttr> AttentionParser::parseResultKind() {
  StringRef text;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&text))
    return failure();
  std::optional<ResultKind> kind = symbolizeResultKind(text);
  if (!kind) {
    parser.emitError(loc) << "expected 'output', 'logsumexp', 'weights', 'max' "
                             "or 'argmax', but found '"
                          << text << "'";
    return failure();
  }
  return ResultKindAttr::get(parser.getContext(), *kind);
}

ParseResult AttentionParser::parseOuts() {
  if (parser.parseKeyword("outs"))
    return failure();
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        if (isWhole) {
          FailureOr<ResultKindAttr> kind = parseResultKind();
          if (failed(kind))
            return failure();
          resultKinds.push_back(*kind);
        }
        return failure(parser.parseOperand(outs.emplace_back()) ||
                       parseAccess(outAccesses.emplace_back()) ||
                       parser.parseColonType(outTypes.emplace_back()));
      });
}

ParseResult AttentionParser::parseDimNames(SmallVectorImpl<int64_t> &dims) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        std::string name;
        SMLoc loc = parser.getCurrentLocation();
        if (parser.parseKeywordOrString(&name))
          return failure();
        auto it = llvm::find(names, parser.getBuilder().getStringAttr(name));
        if (it == names.end())
          return parser.emitError(loc)
                 << "the domain has no dimension named '" << name << "'";
        dims.push_back(it - names.begin());
        return success();
      });
}

ParseResult AttentionParser::parse() {
  Builder &builder = parser.getBuilder();
  if (parseDomain())
    return failure();
  if (succeeded(parser.parseOptionalKeyword("symbols")) &&
      parser.parseOperandList(symbols, AsmParser::Delimiter::Paren))
    return failure();

  while (succeeded(parser.parseOptionalKeyword("lookup"))) {
    size_t before = inputs.size();
    if (parsePart(*inner.emplace_back(std::make_unique<Region>())))
      return failure();
    firstSegments.push_back(inputs.size() - before);
    ++numLookups;
  }
  while (succeeded(parser.parseOptionalKeyword("contraction"))) {
    size_t before = inputs.size();
    SmallVector<int64_t> dims;
    if (parser.parseKeyword("over") || parseDimNames(dims) ||
        parsePart(*inner.emplace_back(std::make_unique<Region>())))
      return failure();
    contractionDims.push_back(builder.getDenseI64ArrayAttr(dims));
    firstSegments.push_back(inputs.size() - before);
  }
  if (parseNamed("score", score, scoreSegment) ||
      parseNamed("mask", mask, maskSegment) || parseValues())
    return failure();
  if (isWhole && (parseEpilogues() || parseNamed("sink", sink, sinkSegment)))
    return failure();

  NormalizerAttrInterface normalizer;
  SMLoc loc;
  Attribute attr;
  if (parser.parseKeyword("normalizer") || parser.parseLParen() ||
      parser.getCurrentLocation(&loc) || parser.parseAttribute(attr) ||
      parser.parseRParen())
    return failure();
  normalizer = dyn_cast<NormalizerAttrInterface>(attr);
  if (!normalizer)
    return parser.emitError(loc) << "expected a normalizer, but found " << attr;
  result.addAttribute("normalizer", normalizer);
  if (!isWhole && succeeded(parser.parseOptionalKeyword("statistics")) &&
      parser.parseCommaSeparatedList(
          AsmParser::Delimiter::Paren, [&]() -> ParseResult {
            FailureOr<ResultKindAttr> kind = parseResultKind();
            if (failed(kind))
              return failure();
            statistics.push_back(*kind);
            return success();
          }))
    return failure();
  if (!isWhole && succeeded(parser.parseOptionalKeyword("visit")) &&
      parser.parseOperandList(visit, AsmParser::Delimiter::Paren))
    return failure();
  if (parseOuts() || parser.parseOptionalAttrDict(result.attributes))
    return failure();
  return finish();
}

ParseResult AttentionParser::resolve(ArrayRef<UnresolvedOperand> operands,
                                     ArrayRef<Type> types) {
  return parser.resolveOperands(operands, types, parser.getNameLoc(),
                                result.operands);
}

ParseResult AttentionParser::finish() {
  Builder &builder = parser.getBuilder();
  Type index = builder.getIndexType();
  auto indices = [&](size_t n) { return SmallVector<Type>(n, index); };
  if (resolve(boundOperands, indices(boundOperands.size())) ||
      resolve(offsetOperands, indices(offsetOperands.size())) ||
      resolve(symbols, indices(symbols.size())) ||
      resolve(inputs, inputTypes) || resolve(visit, indices(visit.size())) ||
      resolve(outs, outTypes))
    return failure();

  // Every access is over the domain and all the lookups.
  SmallVector<AffineMap> all = accesses;
  llvm::append_range(all, outAccesses);
  for (AffineMap &map : all)
    map = AffineMap::get(names.size() + numLookups, symbols.size(),
                         map.getResults(), parser.getContext());

  // An output without an epilogue has an empty region.
  int64_t outputs = llvm::count_if(resultKinds, [](Attribute kind) {
    return cast<ResultKindAttr>(kind).getValue() == ResultKind::output;
  });
  for (int64_t k = 0, next = 0; k < outputs; ++k) {
    bool exists = next < static_cast<int64_t>(epilogues.size()) &&
                  epilogues[next].number == k;
    lastSegments.push_back(exists ? epilogues[next].segment : 0);
    inner.push_back(exists ? std::move(epilogues[next++].region)
                           : std::make_unique<Region>());
  }
  for (Epilogue &epilogue : epilogues)
    if (epilogue.number < 0 || epilogue.number >= outputs)
      return parser.emitError(epilogue.loc)
             << "expected the epilogue of one of " << outputs
             << " outputs, but found " << epilogue.number;
  SmallVector<int32_t> inputSegments = firstSegments;
  inputSegments.append({scoreSegment, maskSegment});
  llvm::append_range(inputSegments, lastSegments);
  if (isWhole)
    inputSegments.push_back(sinkSegment);
  auto size = [](auto &range) { return static_cast<int32_t>(range.size()); };
  auto domain = DomainAttr::getChecked(
      [&] { return parser.emitError(domainLoc); }, parser.getContext(),
      ArrayRef(names), ArrayRef(kinds), ArrayRef(bounds), ArrayRef(offsets));
  if (!domain)
    return failure();
  result.addAttribute("domain", domain);
  result.addAttribute("inputSegments",
                      builder.getDenseI32ArrayAttr(inputSegments));
  result.addAttribute("accesses", builder.getAffineMapArrayAttr(all));
  result.addAttribute("contractionDims", builder.getArrayAttr(contractionDims));
  result.addAttribute("valueDims", builder.getArrayAttr(valueDims));
  result.addAttribute(
      "numLookups",
      IntegerAttr::get(builder.getIntegerType(32, /*isSigned=*/false),
                       numLookups));
  SmallVector<int32_t> operandSegments = {
      size(boundOperands), size(offsetOperands), size(symbols), size(inputs)};
  if (!isWhole)
    operandSegments.push_back(size(visit));
  operandSegments.push_back(size(outs));
  result.addAttribute("operandSegmentSizes",
                      builder.getDenseI32ArrayAttr(operandSegments));
  if (isWhole)
    result.addAttribute("resultKinds", builder.getArrayAttr(resultKinds));
  else if (!statistics.empty())
    result.addAttribute("statistics", builder.getArrayAttr(statistics));

  result.addRegion(std::move(score));
  result.addRegion(std::move(mask));
  if (isWhole)
    result.addRegion(std::move(sink));
  for (std::unique_ptr<Region> &region : inner)
    result.addRegion(std::move(region));
  for (Type type : outTypes)
    if (isa<TensorType>(type))
      result.addTypes(type);
  return success();
}

ParseResult AttentionOp::parse(OpAsmParser &parser, OperationState &result) {
  return AttentionParser(parser, result, /*isWhole=*/true).parse();
}

ParseResult OnlineOp::parse(OpAsmParser &parser, OperationState &result) {
  return AttentionParser(parser, result, /*isWhole=*/false).parse();
}
