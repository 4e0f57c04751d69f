//===- AttnAssembly.cpp - syntax of attn.attention and attn.online -===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Both ops print as a list of clauses in which accesses and dimensions go by
// the domain's names:
//
//   domain(b parallel %B, j key %N from %j0, d contraction 64)
//   symbols(%past)
//   lookup(%p = %page[b, j floordiv 16] : tensor<?x?xi32>) { ... }
//   contraction over(d) (%x = %q[b, i, d] : ..., %y = %k[l0, d] : ...) { ... }
//   score(%s : f32, ...) { ... } mask(...) { ... } value(...) { ... }
//   epilogue(...) { ... } normalizer(#attn.softmax) outs(output %init[b, i, e]
//   : ...)
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace fovea::attn;

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

namespace {
/// Prints affine expressions with the names of dimensions and lookups.
class ExprPrinter {
public:
  ExprPrinter(AsmPrinter &printer, ArrayRef<StringAttr> names)
      : printer(printer), names(names) {}

  /// Binding strength: 0 for sums, 1 for products.
  void print(AffineExpr expr, int strength = 0) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      printer << constant.getValue();
      return;
    }
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      if (dim.getPosition() < names.size())
        printer << names[dim.getPosition()].getValue();
      else
        printer << 'l' << dim.getPosition() - names.size();
      return;
    }
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
      printer << 's' << symbol.getPosition();
      return;
    }
    auto binary = cast<AffineBinaryOpExpr>(expr);
    bool isSum = binary.getKind() == AffineExprKind::Add;
    bool parens = isSum && strength > 0;
    if (parens)
      printer << '(';
    printOperands(binary, isSum ? 0 : 1);
    if (parens)
      printer << ')';
  }

private:
  void printOperands(AffineBinaryOpExpr expr, int strength) {
    AffineExpr rhs = expr.getRHS();
    if (expr.getKind() == AffineExprKind::Add) {
      print(expr.getLHS(), 0);
      auto constant = dyn_cast<AffineConstantExpr>(rhs);
      auto product = dyn_cast<AffineBinaryOpExpr>(rhs);
      auto factor = product && product.getKind() == AffineExprKind::Mul
                        ? dyn_cast<AffineConstantExpr>(product.getRHS())
                        : AffineConstantExpr();
      if (constant && constant.getValue() < 0) {
        printer << " - " << -constant.getValue();
      } else if (factor && factor.getValue() == -1) {
        printer << " - ";
        print(product.getLHS(), 1);
      } else {
        printer << " + ";
        print(rhs, 0);
      }
      return;
    }
    // Nested floordiv and mod keep their own parentheses: `*` and they bind
    // alike.
    auto operand = [&](AffineExpr e) {
      bool nested = isa<AffineBinaryOpExpr>(e);
      if (nested)
        printer << '(';
      print(e, 0);
      if (nested)
        printer << ')';
    };
    operand(expr.getLHS());
    switch (expr.getKind()) {
    case AffineExprKind::Mul:
      printer << " * ";
      break;
    case AffineExprKind::Mod:
      printer << " mod ";
      break;
    case AffineExprKind::FloorDiv:
      printer << " floordiv ";
      break;
    default:
      printer << " ceildiv ";
      break;
    }
    operand(rhs);
  }

  AsmPrinter &printer;
  ArrayRef<StringAttr> names;
};
} // namespace

static void printOperand(OpAsmPrinter &printer, AttentionOpInterface op,
                         Value operand, AffineMap access) {
  ExprPrinter exprs(printer, op.getDomain().getNames());
  printer << operand << '[';
  llvm::interleaveComma(access.getResults(), printer,
                        [&](AffineExpr expr) { exprs.print(expr); });
  printer << "] : " << operand.getType();
}

/// `(%s : f32, %x = %q[b, i] : ...) { ... }`
static void printPart(OpAsmPrinter &printer, AttentionOpInterface op,
                      Region &region) {
  printer << '(';
  OperandRange inputs = op.getInputsOf(region);
  SmallVector<AffineMap> accesses = op.getAccessesOf(region);
  unsigned leading = op.getNumLeadingArguments(region);
  llvm::interleaveComma(
      llvm::enumerate(region.getArguments()), printer, [&](auto pair) {
        auto [k, arg] = pair;
        printer.printRegionArgument(arg, {}, /*omitType=*/k >= leading);
        if (k < leading)
          return;
        printer << " = ";
        printOperand(printer, op, inputs[k - leading], accesses[k - leading]);
      });
  printer << ") ";
  printer.printRegion(region, /*printEntryBlockArgs=*/false);
}

static void printSize(OpAsmPrinter &printer, OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size))
    printer << value;
  else
    printer << cast<IntegerAttr>(cast<Attribute>(size)).getInt();
}

static void printAttention(OpAsmPrinter &printer, AttentionOpInterface op,
                           ArrayAttr resultKinds) {
  DomainAttr domain = op.getDomain();
  SmallVector<OpFoldResult> bounds = op.getMixedBounds();
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets();
  printer.increaseIndent();
  printer.increaseIndent();
  printer.printNewline();
  printer << "domain(";
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
    if (dim)
      printer << ", ";
    printer.printKeywordOrString(domain.getNames()[dim].getValue());
    printer << ' ' << stringifyDimKind(domain.getKinds()[dim]) << ' ';
    printSize(printer, bounds[dim]);
    if (domain.getOffsets()[dim] != 0) {
      printer << " from ";
      printSize(printer, offsets[dim]);
    }
  }
  printer << ')';
  if (!op.getSymbols().empty()) {
    printer.printNewline();
    printer << "symbols(" << op.getSymbols() << ')';
  }
  for (unsigned k = 0; k < op.getNumLookups(); ++k) {
    printer.printNewline();
    printer << "lookup";
    printPart(printer, op, op.getLookup(k));
  }
  for (unsigned k = 0; k < op.getNumContractions(); ++k) {
    printer.printNewline();
    printer << "contraction over(";
    llvm::interleaveComma(
        op.getDimsOfContraction(k), printer, [&](int64_t dim) {
          printer.printKeywordOrString(domain.getNames()[dim].getValue());
        });
    printer << ") ";
    printPart(printer, op, op.getContraction(k));
  }
  auto printNamed = [&](StringRef name, Region &region) {
    if (region.empty())
      return;
    printer.printNewline();
    printer << name;
    printPart(printer, op, region);
  };
  printNamed("score", op.getScore());
  printNamed("mask", op.getMask());
  printNamed("value", op.getValue());
  if (Region *epilogue = op.getEpilogueOrNull())
    printNamed("epilogue", *epilogue);
  printer.printNewline();
  printer << "normalizer(" << op.getNormalizer() << ')';
  printer.printNewline();
  printer << "outs(";
  for (auto [k, out] : llvm::enumerate(op.getOuts())) {
    if (k)
      printer << ", ";
    if (resultKinds)
      printer << stringifyResultKind(
                     cast<ResultKindAttr>(resultKinds[k]).getValue())
              << ' ';
    printOperand(printer, op, out, op.getOutAccess(k));
  }
  printer << ')';
  printer.decreaseIndent();
  printer.decreaseIndent();
  printer.printOptionalAttrDict(op->getAttrs(),
                                {"domain", "inputSegments", "accesses",
                                 "contractionDims", "numLookups", "normalizer",
                                 "resultKinds", "operandSegmentSizes"});
}

void AttentionOp::print(OpAsmPrinter &printer) {
  printAttention(printer, cast<AttentionOpInterface>(getOperation()),
                 getResultKinds());
}

void OnlineOp::print(OpAsmPrinter &printer) {
  printAttention(printer, cast<AttentionOpInterface>(getOperation()), {});
}

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

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

  SmallVector<UnresolvedOperand> inputs, outs;
  SmallVector<Type> inputTypes, outTypes;
  SmallVector<AffineMap> accesses, outAccesses;
  SmallVector<Attribute> contractionDims, resultKinds;
  SmallVector<int32_t> innerSegments;
  SmallVector<std::unique_ptr<Region>> inner;
  std::unique_ptr<Region> score, mask, value, epilogue;
  /// Operands of score, mask, value and epilogue.
  int32_t segments[4] = {0, 0, 0, 0};
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
      {"epilogue", &epilogue}};
  for (auto [k, part] : llvm::enumerate(parts)) {
    *part.second = std::make_unique<Region>();
    if (k == 3 && !isWhole)
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
      resolve(inputs, inputTypes) || resolve(outs, outTypes))
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
    inputSegments.push_back(segments[3]);
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
  result.addAttribute(
      "operandSegmentSizes",
      builder.getDenseI32ArrayAttr({size(boundOperands), size(offsetOperands),
                                    size(symbols), size(inputs), size(outs)}));
  if (isWhole)
    result.addAttribute("resultKinds", builder.getArrayAttr(resultKinds));

  result.addRegion(std::move(score));
  result.addRegion(std::move(mask));
  result.addRegion(std::move(value));
  if (isWhole)
    result.addRegion(std::move(epilogue));
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
