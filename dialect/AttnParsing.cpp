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
  SmallVector<Attribute> contractionDims, resultKinds;
  SmallVector<int32_t> innerSegments;
  SmallVector<std::unique_ptr<Region>> inner;
  std::unique_ptr<Region> score, mask, value, epilogue, sink;
  /// Operands of score, mask, value, epilogue and sink.
  int32_t segments[5] = {0, 0, 0, 0, 0};
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

ParseResult AttentionParser::parseOuts() {
  if (parser.parseKeyword("outs"))
    return failure();
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        if (isWhole) {
          StringRef text;
          SMLoc loc = parser.getCurrentLocation();
          if (parser.parseKeyword(&text))
            return failure();
          std::optional<ResultKind> kind = symbolizeResultKind(text);
          if (!kind)
            return parser.emitError(loc) << "expected 'output', 'logsumexp' or "
                                            "'weights', but found '"
                                         << text << "'";
          resultKinds.push_back(
              ResultKindAttr::get(parser.getContext(), *kind));
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
    innerSegments.push_back(inputs.size() - before);
    ++numLookups;
  }
  while (succeeded(parser.parseOptionalKeyword("contraction"))) {
    size_t before = inputs.size();
    SmallVector<int64_t> dims;
    if (parser.parseKeyword("over") || parseDimNames(dims) ||
        parsePart(*inner.emplace_back(std::make_unique<Region>())))
      return failure();
    contractionDims.push_back(builder.getDenseI64ArrayAttr(dims));
    innerSegments.push_back(inputs.size() - before);
  }

  std::pair<StringRef, std::unique_ptr<Region> *> parts[] = {
      {"score", &score},
      {"mask", &mask},
      {"value", &value},
      {"epilogue", &epilogue},
      {"sink", &sink}};
  for (auto [k, part] : llvm::enumerate(parts)) {
    *part.second = std::make_unique<Region>();
    if (k >= 3 && !isWhole)
      break;
    if (failed(parser.parseOptionalKeyword(part.first)))
      continue;
    size_t before = inputs.size();
    if (parsePart(**part.second))
      return failure();
    segments[k] = inputs.size() - before;
  }

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

  SmallVector<int32_t> inputSegments = innerSegments;
  inputSegments.append({segments[0], segments[1], segments[2]});
  if (isWhole)
    inputSegments.append({segments[3], segments[4]});
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

  result.addRegion(std::move(score));
  result.addRegion(std::move(mask));
  result.addRegion(std::move(value));
  if (isWhole) {
    result.addRegion(std::move(epilogue));
    result.addRegion(std::move(sink));
  }
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
